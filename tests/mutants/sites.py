"""Finds what can be mutated, by rules that README.md explains. Families: order, swap, compare, look, wake."""

import re
from dataclasses import dataclass, field

FAMILIES = ("order", "swap", "compare", "look", "wake")

# One step weaker. A relaxed operation has no weaker one and is no site.
WEAKER = {
    "load": {"seq_cst": ["acquire"], "acquire": ["relaxed"]},
    "store": {"seq_cst": ["release"], "release": ["relaxed"]},
    "change": {"seq_cst": ["acq_rel"], "acq_rel": ["acquire", "release"], "acquire": ["relaxed"], "release": ["relaxed"]},
}

# Of what parts a word consists, told by the value that a swap would store: {part: its bits}.
PARTS = (
    (r"\bpack\(", {"upper half": 0xFFFFFFFF << 32, "lower half": 0xFFFFFFFF}),
    (r"\.bits\b", {"state": 0xF << 60, "cancel": 1 << 59, "holders": 0x7FF << 48, "stamp": (1 << 48) - 1}),
    (r"\bone_s\w+", {"sleepers": 0xFFFF, "searchers": 0xFFFF << 16}),
    (r"\breason\b", {"round": ((1 << 56) - 1) << 8, "reason": 0xFF}),
)
WHOLE = (1 << 64) - 1

# Comparisons with one of these on either side.
IDENTITY = re.compile(
    r"(\w+_)?stamp|holders|(\w+_)?round|birth|runs_?|running|hung_in|name|lap(_of)?|(high|low)_half|(sleepers|searchers)_in"
)

# Looks, and what they say if nothing has happened.
LOOKS = {
    "has_work": "false", "has_any": "false", "has_ready": "false", "is_surplus": "false", "is_short": "false",
    "ready": "false", "is_asleep": "true", "is_certain": "true", "still": "true", "is_current": "true",
}  # fmt: skip

WAKES = re.compile(
    r"wake\w*|notify_\w+|nudge|announce\w*|note_quiet|note_lease_back|signal_ready|rearm\w*|arm|pass_on|plan_changed"
    r"|call|call_up|hand|release|request|stop_run|stop_pulled|follow|end_search|come_back|deal_with_leftovers|lease_in_use"
    r"|pulled_lease_\w+|pump_begins|pump_ends|tell_done|publish_done"
)
AMBIGUOUS = re.compile(r"(.*(?<!parking_)(\.|->))?call|(?!parking_|this\b).*(\.|->)release")  # of somebody else

# Ends of an operand of a comparison.
LIMITS = {"&&", "||", "?", ":", "=", ",", ";", "return", "{", "}", "&", "|", "^", "<<", "+=", "-=", "|="}


@dataclass
class Site:
    """A place, and what becomes of it in each of its mutants."""

    file: str
    family: str
    line: int
    code: str  # the line's text
    first: int  # token numbers, both included
    last: int
    mutants: list  # labels
    data: dict = field(default_factory=dict)


def site(code, family, first, last, mutants, **data):
    return Site(code.name, family, code.line(first), code.line_text(first), first, last, mutants, data)


def find(code):
    """All sites of a file, in the order of its text."""
    compared = compares(code)
    spans = {(one.first, one.last) for one in compared}
    looked = [one for one in looks(code) if (one.first, one.last) not in spans]
    found = orders(code) + swaps(code) + compared + looked + wakes(code)
    return sorted(found, key=lambda one: (one.first, -one.last, FAMILIES.index(one.family)))


def kind_of(name, position):
    if name == "load":
        return "load"
    if name == "store":
        return "store"
    if name.startswith("compare_exchange_"):
        return "load" if position == 3 else "change"
    if name == "exchange" or name.startswith("fetch_"):
        return "change"
    return None


def orders(code):
    found = []
    for i, token in enumerate(code.tokens):
        if not token.startswith("memory_order_") or token == "memory_order_relaxed":
            continue
        order = token[len("memory_order_") :]
        opening = code.enclosing(i)
        name = code.tokens[opening - 1] if opening else ""
        position = next((n for n, (a, b) in enumerate(code.arguments(opening)) if a <= i <= b), 0) if opening else 0
        weaker = WEAKER.get(kind_of(name, position), {}).get(order, [])
        found.append(site(code, "order", i - 2, i, [f"{order} to {to}" for to in weaker], weaker=weaker))
        if opening:
            found[-1].code = code.line_text(code.chain_start(opening - 1))
    return found


