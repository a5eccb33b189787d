"""hls4ml's softmax: a table of exponentials, a tree of saturating adders, a table of reciprocals of the sum.

    d = max(x) - x in `difference`            implementation=stable; latency looks x itself up
    e = table[top bits of d], exp(-d) in `exp`, converted to `sum`
    s = e added by a balanced tree            every node converted to `sum`
    r = table[top bits of s in `divisor`], 1/s in `reciprocal`; 1/0 is infinite
    output = e * r in `output`                the exact product, converted

implementation=legacy works by pairs, with one type, `table`, and knows no maximum:

    e(i, j) = table[(x_j - x_i) * exp_size / 16 toward zero], exp on [-8, 8), clamped there
    s(i) = e(i, 0) + e(i, 1) + ...            each step converted to `table`
    output(i) = table[s(i) * reciprocal_size / 64 toward zero], 1/s on [0, 64), clamped there

A conversion rounds and fits by its type's words.  A table's address is the first bits of the word as
they stand, the sign's bit among them; an entry is the value where the bits behind the address are 0 (the low end of
its cell, though a comment in the source speaks of the centre), computed in float32, then converted.

Source: hls4ml 1.3.0 (Apache-2.0), nnet_activation.h and nnet_common.h of its Vivado templates, and the passes
that choose types and sizes; Duarte et al., JINST 13 P07027, 2018.

Published: everything: three implementations, all types and sizes.  `ap_fixed<16,6>` without words is read here as
HLS reads it, truncated and wrapped.  `difference=auto` is the input without its sign, ap_ufixed<W-1,I-1>; `auto` sizes
are 1,024 entries capped at 2**min(bits of input, of reciprocal) and by the word that addresses; `scale` is exp_scale,
which HGQ2 folds a temperature into.  Modes that our words lack (AP_RND_ZERO, AP_SAT_SYM, ...) are refused.

Knobs: none of ours, but that auto reciprocals are also capped at the bits of `divisor`, beyond which the C++ reads
bits that are not there.

Limits: tables of 2 to 65,536 entries, a power of two.  With the default types the sum saturates below 128, so that
a row of more equal maxima sums to more than one.  legacy is drawn for rows of up to 128 elements, since each has
a table for every other.  A row with nothing present gives 0 everywhere.

Order: a larger element never has the smaller output while differences fit their type or saturate there,
and `exp`, `sum` and `output` do not wrap: the steps are monotone and the reciprocal is common.  Where something wraps
there is no order; in legacy there is none where a difference reaches 4.85, the logarithm of 128.

Hazards: with `difference=auto` a difference of half the input's span or more wraps to a small one, and a far loser
gets a large exponential.  The reciprocal is that of a sum cut to steps of 0.25 (default types), so probabilities are
up to a quarter too large.  A project that states one precision for the model gives it to `sum`: ap_fixed<16,6>
wraps at 32 equal maxima.  latency saturates from exp(4.85) = 128 on, and a sum below 0.25 is divided by as if it
were 1/128.  An input of few bits shrinks both tables.  In legacy exponentials from 128 on wrap, so that an element 5.55
below the maximum can get 0.73, and one of four elements 16.

Oracle: the C++ in the package hls4ml, compiled with its own ap_fixed.
"""

from __future__ import annotations

import math

from narrowmax.architectures.hls4ml_parts import (
    AUTO,
    ApFixed,
    TableSize,
    added,
    address_bits,
    by_pairs,
    cast,
    exp_table,
    looked_up,
    reciprocal_table,
)
from narrowmax.architectures.parameters import PUBLISHED, Real, Word
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire, largest
from narrowmax.datapath.kits import ARRAY_BITS
from narrowmax.errors import GraphError
from narrowmax.formats import Fixed

_TURNS = {"integer": range(1, 9), "fraction": range(1, 17)}


def _type(name: str, default: str, doc: str, **named) -> ApFixed:
    return ApFixed(name=name, default=default, source=PUBLISHED, doc=doc, **named)


@architecture(
    _type("input", "Q6.10:floor:wrap", "the elements of a row as they arrive, such as logits",
          turns={"integer": range(2, 9), "fraction": range(1, 13)}),
    Word(name="implementation", default="stable", source=PUBLISHED, choices=("stable", "latency", "legacy"),
         doc="subtract the maximum; look elements up as they are; compare every pair"),
    _type("difference", AUTO, "stable: what is below the maximum by how much; auto: the input without its sign",
          or_auto=True),
    Real(name="scale", default="1.0", source=PUBLISHED, least=2.0**-10, most=2.0**10,
         doc="what the exponentials' table multiplies its argument by, a float32"),
    TableSize(name="exp_size", default=AUTO, source=PUBLISHED, doc="entries of the table of exponentials"),
    _type("exp", "Q8.10:half_up", "the exponentials in the table", turns=_TURNS),
    _type("sum", "Q8.10:half_up", "the exponentials in the sum, and the sum", accumulates=True, turns=_TURNS),
    _type("divisor", "Q8.10:half_up", "the sum where it addresses the table of reciprocals", turns=_TURNS),
    TableSize(name="reciprocal_size", default=AUTO, source=PUBLISHED, doc="entries of the table of reciprocals"),
    _type("reciprocal", "Q8.10:half_up", "the reciprocals in the table", turns=_TURNS),
    _type("table", "Q8.10:floor:wrap", "legacy: the one type of tables and sum"),
    _type("output", "Q6.10:floor:wrap", "the probabilities", turns={"fraction": range(1, 17)}),
)  # fmt: skip
def hls4ml(
    row: Row, input, implementation, difference, scale, exp_size, exp, sum, divisor, reciprocal_size, reciprocal,
    table, output,
) -> Wire:  # fmt: skip
    if input.bits > ARRAY_BITS:
        raise GraphError(
            f"input={input} has {input.bits} bits, and codes of up to {ARRAY_BITS} are simulated; take fewer"
        )
    cap = min(input.bits, reciprocal.bits)
    if implementation == "legacy":
        sizes = [address_bits(size, 16, cap, "an address") for size in (exp_size, reciprocal_size)]
        return cast(by_pairs(row, table, *sizes), output).named("p")
    word, sign = input, 1
    if implementation == "stable":
        word, sign = _unsigned(input) if difference == AUTO else difference, -1
    bits = address_bits(exp_size, word.bits, cap, "difference" if sign < 0 else "input")
    exps = exp_table(word, bits, sign, scale, exp)
    bits = address_bits(reciprocal_size, divisor.bits, cap, "divisor")
    reciprocals = reciprocal_table(divisor, bits, reciprocal)

    d = cast(largest(row.x).named("top") - row.x, word).named("d") if sign < 0 else row.x
    e = cast(looked_up(d, word, exps, lambda v: math.exp(sign * scale * v)), sum).named("e")
    s = added(e, sum).named("sum")
    r = looked_up(cast(s, divisor).named("divisor"), divisor, reciprocals, lambda v: 1 / v).named("r")
    return cast(e * r, output).named("p")


def _unsigned(input: Fixed) -> Fixed:
    """The type of a difference of inputs: without the sign, truncated and wrapped."""
    if input.bits == input.signed:
        raise GraphError(f"input={input} has nothing but its sign, and differences have no bits; add one")
    return Fixed(input.integer_bits - input.signed, input.fraction_bits, False, "floor", "wrap")
