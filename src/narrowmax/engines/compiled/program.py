"""Programs of drawings, and rows of codes through them."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from narrowmax.datapath import Datapath, Rate
from narrowmax.engines.compiled.graph import FULL, LISTED, MASKED, Translation
from narrowmax.engines.compiled.lowering import lower
from narrowmax.engines.compiled.types import I128

__all__ = ["FULL", "LISTED", "MASKED", "Program", "program_of"]


class Program:
    """One variant of a drawing, ready to run.

    native: the program; in_type, out_type: of codes (see `types`); out_is_row: whether a row has one
    takes_codes: whether int64 holds the codes
    """

    def __init__(self, datapath: Datapath, variant: str):
        translation = Translation(variant, datapath.max_n)
        output = translation.datapath(datapath)
        rate = Rate.ELEMENT if datapath.output_rate == "element" else Rate.ROW
        self.native = lower(translation.graph, output, rate, datapath.chunk or 0, datapath.max_n)
        self.in_type, self.out_type, self.out_is_row = self.native.types
        self.takes_codes = I128 not in (self.in_type, self.out_type)


_PROGRAMS: WeakKeyDictionary = WeakKeyDictionary()


def program_of(datapath: Datapath, variant: str = FULL) -> Program:
    """The program of a drawing, made once.  Raises RangeError for a wire beyond 127 bits and a sign."""
    made = _PROGRAMS.setdefault(datapath, {})
    if variant not in made:
        made[variant] = Program(datapath, variant)
    return made[variant]
