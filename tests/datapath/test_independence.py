"""For rows within max_n, bits never depend on max_n, although ranges and what they fold away do."""

import numpy as np
import pytest
from tests.datapath.drawings import drawn

from narrowmax.datapath import Rate, Table, fit, fold, largest, round_off, scan, total
from narrowmax.engines import array

EXP = Table("exp", tuple(max(0, 64 >> k) for k in range(8)), 6, "2**-k", "exactly")


def soft(r):
    e = (largest(r.x) - r.x).minimum(7).lookup(EXP)
    s = total(e)
    return (e.extend(8)).divide(s.known(64, s.hi, "the largest"), 0).at_point(0)


def saturating(r):
    s = fold(lambda a, b: fit(a + b, -40, 40, "saturate"), r.x, order="serial")
    return s + r.x.maximum(r.position.minimum(9)) + (r.n < 6).select(s, r.n)


def chunked(r):
    top = largest(r.x, to=Rate.CHUNK)
    step = lambda m, s, c, t: (m.maximum(c), fit((s >> (m.maximum(c) - m).minimum(6)) + t, 0, 50, "saturate"))  # noqa: E731
    before, at, after = scan(step, top, total(r.x.maximum(0), to=Rate.CHUNK), start=(-8, 0))
    return round_off((after[1] + at[0] - before[0]).at_point(2), 2, "half_even").at_point(0) + r.position


def positional(r):
    return (
        (r.position.minimum(3) * r.x).maximum(r.n - r.position)
        + total(r.x).minimum(100).maximum(-100)
        + (r.n.equals(1)).select(5, r.x)
    )


@pytest.mark.parametrize("function", [soft, saturating, chunked, positional])
@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_bits_do_not_depend_on_max_n(function, n):
    rng = np.random.default_rng(n)
    codes, present = rng.integers(-8, 8, (200, n)), rng.random((200, n)) < 0.8
    results = [
        array.run(
            drawn(function, output="Q24.0", max_n=max_n, chunk=3 if function is chunked else None), codes, present
        )
        for max_n in (n, n + 1, 8, 64, 1000)
    ]
    assert all(np.array_equal(results[0], other) for other in results[1:])
