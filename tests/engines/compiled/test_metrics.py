"""The compiled metrics, for every instruction set that this processor has, against narrowmax.metrics.

They are compiled here on their own, from metric_loops.h and metric_shim.c.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.compiled.test_move import FLAGS, NATIVE, TARGETS

from narrowmax import metrics, tools
from narrowmax.engines.compiled import tiles
from narrowmax.engines.compiled.tiles import WIDE, Lists, Rows, lanes

SHIM = Path(__file__).with_name("metric_shim.c")
TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32")  # in the order of native/types.h
TOP, SUMS, ZEROS, ERRORS, KL, NLL = 1, 2, 4, 8, 16, 32
ALL = TOP | SUMS | ZEROS | ERRORS | KL | NLL
ERROR, SUM, DIVERGENCE = 2.0**-23, 2.0**-19, 2e-6

long, pointer, real = ctypes.c_int64, ctypes.c_void_p, ctypes.c_double


def structure(*fields):
    return type("Structure", (ctypes.Structure,), {"_fields_": list(fields)})


def row(name: str, kind):
    return name, kind * WIDE


Exact = structure(*((name, pointer) for name in ("p", "if_zero", "tail_p", "tail_if_zero", "tail_most")))
Listed = structure(*((name, pointer) for name in ("count", "least", "greatest", "members", "first")))
Judged = structure(
    *(("type", ctypes.c_int), ("zero", ctypes.c_int32), ("scale", real), ("n", ctypes.c_ssize_t)),
    *((name, pointer) for name in ("codes", "exact", "lists")),
)
Tally = structure(
    *(row(name, ctypes.c_int32) for name in ("top", "winners", "nonzeros")),
    *(row("sum", long), row("max_error", ctypes.c_float), row("sum_error", real), row("divergence", real)),
)
KNOWN = ("label", "winner", "rivals", "present", "negative_entropy", "hidden", "float_right", "number")
Known = structure(*((name, pointer) for name in KNOWN), ("floor", real))
REALS = ("max_error", "sum_error", "kl", "row_sum_error", "nll")
Verdict = structure(
    *(row(name, ctypes.c_uint8) for name in ("agree", "tied", "right")),
    *(row("zeros", ctypes.c_int32), *(row(name, real) for name in REALS)),
)
COUNTS = ("agree", "tied", "right", "lost", "won", "zeros")
PER_LANE = ("max_error", "sum_error", "kl", "nll", "row_sum_error", "most_row_sum_error")
Totals = structure(*((name, long) for name in COUNTS), row("worst", long), *(row(name, real) for name in PER_LANE))


@pytest.fixture(scope="session")
def every(tmp_path_factory) -> dict[str, ctypes.CDLL]:
    folder = tmp_path_factory.mktemp("metrics")
    made = {"base": _compiled("base", folder)}
    for name in ("avx2", "avx512")[: made["base"].processor()]:
        made[name] = _compiled(name, folder)
    return made


def _compiled(name: str, folder: Path) -> ctypes.CDLL:
    path = folder / f"{name}.so"
    words = [*FLAGS.split(), *TARGETS[name].split(), f"-I{NATIVE}"]
    tools.compiler().run(*words, SHIM, "-lm", "-o", path)
    library = ctypes.CDLL(str(path))
    library.add.argtypes = pointer, pointer, ctypes.c_uint, ctypes.c_int, pointer
    library.conclude.argtypes = pointer, pointer, pointer, ctypes.c_uint, pointer
    return library


class Case:
    """Rows, the codes that stand for a design's output, and all of it as tiles."""

    def __init__(self, x, codes, fraction, zero=0, labels=None, mask=None):
        self.rows = Rows(x, labels, mask)
        self.labels, self.mask = labels, mask
        self.scale, self.zero = 2.0**-fraction, zero
        self.codes = (
            codes if self.rows.present is None else np.where(self.rows.present, codes, zero).astype(codes.dtype)
        )
        exact = tiles.Exact.of(self.rows.values, self.rows.floor)
        self.exact, self.lists = exact.tiles(), None
        self.known = self.rows.known(*self.rows.places(lambda elements: elements), exact.entropy)
        self.tiles = lanes(self.codes, codes.dtype)

    def listed(self):
        """The same with equal codes of a row in one entry, as if they were the input codes too."""
        order = np.lexsort((-self.rows.x, -self.codes.astype(np.int64)))
        codes = np.take_along_axis(self.codes, order, axis=1).astype(np.int64)
        exact = tiles.Exact.of(np.take_along_axis(self.rows.x, order, axis=1), self.rows.floor)
        entry = lambda elements: tiles.entry_of(codes, self.rows.at(self.codes, elements).astype(np.int64))  # noqa: E731
        self.known = self.rows.known(*self.rows.places(entry), exact.entropy)
        self.tiles, self.exact, self.lists = Lists.of(codes, exact).tiles(self.codes.dtype)
        return self

    def expected(self):
        got = (self.codes.astype(np.float64) - self.zero) * self.scale
        return metrics.compare(self.rows.x, self.rows.exact, got, self.rows.floor, self.labels, self.mask)

    def results(self, library, what=ALL):
        """The verdicts on all rows, as arrays under the names of `compare`, and the totals."""
        parts, totals, count = [], Totals(), len(self.rows.x)
        totals.worst[:] = [2**63 - 1] * WIDE
        for tile in range(len(self.tiles)):
            exact = Exact(*(v[tile].ctypes.data for v in self.exact))
            n = self.tiles.shape[1] if self.lists is None else self.lists[-1][tile]
            judged = Judged(TYPES.index(self.tiles.dtype.name), self.zero, self.scale, n)
            judged.codes, judged.exact = self.tiles[tile].ctypes.data, ctypes.addressof(exact)
            if self.lists:
                counts, least, greatest, first, members, _ = self.lists
                lists = Listed(*(v[tile].ctypes.data for v in (counts, least, greatest)), members.ctypes.data)
                lists.first = first[tile].ctypes.data
                judged.lists = ctypes.addressof(lists)
            known = Known(*(None if v is None else v[tile].ctypes.data for v in self.known), self.rows.floor)
            tally, verdict = Tally(), Verdict()
            library.measure(ctypes.byref(judged), what, ctypes.byref(tally))
            library.conclude(*map(ctypes.byref, (judged, known, tally)), what, ctypes.byref(verdict))
            here = min(WIDE, count - tile * WIDE)
            library.add(ctypes.byref(verdict), ctypes.byref(known), what, here, ctypes.byref(totals))
            parts.append({name: np.array(getattr(verdict, name))[:here] for name, _ in Verdict._fields_})
        return metrics.concatenate(parts), totals


