"""Programs as Python's objects: what they list, that they are the same each time, and what is no drawing."""

from __future__ import annotations

import ctypes
import gc
import random
import resource
from types import SimpleNamespace

import numpy as np
import pytest
from tests.engines.compiled.comparing import _native, drawn, operations
from tests.engines.compiled.wide_graphs import wide_graph
from tests.engines.graphs import random_graph

from narrowmax.datapath import Argument, FoldOutput, Lookup, Rate, Source, Table, fold, largest, scan, total
from narrowmax.datapath import operations as language
from narrowmax.designs import catalogue, design
from narrowmax.engines import compiled
from narrowmax.engines.compiled.program import FULL, LISTED, MASKED, listable, program_of

HARDWARE = sorted(name for name, entry in catalogue().items() if entry.function is not None)
SQUARES = Table("squares", tuple(i * i for i in range(16)), 0, "i**2", "exactly")
LEAST, MOST = -8, 7


def graph(r):
    """Of everything a little: a table, a fold and a scan with a body, an assertion."""
    near = (largest(r.x) - r.x).known(0, 15, "a difference of words of 4 bits")
    ordered = fold(lambda a, b: (a >> 1) + b, near.lookup(SQUARES), order="interleaved(2)")
    _, _, state = scan(lambda s, c: s.maximum(c), largest(r.x, to=Rate.CHUNK), start=-3)
    return total(near) + ordered + state + r.x


def made(datapath, variant: int = 0):
    return _native.Program(datapath, variant, *datapath.input_range)


class TestListing:
    def test_of_one_addition(self):
        slots, steps, numbers = made(drawn(lambda r: r.x + 1, output="Q5.0", max_n=3)).listing
        places = [place for place, *_ in slots]
        ((kind, instructions, more),) = steps
        ((name, dst, a, b),) = [(_native.OPERATIONS[i[0]], *i[2:5]) for i in instructions]
        assert (kind, name, more, numbers) == (0, "ADD", (), (0, 0, 0, 0, 3, dst))
        assert (places[a], places[b], places[dst], slots[b][2]) == (6, 4, 9, b"\x01")

    def test_of_a_table(self):
        slots, _, _ = made(drawn(lambda r: (r.x + 8).lookup(SQUARES), output="Q9.0")).listing
        (entries,) = [np.frombuffer(value, np.uint8) for place, _, value, _ in slots if place == 5]
        codes = np.arange(LEAST, MOST + 1)
        assert entries.size == 256 and np.array_equal(entries[codes.astype(np.uint8)], (codes + 8) ** 2)

    def test_of_folds_and_scans(self):
        _, steps, _ = made(drawn(graph, output="Q40.0", chunk=2)).listing
        assert [kind for kind, _, _ in steps].count(3) == [kind for kind, _, _ in steps].count(4) == 1
        assert all(bool(more) == (kind > 2) for kind, _, more in steps)

    @pytest.mark.parametrize("name", HARDWARE)
    def test_is_the_same_each_time(self, name):
        listings = [made(design(name).datapath(128)).listing for _ in range(2)]
        assert listings[0] == listings[1]

    def test_names_what_runs(self):
        assert "REDUCE_SUM" in operations(drawn(lambda r: total(r.x)))
        assert "SELECT" in operations(drawn(lambda r: total(r.x)), masked=True)


@pytest.mark.parametrize("seed", range(30))
def test_every_slot_of_an_instruction_is_one(seed):
    for datapath in (random_graph(seed), wide_graph(random.Random(seed))):
        if not compiled.holds(datapath):
            continue
        for variant in (FULL, MASKED, *[LISTED] * listable(datapath)):
            slots, steps, _ = program_of(datapath, variant).native.listing
            for _, instructions, _ in steps:
                for instruction in instructions:
                    assert all(-1 <= slot < len(slots) for slot in instruction[2:8])


def wire(**given) -> SimpleNamespace:
    return SimpleNamespace(**{"args": (), "lo": LEAST, "hi": MOST, "rate": Rate.ELEMENT, **given})


def drawing(*wires, **given) -> SimpleNamespace:
    """A drawing in plain objects, of which the last wire is the output."""
    return SimpleNamespace(
        **{"wires": wires, "output": wires[-1], "max_n": 9, "chunk": None, "absent_code": 0, **given}
    )


def addition(of_sum: dict, **given) -> SimpleNamespace:
    """x + n in plain objects, with changes to the sum and to the whole."""
    x, n = wire(op=Source("x")), wire(op=Source("n"), lo=1, rate=Rate.ROW)
    return drawing(x, n, wire(**{"op": language.Add(), "args": (x, n), "lo": -7, "hi": 14, **of_sum}), **given)


def refused(error, thing) -> str:
    with pytest.raises(error) as caught:
        _native.Program(thing, 0, LEAST, MOST)
    return str(caught.value)


