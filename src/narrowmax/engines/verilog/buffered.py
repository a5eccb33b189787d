"""What the words of the buffers hold: elements and flags of a beat, values of a chunk, of a row."""

from __future__ import annotations

from dataclasses import dataclass

from narrowmax.datapath import Rate, Wire
from narrowmax.engines.schedule import Plan


@dataclass(frozen=True)
class Field:
    """A part of a word in a buffer: a wire's value, or a flag."""

    name: str
    low: int
    width: int

    def of(self, word: str, whole: int) -> str:
        if self.width == whole:
            return word
        return f"{word}[{self.low}]" if self.width == 1 else f"{word}[{self.low + self.width - 1}:{self.low}]"


def layout(parts: list[tuple[str, int]]) -> dict[str, Field]:
    """Fields from bit 0 upwards."""
    fields, low = {}, 0
    for name, width in parts:
        fields[name] = Field(name, low, width)
        low += width
    return fields


def size(fields: dict[str, Field]) -> int:
    return sum(f.width for f in fields.values())


class Words:
    """What the words of the buffers before pass k hold."""

    def __init__(self, plan: Plan, wires: list[Wire]):
        lanes, names = range(plan.lanes), plan.datapath.names

        def of(rate):
            return [w for w in wires if w.rate is rate]

        elements = [(f"{names[w]}_{lane}", w.bits) for lane in lanes for w in of(Rate.ELEMENT)]
        flags = [(f"{kind}_{lane}", 1) for kind in ("present", "keep") for lane in lanes]
        ends = [("last", 1)] if plan.chunk_beats == 1 else [("chunk_last", 1), ("last", 1)]
        self.beat = layout([*elements, *flags, *ends])
        self.chunk = layout([(names[w], w.bits) for w in of(Rate.CHUNK)])
        self.row = layout([(names[w], w.bits) for w in of(Rate.ROW)])
