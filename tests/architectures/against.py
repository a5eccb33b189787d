"""What the tests of single architectures share: rows in number, every engine, Verilog, a restatement.

An oracle here takes codes (rows, n) and flags (rows, n), and gives the codes (rows, n) of a design.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
import pytest
from tests.architectures.rows import adversarial, masks
from tests.engines.every_engine import ENGINES, first_difference

from narrowmax.designs import Design
from narrowmax.engines import interpret
from narrowmax.hardware import subjects, verify

LENGTHS = (1, 2, 3, 10, 16, 17, 64, 100, 197, 1000)
TRAINED = ("logits_cifar100_repvgg_a2_pretrainedcy.npz", "logits_cifar100_vgg16_bn_pretrainedcy.npz")
Oracle = Callable[[np.ndarray, np.ndarray], np.ndarray]


def in_number(found: Design, elements: int, lengths=LENGTHS, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of codes of every length, from nearly equal to as wide as the format, a third of them masked."""
    random = np.random.default_rng(seed)
    low, high = found.datapath(1).input_range
    for n in lengths:
        rows = -(-elements // (n * len(lengths)))
        spread = (high - low + 1) >> random.integers(0, (high - low + 1).bit_length() - 1, (rows, 1))
        codes = random.integers(low, high + 1, (rows, 1)) + np.floor(spread * (random.random((rows, n)) - 0.5))
        present = random.random((rows, n)) < np.where(random.random((rows, 1)) < 1 / 3, random.random((rows, 1)), 1)
        yield np.clip(codes, low, high).astype(np.int64), present


def meant_to_break(found: Design) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The adversarial rows, each with every mask."""
    random = np.random.default_rng(1)
    for row in adversarial(*found.datapath(1).input_range):
        flags = np.array(list(masks(len(row), random)))
        yield np.repeat([row], len(flags), axis=0), flags


def assert_equal(found: Design, oracle: Oracle, rows, by: str = "the fastest engine") -> int:
    """Compare on rows of codes and flags, and say how many elements they had."""
    elements = 0
    for codes, present in rows:
        wanted = np.where(present, oracle(codes, present), found.datapath(1).absent_code)
        got = _run(found, codes, present, by)
        if not np.array_equal(got, wanted):
            row = int(np.argmax((got != wanted).any(axis=1)))
            given, gotten, right = (a[row].tolist() for a in (codes, got, wanted))
            raise AssertionError(f"{found}: {given} {present[row].tolist()} gives {gotten}, not {right}")
        elements += codes.size
    return elements


def _run(found: Design, codes: np.ndarray, present: np.ndarray, by: str) -> np.ndarray:
    datapath = found.datapath(max(64, codes.shape[1]))
    if by == "the definition":
        return np.array([interpret.run(datapath, c, p) for c, p in zip(codes.tolist(), present.tolist(), strict=True)])
    return next(e for e in reversed(ENGINES) if e.name != "tensors").run(datapath, codes, present)


def assert_engines_agree(found: Design) -> None:
    """Every engine gives what the interpreter gives, which checks every wire's range on the way."""
    datapath = found.datapath(64)
    for codes, present in meant_to_break(found):
        for engine in ENGINES:
            assert first_difference(engine, datapath, codes, present) is None


def assert_verilog_agrees(text: str, elements: int, lanes: int = 4, max_n: int = 16) -> None:
    made = subjects.subject(text, lanes=lanes, max_n=max_n)
    record = verify(made, elements=elements, netlist=False)
    assert (record["findings"], record["mismatches"]) == ([], 0)


def row_by_row(steps: Callable, **parameters) -> Oracle:
    """A restatement, which takes the codes and flags of one row, as an oracle."""

    def run(codes, present):
        return np.array([steps(c, p, **parameters) for c, p in zip(codes.tolist(), present.tolist(), strict=True)])

    return run


def restated(name: str) -> Callable | None:
    """The steps of an architecture written down by another author, from its description alone."""
    where = f"tests.architectures.restated.{name}"
    if find_spec("tests.architectures.restated") is None or find_spec(where) is None:
        return None
    from importlib import import_module

    return getattr(import_module(where), name)


class Steps:
    """What an architecture with an oracle is tried on; a subclass is parametrised with its designs as `found`.

    designs: the default first; oracle: from a design to its oracle; elements, defined: of the default and of each
        other, on the fastest engine and on the definition; trained: files of logits
    """

    designs: list[Design]
    oracle: Callable[[Design], Oracle]
    elements = (1_000_000, 200_000)
    defined = (10_000, 2_000)
    trained = TRAINED[1:]

    def of(self, counts: tuple[int, int], found: Design) -> int:
        return counts[0] if found is self.designs[0] else counts[1]

    def test_elements_in_number(self, found):
        """`elements` of each, and the adversarial rows, on the fastest engine."""
        elements = self.of(self.elements, found)
        assert assert_equal(found, self.oracle(found), in_number(found, elements)) >= elements
        assert_equal(found, self.oracle(found), meant_to_break(found))

    @pytest.mark.long
    def test_a_million_elements(self, found):
        assert assert_equal(found, self.oracle(found), in_number(found, 1_000_000, seed=3)) >= 1_000_000

    def test_the_definition(self, found):
        """`defined` elements of each."""
        rows = in_number(found, self.of(self.defined, found), (3, 40), seed=2)
        assert_equal(found, self.oracle(found), rows, by="the definition")

    def test_trained_logits(self, found, shared_data):
        for name in self.trained:
            logits = np.load(shared_data / "wasscal_logits" / name)["logits"][::20]
            codes = found.input.quantise(logits)
            assert (found.simulate(logits) == self.oracle(found)(codes, np.ones(codes.shape, bool))).all(), name

    @pytest.mark.long
    def test_engines(self, found):
        """Beside what is run on the whole catalogue."""
        assert_engines_agree(found)

    @pytest.mark.long
    def test_verilog(self, found):
        assert_verilog_agrees(found.text, 100_000, lanes=min(4, found.parameters.get("chunk", 4)))


class Restated:
    """An architecture against the steps that another author wrote down; parametrised as `Steps`.

    retold: from a design to those steps, as an oracle
    """

    retold: Callable[[Design], Oracle]

    def test_elements(self, found):
        """15,000 elements, and the adversarial rows."""
        assert assert_equal(found, self.retold(found), in_number(found, 15_000, seed=4)) >= 15_000
        assert_equal(found, self.retold(found), meant_to_break(found))

    @pytest.mark.long
    def test_a_million_elements(self, found):
        assert assert_equal(found, self.retold(found), in_number(found, 1_000_000, seed=5)) >= 1_000_000
