"""The Verilog engine: operations on every input, orders, lanes, dividers, text, and random graphs."""

from types import SimpleNamespace

import pytest

from narrowmax.datapath import Argument, Drawing, Rate, Row, Table, block, draw, fit, fold, largest, scan, total
from narrowmax.datapath.operations import Constant
from narrowmax.engines import verilog
from narrowmax.engines.verilog.library import divider, divider_cycles
from narrowmax.engines.verilog.modules import BlockInfo, Modules, Port
from narrowmax.errors import DesignError
from narrowmax.formats import parse
from narrowmax.hardware import Subject, verify
from narrowmax.hardware.linting import lint
from narrowmax.hardware.sweeps import Sweep

SIGNED, UNSIGNED = (-8, 7), (0, 15)
SQUARES = Table("squares", tuple(i * i - 3 for i in range(16)), 0, "k*k - 3", "exact")

OPERATIONS = {
    "add": lambda a, b, c: a + b,
    "subtract": lambda a, b, c: a - b,
    "multiply": lambda a, b, c: a * b,
    "shift_left": lambda a, b, c: a << 3,
    "shift_right": lambda a, b, c: a >> 2,
    "shift_right_beyond": lambda a, b, c: a >> 9,
    "shift_right_by": lambda a, b, c: a >> b.maximum(0),
    "shift_left_by": lambda a, b, c: a << b.maximum(0),
    "minimum": lambda a, b, c: a.minimum(b),
    "maximum": lambda a, b, c: a.maximum(b),
    "minimum_of_constant": lambda a, b, c: a.minimum(3),
    "less": lambda a, b, c: a < b,
    "equal": lambda a, b, c: a.equals(b),
    "select": lambda a, b, c: c.select(a, b),
    "low_bits": lambda a, b, c: a.low_bits(3),
    "low_bits_widened": lambda a, b, c: a.low_bits(6),
    "leading_zeros": lambda a, b, c: a.maximum(0).leading_zeros(7),
    "normalise": lambda a, b, c: a.maximum(0).normalise(6),
    "lookup": lambda a, b, c: a.maximum(0).lookup(SQUARES),
    "known": lambda a, b, c: (a - a.minimum(b)).known(0, 15, "the smaller of two is not the larger"),
    "negate": lambda a, b, c: -a,
    "at_least": lambda a, b, c: a >= b,
}


def operation_modules(first, second) -> Modules:
    """A module for every operation on operands over the two ranges and a condition."""
    modules = Modules("op")
    for name, function in OPERATIONS.items():
        drawing = Drawing()
        ranges = (first, second, (0, 1))
        a, b, c = (drawing.add(Argument(i), (), Rate.ELEMENT, 0, fixed=r) for i, r in enumerate(ranges))
        result = function(a, b, c)
        if isinstance(result.op, Constant):
            continue  # its range is one integer: no hardware
        wires = [w for w in drawing.wires if w not in (a, b, c)]
        names = {a: "a0", b: "a1", c: "a2", result: "y0"}
        used = {x for w in wires for x in w.args}
        modules.combinational(name, name, [w for w in (a, b, c) if w in used], [result], wires, names)
    return modules


@pytest.mark.parametrize("first", [SIGNED, UNSIGNED], ids=["signed", "unsigned"])
@pytest.mark.parametrize("second", [SIGNED, UNSIGNED], ids=["signed", "unsigned"])
def test_operations_on_every_input_of_four_bits(first, second):
    modules = operation_modules(first, second)
    unit = SimpleNamespace(files={f"{n}.v": t for n, t in modules.texts.items()}, modules=tuple(modules.infos.values()))
    swept = Sweep(unit).run()
    assert len(swept) >= len(OPERATIONS) - 1  # one or two fold to the same text
    assert [(s.name, s.first) for s in swept if s.wrong] == []
    for name in modules.infos:
        assert lint(unit.files, name) == []


