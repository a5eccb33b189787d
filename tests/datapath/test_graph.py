"""Rules of a legal graph, each broken once; what a finished datapath says of itself."""

# ruff: noqa: E501  (cases stand one to a line)

import re

import pytest
from tests.datapath.drawings import drawn, free, row

from narrowmax.datapath import Argument, Drawing, Rate, Row, block, draw, largest, scan, total
from narrowmax.datapath.graph import RULES, Datapath, check
from narrowmax.errors import GraphError
from narrowmax.formats import parse


def refused(function, message, **options):
    with pytest.raises(GraphError, match=f"^{message}$"):
        drawn(function, **options)


class TestRules:
    """One test for each rule, in the order of RULES."""

    @pytest.mark.parametrize("output, shown", [
        (lambda r: 3, "3"), (lambda r: None, "None"), (lambda r: (r.x, r.x), r"\(<x: .*>, <x: .*>\)"),
        (lambda r: r.drawing.constant(3), r"<w0: constant 3\.\.3 point 0>"),
    ])  # fmt: skip
    def test_the_output_is_an_element_or_row_wire(self, output, shown):
        refused(output, rf"the output is {shown}; an element or a row wire is allowed")

    def test_the_output_is_not_once_per_chunk(self):
        refused(lambda r: largest(r.x, to=Rate.CHUNK),
                r"the output is <w1: chunk -8\.\.7 point 0>; an element or a row wire is allowed", chunk=2)  # fmt: skip

    def test_the_output_fits_its_format(self):
        refused(
            lambda r: r.x + 1,
            r"the output ranges over -7\.\.8, the format Q4\.0 holds -8\.\.7; round and fit it",
            output="Q4.0",
        )

    def test_the_output_has_the_point_of_its_format(self):
        refused(
            lambda r: r.x, "the output has 0 fraction bits, the format Q9.2 has 2; drop or extend bits", output="Q9.2"
        )

    def test_wires_belong_to_the_drawing(self):
        refused(lambda r: free(Drawing(), (0, 3))[0], r"<w0: element 0\.\.3 point 0> belongs to another drawing or comes before "
                "its operands; draw it from the row's sources")  # fmt: skip

    def test_wires_come_after_their_operands(self):
        r = row()
        output = r.x + r.x
        output.args = (output, r.x)
        with pytest.raises(GraphError, match="comes before its operands"):
            check(Datapath(r.drawing, output, parse("Q4.0"), parse("Q16.0"), 0))

    def test_an_argument_of_a_body_stays_inside(self):
        stray = []

        def output(r):
            total(r.x)
            stray.append(r.drawing.add(Argument(0), (), Rate.ELEMENT, 0, fixed=(0, 1)))
            return stray[0]

        refused(
            output, r"<w2: element 0\.\.1 point 0> is an argument of a fold's body; return the fold's result instead"
        )

    def test_sources_are_the_four_each_once(self):
        def twice(r):
            return r.x + r.drawing.add(type(r.x.op)("x"), (), Rate.ELEMENT, 1, fixed=(0, 3)).at_point(0)

        refused(twice, "the source 'x' is unknown or drawn twice; take x, present, position, n from the row")

    def test_absent_code_is_a_code(self):
        refused(lambda r: r.x, r"absent_code is 8; -8\.\.7 is allowed", output="Q4.0", absent_code=8)
        refused(lambda r: r.x, r"absent_code is 0\.5; an integer code is allowed", output="Q4.0", absent_code=0.5)

    def test_chunks_need_chunks(self):
        refused(lambda r: r.x + r.drawing.add(type(r.x.op)("present"), (), Rate.CHUNK, 0, fixed=(0, 1)),
                r"<w1: chunk 0\.\.1 point 0> is once per chunk, but the drawing has no chunks; draw it with chunk=k")  # fmt: skip

    def test_what_is_known_has_a_reason(self):
        refused(
            lambda r: (r.x * r.x).known(0, 64, "  "),
            r"<w2: element 0\.\.64 point 0> is known without a reason; say why",
        )

    def test_a_name_is_used_once(self):
        refused(
            lambda r: (r.x + 1).named("y") + (r.x + 2).named("y"), "the name 'y' is given to two wires; choose another"
        )

    def test_every_rule_is_tested_above(self):
        tested = {"_output", "_ordered", "_sources", "_absent", "_chunks", "_reasons", "_names"}
        assert {rule.__name__ for rule in RULES} == tested


