"""Folds and scans: what their orders mean, what they refuse."""

# ruff: noqa: E501  (cases stand one to a line)

import re

import pytest
from tests.datapath.drawings import drawn, free, row

from narrowmax.datapath import Drawing, Rate, fit, fold, largest, scan, total
from narrowmax.datapath.bodies import Body
from narrowmax.engines import interpret
from narrowmax.errors import GraphError


def run(function, codes, present=None, **options):
    """The row-rate result of a fold of one row."""
    return interpret.run(drawn(function, output="Q64.0", **options), codes, present)[0]


class TestOrders:
    """2a - b shows in which order and in which pairs elements were combined."""

    def folded(self, order, codes, present=None, **options):
        return run(lambda r: fold(lambda a, b: 2 * a - b, r.x, order=order, **options), codes, present, max_n=8)

    def pair(self, a, b):
        return 2 * a - b

    def test_serial(self):
        p = self.pair
        assert self.folded("serial", [1, 2, 3, 4, 5]) == p(p(p(p(1, 2), 3), 4), 5)

    def test_tree_is_aligned_on_positions(self):
        p = self.pair
        assert self.folded("tree", [1, 2, 3, 4, 5]) == p(p(p(1, 2), p(3, 4)), 5)
        assert self.folded("tree", [1, 2, 3, 4, 5, 6, 7]) == p(p(p(1, 2), p(3, 4)), p(p(5, 6), 7))

    def test_interleaved(self):
        p = self.pair
        assert self.folded("interleaved(2)", [1, 2, 3, 4, 5]) == p(p(p(1, 3), 5), p(2, 4))
        assert self.folded("interleaved(3)", [1, 2, 3, 4, 5]) == p(p(p(1, 4), p(2, 5)), 3)
        assert self.folded("interleaved(9)", [1, 2, 3]) == p(p(1, 2), 3)

    def test_what_is_absent_is_skipped_and_keeps_its_place(self):
        p = self.pair
        codes, present = [1, 2, 3, 4, 5], [True, False, True, True, False]
        assert self.folded("serial", codes, present) == p(p(1, 3), 4)
        assert self.folded("tree", codes, present) == p(1, p(3, 4))
        assert self.folded("interleaved(2)", codes, present) == p(p(1, 3), 4)
        assert self.folded("tree", codes, [False, True, False, False, True]) == p(2, 5)
        assert self.folded("serial", codes, [False] * 4 + [True]) == 5

    def test_chunks_are_folded_apart(self):
        def chunked(order, to):
            return lambda r: fold(lambda a, b: 2 * a - b, total(r.x, to=Rate.CHUNK), order=order, to=to)

        p = self.pair
        codes = [1, 2, 3, 4, 5]
        assert run(chunked("serial", Rate.ROW), codes, max_n=8, chunk=2) == p(p(3, 7), 5)
        assert run(chunked("serial", Rate.ROW), codes, [True, True, False, False, True], max_n=8, chunk=2) == p(3, 5)


class TestScans:
    def test_a_state_is_carried_and_a_chunk_with_nothing_present_leaves_it(self):
        moments = {}

        def scanned(r):
            b, a, z = scan(lambda s, c: 2 * s + c, total(r.x, to=Rate.CHUNK), start=1)
            moments.update(before=b.named("before"), at=a.named("at"), after=z.named("after"))
            return a + b + z + 0 * r.x

        d = drawn(scanned, max_n=8, chunk=2, output="Q32.0")
        codes, present = [1, 2, 3, 4, 5, 6, 7], [True, True, False, False, True, False, True]
        seen = {w.name: v for w, v in interpret.trace(d, codes, present).items()}
        assert seen["before"] == [1, None, 5, 15]
        assert seen["at"] == [5, None, 15, 37]
        assert seen["after"] == 37

    def test_a_state_of_several_parts_with_points_of_their_own(self):
        def scanned(r):
            (_, _), (_, _), (m, s) = scan(
                lambda m, s, c: (m.maximum(c), s + c.extend(4)), largest(r.x, to=Rate.CHUNK), start=(-8, (3, 4))
            )
            assert (m.point, s.point) == (0, 4)
            return m + s.drop(4) * 16

        assert run(scanned, [1, 5, 2, 3], max_n=4, chunk=2) == 5 + 16 * 8

    def test_one_state_with_a_point_is_a_pair_in_a_tuple(self):
        _, at, _ = scan(lambda s, c: s + c.extend(6), largest(row(chunk=2).x, to=Rate.CHUNK), start=((0, 6),))
        assert at.point == 6


def refused(message, do):
    with pytest.raises(GraphError, match=f"^{re.escape(message)}$"):
        do()