def swaps(code):
    found = []
    for i, token in enumerate(code.tokens):
        if not re.fullmatch(r"compare_exchange_(weak|strong)", token):
            continue
        first = code.chain_start(i)
        wanted = code.slice(*code.arguments(i + 1)[1])
        parts = next((bits for pattern, bits in PARTS if re.search(pattern, wanted)), {})
        labels = ["whatever is there"] + [f"whatever the {part}" for part in parts]
        masks = [0] + [WHOLE & ~bits for bits in parts.values()]
        mutants = labels if code.tokens[i - 1] == "." else []
        found.append(site(code, "swap", first, code.partner[i + 1], mutants, name=i, masks=masks, is_weak="weak" in token))
    return found


def is_comparison(code, i):
    if code.tokens[i - 1] == "operator":
        return False
    return code.tokens[i] in ("==", "!=", "<=", ">=") or (code.tokens[i] in "<>" and code.is_spaced(i))


def operands(code, i):
    """(first, last) token of the comparison whose operator is `i`."""
    first = i
    while code.tokens[first - 1] not in LIMITS and code.tokens[first - 1] not in ("(", "[", "!"):
        first = code.partner[first - 1] if code.tokens[first - 1] in (")", "]", "}") else first - 1
    last = i
    while code.tokens[last + 1] not in LIMITS and code.tokens[last + 1] not in (")", "]"):
        last = code.partner[last + 1] if code.tokens[last + 1] in ("(", "[") else last + 1
    return first, last


def is_identity(code, i):
    return IDENTITY.fullmatch(code.tokens[i]) and code.tokens[i + 1 : i + 3] != [".", "size"]


def compares(code):
    found = []
    for start, end in code.functions():
        for i in range(start, end):
            if not is_comparison(code, i):
                continue
            first, last = operands(code, i)
            if any(is_identity(code, k) for k in range(first, last + 1)):
                found.append(site(code, "compare", first, last, ["always true", "always false"], values=["true", "false"]))
    return found


def looks(code):
    found = []
    for start, end in code.functions():
        seen = set()
        for i in range(start, end):
            if code.tokens[i + 1 : i + 2] != ["("]:
                continue
            first = code.chain_start(i)
            is_use = code.tokens[first - 1] in LIMITS | {"(", "!"}
            if code.tokens[i] in LOOKS and is_use:
                value = LOOKS[code.tokens[i]]
                found.append(site(code, "look", first, code.partner[i + 1], [f"always {value}"], values=[value]))
            if code.tokens[i] == "load":
                expression = code.slice(first, i)
                if expression in seen:
                    found += second_look(code, first, code.partner[i + 1])
                seen.add(expression)
            if code.tokens[i] == "while" and code.tokens[code.partner[i + 1] + 1] == ";":
                condition = (i + 2, code.partner[i + 1] - 1)
                if not any(token.startswith("compare_exchange") for token in code.tokens[i : condition[1]]):
                    found.append(site(code, "look", *condition, ["always false"], values=["false"]))
    return found


def second_look(code, first, last):
    """A load that came before in the same function, and is compared or is a condition."""
    both = {"mutants": ["always true", "always false"], "values": ["true", "false"]}
    for i in range(first, min(last + 8, len(code.tokens))):
        if is_comparison(code, i):
            a, b = operands(code, i)
            if a <= first and last <= b:
                return [site(code, "look", a, b, **both)]
    if code.tokens[first - 1] in ("&&", "||", "!") or code.tokens[first - 2] in ("if", "while"):
        if code.tokens[last + 1] in ("&&", "||", ")", ";"):
            return [site(code, "look", first, last, **both)]
    return []


def wakes(code):
    found = []
    for start, end in code.functions():
        for i in range(start, end):
            if code.tokens[i + 1 : i + 2] != ["("] or not WAKES.fullmatch(code.tokens[i]):
                continue
            first, last = code.chain_start(i), code.partner[i + 1]
            is_statement = code.tokens[first - 1] in (";", "{", "}", ")", "else", ":", "return", "do")
            if is_statement and code.tokens[last + 1] == ";" and not AMBIGUOUS.fullmatch(code.slice(first, i)):
                found.append(site(code, "wake", first, last, ["left out"]))
    return found
