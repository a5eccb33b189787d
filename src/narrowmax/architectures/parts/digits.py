"""The exp core of digits: a table for each digit of the distance, whose entries are multiplied."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from narrowmax.architectures.cores import exp_table
from narrowmax.architectures.parameters import KNOB, FixedFormat, Number, Word, exp_format
from narrowmax.architectures.parts.record import part
from narrowmax.datapath import Wire, block, fit, round_off
from narrowmax.formats import Fixed

_LN2_ABOVE = Fraction(7, 10)
_WIDE = range(1, 31)


def _factor(name: str, default: str, doc: str) -> FixedFormat:
    return FixedFormat(
        name=name, default=default, source=KNOB, doc=doc, integer=range(2), fraction=_WIDE, signs=(False,),
        overflows=("saturate", "forbid"), turns={"fraction": range(4, 21)},
    )  # fmt: skip


@part(
    Number(
        name="digit", default="4", source=KNOB, choices=range(1, 13), turns=range(2, 9),
        doc="bits of a digit, which address a table; the highest digit has what is left",
    ),
    Word(
        name="first", default="highest", source=KNOB, choices=("highest", "lowest"),
        doc="the digit from which on entries are multiplied one after the other",
    ),
    _factor("factor", "UQ1.14", "the entries of all tables; without an integer bit 1.0 becomes the largest code"),
    _factor("product", "UQ1.14:floor", "every product of entries"),
    replace(exp_format("UQ1.10"), fraction=_WIDE),
)  # fmt: skip
def basic_split(d: Wire, digit: int, first: str, factor: Fixed, product: Fixed, exp: Fixed) -> Wire:
    """exp(-d) as a product of exponentials, of each digit of d one."""
    return _multiplied(d, digit, first, factor, product, exp)


@block("exp", approximates=lambda d: math.exp(-d))
def _multiplied(d: Wire, digit: int, first: str, factor: Fixed, product: Fixed, exp: Fixed) -> Wire:
    """exp(-d) as a product of table entries; the digits reach beyond where it rounds to 0."""
    zero = math.ceil((exp.fraction_bits + 1) * _LN2_ABOVE * 2**d.point)
    width = max(1, min(d.hi, zero).bit_length())
    kept = d.minimum((1 << width) - 1)
    entries = [_entry(kept, at, min(digit, width - at), factor) for at in range(0, width, digit)]
    found, *others = entries if first == "lowest" else entries[::-1]
    for entry in others:
        found = _brought(found * entry, product)
    more = exp.fraction_bits - found.point
    return _brought(found.extend(max(0, more)), exp)


def _entry(d: Wire, at: int, bits: int, factor: Fixed) -> Wire:
    """exp(-d) for what the `bits` bits of d from the place `at` on stand for."""
    table = exp_table(Fraction(1 << at, 1 << d.point), (1 << bits) - 1, factor)
    k = (d.at_point(0) >> at).low_bits(bits)
    return k.minimum(len(table) - 1).lookup(table)


def _brought(wire: Wire, form: Fixed) -> Wire:
    """In a format; what has fewer fraction bits than that keeps them."""
    rounded = round_off(wire, max(0, wire.point - form.fraction_bits), form.rounding)
    highest = ((1 << form.bits) - 1) >> max(0, form.fraction_bits - rounded.point)
    return fit(rounded, 0, highest, form.overflow)