def chunk(r=None):
    return largest((r or row(chunk=2)).x, to=Rate.CHUNK)


FOLDS = [
    ("the fold's order is 'parallel'; exact, serial, tree or interleaved(k) are allowed",
     lambda x: fold(lambda a, b: a + b, x, order="parallel")),
    ("the fold's order is 'interleaved(0)'; exact, serial, tree or interleaved(k) are allowed",
     lambda x: fold(lambda a, b: a + b, x, order="interleaved(0)")),
    ("a fold needs wires, not []; pass at least one", lambda x: fold(lambda a, b: a + b)),
    ("a fold needs wires, not [3]; pass at least one", lambda x: fold(lambda a, b: a + b, 3)),
    ("a fold needs wires of one drawing and one rate, not ['element', 'row']",
     lambda x: fold(lambda a, b, c, d: (a + c, b + d), x, total(x))),
    ("a fold needs wires of one drawing and one rate, not ['element', 'element']",
     lambda x: fold(lambda a, b, c, d: (a + c, b + d), x, free(Drawing(), (0, 1))[0])),
    ("a fold takes elements or chunks to something slower; row to row is not that", lambda x: total(total(x))),
    ("a fold takes elements or chunks to something slower; element to element is not that", lambda x: total(x, to=Rate.ELEMENT)),
    ("a fold takes elements or chunks to something slower; element to constant is not that", lambda x: total(x, to=Rate.CONSTANT)),
    ("this drawing has no chunks; draw it with chunk=k", lambda x: total(x, to=Rate.CHUNK)),
    ("the fold's body returns 2 wires where 1 are carried; return as many", lambda x: fold(lambda a, b: (a, b), x)),
    ("the fold's body returns 1 wires where 2 are carried; return as many", lambda x: fold(lambda a, b, c, d: a + b, x, x)),
    ("the fold's body returns a wire from outside; return wires drawn from its arguments", lambda x: fold(lambda a, b: x, x)),
    ("the fold's body returns 0 fraction bits in place 0, where 3 are carried; drop or extend bits",
     lambda x: fold(lambda a, b: (a + b).drop(3), x.at_point(3))),
    ("a wire of another drawing cannot be used here; inside a fold or scan use only its arguments "
     "and constants, and pass whatever else is needed as one more wire", lambda x: fold(lambda a, b: a + x, x)),
    ("empty has 2 integers for 1 wires; give one for each", lambda x: total(x, empty=(0, 1))),
    ("empty is (0.5,); integers are allowed", lambda x: total(x, empty=0.5)),
    ("a constant is 0.5; an integer code is allowed; scale and round it first", lambda x: fold(lambda a, b: 0.5, x, order="serial")),
    ("what a fold or scan carries grows beyond 1024 bits; round and fit it at each step",
     lambda x: fold(lambda a, b: a * a + b, x + 10, order="serial")),
    ("what a fold or scan carries grows beyond 1024 bits; round and fit it at each step",
     lambda x: fold(lambda a, b: a * a + b, x + 10, order="tree")),
    ("what a fold or scan carries grows beyond 1024 bits; round and fit it at each step",
     lambda x: fold(lambda a, b: a * a + b, x + 10, order="interleaved(2)")),
]  # fmt: skip


@pytest.mark.parametrize("message, do", FOLDS, ids=[m[:50] for m, _ in FOLDS])
def test_folds_refuse(message, do):
    refused(message, lambda: do(row(max_n=2000).x))


SCANS = [
    ("a scan needs wires once per chunk; fold elements with to=Rate.CHUNK first", lambda c: scan(lambda s: s, start=0)),
    ("a scan needs wires once per chunk; fold elements with to=Rate.CHUNK first", lambda c: scan(lambda s, x: s, 3, start=0)),
    ("the scan's step returns 2 wires where 1 are carried; return as many", lambda c: scan(lambda s, x: (s, x), c, start=0)),
    ("the scan's step returns 0 fraction bits in place 0, where 2 are carried; drop or extend bits",
     lambda c: scan(lambda s, x: x, c, start=((0, 2),))),
    ("no integer is left for a wire, for what is known of its operands never holds at once; correct a bound",
     lambda c: scan(lambda s, x: x.known(4, 5, "low") - x.known(6, 7, "high"), c, start=0)),
    ("the scan's step returns a wire from outside; return wires drawn from its arguments", lambda c: scan(lambda s, x: c, c, start=0)),
    ("the scan starts from (0.5,); integers, or pairs of an integer and a binary point, are allowed",
     lambda c: scan(lambda s, x: s + x, c, start=0.5)),
]  # fmt: skip


@pytest.mark.parametrize("message, do", SCANS, ids=[m[:50] for m, _ in SCANS])
def test_scans_refuse(message, do):
    refused(message, lambda: do(chunk()))


