"""Every operation on every engine, random graphs on every engine, and every disagreement ever found."""

import runpy
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.every_engine import ENGINES, Engine, assert_wires_equal, defined, first_difference
from tests.engines.graphs import Example, examples, random_example, random_graph, random_rows, shorter
from tests.engines.operations import GRAPHS

from narrowmax.datapath import FoldOutput, Lookup, ScanOutput, Source, draw
from narrowmax.datapath.operations import ALL
from narrowmax.engines import array
from narrowmax.formats import parse

COUNTEREXAMPLES = Path(__file__).parent.parent / "counterexamples"


def graph(name, max_n=7, chunk=3):
    return draw(GRAPHS[name], parse("Q4.0"), parse("Q40.0"), max_n, chunk, absent_code=-1)


def test_every_operation_has_a_graph():
    names = {name.split()[0] for name in GRAPHS} - {"round_off", "fit"}
    assert names == {c.__name__ for c in (*ALL, Lookup, Source, FoldOutput, ScanOutput)}
    for name in names:
        assert any(type(w.op).__name__ == name for w in graph(name).wires), name


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("engine", ENGINES, ids=str)
class TestEveryOperationOnEveryEngine:
    def compare(self, engine, datapath, codes, present):
        if engine.takes(datapath):
            assert first_difference(engine, datapath, codes, present) is None

    def test_rows_of_one_hold_every_code(self, engine, name):
        codes = np.arange(-8, 8)[:, None]
        self.compare(engine, graph(name), codes, None)
        self.compare(engine, graph(name, max_n=1, chunk=1), codes, None)

    def test_random_rows_with_masks(self, engine, name):
        for max_n, chunk in ((7, 3), (8, 4), (5, 16), (4, 1)):
            datapath = graph(name, max_n, chunk)
            for codes, present in random_rows(datapath, seed=max_n, rows=12):
                self.compare(engine, datapath, codes, present)

    def test_nothing_present(self, engine, name):
        datapath = graph(name)
        codes, present = np.zeros((2, 5), dtype=np.int64), np.zeros((2, 5), dtype=bool)
        found = engine.run(datapath, codes, present)
        assert (found == -1).all() and np.array_equal(found, defined(datapath, codes, present))


@pytest.mark.parametrize("name", GRAPHS)
def test_every_wire_equals_the_interpreters(name):
    datapath = graph(name)
    for codes, present in random_rows(datapath, seed=3):
        assert_wires_equal(datapath, codes, present)


@pytest.mark.parametrize("name", GRAPHS)
def test_two_elements_exhaustively(name):
    """Every row of two codes of four bits, and of two with one masked."""
    datapath = graph(name, max_n=2, chunk=2)
    codes = np.array(list(product(range(-8, 8), repeat=2)))
    for present in (None, np.tile([True, False], (256, 1)), np.tile([False, True], (256, 1))):
        for engine in ENGINES:
            assert first_difference(engine, datapath, codes, present) is None


def check(example: Example, batches=None) -> None:
    """Compare every engine with the interpreter, and say how to keep a disagreement."""
    datapath = example.datapath()
    for codes, present in batches or random_rows(datapath, seed=0, rows=4):
        for engine in ENGINES:
            difference = engine.takes(datapath) and first_difference(engine, datapath, codes, present)
            if difference:
                row = next(
                    i
                    for i in range(len(codes))
                    if first_difference(engine, datapath, codes[i : i + 1], part(present, i))
                )
                file = example.file(difference, codes[row], None if present is None else present[row])
                raise AssertionError(f"{difference}\nSave this as a file in tests/counterexamples:\n\n{file}")


def part(present, row):
    return None if present is None else present[row : row + 1]


