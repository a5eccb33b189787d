"""Softmax by its definition: what every architecture is judged by.

    p[i] = exp(x[i]) / sum over the elements j that take part of exp(x[j])

A masked element, and one of -inf, takes no part: its probability is 0, and a row in which nothing takes part is
all zeros.  Nothing here depends on the machine's libm, nor on the order in which NumPy adds.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np

from narrowmax import exact
from narrowmax.errors import DataError, FormatError
from narrowmax.formats import Format, as_reals

_UNIT = 2.0**-53
_ROWS = 1024  # rows at a time, to bound the memory
_LEAST = 2.0**-990  # what `exact.exp` gave as 0 lies below this
_JUST_BELOW_ONE = 1 - Fraction(1, 2**3000)  # no format has a rounding boundary from here to 1
_HARDLY = Fraction(1, 2**3000)  # likewise below 1/n, n an integer; rows whose others are _FAR below miss 1/n by less
_FAR = 2200
_FIRST_DIGITS, _MOST_DIGITS = 30, 100_000


def softmax(x: np.ndarray, mask: np.ndarray | None = None, axis: int = -1) -> np.ndarray:
    """Real values (..., n) -> probabilities as float64, same shape, within 2**-48 of themselves or 1e-300.

    The same bits on every machine.  mask: true where an element takes part, broadcast to x.  Raises DataError for
    NaN, +inf, a mask that does not fit or values that float64 does not hold.
    """
    values, present, back = _rows(x, mask, axis)
    out = np.empty(values.shape)
    for start in range(0, len(values), _ROWS):
        part = slice(start, start + _ROWS)
        weights = _weights(values[part], present[part])
        total = _serial_sum(weights)
        out[part] = weights / np.where(total > 0, total, 1.0)[:, None]
    return back(out)


def codes(
    x: np.ndarray,
    output: Format,
    mask: np.ndarray | None = None,
    axis: int = -1,
    random: np.ndarray | None = None,
) -> np.ndarray:
    """Real values (..., n) -> the codes of `output` for the true probabilities, correctly rounded; int64, same shape.

    Each is rounded once, from the real number: float64 decides where its proven error leaves no doubt, arbitrary
    precision elsewhere.  An element that takes no part gets the code of 0.  `random` as in `Format.quantise`.
    Raises what `softmax` and `output.quantise` raise.
    """
    values, present, back = _rows(x, mask, axis)
    numbers = None if random is None else _as_rows(np.broadcast_to(random, np.shape(x)), axis)
    out = np.empty(values.shape, dtype=np.int64)
    for start in range(0, len(values), _ROWS):
        part = slice(start, start + _ROWS)
        out[part] = _codes(values[part], present[part], output, None if numbers is None else numbers[part])
    return back(out)


def _rows(x: np.ndarray, mask: np.ndarray | None, axis: int) -> tuple:
    """Values and present as (rows, n), and the function that gives a result the shape of x."""
    values = as_reals(x)
    if values.ndim == 0:
        raise DataError("softmax needs at least one axis, and this is a single number: give an array (..., n)")
    moved = np.moveaxis(values, axis, -1).shape
    if moved[-1] == 0:
        raise DataError(f"values of shape {values.shape} have rows without elements: give at least one element a row")
    present = np.ones(values.shape, bool) if mask is None else _fitted_mask(mask, values.shape)
    values = _as_rows(values, axis)
    present = _as_rows(present, axis) & (values != -np.inf)
    wrong = present & ~(values < np.inf)
    if wrong.any():
        row, element = np.argwhere(wrong)[0]
        raise DataError(f"{values[row, element]} at element {element} of row {row} has no softmax: give finite values")
    return values, present, lambda rows: np.moveaxis(rows.reshape(moved), -1, axis)


def _as_rows(array: np.ndarray, axis: int) -> np.ndarray:
    moved = np.moveaxis(array, axis, -1)
    return moved.reshape(-1, moved.shape[-1])


def _fitted_mask(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.asarray(mask)
    if mask.dtype.kind != "b":
        raise DataError(f"a mask of type {mask.dtype} is refused: give booleans, true where an element takes part")
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        message = f"a mask of shape {mask.shape} does not fit values of shape {shape}: give one flag an element"
        raise DataError(message) from None


def _weights(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """exp(x - max) within 2**-49.4 of itself where it is above 2**-999; 0 where absent."""
    values = np.where(present, values, -np.inf)
    top = values.max(axis=1, initial=-np.inf, keepdims=True)
    top = np.where(top == -np.inf, 0.0, top)
    with np.errstate(over="ignore", invalid="ignore"):
        distance = values - top
        # What that rounded away (Knuth's two-sum), put back to first order; the rest is below 2**-86.
        seen = distance + top
        lost = (values - seen) + ((seen - distance) - top)
        weights = exact.exp(distance)
        return weights + weights * np.where(weights > 0, lost, 0.0)


def _serial_sum(weights: np.ndarray) -> np.ndarray:
    """The sum of each row within 2**-52 of itself for rows up to 2**40, whatever order NumPy adds in."""
    total, lost = np.zeros(len(weights)), np.zeros(len(weights))
    for column in np.ascontiguousarray(weights.T):
        larger, smaller = np.maximum(total, column), np.minimum(total, column)
        total = total + column
        lost += smaller - (total - larger)
    return total + lost


def _codes(values: np.ndarray, present: np.ndarray, output: Format, random: np.ndarray | None) -> np.ndarray:
    low, high = _bounds(values, present)
    bounded = _saturating(output)
    if _nothing_between(bounded):
        several = present.sum(axis=1, keepdims=True) > 1
        high = np.where(several, np.minimum(high, 1 - _UNIT), high)
    found = bounded.quantise(low, random)
    hard = found != bounded.quantise(high, random)
    if bounded is not output:  # what may be refused is decided exactly
        hard |= (high > float(output.highest)) | (low < float(output.lowest))
    for row in np.flatnonzero(hard.any(axis=1)):
        numbers = None if random is None else random[row]
        _settle(found[row], hard[row], values[row], present[row], output, numbers)
    return found


def _bounds(values: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Float64 numbers below and above each true probability, or equal to it; both 0 where absent."""
    weights = _weights(values, present)
    total = weights.sum(axis=1, keepdims=True)
    near = weights / np.where(total > 0, total, 1.0)
    # 13 units for each weight and for their sum, n - 1 for adding them in any order, 1 for the quotient; doubled.
    error = (2 * values.shape[1] + 64) * _UNIT
    return near * (1 - error), np.where(present, np.minimum(near * (1 + error) + _LEAST, 1.0), 0.0)


