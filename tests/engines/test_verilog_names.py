"""Names in Verilog: whatever an architect calls wires, blocks and tables, the text is legal, each name one thing."""

import pytest

from narrowmax.datapath import Rate, Table, block, draw, fold, largest, scan
from narrowmax.engines import verilog
from narrowmax.engines.verilog.naming import distinct, word
from narrowmax.formats import parse
from narrowmax.hardware.linting import lint

NAMES = """
    reg output logic table bool std go last first present keep base aclk aresetn beat_in row_out x_0 present_0 keep_it
    present_x offered offered_0 chunk_last unused_bits go_c1 base_q row_here position_0 p0_go
""".split()


def emitted(function, lanes=2, chunk=None, **how):
    unit = verilog.emit(draw(function, parse("Q4.0"), parse("Q16.0"), 8, chunk=chunk), lanes, **how)
    assert lint(unit.files, unit.top) == []
    return unit


@pytest.mark.parametrize("name", NAMES)
def test_an_element_and_a_row_may_have_any_name(name):
    emitted(lambda row: (row.x * 3 + 100).named(name) * largest(row.x * row.x + 1))
    emitted(lambda row: (row.x * 3 + 100) * largest(row.x * row.x + 1).named(name), period_ns=2)


def test_every_name_at_once_in_a_chunked_drawing():
    def function(row):
        low = largest(row.x, to=Rate.CHUNK).named("x_in")
        before, at, after = scan(lambda s, c: (s >> 1) + c, low, start=0)
        wires = [before.named("s"), at.named("s_before0"), after.named("s_state0"), low]
        total = sum((largest(row.x * k).named(name) for k, name in enumerate(NAMES, 2)), start=row.x)
        return (total + sum(wires, start=row.position)).low_bits(9)

    emitted(function, chunk=4)


@pytest.mark.parametrize("name", ["a0", "a1", "y0", "w9", "reg", "unused_bits"])
def test_a_wire_in_a_block_or_a_body_may_have_any_name(name):
    @block("core")
    def core(x, y):
        """A product, and more."""
        return (((x + y).named(name) * 3) >> 1) - y

    unit = emitted(lambda row: core(row.x, largest(row.x)))
    assert "softmax_core.v" in unit.files
    emitted(lambda row: fold(lambda a, b: ((a + b).named(name) >> 1) + b, row.x, order="serial") + row.x)


@pytest.mark.parametrize("name", ["pass0", "exp core", "a-b", "", "1st", "softmax", "fifo"])
def test_blocks_and_tables_may_have_any_name(name):
    @block(name)
    def core(x, y):
        """A product."""
        return x * y + x

    table = Table(name, tuple(range(8)), 0, "k,\nover two lines", "exact")
    emitted(lambda row: core(row.x, largest(row.x)) + row.x.maximum(0).lookup(table))


def test_modules_whose_names_differ_in_case_only_get_files_of_their_own():
    def function(row):
        parts = []
        for k, name in enumerate(("core", "Core", "core_2", "core"), 3):
            parts.append(block(name)(lambda x, k=k: x * k + 1)(row.x))
        return sum(parts[1:], start=parts[0])

    files = [name.lower() for name in emitted(function).files]
    assert len(files) == len(set(files))


def test_a_reason_over_two_lines_stays_a_comment():
    unit = emitted(lambda row: (largest(row.x) + row.x).known(-16, 13, "hoped\nendmodule"))
    assert any("// w3_0: hoped endmodule (sampled)" in text for text in unit.files.values())


def test_names_are_kept_where_they_can_be_had():
    assert distinct({1: "sum", 2: "row_max", 3: "x_0"}) == {1: "sum", 2: "row_max", 3: "x_0"}
    assert distinct({1: "x", 2: "x_0", 3: "x_0_c1", 4: "x_0_"}) == {1: "x", 2: "x_0_", 3: "x_0_c1_", 4: "x_0__"}
    assert distinct({1: "reg", 2: "go", 3: "go_c1"}, ["go"]) == {1: "reg_", 2: "go_", 3: "go_c1_"}
    assert (word("exp core"), word("a--b"), word("²")) == ("exp_core", "a_b", "unnamed")
