"""SOLE against its published steps in plain integers, chunk by chunk, a restatement, and its hazards."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tests.architectures import assembling
from tests.architectures.against import (
    TRAINED,
    Restated,
    Steps,
    assert_engines_agree,
    assert_equal,
    in_number,
    restated,
    row_by_row,
)
from tests.architectures.rows import VARIANTS

from narrowmax.designs import design, limits

DESIGNS = [design(text) for text in ["sole", *VARIANTS["sole"]]]
RESTATED = DESIGNS[:3]  # of four bits of exponent and a sum that does not reach its end


def rounded_down(t, places: int, word: str):
    """t / 2**places of t <= 0 as an integer, by the words' definitions on its magnitude."""
    whole, rest, half = -t >> places, -t & (1 << places) - 1, 1 << places >> 1
    tie = (rest == half) & (rest > 0)
    up = {"floor": rest > 0, "toward_zero": 0, "half_up": 0, "half_away": tie, "half_even": tie & (whole & 1 == 1)}[
        word
    ]
    return whole + (up if word in ("floor", "toward_zero") else up | (rest > half))


def oracle(found):
    """The published steps, a chunk of all rows at a time."""
    p = found.parameters
    point, low, most = p["input"].fraction_bits, found.input.lowest_code, 2 ** p["exponent"] - 1
    f, last = p["sum"].fraction_bits, p["sum"].highest_code

    def log2exp(d):
        t, places = assembling.octaves(np.maximum(d, 0), point, p["base"], 0)
        return np.minimum(rounded_down(-t, places, p["round"]), most)

    def run(codes, present):
        S, running, ks = np.zeros(len(codes), np.int64), np.full(len(codes), low), []
        for at in range(0, codes.shape[1], p["chunk"]):
            x, here = codes[:, at : at + p["chunk"]], present[:, at : at + p["chunk"]]
            new = np.maximum(running, np.where(here, x, low).max(axis=1))
            k = log2exp(new[:, None] - x)
            S = (S >> log2exp(new - running)) + np.where(here, 1 << f >> k, 0).sum(axis=1)
            S = S & last if p["sum"].overflow == "wrap" else np.minimum(S, last)
            ks.append((k, np.repeat(new[:, None], x.shape[1], axis=1)))
            running = new
        k, against = (np.concatenate(part, axis=1) for part in zip(*ks, strict=True))
        k = np.minimum(most, k + log2exp(running[:, None] - against))
        length = assembling.length(S)  # 0 counts as half of the last bit
        upper = (S << 2 >> length & 1) == 1
        line, one = Fraction(str(p["line"])), 1 << p["constant"]
        c = np.where(upper, *(int((line - top) / 2 * one + Fraction(1, 2)) for top in (Fraction(1, 2), 0)))
        places = k + (length - 1 - f)[:, None]
        share = c[:, None] << np.maximum(-places, 0)
        return assembling.placed(share, one << np.maximum(places, 0), found.output) * present

    return run


def settings_of(found) -> dict:
    """The parameters of the restatement."""
    p = found.parameters
    return {
        "input_fraction": p["input"].fraction_bits, "guard": {"shifts": 0, "23/16": 4}[p["base"]], "chunk": p["chunk"],
        "rounding": p["round"], "constant_fraction": p["constant"], "output_fraction": p["output"].fraction_bits,
        "output_rounding": p["output"].rounding, "output_most": p["output"].highest_code,
    }  # fmt: skip


def retold(found):
    return row_by_row(restated("sole"), **settings_of(found))


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps(Steps):
    designs, oracle = DESIGNS, staticmethod(oracle)
    trained = TRAINED


@pytest.mark.parametrize("found", RESTATED, ids=str)
class TestRestated(Restated):
    retold = staticmethod(retold)


def test_engines_of_the_default():
    assert_engines_agree(DESIGNS[0])


@pytest.mark.parametrize("rounding", ["floor", "half_up", "half_even", "half_away", "toward_zero"])
@pytest.mark.parametrize("base", ["shifts", "23/16"])
def test_every_word_of_rounding(rounding, base):
    """10,000 elements of each, since no source says which it is."""
    found = design(f"sole(round={rounding}, base={base}, chunk=2, output=UQ0.16)")
    assert_equal(found, oracle(found), in_number(found, 10_000, (2, 9, 60), seed=6))


