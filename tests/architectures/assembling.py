"""The shared parts once more, in plain integers on arrays, written from the pages; real functions are mpmath's.

An exp core here takes distances (codes with `p` fraction bits) and its settings, and gives codes of its format.
A normaliser takes exponentials, sums, their binary points and its settings, and gives numerators and denominators
that the output's words round and fit.  Coefficients of polynomials and lines are taken as they are; tests judge
them apart.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import mpmath
import numpy as np
from tests.architectures import assembling_more
from tests.architectures.models import encoded, real

mpmath.mp.prec = 200


def quotient(above, below, word: str):
    """above / below, not negative, rounded."""
    if word in ("floor", "toward_zero"):
        return above // below
    up = (2 * above + below) // (2 * below)
    if word != "half_even":
        return up
    return up - ((2 * above + below) % (2 * below) == 0) * (up & 1)


def placed(above, below, form):
    """In a format: rounded and saturated."""
    return np.minimum(quotient(above * (1 << form.fraction_bits), below, form.rounding), form.highest_code)


def octaves(d, p: int, base: str, argument: int) -> tuple[np.ndarray, int]:
    """log2(base) * d and its fraction bits."""
    if base == "2":
        return d, p
    if base == "23/16":
        return d * 23, p + 4
    if base == "shifts":
        return -(-d + (-d >> 1) - (-d >> 4)), p
    factor = int(mpmath.floor(2 ** (argument + 4) / mpmath.log(2) + 0.5))
    return d * factor >> p + 4, argument


def power(whole):
    return np.int64(1) << np.minimum(whole, 30)  # beyond, everything here is 0


def table(d, p, exp):
    found = [encoded(real(mpmath.exp(-mpmath.mpf(k) / 2**p)), exp) for k in range(int(d.max()) + 1)]
    return np.array(found)[d]


def polynomial(d, p, degree, coefficients, base, argument, exp, values):
    t, q = octaves(d, p, base, argument)
    found = np.full_like(t, values[-1])
    for c in values[-2::-1]:
        found = (found * (t & (1 << q) - 1) >> q) + c
    found = np.clip(found, 1 << coefficients >> 1, 1 << coefficients)
    return placed(found, power(t >> q) << coefficients, exp)


def chords(d, p, segments, base, argument, exp):
    t, q = octaves(d, p, base, argument)
    up, rest = -(-t >> q), -t & (1 << q) - 1
    segments = min(segments, 1 << q)
    fine = exp.fraction_bits + 2
    edges = [round_to(mpmath.mpf(2) ** (mpmath.mpf(k) / segments), fine, exp.rounding) for k in range(segments)]
    edges = np.array([*edges, 2 << fine])
    part, within = rest * segments >> q, rest & (1 << q) // segments - 1
    gained = (edges[part + 1] - edges[part]) * within * segments >> q
    return placed(np.minimum(edges[part], (2 << fine) - 1) + gained, power(up) << fine, exp)


def interpolated(d, p, address, exp):
    k, rest = d << address >> p, (d << address) & (1 << p) - 1
    nodes = np.array([encoded(real(mpmath.exp(-mpmath.mpf(i) / 2**address)), exp) for i in range(int(k.max()) + 2)])
    return (nodes[k] << p) + (nodes[k + 1] - nodes[k]) * rest >> p


def line(d, p, offset, base, argument, exp):
    t, q = octaves(d, p, base, argument)
    start = int(np.floor(offset * 2**exp.fraction_bits + 0.5))
    mantissa = (start << q) + ((-t & (1 << q) - 1) << exp.fraction_bits)
    return placed(mantissa, power(-(-t >> q)) << q + exp.fraction_bits, exp)


def round_to(value, bits: int, word: str) -> int:
    scaled = real(value) * 2**bits
    return quotient(scaled.numerator, scaled.denominator, word)


def power_of_two(d, p, round, base, argument, exp):
    t, q = octaves(d, p, base, argument)
    whole = {"down": t >> q, "up": -(-t >> q), "nearest": (2 * t + (1 << q)) >> q + 1}[round]
    return placed(np.ones_like(whole), power(whole), exp)


def piecewise_linear(d, p, segments, fit, coefficients, exp, lines):
    """`lines`: where segments end (their ends belong to the next, but not in the public table), falls, biases."""
    scaled = [end * 2**p for end in lines.ends]
    reached = [d[..., None] > float(end) if fit == "public" else d[..., None] >= float(end) for end in scaled]
    k = np.concatenate(reached, axis=-1).sum(axis=-1)
    y = (np.array([*lines.biases, 0])[k] << p) - np.array([*lines.falls, 0])[k] * d
    return placed(np.clip(y, 0, 1 << coefficients + p), 1 << coefficients + p, exp)


CORES = {
    "table": table,
    "polynomial": polynomial,
    "piecewise_linear": piecewise_linear,
    "chords": chords,
    "power_of_two": power_of_two,
    "bipartite": assembling_more.bipartite,
    "cordic": assembling_more.cordic,
    "interpolated": interpolated,
    "line": line,
}


# -- divisions: of e with f fraction bits by S with g -------------------------------------------------------------
def length(codes):
    return np.frexp(codes.astype(np.float64))[1].astype(np.int64)


def behind(S, bits: int):
    """The `bits` bits behind the first one of S."""
    L = length(S)
    return np.where(L > bits, S >> np.maximum(L - 1 - bits, 0), S << np.maximum(bits + 1 - L, 0)) & (1 << bits) - 1


def by_reciprocal(e, f, S, g, r, bits):
    """e * r / 2**(length - 1), r with `bits` fraction bits."""
    return e * r << max(g - f - bits, 0), (np.int64(1) << length(S) - 1) << max(f + bits - g, 0)


def divide(e, f, S, g):
    return e << max(g - f, 0), S << max(f - g, 0)


@lru_cache(maxsize=16)
def cells_of(address, at, reciprocal):
    half = Fraction(at == "centre", 2)
    return np.array([encoded(1 / (1 + (k + half) / Fraction(2**address)), reciprocal) for k in range(2**address)])


def table_of_reciprocals(e, f, S, g, address, at, reciprocal):
    cells = cells_of(address, at, reciprocal)
    return by_reciprocal(e, f, S, g, cells[behind(S, address)], reciprocal.fraction_bits)


def chords_of_reciprocals(e, f, S, g, pieces, reciprocal):
    bits = reciprocal.fraction_bits
    pieces, b = min(pieces, 1 << bits), behind(S, bits)
    edges = np.array([encoded(1 / (1 + Fraction(k, pieces)), reciprocal) for k in range(pieces + 1)])
    k, rest = b * pieces >> bits, b & (1 << bits) // pieces - 1
    return by_reciprocal(e, f, S, g, edges[k] - ((edges[k] - edges[k + 1]) * rest * pieces >> bits), bits)


def newton(e, f, S, g, steps, seed, address, guard, reciprocal):
    bits = reciprocal.fraction_bits + guard
    b = behind(S, bits)
    if seed == "line":
        at_one, slope = ((2 * k << bits) // 17 + 1 >> 1 for k in (16, 8))
        r = at_one - (slope * b >> bits)
    else:
        address = min(address, bits)
        top = 2 << bits + address
        cells = [quotient(top, (2 << address) + 2 * k + 1, "half_even") for k in range(1 << address)]
        r = np.array(cells)[b >> bits - address]
    m = b + (1 << bits)
    for _ in range(steps):
        r = r * ((2 << bits) - (r * m >> bits)) >> bits
    r = np.minimum(quotient(r, 1 << guard, reciprocal.rounding), reciprocal.highest_code)
    return by_reciprocal(e, f, S, g, r, reciprocal.fraction_bits)


def mitchell(e, f, S, g, fraction):
    def log(codes):
        return (length(codes) << fraction) + behind(codes, fraction)

    t = np.maximum(log(S) - log(e) - (g - f << fraction), 0)
    whole = -(-t >> fraction)
    return np.where(e > 0, (1 << fraction) + (-t & (1 << fraction) - 1), 0), power(whole) << fraction


def by_power_of_two(e, f, S, g, to):
    up = {"below": length(S) - 1, "above": length(S - 1)}
    up["nearest"] = np.where(4 * S >= 3 << length(S), length(S), length(S) - 1)
    return e << max(g - f, 0), (np.int64(1) << up[to]) << max(f - g, 0)


NORMALISERS = {
    "divide": divide,
    "table": table_of_reciprocals,
    "chords": chords_of_reciprocals,
    "newton": newton,
    "mitchell": mitchell,
    "power_of_two": by_power_of_two,
    "cordic": assembling_more.steps,
}


# -- the frame ----------------------------------------------------------------------------------------------------
def summed(e, f: int, sum) -> tuple[np.ndarray, int]:
    """The sum of each row and its fraction bits."""
    if sum.part.name == "exact":
        return e.sum(axis=1), f
    form = sum.settings["sum"]
    g = form.fraction_bits
    addends = quotient(e << max(g - f, 0), 1 << max(f - g, 0), form.rounding)
    return np.minimum(addends.sum(axis=1), form.highest_code), g


def softmax(found, core):
    """The oracle of a design in two passes; `core(d, p)` gives exponentials at the format of `exponent(found)`."""
    p, output = found.parameters, found.output

    def run(codes, present):
        some = present.any(axis=1)
        top = np.where(present, codes, found.input.lowest_code).max(axis=1)
        if p.get("maximum") == "ceil":
            top = -(-top >> found.input.fraction_bits) << found.input.fraction_bits
        e, f = core(np.where(present, top[:, None] - codes, 0), found.input.fraction_bits)
        S, g = summed(np.where(present, e, 0), f, p["sum"])
        above, below = NORMALISERS[p["normalise"].part.name](
            e, f, np.where(some, S, 1)[:, None], g, **p["normalise"].settings
        )
        return placed(above, below, output) * present

    return run


def core_of(settings, name: str, **more):
    """A core with its settings, as `softmax` wants it."""
    return lambda d, p: (CORES[name](d, p, **settings, **more), settings["exp"].fraction_bits)
