"""Writes a copy of include/ that is every mutant at once: which one it is, is chosen when it runs (mutant schemata,
Untch, Offutt and Harrold, ISSTA 1993)."""

from dataclasses import dataclass
from pathlib import Path

import sites
from cpp import Code

SPACE = "::windlass_mutants::"


@dataclass
class Mutant:
    """One change at one site. `key` stays the same when lines around it come and go."""

    number: int
    site: sites.Site
    label: str
    key: tuple  # file, family, label, which of those that are alike, the line's code

    def __str__(self):
        return f"{self.site.file}:{self.site.line} {self.site.family}, {self.label}: {self.site.code}"


def read_sites(include):
    """[(code, its sites)] for every header, by name."""
    found = []
    for path in sorted(Path(include).rglob("*.hpp")):
        code = Code(str(path.relative_to(include)), path.read_text())
        found.append((code, sites.find(code)))
    return found


def number(found):
    """The mutants of all sites. Those of one site have numbers in a row, from 1."""
    mutants, alike = [], {}
    for _, in_file in found:
        for one in in_file:
            for label in one.mutants:
                what = (one.file, one.family, label, one.code)
                alike[what] = alike.get(what, 0) + 1
                key = (one.file, one.family, label, str(alike[what]), one.code)
                mutants.append(Mutant(len(mutants) + 1, one, label, key))
    return mutants


def edits_of(code, one, first):
    """What a site becomes: (where, text to put there) before it, and the same behind it; for a swap, which becomes the
    call of a function, (where, how much goes, text) instead."""
    start, end = code.starts[one.first], code.ends[one.last]
    before = after = ""
    if one.family == "order":
        for n, weaker in enumerate(one.data["weaker"]):
            before = f"{SPACE}order({first + n}, " + before
            after += f", ::std::memory_order_{weaker})"
    elif one.family == "swap":
        name = one.data["name"]
        masks = ", ".join(hex(mask) + "U" for mask in one.data["masks"])
        dot, opening = code.starts[name - 1], code.ends[name + 1]
        before = f"{SPACE}swap<{str(one.data['is_weak']).lower()}, {masks}>({first}, "
        return (start, before), (dot, opening - dot, ", ")
    elif one.family == "wake":
        before, after = f"({SPACE}is({first}) ? decltype({code.text[start:end]})() : ", ")"
    else:
        for n, value in enumerate(one.data["values"]):
            before += f"({SPACE}is({first + n}) ? {value} : "
            after += ")"
        before, after = before + "(", ")" + after
    return (start, before), (end, after)


def rewrite(code, in_file, numbers):
    """The text of a file with all its mutants. Sites come outermost first, so at one place the later edit is the inner
    one."""
    openings, closings, cuts = {}, {}, {}
    for one in in_file:
        if not one.mutants:
            continue
        opening, closing = edits_of(code, one, numbers[id(one)])
        openings[opening[0]] = openings.get(opening[0], "") + opening[1]
        if len(closing) == 3:
            cuts[closing[0]] = closing[1:]
        else:
            closings[closing[0]] = closing[1] + closings.get(closing[0], "")
    text, at = [], 0
    for place in sorted({*openings, *closings, *cuts}):
        text.append(code.text[at:place])
        at = place
        text.append(closings.get(place, "") + openings.get(place, ""))
        if place in cuts:
            length, instead = cuts[place]
            text.append(instead)
            at += length
    text.append(code.text[at:])
    return "".join(text).replace("#pragma once\n", "#pragma once\n\n#include <windlass_mutants.hpp>\n", 1)


def write_if_changed(path, text):
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_copy(found, mutants, root, copy):
    """A tree in `copy` that is built like `root`, with rewritten headers."""
    numbers = {}
    for mutant in mutants:
        numbers.setdefault(id(mutant.site), mutant.number)
    for code, in_file in found:
        write_if_changed(copy / "include" / code.name, rewrite(code, in_file, numbers))
    write_if_changed(copy / "include" / "windlass_mutants.hpp", (root / "tests/mutants/mutant.hpp").read_text())
    for name in ("CMakeLists.txt", "LICENSE", "README.md", "examples", "tests"):
        link = copy / name
        if link.is_symlink():
            link.unlink()
        link.symlink_to((root / name).resolve())
    known = {code.name for code, _ in found} | {"windlass_mutants.hpp"}
    for path in (copy / "include").rglob("*.hpp"):
        if str(path.relative_to(copy / "include")) not in known:
            path.unlink()