def test_scans_refuse_elements():
    refused(
        "a scan needs wires once per chunk; fold elements with to=Rate.CHUNK first",
        lambda: scan(lambda s, x: s, row().x, start=0),
    )


class TestExactOrders:
    @pytest.mark.parametrize("body", [
        lambda a, b: a + b, lambda a, b: b + a, lambda a, b: a.maximum(b), lambda a, b: (a + b).low_bits(4), lambda a, b: a.minimum(b) + 0,
        lambda a, b: (a * 0 + 3), lambda a, b: (a + b).minimum(99) - 0,
    ])  # fmt: skip
    def test_bodies_that_do_not_mind(self, body):
        fold(body, row("UQ3.0", max_n=9).x, order="exact")

    @pytest.mark.parametrize("body", [
        lambda a, b: a - b, lambda a, b: a, lambda a, b: (a + b).minimum(7), lambda a, b: (a + b) >> 1, lambda a, b: a + (b >> 1),
        lambda a, b: (a + b + 1).low_bits(3).maximum(b), lambda a, b: (a < b).select(a, 0),
    ])  # fmt: skip
    def test_bodies_that_mind(self, body):
        message = r"^the fold's order is 'exact', but its body gives .* or .* for .* in another order; use order='serial', 'tree' or .*$"
        with pytest.raises(GraphError, match=message):
            fold(body, row("Q4.0", max_n=9).x, order="exact")

    def test_tuples(self):
        r = row("Q4.0", max_n=9)
        fold(lambda a, b, c, d: (a + c, b.maximum(d)), r.x, r.position)
        with pytest.raises(GraphError, match="^the fold's order is 'exact'"):
            fold(lambda a, b, c, d: (a + c, (a < c).select(b, d)), r.x, r.position)

    def test_the_complaint_to_the_letter(self):
        refused(
            "the fold's order is 'exact', but its body gives (5,) or (-5,) for [(-2,), (-7,)] in another order; "
            "use order='serial', 'tree' or 'interleaved(k)'",
            lambda: fold(lambda a, b: a - b, row("Q4.0", max_n=2).x),
        )

    def test_the_first_of_the_largest_does_not_mind(self):
        """The index of the largest element, the first where several are equal: order shows only in ties."""
        r = row("Q4.0", max_n=8)

        def first(a, i, b, j):
            keep = 1 - (a < b) - a.equals(b) * (j < i)
            return a.maximum(b), keep.select(i, j)

        fold(first, r.x, r.position)


def test_a_row_of_one_has_bodies_too():
    assert run(lambda r: fold(lambda a, b: a - b, r.x, order="serial"), [5], max_n=1) == 5
    assert run(lambda r: total(r.x), [5], max_n=1) == 5


def test_what_a_body_does_not_need_is_left_out():
    def wasteful(a, b):
        a * b * b
        return (a + b).minimum(9)

    frugal = fold(lambda a, b: (a + b).minimum(9), row().x, order="serial")
    assert len(fold(wasteful, row().x, order="serial").op.fold.body.wires) == len(frugal.op.fold.body.wires) == 5


def test_sentences():
    r = row(chunk=2)
    assert total(r.x).op.sentence("x") == "the sum of x over the row (exact)"
    assert chunk(r).op.sentence("x") == "the largest of x over its chunk (exact)"
    a, _ = fold(lambda a, b, c, d: (a, b), r.x, r.x, order="serial")
    assert a.op.sentence("x", "y") == "part 0 of the fold of x, y over the row (serial)"
    before, at, after = scan(lambda s, c: s + c, chunk(r), start=0)
    assert [w.op.sentence("c") for w in (before, at, after)] == [
        "part 0 of the running state of c before the chunk",
        "part 0 of the running state of c with the chunk",
        "part 0 of the running state of c at the end of the row",
    ]


def test_what_a_long_fold_reaches_is_guessed_from_its_growth(monkeypatch):
    """A row of 2**24 elements takes no longer to draw than one of 2**10."""
    looked, bounds = [], Body.bounds
    monkeypatch.setattr(Body, "bounds", lambda *given: looked.append(given) or bounds(*given))

    def reached(max_n):
        added = lambda a, b: fit(a + b, 0, 3000, "saturate")  # noqa: E731
        found = drawn(lambda r: fold(added, r.x, order="serial").named("s"), "UQ4.0", "Q64.0", max_n)
        return [(w.lo, w.hi) for w in found.wires if w.name == "s"]

    assert reached(16) == [(0, 240)]
    assert reached(1 << 10) == reached(1 << 24) == [(0, 3000)]
    assert len(looked) < 3000
