"""Objects made by hand: each is refused where running it would read what is not there, however plausible it looks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tests.engines.compiled.comparing import _native, assert_equal, drawn
from tests.engines.compiled.test_program import LEAST, MOST, addition, drawing, made, refused, wire

from narrowmax.datapath import Datapath, FoldOutput, Lookup, Rate, ScanOutput, Source, Table, fold, largest, scan, total
from narrowmax.datapath import operations as language
from narrowmax.engines.compiled import drive
from narrowmax.formats import parse

X = Source("x")
INT64, UINT8 = 10, 5  # of enum Kind


def reduced(given: dict, **of_whole) -> SimpleNamespace:
    """x plus the largest x, in plain objects, with changes to the fold and to the wire that shows it."""
    known = drawn(lambda r: largest(r.x)).output
    step = {name: getattr(known.op.fold, name) for name in ("body", "order", "ways")}
    x = wire(op=X)
    step = SimpleNamespace(**{**step, "inputs": (x,), "to": given.pop("to", Rate.ROW), **given.pop("step", {})})
    top = wire(**{"op": FoldOutput(step, 0), "args": (x,), "rate": Rate.ROW, **given})
    return drawing(x, top, wire(op=language.Add(), args=(x, top), lo=-16, hi=14), **of_whole)


def scanned(given: dict, **of_step) -> SimpleNamespace:
    """x plus the largest x of any chunk so far, likewise."""
    output = drawn(lambda r: scan(lambda s, c: s.maximum(c), largest(r.x, to=Rate.CHUNK), start=-8)[2], chunk=2).output
    known, (chunks,) = output.op.scan, output.op.scan.inputs
    x = wire(op=X)
    per_chunk = SimpleNamespace(**{n: getattr(chunks.op.fold, n) for n in ("body", "order", "ways")}, inputs=(x,), to=2)
    each = wire(op=FoldOutput(per_chunk, 0), args=(x,), rate=Rate.CHUNK)
    step = SimpleNamespace(**{"inputs": (each,), "body": known.body, "start": known.start, **of_step})
    shown = wire(**{"op": ScanOutput(step, 0, "after"), "args": (each,), "rate": Rate.ROW, **given})
    return drawing(x, each, shown, wire(op=language.Add(), args=(x, shown), lo=-16, hi=14), chunk=2)


class TestRates:
    """Where a value lies, and how often, follows from rates: one that lies would have memory read beside it."""

    def test_true_ones_are_taken(self):
        for thing in (reduced({}), scanned({}), scanned({}, start=(-3,))):
            assert _native.Program(thing, 0, LEAST, MOST).types == (1, 1, 0)

    @pytest.mark.parametrize("rate", [Rate.CONSTANT, Rate.ROW, Rate.CHUNK])
    def test_slower_than_an_operand(self, rate):
        assert "fastest operand" in refused(ValueError, addition({"rate": rate}, chunk=2))

    def test_faster_than_every_operand(self):
        n = wire(op=Source("n"), lo=1, rate=Rate.ROW)
        assert "fastest operand" in refused(ValueError, drawing(n, wire(op=language.Add(), args=(n, n), lo=2, hi=18)))

    @pytest.mark.parametrize("thing", [
        reduced({"rate": Rate.CHUNK}, chunk=2), reduced({"rate": Rate.ELEMENT}), reduced({"to": Rate.CHUNK}, chunk=2),
        scanned({"rate": Rate.CHUNK}), scanned({"rate": Rate.ELEMENT}),
    ])  # fmt: skip
    def test_of_what_a_fold_or_scan_gives(self, thing):
        assert "has another" in refused(ValueError, thing)

    def test_of_a_moment(self):
        step = scanned({}).wires[2].op.scan
        for when in ("before", "at"):
            thing = scanned({"op": ScanOutput(step, 0, when), "rate": Rate.ROW}, inputs=step.inputs)
            refused(ValueError, thing)

    def test_folds_to_what_is_no_slower(self):
        chunks = scanned({}).wires[1]
        step = SimpleNamespace(**{**vars(chunks.op.fold), "inputs": (chunks,), "to": Rate.CHUNK})
        end = wire(op=FoldOutput(step, 0), args=(chunks,), rate=Rate.CHUNK)
        assert "another number" in refused(ValueError, drawing(*chunks.args, chunks, end, chunk=2))

    def test_inputs_of_several_rates_and_scans_of_elements(self):
        thing = scanned({})
        x, each, shown, _ = thing.wires
        shown.op.scan.inputs = (x,)
        assert "a scan chunks" in refused(ValueError, thing)
        shown.op.scan.inputs = (each, x)
        assert "of one rate" in refused(ValueError, thing)

    def test_chunks_that_a_drawing_does_not_have(self):
        assert "chunks" in refused(ValueError, SimpleNamespace(**{**vars(scanned({})), "chunk": None}))

    def test_an_output_for_each_chunk(self):
        thing = scanned({})
        thing.output = thing.wires[1]
        assert "output of another" in refused(ValueError, thing)


class TestRanges:
    """What lies in the arrays of a call lies in words that the range of its source must mean."""

    @pytest.mark.parametrize("given", [
        {"lo": 0, "hi": 1 << 40}, {"hi": 1 << 20}, {"op": Source("present"), "lo": 0, "hi": 70000},
        {"op": Source("present"), "lo": -1, "hi": 1}, {"rate": Rate.ROW}, {"op": Source("n"), "lo": 1},
        {"op": Source("position"), "lo": 0, "rate": Rate.ROW},
    ])  # fmt: skip
    def test_of_sources(self, given):
        assert "a source has" in refused(ValueError, drawing(wire(**{"op": X, **given})))

    @pytest.mark.parametrize("ends", [(-(1 << 100), 1 << 100), (0, 1 << 63)])
    def test_codes_beyond_a_row(self, ends):
        with pytest.raises(OverflowError):
            _native.Program(drawing(wire(op=X, lo=ends[0], hi=ends[1])), 0, *ends)
        thing = addition({"op": language.Multiply(), "lo": -(1 << 100), "hi": 1 << 100})
        refused(OverflowError, thing)

    def test_integers_of_a_class_of_their_own(self):
        class Odd(int):
            def __rshift__(self, other):
                return "nothing of the kind"

        assert (
            _native.Program(addition({"lo": Odd(-(1 << 62)), "hi": Odd((1 << 62) - 1)}), 0, LEAST, MOST).types[1] == 6
        )
        refused(OverflowError, addition({"lo": Odd(-(1 << 70))}))

    def test_tables_that_begin_within_a_word(self):
        entries = np.zeros(129, np.uint8)[1:].view(np.int64)
        end = wire(op=Lookup(SimpleNamespace(array=entries)), args=(wire(op=X),), lo=0, hi=0)
        refused(ValueError, drawing(*end.args, wire(**{**vars(end), "hi": 1})))


def run(program, x, out, *, present=None, kind=INT64, words=None, out_kind=INT64, n=4, rows=2):
    return program.run(x, kind, words, present, out, out_kind, 0, n, 0, rows)


class TestArrays:
    """What a program is run on."""

    X, OUT = np.zeros((2, 4), np.int64), np.zeros((2, 4), np.int64)

    def test_flags_that_are_missing(self):
        program = made(drawn(lambda r: r.x + total(r.x)), 1)
        assert run(program, self.X, self.OUT, present=np.ones(8, np.uint8)) == (0, 0, 1)
        with pytest.raises(ValueError, match="what elements are present"):
            run(program, self.X, self.OUT)

    def test_weights_that_are_missing(self):
        program = made(drawn(lambda r: r.x + total(r.x)), 2)
        with pytest.raises(ValueError, match="how often they stand"):
            run(program, self.X, self.OUT)

    def test_words_across_their_places(self):
        program, across = made(drawn(lambda r: r.x)), np.zeros(65, np.uint8)[1:]
        for given in ((across, self.OUT), (self.X, across)):
            with pytest.raises(ValueError, match="do not begin"):
                run(program, *given)
        assert run(program, self.X, across, out_kind=UINT8) == (0, 0, 1)

    def test_rows_that_are_none(self):
        assert run(made(drawn(lambda r: r.x)), b"", bytearray(), rows=0) == (0, 0, 1)

    @pytest.mark.parametrize("given", [
        {"n": 0}, {"n": 5}, {"n": -4}, {"n": 1 << 62}, {"rows": 3}, {"rows": -1}, {"rows": 1 << 62}, {"kind": UINT8},
        {"kind": -1}, {"kind": 12}, {"out_kind": 12}, {"words": (64, 0, 1, 0, 0)}, {"present": b"1234567"},
    ])  # fmt: skip
    def test_of_another_size_or_kind(self, given):
        program = made(drawn(lambda r: r.x))
        with pytest.raises(ValueError):
            run(program, self.X, self.OUT, **given)

    @pytest.mark.parametrize("given", [
        {"x": X[:, ::2]}, {"out": OUT[:, ::2]}, {"out": b"12345678" * 8}, {"x": None}, {"out": [0]}, {"rows": 1 << 80},
        {"words": 3}, {"words": (8,)}, {"n": "4"},
    ])  # fmt: skip
    def test_of_no_use(self, given):
        with pytest.raises((ValueError, TypeError, BufferError, OverflowError)):
            run(made(drawn(lambda r: r.x)), **{"x": self.X, "out": self.OUT, **given})

    def test_a_program_that_is_made_while_it_is_made(self):
        program = _native.Program.__new__(_native.Program)

        class Twice(SimpleNamespace):
            @property
            def chunk(self):
                program.__init__(addition({}), 0, LEAST, MOST)

        whole = {name: value for name, value in vars(addition({})).items() if name != "chunk"}
        with pytest.raises(TypeError, match="made once"):
            program.__init__(Twice(**whole), 0, LEAST, MOST)
        assert program.types == (1, 1, 0)


def record(values: np.ndarray) -> np.ndarray:
    """The same values, each beginning within a word."""
    found = np.zeros(values.nbytes + 1, np.uint8)[1:].view(values.dtype).reshape(values.shape)
    found[...] = values
    assert not found.flags.aligned
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_arrays_across_their_places_are_simulated_all_the_same(dtype):
    datapath: Datapath = drawn(lambda r: largest(r.x) - r.x, output="UQ8.0", max_n=40)
    values = np.random.default_rng(0).integers(-8, 8, (90, 40)).astype(dtype)
    out = record(np.zeros(values.shape, np.int32))
    assert drive.simulate(datapath, record(values), parse("Q4.0"), None, out)
    assert np.array_equal(out, values.max(axis=1, keepdims=True) - values)
    codes = record(values.astype(np.int64))
    assert_equal(datapath, codes[:6], None, (1, 11))


def test_what_is_known_of_a_constant_is_there_for_the_whole_tile():
    """A strip of a constant is shorter than a tile; what goes into a fold is kept for all of it."""
    entries = Table("one", (7,), 0, "7", "exactly")
    datapath = drawn(lambda r: fold(lambda a, b: (a >> 1) + b, (r.x - r.x).lookup(entries).known(0, 9, "7") + r.x,
                                    order="serial"), max_n=100)  # fmt: skip
    assert_equal(datapath, np.random.default_rng(0).integers(-8, 8, (64, 100)), None, (1,))