def run(row: list[float], inside: str = "") -> list[int]:
    return design(f"sole({inside})").simulate(np.array(row)).tolist()


def test_vectors():
    """Worked out by hand: 209 is 0.818 of 256 and 145 is 0.568; -1 is -23/16, of which the floor is -2."""
    assert run([3.0]) == [209]
    assert run([3.0, 3.0]) == [104, 104]
    assert run([3.0, 2.0]) == [209, 209 >> 2]  # 1.25
    assert run([3.0, 2.0], "round=half_up") == [145, 145 >> 1]  # 1.5
    assert run([3.0] * 3) == [145 >> 1] * 3  # 3 = 1.5 * 2


def test_the_constants_are_the_published_ones():
    """c * (1 + s) is -18.2 % to +22.7 %, 0.8 % in the mean."""
    c = np.array([209, 145]) / 256
    assert np.abs(c - [0.818, 0.568]).max() < 1 / 512
    s = np.arange(4096) / 4096
    exactly = np.where(s < 0.5, 0.818, 0.568) * (1 + s) - 1
    assert (exactly.min(), exactly.max()) == (pytest.approx(-0.182, abs=1e-3), pytest.approx(0.227, abs=1e-3))
    assert exactly.mean() == pytest.approx(0.008, abs=1e-3)
    sums = [design("sole(output=UQ0.20)")(np.zeros(n)).sum() for n in (16, 23, 24, 31, 512, 767)]
    wanted = [0.818, 0.818 * 23 / 16, 0.568 * 24 / 16, 0.568 * 31 / 16, 0.818, 0.818 * 767 / 512]
    assert sums == pytest.approx(wanted, abs=0.005)


def test_errors_of_the_powers():
    """-50 % to 0 with floors, -29 % to +41 % to nearest, of 2**(-23/16 d)."""
    d = np.arange(1, 150)
    rows = np.stack([np.full(149, 7.0), 7 - d / 16], axis=1)
    exact = 2.0 ** (-23 / 256 * d)
    for word, least, most in (("floor", 0.5, 1), ("half_up", 2**-0.5, 2**0.5)):
        shares = design(f"sole(round={word}, base=23/16, constant=24, output=UQ0.24)")(rows)
        ratio = shares[:, 1] / shares[:, 0] / exact
        assert least <= ratio.min() < least + 0.03
        assert most - 0.06 < ratio.max() <= most


def test_exponents_stop_at_15():
    """All that is 10.4 below the maximum or more counts 2**-15, in the sum as in the output."""
    share = design("sole(output=UQ0.24)")(np.array([7.0, -3.0, -8.0]))
    assert share[1] == share[2] == share[0] / 2**15
    far = design("sole(sum=UQ12.15:floor, output=UQ0.20)")(np.array([7.9375, *[-8.0] * 32768]))[0]
    assert far == pytest.approx(0.818 / 2, abs=2e-3)  # the sum is 2, where 1.0001 is right


def test_a_maximum_that_grows_in_small_steps():
    """Sixteen steps of 1/16: floors shift the sum an octave for each and leave 2; to nearest it stays, 17 at last."""
    row = np.arange(17) / 16
    exact = np.exp(row - 1).sum()
    for word, sum, share in (("floor", 2 - 2**-16, 0.568), ("half_up", 17, 0.818 / 16)):
        shares = design(f"sole(chunk=1, round={word}, constant=16, sum=UQ5.16:floor, output=UQ0.20)")(row)
        assert shares[-1] == pytest.approx(share, abs=1e-3)
        assert not 0.5 < sum / exact < 1.5


def test_equals_of_different_chunks():
    """The first 0 is an octave below 1/16 and then another for the 1/16 after it; the last is one below 1/8."""
    row = [0.0, 0.0625, 0.125, 0.0]
    shares = run(row, "chunk=2")
    assert shares[0] == shares[1] >> 1 == shares[3] >> 1
    assert len({shares[0], shares[3]}) == 2
    assert len(set(run(row)[0::3])) == 1


def test_limits_of_the_page():
    found = limits(design("sole"))
    assert found["exact_row"]["value"] == 1008  # in whole chunks of 16
    assert found["largest_probability"]["value"] == 209 / 256
    assert found["widest_distance"]["value"] == 4.875
    assert design("sole").input.bits == design("sole").output.bits == 8
