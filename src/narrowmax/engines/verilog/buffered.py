"""What the words of the buffers hold: elements and flags of a beat, values of a chunk, of a row."""

from __future__ import annotations

from collections.abc import Mapping
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
    """What the words of a pass's buffers hold: `wires` under their `labels`, and a beat's `flags`."""

    def __init__(self, plan: Plan, wires: list[Wire], labels: Mapping[Wire, str]):
        lanes = range(plan.lanes)

        def of(rate):
            return [w for w in wires if w.rate is rate]

        elements = [(f"{labels[w]}_{lane}", w.bits) for lane in lanes for w in of(Rate.ELEMENT)]
        ends = ["last"] if plan.chunk_beats == 1 else ["chunk_last", "last"]
        self.flags = [*(f"{kind}_{lane}" for kind in ("present", "keep") for lane in lanes), *ends]
        self.beat = layout([*elements, *((flag, 1) for flag in self.flags)])
        self.chunk = layout([(labels[w], w.bits) for w in of(Rate.CHUNK)])
        self.row = layout([(labels[w], w.bits) for w in of(Rate.ROW)])