class TestRandomGraphs:
    @pytest.mark.parametrize("seeds", [range(k, k + 20) for k in range(0, 200, 20)], ids=str)
    def test_seeds(self, seeds):
        for seed in seeds:
            check(random_example(seed))

    @pytest.mark.parametrize("seed", range(1000, 1030))
    def test_every_wire(self, seed):
        datapath = random_graph(seed)
        for codes, present in random_rows(datapath, seed, rows=3):
            assert_wires_equal(datapath, codes, present)

    @settings(max_examples=80)
    @given(examples())
    def test_as_hypothesis_draws_them(self, example):
        check(example)

    @settings(max_examples=25)
    @given(examples(), st.integers(1, 12), st.data())
    def test_rows_as_hypothesis_draws_them(self, example, n, data):
        datapath = example.datapath()
        n = min(n, datapath.max_n)
        low, high = datapath.input_range
        codes = data.draw(st.lists(st.integers(low, high), min_size=n, max_size=n))
        present = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
        check(example, [(np.array([codes]), np.array([present]))])

    def test_they_hold_every_operation(self):
        found = {type(w.op).__name__ for seed in range(120) for w in random_graph(seed).wires}
        assert found == {c.__name__ for c in (*ALL, Lookup, Source, FoldOutput, ScanOutput)}

    def test_they_hold_every_order_rate_and_length(self):
        graphs = [random_graph(seed) for seed in range(150)]
        folds = [w.op.fold for d in graphs for w in d.wires if isinstance(w.op, FoldOutput)]
        assert {f.order for f in folds} == {"exact", "serial", "tree", "interleaved(2)", "interleaved(3)"}
        assert {len(f.inputs) for f in folds} == {1, 2}
        assert {(f.inputs[0].rate.name, f.to.name) for f in folds} == {
            ("ELEMENT", "ROW"),
            ("ELEMENT", "CHUNK"),
            ("CHUNK", "ROW"),
        }
        assert {d.output_rate for d in graphs} == {"element", "row"}
        assert {w.op.when for d in graphs for w in d.wires if isinstance(w.op, ScanOutput)} == {"before", "at", "after"}
        assert any(d.chunk and d.chunk > d.max_n for d in graphs) and any(d.max_n == 1 for d in graphs)

    def test_the_same_seed_gives_the_same_text(self):
        assert [random_example(s) for s in range(20)] == [random_example(s) for s in range(20)]


class TestCounterexamples:
    """Files in tests/counterexamples: INPUT, OUTPUT, MAX_N, CHUNK, ABSENT, CODES, PRESENT, GRAPH."""

    @pytest.mark.parametrize("file", sorted(COUNTEREXAMPLES.glob("*.py")), ids=lambda f: f.stem)
    def test_it_stays_repaired(self, file):
        said = runpy.run_path(str(file))
        example = Example(said["GRAPH"], said["INPUT"], said["OUTPUT"], said["MAX_N"], said["CHUNK"], said["ABSENT"])
        present = None if said["PRESENT"] is None else np.array([said["PRESENT"]])
        check(example, [(np.array([said["CODES"]]), present)])
        if "EXPECTED" in said:
            assert defined(example.datapath(), np.array([said["CODES"]]), present).tolist() == [said["EXPECTED"]]

    def test_a_disagreement_prints_a_file_that_repeats_it(self, tmp_path, monkeypatch):
        """The check can fail: an engine that forgets the mask is found, and what is printed finds it again."""
        forgetful = Engine("forgetful", lambda d, c, p: array.run(d, c, None))
        example = Example("return largest(r.x) - r.x", "Q4.0", "UQ4.0", 3)
        monkeypatch.setattr(sys.modules[__name__], "ENGINES", [forgetful])
        with pytest.raises(AssertionError, match="forgetful gives .* the interpreter") as caught:
            check(example)
        text = str(caught.value).split("Save this as a file in tests/counterexamples:\n\n")[1]
        (tmp_path / "forgetful.py").write_text(text)
        with pytest.raises(AssertionError, match="forgetful gives"):
            self.test_it_stays_repaired(tmp_path / "forgetful.py")

    def test_lines_can_be_taken_out_by_hand(self):
        assert shorter(Example("a\nb\nc", "Q4.0", "Q4.0", 1), 1).text == "a\nc"