class TestOddObjects:
    """What is no drawing is refused with a ValueError, whatever it is; nothing is read beside it."""

    def test_plain_objects_are_a_drawing(self):
        assert _native.Program(addition({}), 0, LEAST, MOST).types == (1, 1, 0)

    @pytest.mark.parametrize("of_sum", [
        {"lo": "x"}, {"lo": 1.0}, {"hi": None}, {"lo": 15}, {"rate": 4}, {"rate": -1}, {"rate": 2**70}, {"args": []},
        {"args": ()}, {"args": (1, 2)}, {"op": language.Constant}, {"op": None}, {"op": language.LowBits("many")},
        {"op": Source(7), "args": ()}, {"op": Argument(0), "args": ()}, {"op": language.Known(0, 1, "so", None)},
    ])  # fmt: skip
    def test_wires_of_the_wrong_kind(self, of_sum):
        refused(ValueError, addition(of_sum))

    @pytest.mark.parametrize("given", [
        {"wires": []}, {"wires": ()}, {"max_n": 0}, {"max_n": "long"}, {"chunk": -1}, {"chunk": 0.5},
        {"absent_code": None}, {"output": None},
    ])  # fmt: skip
    def test_drawings_of_the_wrong_kind(self, given):
        refused(ValueError, addition({}, **given))

    def test_what_lacks_something(self):
        assert "has no attribute 'wires'" in refused(AttributeError, object())
        assert "has no attribute 'op'" in refused(AttributeError, drawing(object()))

    def test_what_raises(self):
        class Angry:
            @property
            def op(self):
                raise ZeroDivisionError("no operation")

        assert refused(ZeroDivisionError, drawing(Angry())) == "no operation"

    @pytest.mark.parametrize("array", [
        np.zeros(0, np.int64), np.zeros((2, 2), np.int64), np.zeros(4, np.int32), np.zeros(4), np.zeros(4, np.uint64),
        np.array(["x"], object), b"12345678", None, np.zeros(65537, np.int64),
    ])  # fmt: skip
    def test_tables_that_are_none(self, array):
        x = wire(op=Source("x"))
        end = wire(op=Lookup(SimpleNamespace(array=array)), args=(x,), lo=0, hi=1)
        refused((ValueError, TypeError), drawing(x, end))

    @pytest.mark.parametrize("changes", [
        {"inputs": ()}, {"inputs": None}, {"ways": 0}, {"to": 0}, {"to": 3}, {"body.primitive": language.Select},
        {"body.results": ()}, {"body.arguments": ()}, {"body.wires": ()}, {"body": None}, {"ways": "k"},
        {"body.primitive": language.Add, "body.results": ()},
    ])  # fmt: skip
    def test_folds_that_are_none(self, changes):
        known = drawn(lambda r: fold(lambda a, b: (a >> 1) + b, r.x, order="serial")).output
        body = {name: getattr(known.op.fold.body, name) for name in ("arguments", "results", "wires", "primitive")}
        step = {name: getattr(known.op.fold, name) for name in ("inputs", "order", "ways", "to")}
        body.update({name[5:]: value for name, value in changes.items() if name.startswith("body.")})
        step.update({"body": SimpleNamespace(**body)})
        step.update({name: value for name, value in changes.items() if not name.startswith("body.")})
        op = FoldOutput(SimpleNamespace(**step), 0)
        end = wire(op=op, args=known.args, lo=known.lo, hi=known.hi, rate=known.rate)
        refused((ValueError, AttributeError), drawing(*known.args, end))
        refused(ValueError, drawing(*known.args, wire(op=FoldOutput(known.op.fold, 1), args=known.args)))

    def test_wires_in_no_order(self):
        x, n, end = addition({}).wires
        assert "operands before what needs them" in refused(ValueError, drawing(end, x, n))
        assert "twice" in refused(ValueError, drawing(x, x))

    @pytest.mark.parametrize(
        "given", [(), (1,), (1, 2, 3), (1, "x", 0, 1), (1, 3, 0, 1), (1, -1, 0, 1), (1, 0, None, 1)]
    )
    def test_arguments(self, given):
        with pytest.raises((TypeError, ValueError)):
            _native.Program(*given)

    def test_classes(self):
        with pytest.raises(ValueError, match="the classes of KINDS are allowed"):
            _native.learn((language.Add,))
        with pytest.raises(TypeError, match="unhashable"):
            _native.learn(tuple([] for _ in _native.KINDS))
        assert compiled.holds(drawn(lambda r: r.x + 1, output="Q5.0"))

    def test_a_program_is_made_once(self):
        program = made(drawn(lambda r: r.x))
        with pytest.raises(TypeError, match="made once"):
            program.__init__(drawn(lambda r: r.x), 0, LEAST, MOST)
        with pytest.raises(ValueError, match="never made"):
            _ = _native.Program.__new__(_native.Program).listing


def test_drawings_as_deep_as_they_come():
    """Nothing recurses: a chain of 10,000 wires, which becomes a table or not, and stages one after the other."""

    def deep(r, step):
        found = r.x
        for i in range(5000):
            found = (found + step).low_bits(20) - i
        return found

    assert operations(drawn(lambda r: deep(r, r.x), output="Q60.0")) == ["LOOKUP4"]
    assert len(operations(drawn(lambda r: deep(r, largest(r.x)), output="Q60.0"))) > 10000

    def staged(r):
        found = r.x
        for _ in range(100):
            found = (largest(found) - found).low_bits(12)
        return found

    assert operations(drawn(staged, output="Q60.0")).count("REDUCE_LARGEST") == 100


class Held(ctypes.Structure):
    """What glibc's mallinfo2 tells."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def held() -> int:
    """Bytes that malloc has given away; where no glibc counts them, the most that the process had."""
    count = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if count is None:
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count.restype = Held
    found = count()
    return found.uordblks + found.hblkhd


def test_memory_is_given_back():
    """Programs, listings and refusals, again and again."""
    datapath, wide = drawn(graph, output="Q40.0", chunk=2), drawn(lambda r: (r.x << 126) >> 120)
    odd = addition({"rate": 9})

    def all_of_it(times: int) -> int:
        for _ in range(times):
            assert made(datapath).listing[1]
            with pytest.raises(OverflowError, match="127 bits and a sign"):
                made(wide)
            assert "another number" in refused(ValueError, odd)
        gc.collect()
        return held()

    before = all_of_it(300)
    assert all_of_it(1500) - before < 1 << 18  # one leak of a table each would be more
