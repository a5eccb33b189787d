"""Pieces of Verilog text: declarations, modules, names, comments on ranges."""

from __future__ import annotations

from textwrap import wrap

from narrowmax.datapath import Wire

WIDEST = 100  # characters in a line


def declare(kind: str, name: str, width: int, signed: bool = False) -> str:
    """`kind` is logic, input logic, output logic; the bracketed range is left out for one bit."""
    sign = " signed" if signed else ""
    span = f" [{width - 1}:0]" if width > 1 else ""
    return f"{kind}{sign}{span} {name}"


def q_format(wire: Wire) -> str:
    """The wire's word as Q text, and its integer range: what the comment beside it says."""
    whole = wire.bits - wire.point
    return f"{'Q' if wire.signed else 'UQ'}{whole}.{wire.point}, {wire.lo}..{wire.hi}"


def module(name: str, purpose: str, ports: list[str], body: list[str]) -> str:
    """A module's text: a comment, a port list, an indented body."""
    head = [f"// {line}" for line in purpose.splitlines()]
    listing = ",\n".join(f"  {p}" for p in ports)
    lines = [part for line in body for part in _indented(line)]
    return "\n".join([*head, f"module {name} (", listing, ");", *lines, "endmodule", ""])


def _indented(line: str) -> list[str]:
    """A line of a module's body, a long one over several lines."""
    if len(line) <= WIDEST or "//" in line or "\n" in line:
        return [f"  {line}".rstrip()]
    return wrap(line, WIDEST, initial_indent="  ", subsequent_indent="      ",
                break_long_words=False, break_on_hyphens=False)  # fmt: skip


def instance(kind: str, name: str, connections: dict[str, str], parameters: dict[str, int] | None = None) -> str:
    """An instance: on one line where it fits, else a port a line."""
    given = ", ".join(f".{k}({v})" for k, v in (parameters or {}).items())
    wires = [f".{k}({v})" for k, v in connections.items()]
    head = f"{kind} {f'#({given}) ' if given else ''}{name} ("
    line = f"{head}{', '.join(wires)});"
    if len(line) <= WIDEST:
        return line
    return "\n".join([head, *(f"    {w}," for w in wires[:-1]), f"    {wires[-1]}", "  );"])


def concatenate(parts: list[str]) -> str:
    """Parts from the highest bits down to the lowest."""
    return parts[0] if len(parts) == 1 else f"{{{', '.join(parts)}}}"
