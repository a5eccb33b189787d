"""The rounding modes, twice: on one rational, which defines them, and on arrays of float64.

Both answer with integers.  `random` is the uniform number in [0, 1) that `stochastic` needs: a value
goes up when its fraction plus the number reaches 1, so k random bits r are the number r / 2**k.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from narrowmax.errors import FormatError

_HALF = Fraction(1, 2)

# Does the value floor + rest, 0 <= rest < 1, go up to floor + 1?
_GOES_UP = {
    "floor": lambda floor, rest, random: False,
    "half_up": lambda floor, rest, random: rest >= _HALF,
    "half_even": lambda floor, rest, random: rest > _HALF or (rest == _HALF and floor % 2 == 1),
    "half_away": lambda floor, rest, random: rest > _HALF or (rest == _HALF and floor >= 0),
    "toward_zero": lambda floor, rest, random: rest > 0 and floor < 0,
    "stochastic": lambda floor, rest, random: rest + random >= 1,
}

ROUNDINGS = tuple(_GOES_UP)


def round_exact(value: Fraction, rounding: str, random: float | Fraction | None = None) -> int:
    """The integer that `value` rounds to.  Raises FormatError where `stochastic` has no random number."""
    floor = value.numerator // value.denominator
    if rounding == "stochastic":
        random = Fraction(float(check_random(random, ())))
    return floor + bool(_GOES_UP[rounding](floor, value - floor, random))


def round_array(values: np.ndarray, rounding: str, random: np.ndarray | None = None) -> np.ndarray:
    """`round_exact` of every element: float64 in, integers as float64 out.  Infinities stay what they are."""
    return _ARRAY[rounding](values, random)


def check_random(random: object, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform numbers as float64 of this shape.  Raises FormatError when missing, outside [0, 1) or misshapen."""
    if random is None:
        raise FormatError("stochastic rounding has no random numbers: give random=, uniform in [0, 1), one a value")
    numbers = np.asarray(random, dtype=np.float64)
    if not np.all((numbers >= 0) & (numbers < 1)):
        raise FormatError("random numbers for stochastic rounding must lie in [0, 1): divide k random bits by 2**k")
    try:
        return np.broadcast_to(numbers, shape)
    except ValueError:
        message = f"random numbers of shape {numbers.shape} do not fit values of shape {shape}: give one a value"
        raise FormatError(message) from None


def _half_up(values: np.ndarray, random: object = None) -> np.ndarray:
    # floor(v + 0.5) would round v + 0.5 first (0.49999999999999994 would go up).  v - floor(v) is exact
    # unless -0.5 < v < 0, and there it stays above 0.5.  An infinity gives inf - inf, which compares false.
    floor = np.floor(values)
    with np.errstate(invalid="ignore"):
        return floor + (values - floor >= 0.5)


def _half_away(values: np.ndarray, random: object = None) -> np.ndarray:
    return np.copysign(_half_up(np.abs(values)), values)


def _stochastic(values: np.ndarray, random: np.ndarray) -> np.ndarray:
    whole = np.trunc(values)
    with np.errstate(invalid="ignore"):
        part = values - whole  # exact, with the sign of the value, unlike values - floor(values)
    larger, smaller = np.maximum(part, random), np.minimum(part, random)
    up = (part > 0) & (smaller >= 1 - larger)  # 1 - larger is exact where it matters, from 0.5 on
    down = (part < 0) & (random < -part)  # (1 + part) + random < 1
    return whole + up - down


_ARRAY = {
    "floor": lambda values, random: np.floor(values),
    "half_up": _half_up,
    "half_even": lambda values, random: np.rint(values),
    "half_away": _half_away,
    "toward_zero": lambda values, random: np.trunc(values),
    "stochastic": _stochastic,
}
