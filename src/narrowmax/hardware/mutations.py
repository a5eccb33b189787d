"""The rules by which faults are planted: an expression, and what might have been written by mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from narrowmax.hardware.statements import Expression, Token, depths

_SWAPS = {
    "+": "-", "-": "+", "*": "+", "&": "|", "|": "&", "&&": "||", "||": "&&", "^": "|", "==": "!=",
    "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "<<": ">>", ">>": "<<", ">>>": ">>",
}  # fmt: skip
_FLIPS = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_ORDERED = {"-", "<<", ">>", ">>>"}  # operators whose operands may not change places


def mutants(expression: Expression, source: str, width: int | None) -> Iterator[tuple[str, str]]:
    """(rule, text) for every fault of an expression; `width`: bits of what is assigned, where known."""
    for rule, plant in _RULES.items():
        for text in plant(expression, source, width):
            yield rule, text


def _replaced(expression: Expression, source: str, token: Token, text: str) -> str:
    return source[expression.start : token.start] + text + source[token.end : expression.end]


def _is_binary(part: tuple[Token, ...], index: int) -> bool:
    if index == 0:
        return False
    before = part[index - 1]
    return before.kind in ("word", "literal") or before.text in (")", "]", "}")


def _exchange(table: dict[str, str]) -> Callable:
    def plant(expression: Expression, source: str, width) -> Iterator[str]:
        part = expression.tokens
        for index, token in enumerate(part):
            if token.kind == "mark" and token.text in table and _is_binary(part, index):
                yield _replaced(expression, source, token, table[token.text])

    return plant


def _constants(step: int) -> Callable:
    def plant(expression: Expression, source: str, width) -> Iterator[str]:
        for token in expression.tokens:
            if token.kind == "literal":
                yield _replaced(expression, source, token, _moved(token.text, step))

    return plant


def _moved(literal: str, step: int) -> str:
    size, _, rest = literal.partition("'")
    sign = "s" if rest.startswith("s") else ""
    base, digits = rest.removeprefix("s")[0], rest.removeprefix("s")[1:]
    value = int(digits.replace("_", ""), {"b": 2, "d": 10, "h": 16}[base])
    return f"{size}'{sign}d{(value + step) % (1 << int(size))}"


def _flipped_bit(expression: Expression, source: str, width) -> Iterator[str]:
    """The top bit of a constant: a table's entry misread."""
    for token in expression.tokens:
        if token.kind == "literal":
            yield _replaced(expression, source, token, _moved(token.text, 1 << (int(token.text.split("'")[0]) - 1)))


def _stuck(value: int) -> Callable:
    def plant(expression: Expression, source: str, width: int | None) -> Iterator[str]:
        text = expression.text(source)
        for bit in sorted({0, (width or 1) // 2, (width or 1) - 1}) if width else ():
            mask = 1 << bit if value else ((1 << width) - 1) ^ (1 << bit)
            yield f"({text}) {'|' if value else '&'} {width}'d{mask}"

    return plant


def _select(expression: Expression, source: str, width) -> Iterator[str]:
    """The two sides of a choice change places."""
    for token, depth in zip(expression.tokens, depths(expression.tokens), strict=True):
        if token.text == "?" and depth == 0:
            yield f"!({source[expression.start : token.start]}) {source[token.start : expression.end]}"
            return


def _swapped(expression: Expression, source: str, width) -> Iterator[str]:
    """The operands of a subtraction or shift change places, where it is all there is."""
    part, level = expression.tokens, depths(expression.tokens)
    marks = [i for i, token in enumerate(part) if level[i] == 0 and token.kind == "mark" and _is_binary(part, i)
             and token.text not in "([{)]}"]  # fmt: skip
    if len(marks) == 1 and part[marks[0]].text in _ORDERED:
        mark = part[marks[0]]
        left, right = source[expression.start : mark.start].strip(), source[mark.end : expression.end].strip()
        yield f"{right} {mark.text} {left}"


def _unsigned(expression: Expression, source: str, width) -> Iterator[str]:
    for token in expression.tokens:
        if token.text == "$signed":
            yield _replaced(expression, source, token, "$unsigned")


def _condition(*texts: str) -> Callable:
    def plant(expression: Expression, source: str, width) -> Iterator[str]:
        if not expression.target:
            yield from (text.format(expression.text(source)) for text in texts)

    return plant


def _frozen(expression: Expression, source: str, width: int | None) -> Iterator[str]:
    """A register that keeps its value."""
    if expression.clocked and expression.target.isidentifier():
        yield expression.target


def _neighbour(expression: Expression, source: str, width) -> Iterator[str]:
    """A slice one bit too low: [7:4] becomes [6:3]."""
    part = expression.tokens
    for i in range(len(part) - 4):
        text = [token.text for token in part[i : i + 5]]
        if (text[0], text[2], text[4]) == ("[", ":", "]") and text[1].isdigit() and text[3].isdigit() and int(text[3]):
            low, high = int(text[3]) - 1, int(text[1]) - 1
            yield f"{source[expression.start : part[i].start]}[{high}:{low}]{source[part[i + 4].end : expression.end]}"


_RULES = {
    "operator exchanged": _exchange(_SWAPS),
    "comparison flipped": _exchange(_FLIPS),
    "constant one too high": _constants(1),
    "constant one too low": _constants(-1),
    "top bit of a constant": _flipped_bit,
    "bit stuck at 0": _stuck(0),
    "bit stuck at 1": _stuck(1),
    "choice exchanged": _select,
    "operands exchanged": _swapped,
    "sign forgotten": _unsigned,
    "enable missing": _condition("1'b1"),
    "enable lost": _condition("1'b0"),
    "condition negated": _condition("!({})"),
    "register not written": _frozen,
    "slice one too low": _neighbour,
}
RULES = tuple(_RULES)
