"""The test programs: what tests they have, which mutants each can meet, and whether one passes as a mutant."""

import os
import resource
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

EXPLORERS = ("interleave", "interleave_queue")


@dataclass
class Test:
    """One test of one program."""

    program: str  # its name in the report
    path: str
    name: str
    seconds: float = 0.0  # unmutated
    passes: bool = False
    reached: set = field(default_factory=set)  # numbers of mutants

    def __str__(self):
        return f"{self.program}: {self.name}"

    @property
    def is_explorer(self):
        return self.program in EXPLORERS


def list_tests(program, path, excluded=""):
    """`excluded` is a tag or pattern of Catch2 to leave out."""
    for options in (["--list-test-names-only"], ["--list-tests", "--verbosity", "quiet"]):  # Catch2 2, and 3
        command = [path, *options] + ([f"~{excluded}"] if excluded else [])
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.stdout.strip() and "rror" not in found.stderr:
            return [Test(program, path, line) for line in found.stdout.split("\n") if line.strip()]
    raise SystemExit(f"{path} does not list its tests")


def quiet():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(test, mutant=0, timeout=120.0, reached=None):
    """(whether it passed, seconds). A crash or a timeout is no pass."""
    environment = dict(os.environ, WINDLASS_MUTANT=str(mutant))
    if reached is not None:
        environment["WINDLASS_MUTANTS_REACHED"] = reached
    name = test.name.replace(",", "\\,").replace("[", "\\[")
    begun = time.monotonic()
    process = subprocess.Popen(  # pylint: disable=consider-using-with
        [test.path, name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
        start_new_session=True, preexec_fn=quiet,
    )  # fmt: skip
    try:
        passes = process.wait(timeout) == 0
    except subprocess.TimeoutExpired:
        passes = False
    try:
        os.killpg(process.pid, signal.SIGKILL)  # what it forked, too
    except ProcessLookupError:
        pass
    process.wait()
    return passes, time.monotonic() - begun


def try_unmutated(test, count):
    """Runs `test` as no mutant, and notes which of `count` mutants it meets."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(count + 1))
        file.flush()
        test.passes, test.seconds = run(test, reached=file.name)
        file.seek(0)
        test.reached = {number for number, byte in enumerate(file.read()) if byte}
    return test


def patience(test):
    return 10 * test.seconds + 5


def kills(test, mutant):
    """Whether `test` fails as `mutant`. What has threads of its own must do so twice, and pass in between as none:
    a test that fails now and then proves nothing."""
    if run(test, mutant, patience(test))[0]:
        return False
    if test.is_explorer:
        return True
    return run(test, 0, patience(test))[0] and not run(test, mutant, patience(test))[0]
