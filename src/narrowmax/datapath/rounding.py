"""Rounding and saturation, written in the language.

The words are those of the formats: floor, half_up, half_even, half_away, toward_zero, stochastic
for rounding; saturate, wrap, forbid for overflow.
"""

from __future__ import annotations

from fractions import Fraction
from operator import index as as_integer

from narrowmax.datapath.blocks import block
from narrowmax.datapath.traps import called, fixed_count
from narrowmax.datapath.wire import Wire
from narrowmax.errors import GraphError

MODES = ("floor", "half_up", "half_even", "half_away", "toward_zero", "stochastic")
OVERFLOWS = ("saturate", "wrap", "forbid")


def round_off(wire: Wire, count: int, mode: str, random: Wire | None = None) -> Wire:
    """Without its `count` last fraction bits, rounded by `mode`.

    `stochastic` adds `random`, a wire of `count` bits, before the bits are dropped.
    Raises GraphError for an unknown mode, a negative count, or random bits of another range.
    """
    if mode not in MODES:
        raise GraphError(f"the rounding mode is {mode!r}; {', '.join(MODES)} are allowed")
    if fixed_count(count, "round_off") == 0:
        return wire
    return _round(wire, count, mode, random)


def _own_error(error_of, wire: Wire, count: int, mode: str, random: Wire | None):
    """The error rule of a rounding: that of the wire, and what the mode adds in units of the last bit."""
    found = error_of(wire)
    if found is None:
        return None
    step = Fraction(1, 1 << count)  # how fine the wire is in units of the result
    lo, hi = {
        "floor": (step - 1, Fraction(0)),
        "toward_zero": (step - 1 if wire.hi > 0 else Fraction(0), 1 - step if wire.lo < 0 else Fraction(0)),
        "stochastic": (step - 1, 1 - step),
        "half_up": (step - Fraction(1, 2), Fraction(1, 2)),
    }.get(mode, (-Fraction(1, 2), Fraction(1, 2)))
    return found[0] * step + lo, found[1] * step + hi


@block("round", approximates=lambda value, *random: value, error=_own_error)
def _round(wire: Wire, count: int, mode: str, random: Wire | None) -> Wire:
    """Rounds low bits away."""
    half = 1 << (count - 1)
    if mode == "floor":
        return wire.drop(count)
    if mode == "half_up":
        return (wire + half).drop(count)
    if mode == "half_even":
        # a tie goes up only where the bit that stays is odd
        return (wire + (half - 1) + (wire >> count).low_bits(1)).drop(count)
    if mode == "half_away":
        return (wire + half - (wire < 0).at_point(wire.point)).drop(count)
    if mode == "toward_zero":
        return (wire + ((wire < 0) * ((1 << count) - 1)).at_point(wire.point)).drop(count)
    return _stochastic(wire, count, random)


def _stochastic(wire, count, random):
    if random is None or not 0 <= random.lo <= random.hi < 1 << count:
        raise GraphError(
            f"stochastic rounding of {count} bits needs a wire of random bits within 0..{(1 << count) - 1}; "
            "pass random="
        )
    return (wire + random.at_point(wire.point)).drop(count)


def fit(wire: Wire, lo: int, hi: int, overflow: str) -> Wire:
    """The wire brought into lo..hi by `overflow`: saturate, wrap (lo..hi spans a power of two), forbid.

    Raises GraphError where `forbid` meets a range that does not fit, with that range.
    """
    lo, hi = as_integer(lo), as_integer(hi)
    _check_fit(lo, hi, overflow)
    if lo <= wire.lo and wire.hi <= hi:
        return wire
    if overflow == "saturate":
        return _saturate(wire, lo, hi)
    if overflow == "wrap":
        return _wrap(wire, lo, hi)
    raise GraphError(
        f"overflow is forbidden, but {called(wire)} ranges over {wire.lo}..{wire.hi} where {lo}..{hi} is allowed; "
        "give its format more integer bits, or let it saturate"
    )


def _check_fit(lo: int, hi: int, overflow: str) -> None:
    if overflow not in OVERFLOWS:
        raise GraphError(f"the overflow mode is {overflow!r}; {', '.join(OVERFLOWS)} are allowed")
    if lo > hi:
        raise GraphError(f"the range to fit into is {lo}..{hi}; give its low end first")
    if overflow == "wrap" and (hi - lo + 1) & (hi - lo):
        raise GraphError(f"wrap needs a span that is a power of two; {lo}..{hi} holds {hi - lo + 1} integers")


@block("saturate", approximates=lambda value: value)
def _saturate(wire: Wire, lo: int, hi: int) -> Wire:
    """Clips to the ends of a range."""
    return wire.maximum(lo).minimum(hi)


@block("wrap", approximates=lambda value: value)
def _wrap(wire: Wire, lo: int, hi: int) -> Wire:
    """Keeps the low bits of a word."""
    return (wire - lo).low_bits((hi - lo).bit_length()) + lo
