"""Verilog text as far as planting faults needs it: where expressions stand, and their tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?:\s|//[^\n]*|/\*.*?\*/|\(\*.*?\*\))*+  # spaces and comments, never given back
      (?:(?P<literal>\d+'s?[bdh][0-9a-fA-F_]+)
      | (?P<word>[$`]?[A-Za-z_][\w$]*(?:::\w+)?|\d+|'0|'1)
      | (?P<text>"[^"]*")
      | (?P<mark><<<|>>>|===|!==|<<|>>|<=|>=|==|!=|&&|\|\||~\^|\+:|-:|.)|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_OPEN, _CLOSE = "([{", ")]}"
_RESTART = {";", "begin", "end", "else", "endcase", "endmodule", "generate", "endgenerate", "endfunction"}
_CONSTANT = {"localparam", "parameter", "genvar", "typedef", "import", "for", "integer", "int"}


class Token(NamedTuple):
    """A piece of text that is no space or comment; `start` and `end` are its place in the file."""

    text: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Expression:
    """An expression of a file: what is assigned to `target`, or a condition.

    target: "name", "name[]" for a part or a word of it, "{}" for several at once, "" for a condition
    clocked: assigned at a clock edge
    """

    tokens: tuple[Token, ...]
    target: str
    clocked: bool

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    def text(self, source: str) -> str:
        return source[self.start : self.end]


def tokens(source: str) -> list[Token]:
    """The tokens of a Verilog text, spaces and comments left out."""
    found = ((m, m.lastgroup) for m in _TOKEN.finditer(source))
    return [Token(m[kind], kind, *m.span(kind)) for m, kind in found if kind]  # the end has none


def depths(part: tuple[Token, ...] | list[Token]) -> list[int]:
    """How many brackets are open at each token; a bracket itself counts as outside."""
    made, depth = [], 0
    for token in part:
        depth -= token.text in _CLOSE and token.kind == "mark"
        made.append(depth)
        depth += token.text in _OPEN and token.kind == "mark"
    return made


_NO_HARDWARE = re.compile(r"`ifndef SYNTHESIS.*?`endif", re.DOTALL)


def expressions(source: str) -> Iterator[Expression]:
    """Every right side of an assignment and every condition of an `if`, in order.

    What makes no hardware is left out: assertions, and names that gather unused bits.
    """
    source = _NO_HARDWARE.sub(lambda found: " " * len(found[0]), source)
    for statement in _statements(tokens(source)):
        if not statement or statement[0].text in _CONSTANT:
            continue
        if statement[0].text == "if":
            yield Expression(tuple(statement[2:-1]), "", False)
        elif (found := _assignment(statement)) and not found.target.startswith("unused"):
            yield found


def _statements(stream: list[Token]) -> Iterator[list[Token]]:
    statement: list[Token] = []
    depth = 0
    for token in stream:
        depth += (token.text in _OPEN) - (token.text in _CLOSE) if token.kind == "mark" else 0
        statement.append(token)
        if depth:
            continue
        if token.text == "if":
            statement = [token]
        elif token.text in _RESTART or (statement[0].text == "if" and token.text == ")"):
            yield statement[:-1] if token.text in _RESTART else statement
            statement = []


def _assignment(statement: list[Token]) -> Expression | None:
    levels = depths(statement)
    for index, (token, depth) in enumerate(zip(statement, levels, strict=True)):
        if depth == 0 and token.text in ("=", "<=") and index + 1 < len(statement):
            return Expression(tuple(statement[index + 1 :]), _target(statement[:index], levels), token.text == "<=")
    return None


def _target(left: list[Token], levels: list[int]) -> str:
    names = [t.text for t, depth in zip(left, levels, strict=False) if t.kind == "word" and depth == 0]
    if not names or left[-1].text == "}":
        return "{}"
    return names[-1] + ("[]" if left[-1].text == "]" else "")


_DECLARED = re.compile(r"\b(?:logic|wire|reg)\s+(?:signed\s+)?(?:\[\s*(\d+)\s*:\s*0\s*\])?\s*([A-Za-z_]\w*)\s*(\[)?")


def widths(source: str) -> dict[str, int]:
    """The declared width of every signal, and of a word of every memory, named `memory[]`."""
    return {name + ("[]" if words else ""): int(high or 0) + 1 for high, name, words in _DECLARED.findall(source)}