NAMES = {"max_error": "max_abs_error", "sum_error": "sum_abs_error"}


def check(every, case: Case):
    wanted = case.expected()
    for isa, library in every.items():
        found, totals = case.results(library)
        for name in ("agree", "tied", "zeros", *(["right"] if case.labels is not None else [])):
            assert np.array_equal(found[name], wanted[name]), (isa, name)
        assert np.abs(found["max_error"] - wanted["max_abs_error"]).max() <= ERROR, isa
        assert found["sum_error"] == pytest.approx(wanted["sum_abs_error"], rel=SUM, abs=ERROR), isa
        size = 1 + np.abs(found["kl"])
        assert (np.abs(found["kl"] - wanted["kl"]) / size).max() <= DIVERGENCE, (isa, found["kl"], wanted["kl"])
        assert found["row_sum_error"] == pytest.approx(wanted["row_sum_error"], rel=1e-13, abs=1e-15)
        if case.labels is not None:
            assert found["nll"] == pytest.approx(wanted["nll"], rel=1e-13, abs=1e-13)
        check_totals(totals, found, wanted)


def check_totals(totals, found, wanted):
    full = ~wanted["empty"]
    assert totals.agree == wanted["agree"].sum() and totals.tied == wanted["tied"].sum()
    assert totals.zeros == wanted["zeros"].sum()
    assert np.array(totals.max_error).max() == found["max_error"].max()
    for name in ("sum_error", "row_sum_error"):
        assert sum(getattr(totals, name)) == pytest.approx(found[name].sum())
    assert sum(totals.kl) == pytest.approx(found["kl"][full].sum())
    assert max(totals.most_row_sum_error) == found["row_sum_error"].max()
    if "right" in wanted:
        right, before = wanted["right"], wanted["float_right"]
        assert (totals.right, totals.lost, totals.won) == (
            right.sum(),
            (before & ~right).sum(),
            (right & ~before).sum(),
        )
        assert sum(totals.nll) == pytest.approx(found["nll"][full].sum())


