"""Ranges are sound and tight: by enumeration where few bits decide, else by interval, with what order shows."""

# ruff: noqa: E501, B023  (cases stand one to a line, and their lambdas are called at once)

import random

import pytest
from tests.datapath.drawings import drawn, free, reached, sound, stated, values

from narrowmax.datapath import INTEGERS, Drawing, Rate, fit, fold, largest, scan, smallest, total
from narrowmax.datapath.grid import COMBINATIONS, cone


def random_wire(seed: int, *ranges):
    """A wire of a dozen random operations on sources with these ranges."""
    rng = random.Random(seed)
    pool = free(Drawing(), *ranges)
    for _ in range(12):
        a, b, c = (rng.choice(pool) for _ in range(3))
        pool.append(rng.choice([
            lambda: a + b, lambda: a - b, lambda: a * b if max(a.bits, b.bits) < 8 else a, lambda: a << rng.randrange(3),
            lambda: a >> rng.randrange(4), lambda: a.minimum(b), lambda: a.maximum(b), lambda: a < b, lambda: a.equals(b),
            lambda: (a < b).select(b, c), lambda: a.low_bits(rng.randrange(5)), lambda: a.maximum(0).leading_zeros(24),
            lambda: a.maximum(0).minimum(63).normalise(6), lambda: a.maximum(0).divide(b.maximum(0), 3),
            lambda: a >> b.maximum(0).minimum(9), lambda: a.minimum(15) << b.low_bits(2),
        ])())  # fmt: skip
    return pool[-1]


@pytest.mark.parametrize("seed", range(60))
def test_a_wire_of_few_bits_has_exactly_the_range_of_its_values(seed):
    wire = random_wire(seed, (-4, 3), (0, 7))
    found = values(wire)
    assert wire.range == (min(found), max(found))
    for inner in cone(wire):
        found = values(inner)
        assert inner.range == (min(found), max(found)), inner


@pytest.mark.parametrize("seed", range(30))
def test_a_wire_of_many_bits_stays_within_its_range(seed):
    """Four sources of 16 bits: intervals alone; the extremes and random points are tried."""
    wire = random_wire(seed, *[(-(2**15), 2**15 - 1)] * 4)
    rng = random.Random(seed)
    sources = [w for w in cone(wire) if not w.args and hasattr(w.op, "place")]
    for _ in range(100):
        known = {s: rng.choice((s.lo, s.hi, 0, 1, -1, rng.randint(s.lo, s.hi))) for s in sources}
        for w in cone(wire):
            if w not in known:
                known[w] = w.op.evaluate(INTEGERS, *(known[a] for a in w.args))
            assert w.lo <= known[w] <= w.hi


class TestEnumeration:
    def test_nothing_is_computed_where_ends_decide(self):
        """Words apart, and steps that rise: 65,536 differences are 511 numbers, all of which occur."""
        a, b = free(Drawing(), (0, 255), (0, 255))
        d = (a - b).maximum(-3) >> 1
        assert d.range == (-2, 127) and d.dense and d.enumerated and d._values is None
        assert (d * 3).range == (-6, 381) and not (d * 3).dense
        assert {*d.values.flat} == {*range(-2, 128)}  # when they are asked for after all

    def test_what_shares_a_root_is_computed(self):
        (x,) = free(Drawing(), (-8, 7))
        assert (x - x.minimum(3)).range == (0, 4)
        assert ((x * 2) - (x + x)).range == (0, 0)

    def test_it_keeps_what_intervals_lose(self):
        """S << leading_zeros(S), and x*x - x*x."""
        (s,) = free(Drawing(), (1, 200))
        assert (s << s.leading_zeros(8)).range == (128, 254)
        (x,) = free(Drawing(), (-8, 7))
        assert (x * x).range == (0, 64)
        assert (x * x - x * x).range == (0, 0)

    def test_it_ends_at_sixteen_bits(self):
        a, b = free(Drawing(), (0, 255), (0, 255))
        assert (a + b - b).range == (0, 255)
        a, b = free(Drawing(), (0, 255), (0, 256))
        assert (a + b - b).range == (-256, 511)
        assert COMBINATIONS == 2**16

    def test_an_order_does_not_keep_enumeration_from_tightening(self):
        (x,) = free(Drawing(), (-128, 127))
        assert (x.maximum(3) - x).range == (0, 131)

    def test_values_that_order_excludes_are_not_used_further(self):
        """max(x) - x over 8 and 8 bits: half of the combinations do not occur, and none is looked up."""

        def distance(r):
            return (largest(r.x) - r.x).named("d").minimum(40).leading_zeros(7)

        d = drawn(distance, input="Q8.0")
        assert stated(d)["d"] == (0, 255)

    def test_words_beyond_int64_are_not_enumerated(self):
        (x,) = free(Drawing(), (-8, 7))
        assert ((x << 70) >> 70).range == (-8, 7)
        assert (x << 62).range == (-(2**65), 7 * 2**62)


