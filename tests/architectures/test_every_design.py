"""Every architecture, every check: one class, run on each design of `rows.DRAWN`."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from itertools import groupby, pairwise

import numpy as np
import pytest
from tests.architectures.rows import (
    DESIGNS,
    DRAWN,
    LOW_ALONE,
    POSITIONAL,
    UNORDERED,
    adversarial,
    masks,
    random_rows,
    rising,
)  # fmt: skip

from narrowmax.designs import catalogue, design, limits
from narrowmax.engines import array, interpret
from narrowmax.errors import DesignError, NarrowmaxError

ELEMENTS = [d for d in DRAWN if d.output_rate == "element"]


def ends(found) -> tuple[int, int]:
    return found.datapath(1).input_range


def absent_row(found, n: int) -> list[int]:
    """The output of a row of n elements of which none takes part."""
    return [found.datapath(1).absent_code] * (n if found.output_rate == "element" else 1)


def of_one_length(rows: list) -> Iterator[list]:
    """The same rows, or pairs of a row and who takes part, in lists of one length."""
    length = lambda row: len(row[0]) if isinstance(row[0], tuple) else len(row)  # noqa: E731
    for _, same in groupby(sorted(rows, key=length), length):
        yield list(same)


@pytest.mark.parametrize("found", DRAWN, ids=str)
class TestEveryDesign:
    def test_engines_agree_and_ranges_hold(self, found):
        """Rows meant to break, each with every mask, and random ones with all elements and with some.

        The definition checks every wire's range on the way.
        """
        random, datapath = np.random.default_rng(2), found.datapath(64)
        hard = {(tuple(row), tuple(mask)) for row in adversarial(*ends(found)) for mask in masks(len(row), random)}
        drawn = list(random_rows(*ends(found), 40, random))
        hard.update((tuple(row), (True,) * len(row)) for row in drawn)
        hard.update((tuple(row), tuple((random.random(len(row)) < 0.5).tolist())) for row in drawn)
        for pairs in of_one_length(sorted(hard)):
            got = array.run(datapath, *map(np.array, zip(*pairs, strict=True))).tolist()
            assert got == [interpret.run(datapath, *pair) for pair in pairs]

    def test_bits_do_not_depend_on_max_n(self, found):
        random = np.random.default_rng(3)
        small, large = found.datapath(48), found.datapath(500)
        for rows in of_one_length([*adversarial(*ends(found)), *random_rows(*ends(found), 40, random)]):
            codes, mask = np.array(rows), random.random((len(rows), len(rows[0]))) < 0.7
            if codes.shape[1] <= 48:
                assert (array.run(small, codes, mask) == array.run(large, codes, mask)).all()

    def test_absent_elements(self, found):
        """They are given the absent code, and what they would have been changes nothing."""
        random, datapath = np.random.default_rng(4), found.datapath(64)
        low, high = ends(found)
        for row in random_rows(low, high, 30, random):
            mask = random.random(len(row)) < 0.5
            got = array.run(datapath, np.array([row]), mask[None])
            other = np.where(mask, row, random.integers(low, high + 1, len(row)))
            assert (array.run(datapath, other[None], mask[None]) == got).all()
            if found.output_rate == "element":
                assert (got[0, ~mask] == datapath.absent_code).all()

    @pytest.mark.parametrize("n", [1, 2, 17])
    def test_nothing_present(self, found, n):
        x = np.zeros((1, n))
        assert found.simulate(x, mask=np.zeros((1, n), bool)).tolist() == [absent_row(found, n)]
        assert (found(x, mask=np.zeros((1, n), bool)) == 0).all()

    def test_one_element(self, found):
        """Softmax is 1: every design gives that or its largest value, within an eighth, whatever the element is."""
        codes = np.arange(max(ends(found)[0], -(2**11)), min(ends(found)[1], 2**11) + 1)
        got = found(found.input.values(codes[np.isin(codes, rising(found))])[:, None])
        most = min(1.0, float(found.output.highest)) if found.output_rate == "element" else 1.0
        wrapped = found.output.overflow == "wrap"  # 1.0 does not fit there, and the page of that design says so
        less = 1 / 4 if found.architecture in LOW_ALONE else 1 / 8
        assert wrapped or ((got >= most - less).all() and (got <= 1 + 1 / 8).all())

    def test_longest_row(self, found):
        """The largest sums, of equal elements, and one maximum after the other."""
        n = found.rows_up_to(min(3000, 120_000 // len(found.datapath(8).wires)))  # the definition takes its time
        datapath = found.datapath(n)
        for row in ([ends(found)[1]] * n, rising(found)[:-1][:n].tolist()):
            assert array.run(datapath, np.array([row]))[0].tolist() == interpret.run(datapath, row)

    def test_a_row_beyond_the_longest_is_refused(self, found):
        longest = limits(found)["longest_row"]["value"]
        if longest is not None:
            with pytest.raises(DesignError, match=f"takes rows of up to {longest:,} elements, not {longest + 1:,}"):
                found.datapath(longest + 1)
            assert found.datapath(longest).max_n == longest

    def test_what_is_known_is_said_why(self, found):
        """Every assertion that ranges cannot see carries its reason, and was true on all the rows above."""
        for wire in found.datapath(64).wires:
            if type(wire.op).__name__ == "Known":
                assert wire.op.why
                assert wire.op.proof.startswith("proven") or wire.op.proof == "sampled"

    def test_every_knob_turns(self, found):
        for knob, values in found.knobs.items():
            for setting in (values[0], values[-1]):
                moved = turned(found, knob, setting)
                assert moved is None or moved.knob_values == found.knob_values | {knob: setting}


def turned(found, knob: str, setting: int):
    """The moved design, or None where there is none and a sentence says why."""
    try:
        return found.moved({knob: setting})
    except DesignError as error:
        assert "is not possible" in str(error)
        return None


@pytest.mark.parametrize("found", ELEMENTS, ids=str)
class TestOrder:
    """What the pages say of order."""

    def test_a_larger_element_never_has_the_smaller_output(self, found):
        """All codes of the input, or its upper 1,024, in one row, with sums from one maximum to hundreds."""
        kept = True
        codes = rising(found)
        random = np.random.default_rng(5)
        for top in (len(codes) - 1, len(codes) // 2):
            for copies in (1, 2, 3, 7, 50, 400):
                places = random.permutation(np.array([*range(max(0, top - 1023), top), *[top] * copies]))
                got = array.run(found.datapath(2048), codes[places][None])[0]
                ordered = got[np.argsort(places, kind="stable")]
                kept = kept and bool((np.diff(ordered) >= 0).all())
        assert found.output.overflow == "wrap" or kept == (found not in map(design, UNORDERED))

    def test_equals_have_equal_outputs(self, found):
        """Unless a page says that what came before an element counts."""
        low, high = ends(found)
        random = np.random.default_rng(6)
        rows = np.concatenate([random.integers(max(low, high - far), high + 1, (20, 300)) for far in (40, 400)])
        got = array.run(found.datapath(300), rows)
        pairs = [set(zip(row.tolist(), shares.tolist(), strict=True)) for row, shares in zip(rows, got, strict=True)]
        equal = all(len(both) == len(set(row.tolist())) for row, both in zip(rows, pairs, strict=True))
        assert equal == (found not in map(design, POSITIONAL))


def own_falls(text: str) -> int:
    """By how many codes an element's output can fall when it alone is raised by one code, at most.

    Exhaustive over one element beside 1, 3 and 7 equal others, all codes against all codes.
    """
    found = design(text)
    codes = np.arange(ends(found)[0], ends(found)[1] + 1)
    worst = 0
    for others in (1, 3, 7):
        rows = np.empty((len(codes), len(codes), 1 + others), dtype=np.int64)
        rows[..., 0], rows[..., 1:] = codes[:, None], codes[None, :, None]
        got = array.run(found.datapath(8), rows.reshape(-1, 1 + others))[:, 0].reshape(rows.shape[:2])
        worst = max(worst, -int(np.diff(got, axis=0).min()))
    return worst


@pytest.mark.parametrize(
    ("text", "worst", "sentence"),
    [
        ("table_divide", 0, "raising one element never lowers its own output"),
        ("table_divide(input=Q4.6, exp=UQ0.5, output=UQ0.10:floor)", 0, "raising one element never lowers its own"),
        ("table_divide(input=Q6.2, output=UQ0.8)", 0, "raising one element never lowers its own output"),
        ("table_reciprocal", 0, "never with the default parameters"),
        ("table_reciprocal(input=Q3.7)", 1, "by one code with `input=Q3.7`"),
        ("softermax", 3, "by up to 3 codes (0.023) with the default parameters"),
    ],
)
def test_what_raising_an_element_does_to_its_own_output(text, worst, sentence):
    assert own_falls(text) == worst
    assert sentence in design(text).entry.sections["Order"]


def test_argmax_is_the_first_of_equals_on_all_rows_of_three():
    found = design("argmax(input=Q3.0)")
    rows = np.stack(np.meshgrid(*[np.arange(-4, 4)] * 3), axis=-1).reshape(-1, 3)
    assert (found.simulate(rows)[:, 0] == rows.argmax(axis=1)).all()


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestText:
    def test_round_trip(self, found):
        assert design(found.text) == found
        assert design(found.text).parameters == found.parameters
        assert design(f" {found.text.replace(', ', ' ,  ').replace('(', ' ( ', 1)} ") == found

    def test_pickle(self, found):
        assert pickle.loads(pickle.dumps(found)) == found

    def test_page(self, found):
        assert set(found.entry.sections) == {"Source", "Published", "Knobs", "Limits", "Order", "Hazards", "Oracle"}
        assert found.entry.summary.endswith(".")
        assert len(found.entry.page.splitlines()[0]) < 110

    def test_parameters_are_told(self, found):
        for parameter in found.entry.parameters:
            assert parameter.source in ("published", "knob")
            assert parameter.doc
            assert parameter.allowed
            assert str(parameter.read(parameter.default)) == parameter.default

    @pytest.mark.parametrize("nonsense", ["", "nonsense", "Q", "99999", "UQ0.300", "-9999"])
    def test_nonsense_is_refused_by_every_parameter(self, found, nonsense):
        for parameter in found.entry.parameters:
            with pytest.raises(NarrowmaxError, match=f"{parameter.name}"):
                parameter.read(nonsense)


def test_all_of_the_catalogue_is_tested():
    assert {d.architecture for d in DESIGNS} == set(catalogue())
    assert list(catalogue()) == sorted(catalogue())
    assert all(a < b for a, b in pairwise(sorted(d.text for d in DESIGNS)))