@pytest.mark.parametrize("max_n, chunk", [(0, None), (-1, None), (4, 0), (2.0, None), (4, 2.5), (None, None)])
def test_lengths_are_at_least_one(max_n, chunk):
    with pytest.raises(
        GraphError, match=f"^max_n is {re.escape(repr(max_n))} and chunk {chunk}; both are integers of at least 1$"
    ):
        Row(parse("Q4.0"), max_n, chunk)


class TestDatapath:
    def softmax_like(self, r):
        d = (largest(r.x) - r.x).named("d")
        return (d + total(d).named("s")).named("out")

    def test_only_what_the_output_needs_is_kept(self):
        def unused(r):
            (r.x * r.position).named("unused")
            return self.softmax_like(r)

        d = drawn(unused)
        assert "unused" not in d.names.values()
        assert [d.names[w] for w in d.wires] == ["x", "w3", "d", "s", "out"]
        assert set(d.sources) == {"x"}

    def test_defaults(self):
        d = drawn(self.softmax_like)
        assert (d.absent_code, d.output_rate, d.max_n, d.chunk) == (-(2**15), "element", 4, None)
        assert drawn(lambda r: largest(r.x)).output_rate == "row"

    def test_sources_may_be_taken_inside_blocks_and_again(self):
        @block("doubled")
        def doubled(wire, r):
            """Twice."""
            return wire + r.x

        d = drawn(lambda r: doubled(r.position, r) + r.x)
        assert sorted(d.sources) == ["position", "x"]
        assert d.sources["x"].block is None

    def test_the_ranges_of_the_sources(self):
        r = row("Q4.0", max_n=6)
        assert [w.range for w in (r.x, r.present, r.position, r.n)] == [(-8, 7), (0, 1), (0, 5), (1, 6)]

    def test_a_deep_graph_needs_no_deep_stack(self):
        def long(r):
            wire = r.x
            for _ in range(3000):
                wire = (wire + 1).low_bits(4)
            return wire

        assert len(drawn(long, output="UQ4.0").wires) > 3000

    def test_drawing_twice_gives_identical_graphs(self):
        def everything(r):
            c = largest(r.x, to=Rate.CHUNK)
            _, at, after = scan(lambda m, x: m.maximum(x), c, start=-8)
            return self.softmax_like(r) + at + (after - at) + (r.n < 3).select(r.position, 2)

        first, second = (drawn(everything, max_n=9, chunk=4) for _ in range(2))
        assert [outline(w) for w in first.wires] == [outline(w) for w in second.wires]

    def test_enumeration_leaves_nothing_behind(self):
        d = drawn(self.softmax_like)
        assert all(w.values is None for w in d.drawing.wires)
        assert all(w.values is None for top in d.wires if hasattr(top.op, "fold") for w in top.op.fold.body.wires)


def outline(wire):
    """What a wire is, without the identity of objects."""
    inside = getattr(wire.op, "fold", None) or getattr(wire.op, "scan", None)
    body = [outline(w) for w in inside.body.wires] if inside else vars(wire.op)
    return (
        wire.index,
        type(wire.op).__name__,
        str(body),
        [a.index for a in wire.args],
        wire.rate,
        wire.range,
        wire.point,
        wire.name,
    )


class TestFormats:
    def test_a_floats_codes_are_bit_patterns(self):
        d = draw(lambda r: r.x, parse("e4m3"), parse("e4m3"), 4)
        assert (d.sources["x"].range, d.output_range, d.absent_code) == ((0, 255), (0, 255), parse("e4m3").lowest_code)

    def test_an_affine_code_is_an_integer(self):
        d = draw(lambda r: r.x, parse("int8@0.1"), parse("int8@0.1"), 4)
        assert (d.sources["x"].range, d.output.point) == ((-128, 127), 0)

    def test_decimals_have_no_codes(self):
        with pytest.raises(GraphError, match=r"^the format decimal\(3\) has no words of a fixed width; fixed point, integers or "
                           "floats are allowed$"):  # fmt: skip
            draw(lambda r: r.x, parse("decimal(3)"), parse("Q4.0"), 4)
