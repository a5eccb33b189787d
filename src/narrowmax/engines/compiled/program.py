"""Programs of drawings: which there are of one, who makes them, and why one cannot be made."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from narrowmax import datapath as language
from narrowmax.datapath import Datapath, FoldOutput, ScanOutput, Source, Wire, operations
from narrowmax.datapath.operations import Divide
from narrowmax.engines.compiled import _native
from narrowmax.errors import RangeError

FULL, MASKED, LISTED = "full", "masked", "listed"  # what these are: native/translate.c
_NUMBERS = {FULL: 0, MASKED: 1, LISTED: 2}  # of enum Variant in native/drawing.h
_MOST_CARRIED = _native.MOST_CARRIED  # values of a fold or scan
_LARGEST, _INT64 = 1 << 127, 1 << 63
_WITH_MORE = {Divide, FoldOutput, ScanOutput}  # what may be refused for more than its range

_native.learn(tuple(getattr(operations, name, None) or getattr(language, name) for name in _native.KINDS))


class Program:
    """One variant of a drawing, ready to run.

    native: the program; in_type, out_type: of codes (see `types`); out_is_row: whether a row has one
    """

    def __init__(self, datapath: Datapath, variant: str):
        self.native = _native.Program(datapath, _NUMBERS[variant], *_codes(datapath))
        self.in_type, self.out_type, self.out_is_row = self.native.types


def listable(datapath: Datapath) -> bool:
    """Whether equal elements of a row may stand once: nothing but x is looked at, and folds are plain."""
    return not datapath.chunk and datapath.output_rate == "element" and all(
        w.op.fold.body.primitive is not None if isinstance(w.op, FoldOutput) else
        w.op.kind == "x" if isinstance(w.op, Source) else not isinstance(w.op, ScanOutput)
        for w in datapath.wires
    )  # fmt: skip


def _codes(datapath: Datapath) -> tuple[int, int]:
    """The least and the greatest input code.  Raises RangeError for codes that int64 does not hold."""
    low, high = datapath.input_range
    least = min(low, datapath.output.lo, datapath.absent_code)
    most = max(high, datapath.output.hi, datapath.absent_code)
    if not (-_INT64 <= least and most < _INT64):
        raise RangeError(f"codes of {least} and {most} are beyond int64; use the interpreter")
    return low, high


def refuse(datapath: Datapath) -> None:
    """Raise RangeError for codes that int64 does not hold, or naming the first wire that is too wide."""
    _codes(datapath)
    for wire in datapath.wires:
        if wire.op.__class__ in _WITH_MORE or not (-_LARGEST <= wire.lo and wire.hi < _LARGEST):
            _refuse_wire(wire, datapath)


def _refuse_wire(wire: Wire, datapath: Datapath) -> None:
    step = getattr(wire.op, "fold", None) or getattr(wire.op, "scan", None)
    if step and len(step.body.results) > _MOST_CARRIED:
        what = f"carries {len(step.body.results)} values from step to step; the compiled engine carries {_MOST_CARRIED}"
        raise RangeError(f"the wire {datapath.names[wire]} {what} at most; use the interpreter")
    for inner in (wire, *(step.body.wires if step else ())):
        if problem := _problem(inner):
            name = datapath.names[wire]
            raise RangeError(f"the wire {name if inner is wire else f'inside the fold or scan {name}'} {problem}")


def _problem(wire: Wire) -> str:
    if not (-_LARGEST <= wire.lo and wire.hi < _LARGEST):
        holds = "the compiled engine holds 127 bits and a sign; use the interpreter"
        return f"ranges over {wire.lo}..{wire.hi}; {holds}"
    if wire.op.__class__ is Divide and not -_INT64 <= wire.op.by_zero < _INT64:
        return f"is {wire.op.by_zero} where a divisor is 0; int64 is allowed; use the interpreter"
    return ""


_PROGRAMS: WeakKeyDictionary = WeakKeyDictionary()


def program_of(datapath: Datapath, variant: str = FULL) -> Program:
    """The program of a drawing, made once.  Raises RangeError for a wire that it cannot hold: see `refuse`."""
    made = _PROGRAMS.setdefault(datapath, {})
    if variant not in made:
        try:
            made[variant] = Program(datapath, variant)
        except OverflowError as error:
            refuse(datapath)  # by name
            raise RangeError(f"{error}; use the interpreter") from None
    return made[variant]
