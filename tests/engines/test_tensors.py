"""The tensor engine: shapes, blocks of rows, devices, what it refuses.

That it equals the interpreter on every graph is tested with all engines, in test_every_engine.
"""

# ruff: noqa: E501  (cases stand one to a line)

import re

import numpy as np
import pytest
import torch
from tests.datapath.drawings import drawn
from tests.engines.graphs import random_graph, random_rows
from tests.engines.operations import GRAPHS

from narrowmax.datapath import Rate, Table, draw, fit, fold, largest, scan, total
from narrowmax.engines import array, interpret, tensors, walk
from narrowmax.engines.tensors import kit
from narrowmax.errors import DataError, RangeError
from narrowmax.formats import parse

DISTANCE = drawn(lambda r: (largest(r.x).named("top") - r.x).named("d"), output="UQ5.0", max_n=4)
HIGHEST = drawn(lambda r: largest(r.x), output="Q5.0", max_n=4, absent_code=-16)
INTEGERS = [torch.int8, torch.int16, torch.int32, torch.int64]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_any_integers_are_taken_and_int64_given(dtype):
    found = tensors.run(DISTANCE, torch.tensor([[1, -8, 7], [0, 0, 0]], dtype=dtype))
    assert found.dtype == torch.int64 and found.tolist() == [[6, 15, 0], [0, 0, 0]]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.uint32, torch.uint64])
def test_unsigned_codes_are_taken(dtype):
    assert tensors.run(DISTANCE, torch.tensor([[1, 2]], dtype=dtype)).tolist() == [[1, 0]]


def test_no_rows_and_no_elements():
    assert tensors.run(DISTANCE, torch.zeros((0, 3), dtype=torch.int64)).shape == (0, 3)
    assert tensors.run(DISTANCE, torch.zeros((5, 0), dtype=torch.int64)).shape == (5, 0)
    assert tensors.run(HIGHEST, torch.zeros((2, 0), dtype=torch.int64)).tolist() == [[-16], [-16]]


def test_the_input_is_left_as_it_is():
    codes, present = torch.tensor([[1, -8, 7]]), torch.tensor([[True, False, True]])
    tensors.run(DISTANCE, codes, present)
    assert codes.tolist() == [[1, -8, 7]] and present.tolist() == [[True, False, True]]
    found = tensors.run(drawn(lambda r: r.x), codes)
    found[:] = 0
    assert codes.tolist() == [[1, -8, 7]]


def test_rows_beyond_a_block_are_worked_on_apart(monkeypatch):
    random = torch.Generator().manual_seed(0)
    codes, present = torch.randint(-8, 8, (50, 4), generator=random), torch.rand(50, 4, generator=random) < 0.7
    whole = tensors.run(DISTANCE, codes, present)
    for block in (12, 1):
        monkeypatch.setitem(tensors.BLOCKS, "cpu", block)
        assert tensors.run(DISTANCE, codes, present).equal(whole)


def test_a_table_is_taken_to_a_device_once():
    table = Table("squares", (0, 1, 4, 9), 0, "i*i", "exactly")
    first = kit.entries(table, torch.device("cpu"))
    assert kit.entries(table, torch.device("cpu")) is first and first.tolist() == [0, 1, 4, 9]


def test_entries_that_nothing_reaches_may_be_of_any_size():
    table = Table("tall", (3, 5, 2**80), 0, "tall", "as it is")
    found = tensors.run(drawn(lambda r: (r.x < 0).lookup(table)), torch.tensor([[-1, 1]]))
    assert found.tolist() == [[5, 3]]


