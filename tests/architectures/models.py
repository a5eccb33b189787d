"""The architectures once more, a few lines each, written from their pages alone; they share no code with narrowmax.

Each takes the integer codes of a row (of the elements that take part, or None in place of one that does not) and
the parameters of a design as plain records, and gives the output codes.  Real functions are mpmath's.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

import mpmath

mpmath.mp.prec = 200


def rounded(value: Fraction, word: str) -> int:
    below, rest = floor(value), value - floor(value)
    if word in ("floor", "toward_zero"):  # nothing here is negative
        return below
    if rest == Fraction(1, 2):
        return below + (below % 2 if word == "half_even" else 1)
    return below + (rest > Fraction(1, 2))


def fitted(code: int, form) -> int:
    """A code that is not negative, brought into a fixed-point format by its overflow word."""
    most = 2 ** (form.integer_bits + form.fraction_bits - form.signed) - 1
    if form.overflow == "wrap":
        code %= 2 ** (form.integer_bits + form.fraction_bits)
        return code - 2 * (most + 1) if code > most else code
    return min(code, most)


def encoded(value, form) -> int:
    return fitted(rounded(Fraction(value) * 2**form.fraction_bits, form.rounding), form)


def real(x: mpmath.mpf) -> Fraction:
    """A binary number of 200 bits as a fraction: far closer than any rounding here can notice."""
    sign, mantissa, exponent, _ = x._mpf_
    return Fraction((-1) ** sign * int(mantissa)) * Fraction(2) ** exponent


def exponentials(row: list[int], p) -> list[int]:
    step = Fraction(1, 2 ** p["input"].fraction_bits)
    top = max(row)
    return [encoded(real(mpmath.exp(-mpmath.mpf(top - x) * step.numerator / step.denominator)), p["exp"]) for x in row]


def table_divide(row: list[int], p) -> list[int]:
    e = exponentials(row, p)
    return [encoded(Fraction(one, sum(e)), p["output"]) for one in e]


def table_reciprocal(row: list[int], p) -> list[int]:
    e = exponentials(row, p)
    length = sum(e).bit_length()
    cell = floor((Fraction(sum(e), 2 ** (length - 1)) - 1) * 2 ** p["address"])
    middle = Fraction(1, 2) if p["at"] == "centre" else 0
    r = encoded(1 / (1 + (cell + middle) / Fraction(2 ** p["address"])), p["reciprocal"])
    # both points cancel against the sum's, which is that of e
    return [encoded(Fraction(one * r, 2 ** (p["reciprocal"].fraction_bits + length - 1)), p["output"]) for one in e]


def argmax(row: list[int], p) -> list[int]:
    return [row.index(max(row))]


def softermax(row: list[int | None], p) -> list[int]:
    unit = Fraction(1, 2 ** p["input"].fraction_bits) * (Fraction(23, 16) if p["base"] == "e" else 1)
    up = (lambda y: -floor(-y)) if p["maximum"] == "ceil" else floor
    running, total, kept = None, Fraction(0), []
    for start in range(0, len(row), p["chunk"]):
        values = [None if x is None else x * unit for x in row[start : start + p["chunk"]]]
        here = [y for y in values if y is not None]
        if not here:
            kept += [None] * len(values)
            continue
        local = max(map(up, here))
        u = [None if y is None else power(y - floor(y), p) >> (local - floor(y)) for y in values]
        kept += [None if one is None else (one, local) for one in u]
        growth = 0 if running is None else max(0, local - running)
        running = local if running is None else max(running, local)
        total = accumulated(total, [one for one in u if one is not None], growth, running - local, p)
    r, scale = reciprocal(total, p)
    unit = r / scale / 2 ** p["power"].fraction_bits
    return [0 if pair is None else encoded((pair[0] >> (running - pair[1])) * unit, p["output"]) for pair in kept]


def power(f: Fraction, p) -> int:
    """The power of a fraction as a code, on chords whose edges are codes."""
    step = p["segments"]
    edges = [encoded(real(mpmath.mpf(2) ** (mpmath.mpf(k) / step)), p["power"]) for k in range(step)]
    edges.append(2 * 2 ** p["power"].fraction_bits)
    k = floor(f * step)
    return edges[k] + floor((edges[k + 1] - edges[k]) * (f * step - k))


def accumulated(total: Fraction, u: list[int], growth: int, lag: int, p) -> Fraction:
    """The running sum, a multiple of the last bit of `sum`, after one more chunk."""
    point, fine = p["sum"].fraction_bits, 2 ** p["power"].fraction_bits

    def brought(value: Fraction) -> Fraction:
        return Fraction(rounded(value * 2**point, p["sum"].rounding), 2**point)

    def shifted(value: Fraction, amount: int, at: int) -> Fraction:
        return Fraction(floor(value * at / 2**amount), at)

    if p["truncate"] == "running":
        grid = max(fine, 2**point)
        new = shifted(Fraction(sum(u), fine), lag, fine)
        total = brought(shifted(total, growth, grid) + new)
    else:
        parts = [Fraction(one, fine) for one in u]
        parts = map(brought, parts if p["truncate"] == "addend" else [sum(parts)])
        total = shifted(total, growth, 2**point) + shifted(sum(parts), lag, 2**point)
    return Fraction(fitted(int(total * 2**point), p["sum"]), 2**point)


def reciprocal(total: Fraction, p) -> tuple[Fraction, Fraction]:
    """1/m as the value of its code, and the power of two that m was scaled by."""
    scale = Fraction(1, 2 ** p["sum"].fraction_bits)
    if total == 0:
        total = scale = scale / 2
    while total >= 2 * scale:
        scale *= 2
    m, pieces, g = total / scale, p["pieces"], p["reciprocal"].fraction_bits
    if p["normaliser"] == "table":
        code = encoded(1 / (1 + (floor((m - 1) * pieces) + Fraction(1, 2)) / Fraction(pieces)), p["reciprocal"])
    else:
        m = Fraction(floor(m * 2**g), 2**g)
        edges = [encoded(1 / (1 + Fraction(k, pieces)), p["reciprocal"]) for k in range(pieces + 1)]
        k = floor((m - 1) * pieces)
        code = edges[k] - floor((edges[k] - edges[k + 1]) * ((m - 1) * pieces - k))
    return Fraction(code, 2**g), scale
