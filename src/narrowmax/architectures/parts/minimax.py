"""Coefficients of polynomials near 2**-f on [0, 1], as integers: minimax in the arithmetic that evaluates them.

Everything is float64 addition, multiplication and division of Python, or integers: the same on every machine.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import product

import numpy as np

from narrowmax import exact

GRID = 256  # the polynomial is judged at the multiples of 1/256 in [0, 1]
_FINE = 45  # fraction bits of the values it is judged by
_ROUNDS = 24


@lru_cache(maxsize=512)
def coefficients_of(degree: int, bits: int) -> tuple[int, ...]:
    """Coefficients of 1, f, ... f**degree with `bits` fraction bits, for Horner's rule with products cut to those.

    The least largest relative error at the multiples of 1/256 in [0, 1] that steps of one unit in any
    coefficients reach, from the minimax polynomial with its coefficients rounded one after the other.
    """
    best = _rounded_one_by_one(degree, bits)
    error = float(_errors(np.array([best]), bits)[0])
    steps = np.array(list(product((-1, 0, 1), repeat=degree + 1)))
    for _ in range(_ROUNDS):
        near = best + steps
        errors = _errors(near, bits)
        place = int(np.argmin(errors))
        if not errors[place] < error:
            break
        best, error = near[place], float(errors[place])
    return tuple(int(c) for c in best)


def _errors(many: np.ndarray, bits: int) -> np.ndarray:
    """The largest relative error of each row of coefficients, evaluated as a datapath does."""
    f = np.arange(GRID + 1)
    found = np.repeat(many[:, -1:], GRID + 1, axis=1)
    for place in range(many.shape[1] - 2, -1, -1):
        found = ((found * f) >> 8) + many[:, place : place + 1]
    found = np.clip(found, 1 << bits >> 1, 1 << bits)
    wanted = np.array(_values()) / 2.0 ** (_FINE - bits)
    return (np.abs(found - wanted) / wanted).max(axis=1)


@lru_cache(maxsize=1)
def _values() -> tuple[int, ...]:
    return tuple(exact.tabulate("exp2", [-Fraction(k, GRID) for k in range(GRID + 1)], _FINE))


def _rounded_one_by_one(degree: int, bits: int) -> np.ndarray:
    """The minimax polynomial; coefficients are rounded from the first on, each time the others are found anew."""
    fixed: list[int] = []
    while len(fixed) <= degree:
        free = _remez(degree, [c / 2.0**bits for c in fixed])
        fixed.append(round(free[0] * 2.0**bits))
    return np.array(fixed)


def _remez(degree: int, fixed: list[float]) -> list[float]:
    """The other coefficients that make the largest relative error on the grid least, by exchange of one point."""
    first, unknown = len(fixed), degree + 1 - len(fixed)
    xs = [k / GRID for k in range(GRID + 1)]
    ys = [v / 2.0**_FINE for v in _values()]
    wanted = [1.0 - _value(fixed, x) / y for x, y in zip(xs, ys)]
    rows = [[_power(x, first + k) / y for k in range(unknown)] for x, y in zip(xs, ys)]
    points = _spread(unknown + 1)
    free = [0.0] * unknown
    for _ in range(40):
        system = [[*rows[p], (-1.0) ** i, wanted[p]] for i, p in enumerate(points)]
        *free, level = _solved(system)
        errors = [w - sum_of(r, free) for r, w in zip(rows, wanted)]
        worst = max(range(GRID + 1), key=lambda k: abs(errors[k]))
        if abs(errors[worst]) <= abs(level) * (1 + 1e-9) or worst in points:
            break
        points = _exchanged(points, worst, errors)
    return free


def sum_of(row: list[float], free: list[float]) -> float:
    total = 0.0
    for a, b in zip(row, free):
        total += a * b
    return total


def _value(coefficients: list[float], x: float) -> float:
    found = 0.0
    for c in reversed(coefficients):
        found = found * x + c
    return found


def _power(x: float, n: int) -> float:
    found = 1.0
    for _ in range(n):
        found *= x
    return found


def _spread(count: int) -> list[int]:
    """Points of the grid to begin from, closer together at the ends."""
    places = [Fraction(k, count - 1) for k in range(count)]
    return [round(GRID * (3 * t * t - 2 * t**3)) for t in places]


def _exchanged(points: list[int], new: int, errors: list[float]) -> list[int]:
    """The points with the new one in place of a neighbour where the error has its sign."""
    same = [i for i, p in enumerate(points) if (errors[p] > 0) == (errors[new] > 0)]
    below = [i for i in range(len(points)) if points[i] < new]
    left, right = (below[-1] if below else None), (below[-1] + 1 if below else 0)
    if left is not None and left in same:
        return [*points[:left], new, *points[left + 1 :]]
    if right < len(points) and right in same:
        return [*points[:right], new, *points[right + 1 :]]
    return [new, *points[:-1]] if left is None else [*points[1:], new]


def _solved(system: list[list[float]]) -> list[float]:
    """The solution of n equations in n unknowns, the right sides last, by elimination."""
    rows = [row[:] for row in system]
    n = len(rows)
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(rows[i][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(n):
            if i != k:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k])]
    return [row[n] / row[i] for i, row in enumerate(rows)]
