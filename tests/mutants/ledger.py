"""The two files that are kept: what killed each mutant the last time, and why some cannot be killed."""


def key_line(key):
    return " | ".join(key)


def to_key(line):
    return tuple(line.split(" | ", 4))


def read_kills(path):
    """{key: "program: test"}"""
    found = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if line and not line.startswith("#"):
            key, killer = line.rsplit(" <- ", 1)
            found[to_key(key)] = killer
    return found


def write_kills(path, kills):
    lines = ["# What killed each mutant when it was last tried, by tests/mutants/run --update. Tried first the next time."]
    lines += sorted(f"{key_line(key)} <- {killer}" for key, killer in kills.items())
    path.write_text("\n".join(lines) + "\n")


def read_arguments(path):
    """{key: text}. Lines with keys, then the indented argument for all of them; other lines are for the reader."""
    found, keys, text = {}, [], []
    for line in path.read_text().splitlines() + ["end"]:
        if line.startswith("    "):
            text.append(line.strip())
            continue
        if text:
            found.update({key: " ".join(text) for key in keys})
            keys, text = [], []
        if line.startswith("windlass/"):
            keys.append(to_key(line))
    return found
