"""The online recurrence against its steps in plain integers, on arrays and restated, and its hazards."""

from __future__ import annotations

import numpy as np
import pytest
from tests.architectures import assembling
from tests.architectures.against import (
    Steps,
    assert_equal,
    in_number,
    meant_to_break,
)
from tests.architectures.restated.online import online as restated
from tests.architectures.rows import VARIANTS

from narrowmax.architectures.parts.minimax import coefficients_of
from narrowmax.architectures.parts.segments import fitted
from narrowmax.designs import design

DESIGNS = [design(text) for text in ["online", *VARIANTS["online"]]]


def core_of(exp):
    more = {}
    if exp.part.name == "polynomial":
        more["values"] = coefficients_of(exp.settings["degree"], exp.settings["coefficients"])
    if exp.part.name == "piecewise_linear":
        names = ("segments", "fit", "coefficients")
        more["lines"] = fitted(*(exp.settings[name] for name in names), exp.settings["exp"].fraction_bits)
    return assembling.core_of(exp.settings, exp.part.name, **more)


def oracle(found):
    """The recurrence, a chunk of all rows at a time."""
    p, point, low = found.parameters, found.input.fraction_bits, found.input.lowest_code
    core, guard, f = core_of(p["exp"]), p["guard"], p["exp"].settings["exp"].fraction_bits

    def exp(d):
        return core(d, point)[0]

    def scaled(codes, distance):
        return np.where(distance > 0, assembling.quotient(codes * exp(distance), 1 << f, p["round"]), codes)

    def run(codes, present):
        S, running, u, against = np.zeros(len(codes), np.int64), np.full(len(codes), low), [], []
        for at in range(0, codes.shape[1], p["chunk"]):
            x, here = codes[:, at : at + p["chunk"]], present[:, at : at + p["chunk"]]
            new = np.maximum(running, np.where(here, x, low).max(axis=1))
            u.append(np.where(here, exp(np.where(here, new[:, None] - x, 0)), 0))
            against.append(np.repeat(new[:, None], x.shape[1], axis=1))
            S = np.where(here.any(axis=1), scaled(S, new - running) + (u[-1].sum(axis=1) << guard), S)
            running = new
        u, against = np.concatenate(u, axis=1), np.concatenate(against, axis=1)
        if p["numerator"] == "again":
            e = exp(np.where(present, running[:, None] - codes, 0))
        else:
            e = scaled(u, running[:, None] - against)
        S = np.where(present.any(axis=1), S, 1)[:, None]
        divide = assembling.NORMALISERS[p["normalise"].part.name]
        above, below = divide(e, f, S, f + guard, **p["normalise"].settings)
        return assembling.placed(above, below, found.output) * present

    return run


def restatement(found):
    """The recurrence as it was restated, with the core and the division of `assembling`, an element at a time."""
    p, point, output = found.parameters, found.input.fraction_bits, found.output
    f, how, core = p["exp"].settings["exp"].fraction_bits, p["normalise"], core_of(p["exp"])
    codes_of = core(np.arange(found.input.highest_code - found.input.lowest_code + 1), point)[0].tolist()

    def divide(value, total):
        e, S = (np.array([int(v * 2**bits)]) for v, bits in ((value, f), (total, f + p["guard"])))
        return int(
            assembling.placed(*assembling.NORMALISERS[how.part.name](e, f, S, f + p["guard"], **how.settings), output)[
                0
            ]
        )

    def row(codes, present):
        return restated(
            codes, present, exponential=lambda distance: codes_of[int(distance * 2**point)], exp_fraction=f,
            chunk=p["chunk"], input_fraction=point, sum_fraction=f + p["guard"], decay=p["round"], rescale=p["round"],
            still=False, numerator=p["numerator"], divide=divide,
        )  # fmt: skip

    return lambda codes, present: np.array([row(*both) for both in zip(codes.tolist(), present.tolist(), strict=True)])


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle = DESIGNS, staticmethod(oracle)

    def test_as_restated(self, found):
        """2,000 elements on the fastest engine."""
        assert assert_equal(found, restatement(found), in_number(found, 2_000, (1, 3, 10, 40, 100), seed=4)) >= 2_000

    @pytest.mark.long
    def test_a_million_as_restated(self, found):
        """1,000,000 elements on the fastest engine, and the adversarial rows."""
        rows = in_number(found, 1_000_000, (1, 3, 17, 100, 300), seed=5)
        assert assert_equal(found, restatement(found), rows) >= 1_000_000
        assert_equal(found, restatement(found), meant_to_break(found))


def test_one_chunk_is_two_passes():
    """A row that fits in a chunk: nothing is ever scaled."""
    rows = np.random.default_rng(0).normal(0, 3, (300, 16))
    for exp in ("polynomial(2)", "table(UQ0.8)", "piecewise_linear"):
        once = design(f"online(exp={exp}, output=UQ1.8:half_up)")
        twice = design(f"composed(exp={exp}, normalise=divide, output=UQ1.8:half_up)")
        assert (once.simulate(rows) == twice.simulate(rows)).all()


def test_a_falling_row_is_never_scaled_and_a_rising_one_always():
    """The same elements in another order; exp(-1) is 94/256, so that the sum loses, and guard bits save what is cut."""
    falling = np.arange(0, -8, -1)[None]
    exact = design("composed(exp=table(UQ1.8), normalise=divide, output=UQ0.12:half_up)").simulate(falling)
    above = []
    for guard in (0, 2, 8):
        found = design(f"online(chunk=1, exp=table(UQ1.8), guard={guard}, output=UQ0.12:half_up)")
        assert (found.simulate(falling) == exact).all()
        above.append(int((found.simulate(falling[:, ::-1])[:, ::-1] - exact)[0, 0]))
    assert above == [19, 11, 10]


@pytest.mark.parametrize("numerator", ["again", "rescaled"])
def test_order(numerator):
    """Rows of 20: with stored numerators, rounded against another maximum, a larger element can end below."""
    found = design(f"online(chunk=1, exp=table, numerator={numerator})")
    rows = np.random.default_rng(6).normal(0, 2, (20_000, 20))
    codes = found.input.quantise(rows)
    order = np.argsort(codes, axis=1)
    x, y = (np.take_along_axis(a, order, 1) for a in (codes, found.simulate(rows)))
    falls = ((np.diff(x, axis=1) > 0) & (np.diff(y, axis=1) < 0)).any()
    assert falls == (numerator == "rescaled")
    row = np.array([[1, 32, 0]]) / 8
    assert found.simulate(row).tolist() == ([[5, 247, 5]] if numerator == "again" else [[4, 247, 5]])


def test_a_maximum_that_stands_still_scales_nothing():
    """Though the exponential of 0 is 255/256 here."""
    row = np.zeros((1, 200))
    found = design("online(chunk=1, exp=table(UQ0.8), output=UQ0.12:half_up)")
    assert set(found.simulate(row)[0]) == {round(4096 / 200)}


def test_masked_first_chunks_leave_no_trace():
    found = design("online(chunk=4)")
    row = np.array([[15.0] * 8 + [-3.0, -4.0, -5.0]])
    mask = np.arange(11)[None] >= 8
    assert (found.simulate(row, mask=mask)[0, 8:] == found.simulate(row[:, 8:])[0]).all()