class TestFolds:
    """Small formats, every row: the stated range is the range that occurs."""

    @pytest.mark.parametrize("max_n", [1, 2, 3])
    @pytest.mark.parametrize("order", ["exact", "serial", "tree", "interleaved(2)"])
    @pytest.mark.parametrize("input", ["Q2.0", "UQ2.0"])
    def test_common_folds_are_tight(self, max_n, order, input):
        def folds(r):
            s = fold(lambda a, b: a + b, r.x, order=order).named("s")
            m = fold(lambda a, b: b.maximum(a), r.x, order=order).named("m")
            w = fold(lambda a, b: a.minimum(b), r.x, order=order).named("w")
            return (s + m + w) + 0 * r.x

        d = drawn(folds, input=input, max_n=max_n)
        found, ranges = reached(d), stated(d)
        assert {n: found[n] for n in "mw"} == {n: ranges[n] for n in "mw"}
        lo, hi = found["s"]
        assert ranges["s"] == (min(lo, 0), max(hi, 0))  # the sum of nothing is 0

    @pytest.mark.parametrize("order", ["serial", "tree", "interleaved(2)", "interleaved(3)", "interleaved(9)"])
    @pytest.mark.parametrize("body", [
        lambda a, b: (a + b).minimum(5), lambda a, b: a + (b >> 1), lambda a, b: a - b, lambda a, b: (a * 2 + b).maximum(-9),
        lambda a, b: a + 1, lambda a, b: b + b, lambda a, b: (a < b).select(a + 3, b - 1), lambda a, b: (a + b).low_bits(3) - 4,
    ])  # fmt: skip
    def test_any_body_is_sound(self, order, body):
        d = drawn(lambda r: fold(body, r.x, order=order).named("f") + 0 * r.x, input="Q2.0", max_n=4)
        assert sound(d)

    def test_deep_interleaved_partial_results_are_foreseen(self):
        """Partial results combined with partial results may go where neither serial nor tree order leads."""

        def body(a, b):
            return a + 1 + (b - 10).maximum(0) * 1000

        d = drawn(lambda r: fold(body, r.x, order="interleaved(2)").named("f"), input="UQ1.0", max_n=64, output="Q32.0")
        assert stated(d)["f"][1] >= 31 + 1 + 21 * 1000

    def test_tuples(self):
        def both(r):
            s, c = fold(lambda s, c, t, d: ((s + t).minimum(9), c + d), r.x, r.present, order="serial")
            return s.named("s") + c.named("c") + 0 * r.x

        d = drawn(both, input="UQ2.0", max_n=3)
        assert sound(d)
        assert stated(d) == {"x": (0, 3), "present": (0, 1), "s": (0, 9), "c": (0, 3)}

    def test_chunks_are_no_longer_than_rows(self):
        d = drawn(lambda r: total(r.x, to=Rate.CHUNK).named("s") + r.x, input="UQ2.0", max_n=3, chunk=16)
        assert stated(d)["s"] == (0, 9)

    def test_the_empty_value_is_in_the_range(self):
        d = drawn(lambda r: total(r.x, empty=99).named("s") + r.x, input="UQ2.0")
        assert stated(d)["s"] == (0, 99)