def _saturating(output: Format) -> Format:
    forbids = output.overflow == "forbid" and output.bits is not None
    return dataclasses.replace(output, overflow="saturate") if forbids else output


def _nothing_between(output: Format) -> bool:
    """Has every value from 1 - 2**-53 up to 1, without 1, the same code?  Then p < 1 is all there is to know."""
    if output.rounding == "stochastic":
        return False
    return output.encode(Fraction(1 - _UNIT)) == output.encode(_JUST_BELOW_ONE)


def _settle(found, hard, values, present, output: Format, random) -> None:
    """Puts the codes of one row's hard elements into `found`, in arbitrary precision."""
    distinct, counts = np.unique(values[present], return_counts=True)
    row = list(zip(map(Fraction, distinct.tolist()), counts.tolist()))
    known: dict[tuple, int] = {}
    for element in np.flatnonzero(hard):
        key = (float(values[element]), bool(present[element]), None if random is None else float(random[element]))
        if key not in known:
            known[key] = _exact_code(key[0], row if key[1] else [], output, key[2])
        found[element] = known[key]


def _exact_code(x: float, row: list[tuple[Fraction, int]], output: Format, random: float | None) -> int:
    """The code of 1 / sum(count * exp(value - x)), or of 0 where nothing takes part, in as many digits as it takes."""
    if len(row) <= 1:
        return output.encode(Fraction(1, row[0][1]) if row else 0, random)
    # Otherwise p is transcendental (Lindemann and Weierstrass), so it never lies on a rounding boundary.
    if max(value for value, _ in row if value != x) < x - _FAR:
        return output.encode(Fraction(1, dict(row)[Fraction(x)]) - _HARDLY, random)
    digits = _FIRST_DIGITS
    while digits <= _MOST_DIGITS:
        low, high = _enclosed(Fraction(x), row, digits)
        code = _code_or_none(output, low, random)
        if code == _code_or_none(output, high, random):
            return output.encode(low, random) if code is None else code
        digits *= 2
    raise AssertionError(f"{_MOST_DIGITS} digits do not decide a probability in {output}")


def _code_or_none(output: Format, value: Fraction, random: float | None) -> int | None:
    try:
        return output.encode(value, random)
    except FormatError:  # forbidden
        return None


def _enclosed(x: Fraction, row: list[tuple[Fraction, int]], digits: int) -> tuple[Fraction, Fraction]:
    least = most = Fraction(0)
    for value, count in row:
        low, high = (Fraction(1), Fraction(1)) if value == x else exact.FUNCTIONS["exp"].enclose(value - x, digits)
        least, most = least + count * low, most + count * high
    return 1 / most, min(1 / least, _JUST_BELOW_ONE)