@pytest.mark.parametrize("codes, present, message", [
    (torch.zeros(2, 5, dtype=torch.int64), None, "codes are torch.int64 of shape (2, 5); integers of shape (rows, n) with n up to 4 are allowed"),
    (torch.zeros(3, dtype=torch.int64), None, "codes are torch.int64 of shape (3,); integers of shape (rows, n) with n up to 4 are allowed"),
    (torch.zeros(2, 3), None, "codes are torch.float32 of shape (2, 3); integers of shape (rows, n) with n up to 4 are allowed"),
    (torch.zeros(2, 3, dtype=torch.bool), None, "codes are torch.bool of shape (2, 3); integers of shape (rows, n) with n up to 4 are allowed"),
    (torch.tensor([[1, 8]]), None, "a code lies outside the format Q4.0, which holds -8..7: quantise first"),
    (torch.tensor([[-9]]), None, "a code lies outside the format Q4.0, which holds -8..7: quantise first"),
    (torch.tensor([[2**64 - 3]], dtype=torch.uint64), None, "a code lies outside the format Q4.0, which holds -8..7: quantise first"),
    (torch.tensor([[1, 2]]), torch.tensor([True, False]), "present is of shape (2,); one flag for each of the (1, 2) codes is allowed"),
    (torch.tensor([[1, 2]]), torch.ones(1, 2, device="meta"), "present lies on meta and codes on cpu: bring them to one device"),
])  # fmt: skip
def test_bad_rows(codes, present, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        tensors.run(DISTANCE, codes, present)


class TestWidth:
    def test_what_int64_holds_is_exact_to_the_last_bit(self):
        d = drawn(lambda r: ((r.x << 58) + r.x) >> 58, max_n=3)
        assert tensors.run(d, torch.tensor([[-8, 7, -1]])).tolist() == [interpret.run(d, [-8, 7, -1])]

    def test_what_it_cannot_hold_is_refused_by_name(self):
        d = drawn(lambda r: (r.x << 60).named("wide") >> 60, max_n=5)
        message = (
            f"the wire wide ranges over {-8 << 60}..{7 << 60}; the tensor engine holds 62 bits and a sign; "
            "use the interpreter"
        )
        with pytest.raises(RangeError, match=f"^{re.escape(message)}$"):
            tensors.run(d, torch.tensor([[1]]))

    def test_what_a_step_cannot_hold_is_refused(self):
        d = drawn(lambda r: fold(lambda a, b: fit((a << 60) + b, -9, 9, "saturate"), r.x, order="serial"))
        with pytest.raises(RangeError, match=r"^the wire inside a fold or scan ranges over .* use the interpreter$"):
            tensors.run(d, torch.tensor([[1]]))


class TestBeliefs:
    def test_a_false_one_is_found_where_present_only(self):
        d = drawn(lambda r: (largest(r.x) - r.x).known(0, 9, "near each other").named("d"), output="UQ5.0")
        codes = torch.tensor([[7, -8]])
        assert tensors.run(d, codes, torch.tensor([[True, False]])).tolist() == [[0, 0]]
        with pytest.raises(RangeError, match=r"^the wire d leaves its range 0\.\.9, so what is known of it is false$"):
            tensors.run(d, codes)

    def test_of_a_constant(self):
        d = drawn(lambda r: r.drawing.constant(3).known(0, 5, "it is 3") + r.x)
        assert tensors.run(d, torch.tensor([[1, 2]])).tolist() == [[4, 5]]

    def test_what_follows_a_false_one_stays_within_its_table(self):
        """Beyond a table a GPU would be lost for the process, so the doubt is settled after the row."""
        table = Table("few", (1, 2, 3), 0, "few", "as it is")
        d = drawn(lambda r: (largest(r.x) - r.x).known(0, 2, "small").named("index").lookup(table))
        with pytest.raises(RangeError, match="^the wire index leaves its range"):
            tensors.run(d, torch.tensor([[7, 1]]))

    @pytest.mark.parametrize("order", ["serial", "tree", "interleaved(2)"])
    def test_within_a_fold(self, order):
        d = drawn(lambda r: fold(lambda a, b: (a + b).known(-9, 9, "small rows"), r.x, order=order))
        codes = torch.tensor([[7, 2, 7, 1]])
        assert tensors.run(d, codes, torch.tensor([[True, True, False, False]])).tolist() == [[9]]
        with pytest.raises(RangeError, match=r"in a fold or scan leaves its range -9\.\.9, so what"):
            tensors.run(d, codes)

    def test_within_a_scan_where_a_chunk_is_absent(self):
        step = lambda s, c: (s + c).known(-9, 9, "small rows")  # noqa: E731
        d = drawn(lambda r: scan(step, largest(r.x, to=Rate.CHUNK), start=9)[2], chunk=1)
        assert tensors.run(d, torch.tensor([[7, -3]]), torch.tensor([[False, True]])).tolist() == [[6]]
        with pytest.raises(RangeError, match="so what is known of it is false$"):
            tensors.run(d, torch.tensor([[7, -3]]))


class TestConstants:
    """Constants stay Python integers, so each primitive must take them in any place."""

    @pytest.mark.parametrize("function", [
        lambda k, r: k.minimum(r.x) + k.maximum(r.x) * 20,
        lambda k, r: k.minimum(2) + k.maximum(5) + r.x,
        lambda k, r: (k << 2) + (k >> 1) * 20 + r.x,
        lambda k, r: (k << r.position) + (k >> r.position) * 20,
        lambda k, r: k.low_bits(2) + k.leading_zeros(4) * 10 + k.normalise(6) * 100 + r.x,
        lambda k, r: (k < 4) + k.equals(3) * 2 + (k < r.x) * 4 + k.equals(r.x) * 8 + r.x * 0,
        lambda k, r: (k < 4).select(r.x, 7) + (k < 2).select(r.x, 5) * 20,
        lambda k, r: k.divide(2, 9) + k.divide(r.position, 9) * 10 + r.position.divide(k, 9) * 100 + k.divide(0, 9) * 1000,
        lambda k, r: k.lookup(Table("t", (5, 6, 7, 8), 0, "t", "t")) + r.x,
        lambda k, r: total((k < 4).select(k, r.x)),
    ])  # fmt: skip
    def test_in_any_place(self, function):
        d = drawn(lambda r: function(r.drawing.constant(3), r), output="Q30.0", max_n=4)
        rows = [[-8, 0, 3, 7]]
        assert tensors.run(d, torch.tensor(rows)).tolist() == [interpret.run(d, rows[0])] == array.run(d, rows).tolist()


class TestDevices:
    """Tensors of the device "meta", which have a place but no values, tell what an engine does to those of a GPU."""

    def check(self, datapath):
        plan, meta = walk.plan_of(datapath, "tensor"), torch.device("meta")
        for codes, present in random_rows(datapath, seed=0, rows=3):
            space = kit.Space(meta)
            flags = None if present is None else torch.from_numpy(present).to(meta)
            found = tensors.walked(plan, space, torch.from_numpy(codes).to(meta), flags)
            wide = codes.shape[1] if datapath.output_rate == "element" else 1
            assert (found.device, found.dtype, found.shape) == (meta, torch.int64, (len(codes), wide))
            assert all(flag.device == meta and flag.shape == () for flag, _ in space.doubts)

    @pytest.mark.parametrize("name", GRAPHS)
    def test_nothing_leaves_the_device_and_nothing_is_read(self, name):
        self.check(draw(GRAPHS[name], parse("Q4.0"), parse("Q40.0"), 7, 3, absent_code=-1))

    @pytest.mark.parametrize("seeds", [range(20), range(20, 40)], ids=str)
    def test_in_random_graphs(self, seeds):
        for seed in seeds:
            self.check(random_graph(seed))

    def test_a_reading_would_be_refused(self):
        """The check can fail: what is read in the midst, or lies on a processor, is found."""
        space = kit.Space(torch.device("meta"))
        tensors.walked(
            walk.plan_of(DISTANCE, "tensor"), space, torch.zeros((2, 3), dtype=torch.int64, device="meta"), None
        )
        with pytest.raises(NotImplementedError, match="meta"):
            space.settle()
        with pytest.raises(RuntimeError, match="meta"):
            space.where(torch.zeros(3, dtype=torch.bool, device="meta"), torch.zeros(3), 0)


def test_a_device_without_exact_integers_is_refused():
    message = r"^the device meta has no exact 64-bit integers: move the tensor, as with \.cpu\(\)$"
    with pytest.raises(RangeError, match=message):
        tensors.run(DISTANCE, torch.zeros((2, 3), dtype=torch.int64, device="meta"))


@pytest.mark.parametrize("name, wrong", [
    ("divide", lambda a, b, z: (a / b).to(torch.int64)),
    ("bit_length", lambda a: a.float().log2().to(torch.int64) + 1),
    ("shift_right", lambda a, s: a.to(torch.int32).to(torch.int64) >> s),
    ("maximum", lambda a, b: torch.maximum(a.double(), torch.as_tensor(b).double()).to(torch.int64)),
])  # fmt: skip
def test_a_device_whose_integers_are_floats_or_narrow_is_found(monkeypatch, name, wrong):
    wide = torch.tensor(kit.WIDE)
    right = kit._tried(wide)
    assert kit.computes_exactly(torch.device("cpu"))
    monkeypatch.setattr(kit.Tensors, name, staticmethod(wrong))
    assert kit._tried(wide) != right


def test_large_rows_equal_the_array_engine():
    random = np.random.default_rng(0)
    d = drawn(
        lambda r: (total(r.x * r.x) << 3).divide((largest(r.x) - r.x + 1), 0), input="Q8.0", output="UQ62.0", max_n=64
    )
    codes = random.integers(-128, 128, (200, 50))
    assert np.array_equal(tensors.run(d, torch.from_numpy(codes)).numpy(), array.run(d, codes))
