"""Assertions: proven only where proven, refused where a row belies them, sampled otherwise."""

# ruff: noqa: E501  (cases stand one to a line)

import re

import pytest
from tests.datapath.drawings import drawn, reached, stated

from narrowmax.datapath import Rate, Table, largest, scan, smallest, total
from narrowmax.datapath.operations import Known
from narrowmax.datapath.proofs import EXHAUSTION, INTERVAL, SAMPLED
from narrowmax.errors import GraphError

EXP = Table("exp", (8, 4, 2, 1), 0, "8 / 2**k", "exactly")


def terms(r, to=Rate.ROW):
    """Powers of two of the distance to the maximum: 8 for the largest element."""
    return (largest(r.x, to=to) - r.x).minimum(3).lookup(EXP)


def known(d, name="k"):
    (wire,) = (w for w in d.wires if w.name == name)
    assert isinstance(wire.op, Known)
    return wire.op.proof


PROVEN = {
    "all values of an element": (lambda r: (r.x * r.x).known(0, 4, "squares"), EXHAUSTION),
    "the range of a fold": (lambda r: largest(r.x).known(-2, 1, "codes"), INTERVAL),
    "an interval of two folds": (lambda r: (largest(r.x) - smallest(r.x)).known(0, 3, "order"), INTERVAL),
    "the term of the largest": (lambda r: total(terms(r)).known(8, 32, "the largest contributes 8"), EXHAUSTION),
    "less than the term of the largest": (lambda r: total(terms(r)).known(5, 32, "more than it needs"), EXHAUSTION),
    "the term of a derived largest": (
        lambda r: total((largest(r.x + 3) - (r.x + 3)).minimum(3).lookup(EXP)).known(8, 32, "so"), EXHAUSTION),
    "the term of the largest chunk": (
        lambda r: (lambda c: total((largest(c) - c).minimum(3).lookup(EXP)))(total(r.x, to=Rate.CHUNK)).known(8, 16, "so"), EXHAUSTION),
}  # fmt: skip

UNPROVEN = {
    "a chunk's sum need not hold the row's largest": lambda r: total(terms(r), to=Rate.CHUNK),
    "more than the term of the largest": lambda r: total(terms(r)) - 1,
    "terms that the position moves": lambda r: total(terms(r) * r.position),
    "terms that depend on another fold": lambda r: total(terms(r) - terms(r).minimum(total(r.x * r.x))),
    "terms of the distance to another maximum": lambda r: total(
        (largest(r.position) - r.position).minimum(3).lookup(EXP) * (r.x < 0)
    ),
    "terms between two maxima": lambda r: total(
        (largest(r.x) - largest(r.x, to=Rate.CHUNK)).minimum(3).lookup(EXP) * (r.x < 0)
    ),
    "terms of the distance to the minimum": lambda r: total((r.x - smallest(r.x)).minimum(3).lookup(EXP) - 1),
    "terms that may be negative": lambda r: total(terms(r) * 3 - 12),
    "a fold that only looks like a sum": lambda r: total(terms(r), empty=3) >> 1,
}


@pytest.mark.parametrize("function, label", PROVEN.values(), ids=PROVEN)
def test_proven_and_true_in_every_row(function, label):
    d = drawn(lambda r: function(r).named("k") + 0 * r.x, input="Q2.0", max_n=4, chunk=2)
    assert known(d) == label
    assert reached(d)  # runs every row: the engines check what is known wherever something is present


@pytest.mark.parametrize("function", UNPROVEN.values(), ids=UNPROVEN)
def test_attempts_to_fool_the_lemma(function):
    """Each of these is less than 8 in some row, so "at least 8" must stay a claim to be sampled."""
    d = drawn(lambda r: function(r).named("s") + 0 * r.x, input="Q2.0", max_n=4, chunk=2)
    assert reached(d)["s"][0] < 8
    d = drawn(lambda r: function(r).known(8, 999, "a bold claim").named("k") + 0 * r.x, input="Q2.0", max_n=4, chunk=2)
    assert known(d) == SAMPLED


class TestSampledAssertionsInRows:
    def test_the_lemma_holds_with_masks_and_rows_of_one(self):
        d = drawn(lambda r: total(terms(r)).named("s") + 0 * r.x, input="Q2.0", max_n=4)
        assert reached(d)["s"] == (8, 32) and stated(d)["s"] == (0, 32)

    def test_what_rests_on_a_sampled_assertion_is_sampled(self):
        def chained(r):
            s = total(r.x * r.x).known(1, 99, "not all are zero")
            return (s - 1).known(0, 98, "of the above").named("k") + 0 * r.x

        assert known(drawn(chained, input="Q2.0")) == SAMPLED

    def test_an_assertion_in_a_step_counts_too(self):
        def scanned(r):
            _, _, after = scan(
                lambda s, c: (s + c).known(0, 9, "rows are kind"), total(r.x * r.x, to=Rate.CHUNK), start=0
            )
            return (after + 0).known(0, 9, "of the step").named("k") + 0 * r.x

        assert known(drawn(scanned, input="Q2.0", chunk=2)) == SAMPLED

    def test_a_running_sum_with_renormalisation_is_sampled(self):
        def scanned(r):
            _, _, after = scan(lambda s, c: (s >> 1) + c, largest(r.x * r.x, to=Rate.CHUNK), start=4)
            return after.known(2, 99, "not shown").named("k") + 0 * r.x

        assert known(drawn(scanned, input="Q2.0", chunk=2)) == SAMPLED


class TestRefutation:
    @pytest.mark.parametrize("function, found, claim", [
        (lambda r: r.x, -2, (-1, 1)), (lambda r: r.x * r.x, 4, (0, 3)), (lambda r: (r.x + 1) >> 1, 1, (-1, 0)),
        (lambda r: r.position, 3, (0, 2)), (lambda r: r.n, 1, (2, 4)), (lambda r: r.x + r.position, -2, (-1, 4)),
        (lambda r: r.x * r.n, -8, (-7, 4)),
    ])  # fmt: skip
    def test_a_value_that_occurs_refutes(self, function, found, claim):
        message = f"the wire reaches {found}, so it is not known to lie in {claim[0]}..{claim[1]}; correct the bounds"
        with pytest.raises(GraphError, match=f"^{re.escape(message)}$"):
            drawn(lambda r: function(r).known(*claim, "wishful") + 0 * r.x, input="Q2.0")

    def test_combinations_that_cannot_occur_do_not_refute(self):
        """position < n, and present is 1 wherever it is read."""
        d = drawn(lambda r: (r.n - r.position).known(1, 4, "a position is within its row").named("k"), input="Q2.0")
        assert known(d) == SAMPLED and reached(d)["k"] == (1, 4)
        d = drawn(lambda r: r.present.known(1, 1, "absent elements are not read").named("k"), input="Q2.0")
        assert known(d) == SAMPLED and reached(d)["k"] == (1, 1)

    def test_a_states_range_does_not_refute(self):
        """A state's range is an upper estimate; what it excludes may be true all the same."""

        def scanned(r):
            step = lambda s, c: (s + c).minimum(9) - (s + c).minimum(9).known(0, 3, "small rows")  # noqa: E731
            return scan(step, total(r.x * r.x, to=Rate.CHUNK), start=0)[2].named("s") + 0 * r.x

        assert drawn(scanned, input="UQ1.0", chunk=2)
