"""A block of rows through many programs, and what their outputs are worth beside exact softmax.

Codes are quantised once for each input format.  Where a drawing looks at nothing but the values, the
elements of a row are taken from the largest to the smallest: most outputs far down are 0, and a run of
zeros at the end costs nothing.  Where many elements of a row have the same code, they are taken as one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from narrowmax.datapath import Datapath
from narrowmax.engines.compiled import _native
from narrowmax.engines.compiled.program import FULL, LISTED, MASKED, Program, listable, program_of
from narrowmax.engines.compiled.tiles import WIDE, Exact, Lists, Rows, entries_of, entry_of, lanes
from narrowmax.engines.compiled.types import DTYPES, I32, U8, U16
from narrowmax.errors import RangeError
from narrowmax.formats import Affine, Fixed

TOP, SUMS, ZEROS, ERRORS, KL, NLL = 1, 2, 4, 8, 16, 32
ALL = TOP | SUMS | ZEROS | ERRORS | KL | NLL
# In the order of native/sweep.c.
TOTALS = (
    *("agree", "tied", "right", "lost", "won", "zeros", "max_error", "worst"),
    *("sum_error", "kl", "nll", "row_sum_error", "most_row_sum_error"),
)
_COUNTS = ("agree", "tied", "right")
_REALS = ("max_error", "sum_error", "kl", "row_sum_error", "nll")
VERDICT = np.dtype(
    [*((name, np.uint8, WIDE) for name in _COUNTS), ("zeros", np.int32, WIDE)]
    + [(name, np.float64, WIDE) for name in _REALS]
)
# Lists cost as much to make as some fifty designs gain by them at n = 1000, but may be kept; short rows gain little.
LISTS_FROM = 32  # designs of one input format
_LEAST_LISTED, _MOST_LISTED = 256, 2**16 - 1  # elements of a row
_MOST_ENTRIES = 0.4  # of n
_LIST_BITS = 8
_ORDERLESS: WeakKeyDictionary = WeakKeyDictionary()


@dataclass(frozen=True)
class Subject:
    """A drawing whose outputs the compiled metrics can read: value = (code - zero) * scale."""

    datapath: Datapath
    scale: float
    zero: int

    @property
    def orderless(self) -> bool:
        """Whether nothing but the values of a row matters."""
        found = _ORDERLESS.get(self.datapath)
        if found is None:
            found = _ORDERLESS[self.datapath] = listable(self.datapath)
        return found

    def program(self, variant: str) -> Program:
        return program_of(self.datapath, variant)


def subject(datapath: Datapath) -> Subject | None:
    """The drawing with its scale; None where the metrics or the engine cannot take it."""
    form, out = datapath.output_format, datapath.output
    if datapath.output_rate != "element" or not isinstance(form, Fixed | Affine):
        return None
    scale, zero = (2.0**-form.fraction_bits, 0) if isinstance(form, Fixed) else (form.scale, form.zero_point)
    if datapath.absent_code != zero or out.lo < zero or max(out.hi, out.hi - zero) >= 2**31:
        return None
    try:
        program = program_of(datapath, FULL)
    except RangeError:
        return None
    return Subject(datapath, scale, zero) if program.out_type <= I32 else None


@dataclass
class Block:
    """Rows that wait for programs; what they need is made once and kept."""

    rows: Rows
    _kept: dict = field(default_factory=dict)

    def run(self, subjects: list[Subject], metrics: int = ALL, verdicts: bool = False) -> tuple[np.ndarray, list]:
        """The totals (subjects, TOTALS), NaN where a value left a range that was asserted, and the rows' verdicts.

        metrics: an OR of TOP, SUMS, ZEROS, ERRORS, KL, NLL; the numbers of others mean nothing
        verdicts: whether to give a dictionary of (rows,) arrays for each subject as well
        """
        totals, found = np.empty((len(subjects), len(TOTALS))), [None] * len(subjects)
        for (form, orderless), members in self._groups(subjects).items():
            chosen = [subjects[k] for k in members]
            part, rows = self._run(form, orderless, chosen, metrics, verdicts)
            totals[members] = part
            for k, row in zip(members, rows, strict=True):
                found[k] = row
        return totals, found

    def _groups(self, subjects: list[Subject]) -> dict:
        groups: dict = {}
        for k, one in enumerate(subjects):
            groups.setdefault((one.datapath.input_format, one.orderless), []).append(k)
        return groups

    def _run(self, form, orderless: bool, subjects: list[Subject], metrics: int, verdicts: bool):
        worth_it = len(subjects) >= LISTS_FROM or (form, "lists") in self._kept
        lists = orderless and worth_it and self._listed(form)
        able = [bool(lists) and _in_lists(one) for one in subjects]
        if not any(able) or all(able):
            return self._native(form, orderless, any(able), subjects, metrics, verdicts)
        totals, rows = np.empty((len(subjects), len(TOTALS))), [None] * len(subjects)
        for kind in (True, False):
            chosen = [k for k, flag in enumerate(able) if flag is kind]
            totals[chosen], part = self._native(form, True, kind, [subjects[k] for k in chosen], metrics, verdicts)
            for k, row in zip(chosen, part, strict=True):
                rows[k] = row
        return totals, rows

    def _native(self, form, orderless: bool, listed: bool, subjects: list[Subject], metrics: int, verdicts: bool):
        variant = LISTED if listed else FULL if self.rows.present is None else MASKED
        programs = tuple(one.program(variant) for one in subjects)
        judged = bool(metrics & (ERRORS | KL))
        arrays, n = (
            self._lists(form, programs[0].in_type)
            if listed
            else self._elements(form, orderless, programs[0].in_type, judged)
        )
        faults, totals = np.zeros(len(subjects), np.int32), np.empty((len(subjects), len(TOTALS)))
        count = len(self.rows.x)
        out = np.empty((len(subjects), -(-count // WIDE)), VERDICT) if verdicts else None
        scales = np.array([one.scale for one in subjects])
        zeros = np.array([one.zero for one in subjects], np.int32)
        given = (*arrays, scales, zeros, faults, totals, out)
        falling = listed or (orderless and self._falling(form))
        _native.sweep(tuple(p.native for p in programs), given, count, n, metrics, self.rows.floor, falling)
        totals[faults != 0] = np.nan
        return totals, [None] * len(subjects) if out is None else [_by_row(one, count) for one in out]

    # -- what is kept ---------------------------------------------------------------------------
    def _once(self, key, make):
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def _values(self, orderless: bool) -> np.ndarray:
        return self.rows.falling if orderless else self.rows.values

    def _codes(self, form, orderless: bool) -> np.ndarray:
        """(rows, n) codes of an input format; where nothing is present, of some value."""
        values = self._values(orderless)
        return form.quantise(values if self.rows.present is None else np.where(values == -np.inf, 0.0, values))

    def _falling(self, form) -> bool:
        """Whether the codes of sorted rows never rise: some formats wrap around."""
        return self._once((form, "falling"), lambda: bool((np.diff(self._codes(form, True), axis=1) <= 0).all()))

    def _exact(self, orderless: bool) -> Exact:
        return self._once(("exact", orderless), lambda: Exact.of(self._values(orderless), self.rows.floor))

    def _elements(self, form, orderless: bool, in_type: int, judged: bool) -> tuple[tuple, int]:
        """The arrays of sweep.c up to what is known of rows, and the length of rows."""
        x = self._once((form, orderless), lambda: lanes(self._codes(form, orderless), DTYPES[in_type]))
        present = None
        if self.rows.present is not None:
            make = lambda: lanes(self._values(orderless) != -np.inf, np.uint8)  # noqa: E731
            present = self._once(("present", orderless), make)
        exact = self._once(("tiles", orderless), self._exact(orderless).tiles) if judged else (None,) * 5
        known = self._once(("known", orderless, judged), lambda: self._known(orderless, judged))
        return (x, present, *exact, *(None,) * 6, *known), self.rows.n

    def _known(self, orderless: bool, judged: bool) -> tuple:
        rows = self.rows
        entropy = self._exact(orderless).entropy if judged else np.zeros(len(rows.x))
        # Equal values have equal outputs where order does not matter: any of their places will do.
        fallen = lambda elements: (rows.falling > rows.at(rows.values, elements)[:, None]).sum(axis=1)  # noqa: E731
        return rows.known(*rows.places(fallen if orderless else lambda elements: elements), entropy)

    def _listed(self, form) -> bool:
        """Whether lists are worth making, and can be: equal codes of sorted values must lie side by side."""
        return self._once((form, "listed"), lambda: self._listable(form))

    def _listable(self, form) -> bool:
        if self.rows.present is not None or form.bits is None or form.bits > _LIST_BITS:
            return False
        if not _LEAST_LISTED <= self.rows.n <= _MOST_LISTED:
            return False
        return self._falling(form) and entries_of(self._codes(form, True)).mean() < _MOST_ENTRIES * self.rows.n

    def _lists(self, form, in_type: int) -> tuple[tuple, int]:
        return self._once((form, "lists"), lambda: self._made_lists(form, in_type))

    def _made_lists(self, form, in_type: int) -> tuple[tuple, int]:
        rows, codes, exact = self.rows, self._codes(form, True), self._exact(True)
        lists = Lists.of(codes, exact)
        x, sums, arrays = lists.tiles(DTYPES[in_type])
        entry = lambda elements: entry_of(codes, form.quantise(rows.at(rows.x, elements)))  # noqa: E731
        return (x, None, *sums, *arrays, *rows.known(*rows.places(entry), exact.entropy)), lists.codes.shape[1]


def _in_lists(one: Subject) -> bool:
    return one.zero == 0 and one.program(LISTED).out_type in (U8, U16)


def _by_row(verdicts: np.ndarray, count: int) -> dict[str, np.ndarray]:
    return {name: verdicts[name].reshape(-1)[:count] for name in VERDICT.names}
