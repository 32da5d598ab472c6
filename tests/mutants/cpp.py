"""C++ as the finder of sites sees it: tokens without comments, strings and code for other compilers."""

import re
from bisect import bisect_right

TOKEN = re.compile(
    r"[A-Za-z_]\w*|\d[\w'.]*|::|->|<=>|<<=|>>=|\+\+|--|&&|\|\||[=!<>+\-*/%&|^]=|<<|>>|\S"
)
OPENS = {"(": ")", "[": "]", "{": "}"}

# What is defined where the lane runs: code for anything else is not looked at.
DEFINED = {"__cpp_exceptions", "__cpp_impl_three_way_comparison", "__cpp_lib_jthread", "__unix__", "__linux__"}


def blank(text):
    """As many spaces, and the same lines."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    # A digit separator (4'096) opens no character literal.
    pattern = r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?<!\w)'(?:\\.|[^'\\\n])'"
    return re.sub(pattern, lambda found: blank(found.group()), text, flags=re.S)


def is_true(condition):
    """The value of a condition that consists of defined(), !, && and ||."""
    python = re.sub(r"defined\((\w+)\)", lambda found: str(found.group(1) in DEFINED), condition)
    python = python.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    if not re.fullmatch(r"(True|False|and|or|not|[\s()])+", python):
        raise ValueError(f"a condition that cannot be told: {condition}")
    return eval(python)  # pylint: disable=eval-used


def without_other_compilers(text):
    """Blanks preprocessor lines, and what they leave out."""
    lines = []
    stack = []  # (this branch is taken, some branch was)
    for line in text.split("\n"):
        directive = re.match(r"\s*#\s*(\w+)\s*(.*)", line)
        word = directive.group(1) if directive else ""
        if word == "if":
            now = is_true(directive.group(2))
            stack.append((now, now))
        elif word in ("elif", "else"):
            _, was = stack.pop()
            now = not was and (word == "else" or is_true(directive.group(2)))
            stack.append((now, was or now))
        elif word == "endif":
            stack.pop()
        kept = not directive and all(taken for taken, _ in stack)
        lines.append(line if kept else blank(line))
    return "\n".join(lines)


class Code:
    """The tokens of one file, with the brackets matched."""

    def __init__(self, name, text):
        self.name = name
        self.text = text
        plain = without_other_compilers(without_comments(text))
        self.plain_lines = plain.split("\n")
        found = list(TOKEN.finditer(plain))
        self.tokens = [token.group() for token in found]
        self.starts = [token.start() for token in found]
        self.ends = [token.end() for token in found]
        self.line_starts = [0] + [i + 1 for i, letter in enumerate(text) if letter == "\n"]
        self.partner = self._match()

    def _match(self):
        partner, stack = {}, []
        for i, token in enumerate(self.tokens):
            if token in OPENS:
                stack.append(i)
            elif token in OPENS.values():
                start = stack.pop()
                partner[start], partner[i] = i, start
        return partner

    def line(self, token):
        """The number of the line that a token is on, from 1."""
        return bisect_right(self.line_starts, self.starts[token])

    def line_text(self, token):
        """That line without comments, and with single spaces."""
        return " ".join(self.plain_lines[self.line(token) - 1].split())

    def slice(self, first, last):
        """The text of tokens `first` to `last`, both included."""
        return self.text[self.starts[first] : self.ends[last]]

    def is_spaced(self, token):
        """Spaces on both sides: a `<` that compares, and opens no template."""
        return self.text[self.starts[token] - 1].isspace() and self.text[self.ends[token]].isspace()

    def enclosing(self, token):
        """The bracket that is open at a token; None outside all."""
        i = token - 1
        while i >= 0:
            if self.tokens[i] in OPENS:
                return i
            i = self.partner[i] - 1 if self.tokens[i] in OPENS.values() else i - 1
        return None

    def chain_start(self, last):
        """Where the postfix expression begins whose last name is `last`: `a` in `a[i].b->c`."""
        i = last
        while self.tokens[i - 1] in (".", "->", "::"):
            i -= 2
            while self.tokens[i] in (")", "]"):
                i = self.partner[i]
                if re.match(r"\w|[)\]]", self.tokens[i - 1]):
                    i -= 1
        return i

    def arguments(self, opening):
        """(first, last) token of each argument of a call."""
        found, first, i = [], opening + 1, opening + 1
        while i < self.partner[opening]:
            if self.tokens[i] in OPENS:
                i = self.partner[i]
            elif self.tokens[i] == ",":
                found.append((first, i - 1))
                first = i + 1
            i += 1
        if first < self.partner[opening]:
            found.append((first, self.partner[opening] - 1))
        return found

    def functions(self):
        """(first, last) token of each function's body."""
        found, i, begun = [], 0, 0
        while i < len(self.tokens):
            token = self.tokens[i]
            if token == "{" and self._opens_function(begun, i):
                found.append((i, self.partner[i]))
                i = self.partner[i]
                begun = i + 1
            elif token in (";", "{", "}"):
                begun = i + 1
            i += 1
        return found

    def _opens_function(self, begun, brace):
        before = self.tokens[begun:brace]
        if "(" not in before or before[0] in ("class", "struct", "enum", "namespace", "requires"):
            return False
        return before[-1] in (")", "noexcept", "const", "override", "final", "}") or "->" in before