@pytest.mark.parametrize(
    "a, b, q, zero, steps",
    [(8, 4, 8, 255, 1), (8, 4, 4, 0, 2), (7, 7, 7, 1, 3), (10, 3, 9, 5, 4), (4, 8, 4, 15, 9), (1, 1, 1, 1, 1)],
)
def test_dividers_on_every_input(a, b, q, zero, steps):
    latency = divider_cycles(q, steps)

    def evaluate(numerator, divisor):
        return (numerator // divisor if divisor else zero,)

    # a quotient that would not fit is excluded by ranges: such operands never meet
    fits = [(n, d) for n in range(1 << a) for d in range(1 << b) if (n // d if d else 0) < 1 << q]
    ports = (Port("numerator", a, 0, (1 << a) - 1), Port("divisor", b, 0, (1 << b) - 1))
    info = BlockInfo("divide", ports, (Port("quotient", q, 0, (1 << q) - 1),), latency, evaluate)
    unit = SimpleNamespace(files={"divide.v": divider("divide", a, b, q, zero, steps, False)}, modules=(info,))
    assert lint(unit.files, "divide") == []
    sweep = Sweep(unit)
    swept = sweep.run()[0]
    assert swept.tried == 1 << a + b
    assert swept.wrong <= (1 << a + b) - len(fits)
    if swept.first is not None:
        assert swept.first[0] not in fits


def unit_of(function, lanes, max_n=8, chunk=None, **how):
    datapath = draw(function, parse("Q4.0"), parse("Q12.0"), max_n, chunk=chunk)
    return Subject(verilog.emit(datapath, lanes, **how), datapath, 10.0)


def agrees(subject, elements=20_000):
    assert lint(subject.unit.files, subject.unit.top) == []
    record = verify(subject, elements=elements, netlist=False)
    assert record["findings"] == []
    assert record["mismatches"] == 0
    assert record["latency_cycles"] == subject.unit.latency_cycles
    assert record["initiation_interval"] == subject.unit.initiation_interval


def halved_sum(a, b):
    """Neither associative nor commutative."""
    return (a + b + b) >> 1


@pytest.mark.parametrize(
    "order, lanes", [("serial", 1), ("serial", 4), ("tree", 8), ("interleaved(4)", 4), ("interleaved(3)", 8)]
)
def test_orders_of_folds(order, lanes):
    agrees(unit_of(lambda row: fit(fold(halved_sum, row.x, order=order) + row.x, -2048, 2047, "forbid"), lanes))


@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_chunks_scans_and_sources(lanes):
    def function(row):
        low = largest(row.x, to=Rate.CHUNK)
        before, at, after = scan(lambda s, v: (s >> 1) + v, low, start=3)
        top = largest(low)  # of chunk values
        pair = fold(
            lambda a, i, b, j: ((a < b).select(b, a), (a < b).select(j, i)), row.x, row.position, order="serial"
        )
        return (
            row.x
            + row.position
            + row.n
            + row.present
            + before
            - at
            + after
            + top
            + pair[1]
            + total(row.x, to=Rate.CHUNK)
        )

    agrees(unit_of(function, lanes, max_n=11, chunk=4))


@pytest.mark.parametrize("way", ["pipelined", "sequential"])
def test_dividers_of_elements_and_rows(way):
    def function(row):
        share = ((row.x + 8) << 5).divide(total(row.x + 8).maximum(1), 0)
        whole = row.n.extend(0).divide(total(row.x + 8), 7)
        return fit(share + whole, -2048, 2047, "saturate")

    agrees(unit_of(function, 2, divider=way))


def test_a_short_period_takes_more_cycles_and_the_same_bits():
    @block("core")
    def core(x, y):
        """A product."""
        return x * y + x

    def function(row):
        return fit(core(row.x, largest(row.x)) * 3 + total(row.x), -2048, 2047, "saturate")

    slow, fast = unit_of(function, 4), unit_of(function, 4, period_ns=2.0)
    assert fast.unit.latency_cycles > slow.unit.latency_cycles
    agrees(slow)
    agrees(fast)


def test_a_row_without_folds_is_one_pass():
    subject = unit_of(lambda row: (row.x * row.x) - row.position, 4)
    assert [name for name in subject.unit.files if "_pass" in name] == ["softmax_pass0.v"]
    agrees(subject)


def test_rows_that_nobody_could_store_are_refused():
    datapath = draw(lambda row: largest(row.x) - row.x, parse("Q4.0"), parse("UQ5.0"), 1 << 40)
    with pytest.raises(DesignError, match="take 274,877,906,944 cycles; 1,048,576 are allowed; lower max_n"):
        verilog.emit(datapath, 4)


def test_lanes_that_cannot_be_built_are_refused():
    datapath = draw(lambda row: largest(row.x) - row.x, parse("Q4.0"), parse("UQ5.0"), 12)
    with pytest.raises(DesignError, match=r"^13 lanes are asked for; 1 to 12 are allowed for rows of up to 12$"):
        verilog.emit(datapath, 13)
    chunks = draw(lambda row: largest(row.x, to=Rate.CHUNK) - row.x, parse("Q4.0"), parse("UQ5.0"), 12, chunk=6)
    with pytest.raises(
        DesignError,
        match=r"^4 lanes do not divide the chunk of 6, which is part of the arithmetic; 1, 2, 3, 6 are allowed$",
    ):
        verilog.emit(chunks, 4)
    serial = draw(lambda row: fold(halved_sum, row.x, order="tree") + row.x, parse("Q4.0"), parse("Q12.0"), 12)
    with pytest.raises(DesignError, match=r"^4 lanes cannot keep the order tree of the fold w1; 12 lanes can$"):
        verilog.emit(serial, 4)
    with pytest.raises(DesignError, match=r"^the divider is 'magic'; pipelined or sequential is allowed$"):
        verilog.emit(datapath, 1, divider="magic")
    for period in (0, 0.0099, 1e6 + 1, float("inf"), float("nan")):
        with pytest.raises(
            DesignError, match=rf"^the period is {period} ns; 0.01 to 1,000,000 is allowed, such as 10$"
        ):
            verilog.emit(datapath, 1, period_ns=period)


def test_the_text_is_the_same_every_time():
    def emitted():
        return verilog.emit(draw(lambda row: largest(row.x) - row.x, parse("Q4.0"), parse("UQ5.0"), 12), 4).files

    assert emitted() == emitted()


def test_what_is_known_is_asserted_in_simulation():
    def wrong(row: Row):
        return (largest(row.x) + row.x).known(-16, 6, "a wrong belief")

    datapath = draw(wrong, parse("Q4.0"), parse("Q12.0"), 4)
    subject = Subject(verilog.emit(datapath, 1), datapath, 10.0)
    assert any("a wrong belief (sampled)" in text and "assert" in text for text in subject.unit.files.values())


def test_wires_wider_than_can_be_watched():
    """Wires of 150 bits are computed, and judged by what they lead to."""
    wide = draw(lambda row: (((row.x + 8) << 146) + row.position) >> 146, parse("Q4.0"), parse("Q12.0"), 8)
    subject = Subject(verilog.emit(wide, 2), wide, 10.0)
    assert max(w.bits for w in wide.wires) > 128
    agrees(subject, elements=500)
