"""Python's own meanings that would go wrong silently on a wire, closed with a message that helps."""

from __future__ import annotations

from operator import index as as_integer

from narrowmax.errors import GraphError

TRAPS = (
    (("__truediv__", "__rtruediv__"), "/", "use .divide(divisor, by_zero=...) or >>"),
    (("__floordiv__", "__rfloordiv__"), "//", "use .divide(divisor, by_zero=...) or >>"),
    (("__mod__", "__rmod__"), "%", "use .low_bits(k)"),
    (("__divmod__", "__rdivmod__"), "divmod()", "use .divide(divisor, by_zero=...)"),
    (("__pow__", "__rpow__"), "**", "use * for a square, or .lookup(table)"),
    (("__matmul__", "__rmatmul__"), "@", "use * and a fold"),
    (("__and__", "__rand__"), "&", "use .low_bits(k), or * for two conditions"),
    (("__or__", "__ror__"), "|", "use .maximum for two conditions"),
    (("__xor__", "__rxor__"), "^", "use 1 - a.equals(b) for two conditions"),
    (("__rlshift__",), "<< of a number", "draw the number as a wire first"),
    (("__rrshift__",), ">> of a number", "draw the number as a wire first"),
    (("__invert__",), "~", "use 1 - condition"),
    (("__pos__",), "unary +", "leave it out"),
    (("__float__",), "float()", "wires are exact integers"),
    (("__complex__",), "complex()", "wires are exact integers"),
    (("__int__",), "int()", "a wire has no value while it is drawn"),
    (("__round__",), "round()", "use round_off(wire, count, mode)"),
    (("__trunc__", "__floor__", "__ceil__"), "rounding by math", "use round_off(wire, count, mode)"),
    (("__index__",), "an index", "use .lookup(table)"),
    (("__iter__", "__reversed__"), "iteration", "use a fold or a scan"),
    (("__len__",), "len()", "use the source n"),
    (("__contains__",), "in", "use .equals"),
    (("__getitem__",), "[]", "use .low_bits, >> or .lookup(table)"),
    (("__abs__",), "abs()", "use (x < 0).select(0 - x, x)"),
)


def close(kind: type) -> None:
    """Make every trap raise GraphError on objects of a class, and keep NumPy from spreading over them."""
    for names, symbol, remedy in TRAPS:
        for name in names:
            setattr(kind, name, _closed(symbol, remedy))
    kind.__array_ufunc__ = None  # an array's operator then asks the wire, which refuses the array


def _closed(symbol: str, remedy: str):
    def refuse(self, *_):
        raise GraphError(f"{symbol} has no meaning on a wire; {remedy}")

    return refuse


def fixed_count(count, what: str) -> int:
    """A number of bits: an integer >= 0 known while drawing, else GraphError."""
    try:
        if not isinstance(count, float) and as_integer(count) >= 0:
            return as_integer(count)
    except (TypeError, GraphError):
        pass
    raise GraphError(f"{what} needs an integer number of bits >= 0, not {count!r}")


def shift_count(amount, symbol: str):
    """A shift amount: an integer >= 0, or a wire that is never negative."""
    if not hasattr(amount, "drawing"):
        return fixed_count(amount, symbol)
    if amount.lo < 0:
        raise GraphError(
            f"{symbol} needs an amount >= 0; {called(amount)} ranges over {amount.lo}..{amount.hi}; use .maximum(0)"
        )
    return amount


def called(wire) -> str:
    """A wire for people while it is drawn, when few have names: the block that is drawn helps to find it."""
    name, blocks = f"the wire {wire.name}" if wire.name else "the wire", wire.drawing.open_blocks
    return f"{name} in the block {blocks[-1].name}" if blocks else name
