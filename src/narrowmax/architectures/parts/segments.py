"""Lines near exp(-d), segment by segment: cuts and coefficients as integers.

Cuts lie on a grid that the format of the exponentials sets.  Dynamic programming over it finds the cuts,
from the last of which on the exponential is 0, with the least largest error or the least sum of squares.
exp(-d) on a segment is exp(-d) on one that begins at 0, scaled, so that errors of all segments are products.
Everything is float64 addition, multiplication, division and comparison, or integers: the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np

from narrowmax import exact

GRID = 512  # points at most
_FINE = 50  # fraction bits of the values that lines are made from
_LN2_ABOVE = Fraction(7, 10)

# The 16 segments of a public third-party table (NN-LUT's rule, 15 neurons), from 0 downwards, to 5 decimals:
# where each ends, its slope and its bias; y = bias - slope * d.  Some segments are very short.
_PUBLIC = (
    ("0.24957", "0.88327", "0.99466"),
    ("0.52163", "0.68074", "0.94411"),
    ("0.82216", "0.51138", "0.85577"),
    ("1.15690", "0.37227", "0.74140"),
    ("1.53893", "0.26056", "0.61216"),
    ("1.98265", "0.17253", "0.47669"),
    ("1.98283", "0.20230", "0.53572"),
    ("1.98384", "0.22898", "0.58862"),
    ("2.52595", "0.10532", "0.34329"),
    ("3.20132", "0.05741", "0.22228"),
    ("4.07848", "0.02646", "0.12321"),
    ("4.07889", "0.03312", "0.15036"),
    ("5.33289", "0.00920", "0.05278"),
    ("5.33525", "0.01405", "0.07865"),
    ("7.53748", "0.00169", "0.01270"),
)


@dataclass(frozen=True)
class Segments:
    """Segment k has the distances beyond `ends[k - 1]` up to `ends[k]`, there bias - fall * d; beyond the last, 0.

    With `open_ends` an end belongs to the next segment.  `falls` and `biases` have as many fraction bits as were
    asked for.
    """

    ends: tuple[Fraction, ...]
    falls: tuple[int, ...]
    biases: tuple[int, ...]
    open_ends: bool = True

    def starts(self, point: int) -> list[int]:
        """For every segment but the first, and for what is beyond, the least distance in it, as a code."""
        scaled = [end * 2**point for end in self.ends]
        return [
            -(-e.numerator // e.denominator) if self.open_ends else e.numerator // e.denominator + 1 for e in scaled
        ]


@lru_cache(maxsize=256)
def public(bits: int) -> Segments:
    """The public table, its numbers rounded to `bits` fraction bits."""
    ends, falls, biases = zip(*((Fraction(a) for a in row) for row in _PUBLIC), strict=True)
    codes = [tuple(exact.round_rational(a * 2**bits, "half_even") for a in column) for column in (falls, biases)]
    return Segments(ends, *codes, open_ends=False)


@lru_cache(maxsize=256)
def fitted(count: int, fit: str, bits: int, fraction: int) -> Segments:
    """`count` segments, that of 0 included, for exponentials of `fraction` fraction bits; `fit`: minimax, squares.

    Of the slopes near the best, with `bits` fraction bits, that is taken whose line is nearest once it is centred,
    rounded, and lowered where it would begin above the end of the one before: nothing rises with the distance.
    """
    far = (fraction + 2) * _LN2_ABOVE
    fine = int(GRID / far).bit_length() - 1  # fraction bits of the grid
    y = _values(fine)[: int(far * 2**fine) + 1]
    cuts = _cuts(y, count - 1, fit)
    falls, biases = _lines(y, cuts, fit, bits, fine)
    return Segments(tuple(Fraction(c, 1 << fine) for c in cuts[1:]), falls, biases)


@lru_cache(maxsize=16)
def _values(fine: int) -> np.ndarray:
    """exp(-k / 2**fine) for k from 0 to `GRID`, to `_FINE` fraction bits."""
    return exact.table("exp", exact.Ratios.multiples(Fraction(-1, 1 << fine), GRID + 1), _FINE) / 2.0**_FINE


def _cuts(y: np.ndarray, lines: int, fit: str) -> list[int]:
    """The places where lines begin, and where the last of them ends."""
    costs, beyond, add = (
        (_largest(y), y, np.maximum) if fit == "minimax" else (_squares(y), np.cumsum((y * y)[::-1])[::-1], np.add)
    )
    best, came = costs[0], []
    for _ in range(lines - 1):
        reached = add(best[:, None], costs)
        came.append(reached.argmin(axis=0))
        best = reached.min(axis=0)
    cuts = [int(add(best, beyond).argmin())]
    for steps in reversed(came):
        cuts.append(int(steps[cuts[-1]]))
    return [0, *cuts[::-1]]


def _scaled(own: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """costs[i, j] of a line from place i to j, where own[k] is that of one from 0 to k; not beyond reach if j <= i."""
    n = len(own)
    steps = np.arange(n)[None, :] - np.arange(n)[:, None]
    return np.where(steps > 0, own[np.maximum(steps, 0)] * factor[:, None], np.inf)


def _largest(y: np.ndarray) -> np.ndarray:
    """The largest error of the nearest line: half the largest distance of the chord."""
    n = len(y)
    k, place = np.maximum(np.arange(n), 1)[:, None], np.arange(n)[None, :]
    chord = 1.0 + (y[:, None] - 1.0) * place / k
    return _scaled(np.where(place <= k, chord - y, 0.0).max(axis=1) / 2, y)


def _squares(y: np.ndarray) -> np.ndarray:
    """The sum of squares that the line of least squares leaves."""
    x, ones = np.arange(len(y), dtype=np.float64), np.ones(len(y))
    n, sx, sy, sxx, sxy, syy = (np.cumsum(a) for a in (ones, x, y, x * x, x * y, y * y))
    across, along = n * sxy - sx * sy, n * sxx - sx * sx
    left = syy - sy * sy / n - across * across / (n * np.where(along > 0, along, 1.0))
    return _scaled(np.maximum(left, 0.0), y * y)


def _lines(y: np.ndarray, cuts: list[int], fit: str, bits: int, fine: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Falls and biases as codes."""
    found, end = [], 1 << bits + fine  # what the line before ends with, with bits + fine fraction bits
    for first, last in pairwise(cuts):
        x, part = np.arange(first, last + 1) / 2.0**fine, y[first : last + 1]
        best = round(_slope(x, part, fit) * 2.0**bits)
        falls = range(max(0, best - 3), max(0, best) + 2)  # a line that has to begin lower may have to fall less
        lines = [_line(x, part, fall, end + fall * first >> fine, fit, bits) for fall in falls]
        _, fall, bias = min(lines)
        found.append((fall, bias))
        end = (bias << fine) - fall * last
    return tuple(zip(*found, strict=True))


def _line(x: np.ndarray, y: np.ndarray, fall: int, highest: int, fit: str, bits: int) -> tuple[float, int, int]:
    """How far a line of a given fall is from the values, the fall, and its bias, at most `highest`."""
    rest = y * 2.0**bits + x * fall
    middle = (rest.max() + rest.min()) / 2 if fit == "minimax" else np.cumsum(rest)[-1] / len(rest)
    bias = min(round(float(middle)), highest)
    off = np.abs(rest - bias)
    return float(off.max() if fit == "minimax" else np.cumsum(off * off)[-1]), fall, bias


def _slope(x: np.ndarray, y: np.ndarray, fit: str) -> float:
    """How fast the best line falls."""
    if fit == "minimax":
        return float((y[0] - y[-1]) / (x[-1] - x[0]))
    n, sx, sy, sxx, sxy = (float(np.cumsum(a)[-1]) for a in (np.ones(len(x)), x, y, x * x, x * y))
    return (sx * sy - n * sxy) / (n * sxx - sx * sx)