def drawn(seed: int, rows: int, n: int, spread: float, bits: int, dtype="uint8", noise=0.0, masked=False, **more):
    """A case whose output is exact softmax rounded to `bits` fraction bits, disturbed a little."""
    random = np.random.default_rng(seed)
    x = random.normal(0, spread, (rows, n))
    mask = random.random((rows, n)) < random.choice([0.0, 0.1, 0.9], (rows, 1)) if masked else None
    disturbed = Rows(x + random.normal(0, noise, x.shape)).exact
    codes = np.minimum(np.round(disturbed * 2.0**bits), np.iinfo(dtype).max + min(0, -more.get("zero", 0)))
    return Case(
        x, (codes + more.get("zero", 0)).astype(dtype), bits, labels=random.integers(0, n, rows), mask=mask, **more
    )


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 63, 64, 65, 100, 129, 333, 1000])
def test_rows_of_every_length(every, n):
    for spread in (0.3, 1.0, 4.0):
        check(every, drawn(n, 70, n, spread, 8))
        check(every, drawn(n, 70, n, spread, 16, "uint16", noise=0.1))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype, bits, zero", [("uint8", 7, 0), ("uint8", 8, 3), ("int8", 8, -128), ("uint16", 12, 0),
    ("int16", 12, 0), ("int16", 14, -77), ("uint32", 20, 0), ("int32", 24, 0)])  # fmt: skip
def test_every_type(every, dtype, bits, zero, masked):
    for spread in (0.5, 3.0):
        check(every, drawn(bits, 130, 37, spread, bits, dtype, 0.2, masked, zero=zero))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 40),
    bits=st.integers(1, 12),
    spread=st.floats(0, 20),
    masked=st.booleans(),
)
def test_any_rows(every, seed, n, bits, spread, masked):
    check(every, drawn(seed, 65, n, spread, bits, "uint16", 0.3, masked))


def test_rows_that_break_things(every):
    n = 70
    x = np.zeros((6, n))
    x[1, 3] = 50.0  # one hot
    x[2, :2] = 9.0  # two winners
    x[3, 5:] = -np.inf
    x[4] = -np.inf
    labels = np.array([0, 3, 1, 2, 0, 69])
    for dtype, bits in (("uint8", 8), ("uint16", 8)):
        for value in (0, 1, 255):
            check(every, Case(x, np.full(x.shape, value, dtype), bits, labels=labels))
        codes = np.zeros(x.shape, dtype)
        codes[:, -1] = 255  # a design that names the wrong one, far from the others
        check(every, Case(x, codes, bits, labels=labels))


def test_without_labels(every):
    case = drawn(5, 65, 20, 2.0, 8)
    check(every, Case(case.rows.x, case.codes, 8))


@pytest.mark.parametrize("n", [1, 5, 64, 100, 500])
def test_lists(every, n):
    for spread in (0.3, 2.0):
        for dtype, bits in (("uint8", 6), ("uint8", 8), ("uint16", 12)):
            check(every, drawn(n, 70, n, spread, bits, dtype, noise=0.2).listed())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 300), bits=st.integers(1, 10), spread=st.floats(0, 5))
def test_any_lists(every, seed, n, bits, spread):
    check(every, drawn(seed, 65, n, spread, bits, "uint16", 0.3).listed())


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("what", [TOP, SUMS, TOP | SUMS, ZEROS, ERRORS, KL | SUMS, NLL | SUMS, ERRORS | ZEROS])
def test_what_is_asked_for_is_what_all_gives(every, what, listed):
    case = drawn(3, 64, 90, 1.5, 8)
    case = case.listed() if listed else case
    names = {TOP: ("agree", "tied", "right"), SUMS: ("row_sum_error",), ZEROS: ("zeros",)}
    names |= {ERRORS: ("max_error", "sum_error"), KL: ("kl",), NLL: ("nll",)}
    for library in every.values():
        found, whole = case.results(library, what)[0], case.results(library)[0]
        for flag, keys in names.items():
            assert all(np.array_equal(found[key], whole[key]) for key in keys if what & flag)


def test_the_worst_row_is_the_first_of_the_largest_error(every):
    x = np.zeros((200, 4))
    codes = np.full(x.shape, 64, np.uint8)
    codes[[150, 130, 70], 0] = 0
    for library in every.values():
        totals = Case(x, codes, 8).results(library)[1]
        worst = [
            row for row, error in zip(totals.worst, totals.max_error, strict=True) if error == max(totals.max_error)
        ]
        assert min(worst) == 70
