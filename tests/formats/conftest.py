"""Values that break roundings: ties, their neighbours in float64, subnormals, the largest numbers, both zeros."""

from __future__ import annotations

import numpy as np
import pytest


def _hard_values(steps: list[float]) -> np.ndarray:
    ties = [k * step / 2 for step in steps for k in range(-40, 41)]
    ties += [0.49999999999999994, 2.0**52 + 1, 4503599627370495.5, 2.0**53 + 2, 1e16, 9007199254740993.0]
    ties += [2.0**k for k in range(-1074, 1024, 9)] + [5e-324, 2.2250738585072014e-308, 1e300, np.finfo(float).max]
    points = np.array(ties)
    with np.errstate(over="ignore"):
        near = np.concatenate([points, np.nextafter(points, np.inf), np.nextafter(points, -np.inf)])
    near = near[np.isfinite(near)]
    return np.concatenate([near, -near])


@pytest.fixture(scope="session")
def hard_values():
    """A function: step sizes -> an array of hard float64 values for formats with these steps."""
    return _hard_values