class TestScans:
    @pytest.mark.parametrize("max_n, chunk", [(1, 1), (3, 1), (3, 2), (4, 2), (2, 4)])
    @pytest.mark.parametrize("start", [0, 5, -9])
    @pytest.mark.parametrize("step", [
        lambda s, x: s + x, lambda s, x: s + 1, lambda s, x: s.maximum(x), lambda s, x: x, lambda s, x: s, lambda s, x: (s + x).minimum(3),
        lambda s, x: (s >> 1) + x, lambda s, x: 1 - s, lambda s, x: (s < x).select(s + 2, x - 1), lambda s, x: 7,
        lambda s, x: (s + x).low_bits(2), lambda s, x: s - s.minimum(x),
    ])  # fmt: skip
    def test_every_moment_is_sound(self, step, start, max_n, chunk):
        def scanned(r):
            before, at, after = scan(step, largest(r.x, to=Rate.CHUNK), start=start)
            return before.named("before") + at.named("at") + after.named("after") + 0 * r.x

        assert sound(drawn(scanned, input="Q2.0", max_n=max_n, chunk=chunk))

    @pytest.mark.parametrize("step, expected", [
        (lambda s, x: s + x, [(-4, 2), (-6, 3), (-6, 3)]), (lambda s, x: s + 1, [(0, 2), (1, 3), (0, 3)]),
        (lambda s, x: s.maximum(x), [(0, 1), (0, 1), (0, 1)]), (lambda s, x: x, [(-2, 1), (-2, 1), (-2, 1)]),
        (lambda s, x: (s + x).minimum(2), [(-4, 2), (-6, 2), (-6, 2)]),
    ])  # fmt: skip
    def test_the_range_is_that_of_the_step_iterated(self, step, expected):
        """Three chunks: before has seen two at most, at has seen one to three, after is at or the start."""
        moments = []

        def scanned(r):
            moments[:] = scan(step, total(r.x, to=Rate.CHUNK), start=0)
            return sum(moments) + 0 * r.x

        drawn(scanned, input="Q2.0", max_n=3, chunk=1)
        assert [m.range for m in moments] == expected

    def test_a_body_that_saturates_only_later_is_drawn_with_its_saturation(self):
        """The first step needs no clip and a drawing of it has none; the state must not run away."""

        def scanned(r):
            _, _, after = scan(lambda s, x: fit(s + x, 0, 20, "saturate"), total(r.x, to=Rate.CHUNK), start=0)
            return after.named("after") + 0 * r.x

        d = drawn(scanned, input="UQ2.0", max_n=64, chunk=4)
        assert stated(d)["after"] == (0, 20)

    def test_a_shift_whose_bound_does_nothing_at_the_start_is_drawn_with_it(self):
        """The first step needs no bound; without it a guess at the state would shift by astronomical numbers."""

        def scanned(r):
            _, _, after = scan(lambda s, x: (s - x) << s.maximum(0).minimum(3), largest(r.x, to=Rate.CHUNK), start=3)
            return fit(after.named("after"), -9, 9, "saturate") + 0 * r.x

        d = drawn(scanned, input="Q3.0", max_n=8, chunk=1)
        assert stated(d)["after"] == (-7190232, 127027488)

    def test_a_fold_within_an_order_of_its_own(self):
        """A state that drives a table and a shift, as a running maximum with renormalisation does."""

        def scanned(r):
            top = largest(r.x, to=Rate.CHUNK)
            sum = total((top - r.x).minimum(3), to=Rate.CHUNK)

            def step(m, s, c, t):
                higher = m.maximum(c)
                return higher, (s >> (higher - m).minimum(9)) + (t >> (higher - c).minimum(9))

            (_, sum_before), (at, sum_at), (after, sum_after) = scan(step, top, sum, start=(-2, 0))
            return (
                sum_after.named("s")
                + (after - at).named("d")
                + (at - top).named("e")
                + sum_at.named("t")
                + sum_before.named("b")
                + 0 * r.x
            )

        d = drawn(scanned, input="Q2.0", max_n=4, chunk=2)
        assert sound(d)
        assert stated(d)["d"][0] == 0 and stated(d)["e"][0] == 0


def test_smallest_is_the_least():
    d = drawn(lambda r: (r.x - smallest(r.x)).named("d"), input="Q2.0")
    assert stated(d)["d"] == reached(d)["d"] == (0, 3)
