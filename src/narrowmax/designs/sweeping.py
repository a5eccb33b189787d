"""Many designs on the same rows: what each is worth beside exact softmax, in one pass.

The rows are worked on block by block, all designs on one block before the next, so that memory does not
grow with the number of rows: x may be a memory map.  Designs that the compiled engine cannot hold, and all
where it was not built, are simulated one by one, to the same effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from numbers import Integral

import numpy as np

from narrowmax import metrics as definitions
from narrowmax.designs.record import Design, design
from narrowmax.designs.simulation import drawn_for
from narrowmax.designs.values import flags, plain
from narrowmax.engines import compiled
from narrowmax.engines.compiled.threads import default_threads, in_order
from narrowmax.engines.compiled.tiles import WIDE, Rows
from narrowmax.errors import DataError
from narrowmax.formats import as_reals

METRICS = ("top1", "nll", "errors", "kl", "row_sum", "zeros")
BLOCK = 1 << 18  # elements of a block
KEPT = 1 << 22  # elements up to which what was made of the rows is kept from one run to the next
# What a pass adds up for each design, in the order of engines.compiled.sweep.TOTALS.
_SUMS = ("agree", "tied", "right", "lost", "won", "zeros", "max_error", "worst")
_SUMS += ("sum_error", "kl", "nll", "row_sum_error", "most_row_sum_error")
_AT = {name: k for k, name in enumerate(_SUMS)}
# The names of metrics.compare for what the compiled metrics give by row.
_BY_ROW = {
    "top1": {"agree": "agree", "tied": "tied", "right": "right"},
    "nll": {"nll": "nll"},
    "errors": {"max_error": "max_abs_error", "sum_error": "sum_abs_error"},
    "kl": {"kl": "kl"},
    "row_sum": {"row_sum_error": "row_sum_error"},
    "zeros": {"zeros": "zeros"},
}
_LABELLED = ("right", "nll")


def sweep(
    designs: Iterable[Design | str],
    x,
    labels=None,
    mask=None,
    metrics: Sequence[str] = METRICS,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict]:
    """What each design is worth on the rows of x: dictionaries with the keys of `narrowmax simulate --json`.

    x: (rows, n) real values, an array, a memory map or a tensor
    labels: (rows,) integers, the right class of each row; None: nothing is said of top-1 and NLL; a label of an
        element that takes no part is never met, so a row with one is wrong and `nll_float` infinite
    mask: booleans that broadcast to x, true where an element takes part; -inf takes no part either
    metrics: which to compute, of `METRICS`; the others are None
    threads: how many work at once; None for as many as torch uses, or as there are processors
    progress: called with (rows done, rows)

    The numbers are those of `metrics.compare` on the design's codes: counts exactly, the largest error
    within 2**-23, mean errors within 2**-19 of themselves, KL within 2e-6, NLL and row sums within 1e-12.
    Raises DataError for NaN, +inf or arrays that do not fit, DesignError for a row longer than a design takes.
    """
    return Sweep(x, labels, mask).run(designs, metrics, threads, progress)


class Sweep:
    """Rows that designs are tried on, again and again: what does not depend on a design is made once.

    The arguments are those of `sweep`.
    """

    def __init__(self, x, labels=None, mask=None):
        self.x = plain(x)
        if self.x.ndim != 2 or not self.x.shape[1]:
            raise DataError(f"values of shape {self.x.shape} are not rows: give an array (rows, n)")
        self.labels = None if labels is None else _labels(plain(labels), self.x.shape)
        self.mask = flags(mask, self.x.shape)
        self._parts = _even(*self.x.shape)
        self._blocks: dict[int, _Block] = {}

    def run(self, designs, metrics=METRICS, threads=None, progress=None) -> list[dict]:
        """See `sweep`."""
        designs, wanted = [_read(one) for one in designs], _known(metrics)
        return self._whole(designs, wanted, False, threads, progress)[0]

    def judged(self, designs, metrics=METRICS, threads=None, progress=None) -> list[tuple[dict, dict]]:
        """Of each design what `run` says of it, and {"right": bool (rows,), "nll": float64 (rows,)}, in one pass.

        Arguments and errors are those of `sweep`.  Raises DataError for rows without labels.
        """
        if self.labels is None:
            raise DataError("rows without labels cannot be judged one by one; give labels, or ask for totals alone")
        designs, wanted = [_read(one) for one in designs], _known(metrics)
        summaries, parts = self._whole(designs, wanted, True, threads, progress)
        parts = parts or [[{"right": np.empty(0, bool), "nll": np.empty(0)}] * len(designs)]  # there are no rows
        return [(one, definitions.concatenate(of)) for one, of in zip(summaries, zip(*parts, strict=True), strict=True)]

    def _whole(self, designs, wanted, by_row: bool, threads, progress) -> tuple[list[dict], list[list[dict]]]:
        """The summaries of the designs, and for each block the outcomes of each."""
        subjects = [_subject(one, self.x.shape[1]) for one in designs]
        whole, outcomes = _Totals(len(designs)), []
        for part, found in self._each(lambda block: block.totals(designs, subjects, wanted, by_row), threads):
            whole.add(part)
            outcomes.append(found)
            if progress:
                progress(whole.rows, len(self.x))
        return [whole.summary(k, one, self, wanted) for k, one in enumerate(designs)], outcomes

    def outcomes(self, one: Design | str, metrics=METRICS, threads=None) -> dict[str, np.ndarray]:
        """The values of one design row by row, (rows,) each, under the names of `metrics.compare`."""
        one, wanted = _read(one), _known(metrics)
        subject = _subject(one, self.x.shape[1])
        parts = list(self._each(lambda block: block.outcomes(one, subject, wanted), threads))
        return definitions.concatenate(parts) if parts else {}

    def _each(self, work, threads):
        if threads is not None and (not isinstance(threads, Integral) or threads < 1):
            raise DataError(f"threads is {threads!r}: give a number of at least 1, or None for as many as there are")
        count = threads or (default_threads() if compiled.available() else 1)
        return in_order(self._parts, count, partial(self._worked, work))

    def _worked(self, work, part: slice):
        with np.errstate(under="ignore"):  # whatever the caller asked for: what is far below a maximum is nothing
            return work(self._block(part))

    def _block(self, part: slice) -> _Block:
        found = self._blocks.get(part.start)
        if found is None:
            found = self._made(part)
            if self.x.size <= KEPT:
                self._blocks[part.start] = found
        return found

    def _made(self, part: slice) -> _Block:
        mask = None if self.mask is None else np.ascontiguousarray(self.mask[part])
        x = as_reals(self.x[part])
        x = x if mask is None else np.where(mask, x, 0.0)
        wrong = ~(x < np.inf)
        if wrong.any():
            row, element = np.argwhere(wrong)[0].tolist()
            place = f"at element {element} of row {part.start + row}"
            raise DataError(f"{x[row, element]} {place} has no softmax: give finite values, or mask it")
        return _Block(Rows.gathered(x, None if self.labels is None else self.labels[part], mask, part.start))


class _Block:
    """Some of the rows."""

    def __init__(self, rows: Rows):
        self.rows = rows
        self._compiled = None

    def totals(self, designs, subjects, wanted, by_row: bool = False) -> tuple[_Totals, list[dict]]:
        """Sums over the rows, and with `by_row` the `_LABELLED` values of each design in the order of the rows."""
        found, outcomes = _Totals.of(self.rows, len(designs)), [{}] * len(designs)
        able = [k for k, one in enumerate(subjects) if one is not None]
        if able:
            chosen = [subjects[k] for k in able]
            found.sums[able], verdicts = self._engine().run(chosen, _flags(wanted), verdicts=by_row)
            for k, verdict in zip(able, verdicts, strict=True):
                outcomes[k] = verdict
        left = np.isnan(found.sums).any(axis=1)
        left[[k for k, one in enumerate(subjects) if one is None]] = True
        for k in np.flatnonzero(left):
            outcomes[k] = self._compared(designs[k])
            found.sums[k] = _added(outcomes[k], self.rows)
        return found, [self._labelled(one) for one in outcomes] if by_row else []

    def _labelled(self, found: dict) -> dict[str, np.ndarray]:
        order = np.argsort(self.rows.numbers)
        return {"right": found["right"][order].astype(bool), "nll": np.array(found["nll"][order])}

    def outcomes(self, one: Design, subject, wanted) -> dict[str, np.ndarray]:
        """By row, in the order in which rows were given."""
        names = [(a, b) for word in wanted for a, b in _BY_ROW[word].items()]
        names = {b: a for a, b in names if self.rows.labels is not None or b not in _LABELLED}
        found = self._judged(one, subject, wanted, names)
        order = np.argsort(self.rows.numbers)
        return {name: values[order] for name, values in found.items()}

    def _judged(self, one: Design, subject, wanted, names: dict[str, str]) -> dict[str, np.ndarray]:
        if subject is not None:
            totals, (found,) = self._engine().run([subject], _flags(wanted), verdicts=True)
            if not np.isnan(totals).any():
                found = {name: found[own] for name, own in names.items()}
                return {name: v.astype(bool) if v.dtype == np.uint8 else v for name, v in found.items()}
        compared = self._compared(one)
        return {name: compared[name] for name in names}

    def _engine(self):
        if self._compiled is None:
            from narrowmax.engines.compiled import sweep as engine

            self._compiled = engine.Block(self.rows)
        return self._compiled

    def _compared(self, one: Design) -> dict[str, np.ndarray]:
        """By simulation and definition."""
        rows = self.rows
        got = one.probabilities(one.simulate(rows.x, mask=rows.mask), rows.n)
        return definitions.compare(rows.x, rows.exact, got, _floor(one, rows.n), rows.labels, rows.mask)


@dataclass
class _Totals:
    """Sums over rows: of the rows themselves, and `sums` (designs, _SUMS)."""

    designs: int
    rows: int = 0
    empty: int = 0
    elements: int = 0
    float_right: int = 0
    float_nll: float = 0.0
    sums: np.ndarray = field(init=False)

    def __post_init__(self):
        self.sums = np.zeros((self.designs, len(_SUMS)))

    @classmethod
    def of(cls, rows: Rows, designs: int) -> _Totals:
        full = rows.elements > 0
        found = cls(designs, len(full), int((~full).sum()), int(rows.elements.sum()))
        if rows.labels is not None:
            found.float_right, found.float_nll = int(rows.float_right.sum()), float(rows.float_nll[full].sum())
        return found

    def add(self, part: _Totals) -> None:
        """Add a later part."""
        before = self.sums.copy()
        self.sums += part.sums
        for name in ("max_error", "most_row_sum_error"):
            self.sums[:, _AT[name]] = np.maximum(before[:, _AT[name]], part.sums[:, _AT[name]])
        largest = before[:, _AT["max_error"]] >= part.sums[:, _AT["max_error"]]
        kept = before if self.rows else part.sums
        self.sums[:, _AT["worst"]] = np.where(largest, kept[:, _AT["worst"]], part.sums[:, _AT["worst"]])
        for name in ("rows", "empty", "elements", "float_right", "float_nll"):
            setattr(self, name, getattr(self, name) + getattr(part, name))

    def summary(self, k: int, one: Design, rows: Sweep, wanted: Sequence[str]) -> dict:
        """The keys of metrics.summary."""
        of = dict(zip(_SUMS, self.sums[k].tolist(), strict=True))
        full, labelled = self.rows - self.empty, rows.labels is not None
        mean = lambda name, word: of[name] / full if full and word in wanted else None  # noqa: E731
        errors, row_sum = "errors" in wanted, "row_sum" in wanted
        return {
            "rows": self.rows,
            "empty_rows": self.empty,
            "top1": self._losses(of) if labelled and "top1" in wanted else None,
            "agreement": mean("agree", "top1"),
            "ties": mean("tied", "top1"),
            "max_abs_error": of["max_error"] if errors else None,
            "mean_abs_error": of["sum_error"] / self.elements if errors and self.elements else None,
            "kl": mean("kl", "kl"),
            "nll": mean("nll", "nll") if labelled else None,
            "nll_float": self.float_nll / full if full and labelled and "nll" in wanted else None,
            "nll_floor": _floor(one, rows.x.shape[1]),
            "row_sum_error": {
                "mean": mean("row_sum_error", "row_sum"),
                "max": of["most_row_sum_error"] if row_sum else None,
            },
            "zero_share": of["zeros"] / self.elements if "zeros" in wanted and self.elements else None,
            "worst_row": int(of["worst"]) if errors and self.rows else None,
        }

    def _losses(self, of: dict) -> dict:
        rows = max(self.rows, 1)
        lost, won = int(of["lost"]), int(of["won"])
        bounds = dict.fromkeys(("low", "high", "confidence"))
        shares = {"float": self.float_right / rows, "design": of["right"] / rows, "difference": (lost - won) / rows}
        return {**shares, "lost": lost, "won": won, **bounds}


def _added(rows: dict[str, np.ndarray], known: Rows) -> np.ndarray:
    """`_SUMS` of what `metrics.compare` gave."""
    full = ~rows["empty"]
    found = {
        "agree": rows["agree"].sum(),
        "tied": rows["tied"].sum(),
        "zeros": rows["zeros"].sum(),
        "max_error": rows["max_abs_error"].max(),
        "worst": known.numbers[rows["max_abs_error"] == rows["max_abs_error"].max()].min(),
        "sum_error": rows["sum_abs_error"].sum(),
        "kl": rows["kl"][full].sum(),
        "row_sum_error": rows["row_sum_error"].sum(),
        "most_row_sum_error": rows["row_sum_error"].max(),
    }
    if "right" in rows:
        right, before = rows["right"], rows["float_right"]
        lost, won = (before & ~right).sum(), (right & ~before).sum()
        found |= {"right": right.sum(), "lost": lost, "won": won, "nll": rows["nll"][full].sum()}
    return np.array([found.get(name, 0) for name in _SUMS], np.float64)


def _even(rows: int, n: int) -> list[slice]:
    """Blocks of whole tiles, as long as each other to a tile, so that threads end together."""
    tiles = -(-rows // WIDE)
    blocks = -(-tiles // max(1, BLOCK // n // WIDE))
    ends = [tiles * k // blocks * WIDE for k in range(blocks + 1)] if blocks else []
    return [slice(start, end) for start, end in pairwise(ends)]


def _read(one: Design | str):
    """The design of a text; a design, or what stands in for one, is handed back."""
    return design(one) if isinstance(one, str) else one


def _floor(one: Design, n: int) -> float:
    return definitions.IMPOSSIBLE if one.output_rate == "row" else definitions.floor_of(n)


def _subject(one: Design, n: int):
    """What the compiled engine sweeps over; None where it cannot."""
    if not (compiled.available() and isinstance(one, Design) and one.has_hardware):
        return None
    from narrowmax.engines.compiled import sweep as engine

    return engine.subject(drawn_for(one, n))


def _flags(wanted: Sequence[str]) -> int:
    from narrowmax.engines.compiled import sweep as engine

    words = {"top1": "TOP", "nll": "NLL", "errors": "ERRORS", "kl": "KL", "row_sum": "SUMS", "zeros": "ZEROS"}
    return sum(getattr(engine, words[word]) for word in set(wanted))


def _known(metrics) -> tuple[str, ...]:
    wanted = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    strange = [word for word in wanted if word not in METRICS]
    if strange:
        raise DataError(f"there is no metric {strange[0]!r}: choose of {', '.join(METRICS)}")
    return wanted


def _labels(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    rows, n = shape
    if labels.shape != (rows,) or labels.dtype.kind not in "iu":
        raise DataError(f"labels are {labels.dtype} of shape {labels.shape}: give {rows} integers, one a row")
    if rows and not (0 <= labels.min() and labels.max() < n):
        raise DataError(f"labels range over {labels.min()}..{labels.max()}: rows of {n} have classes 0 to {n - 1}")
    return labels.astype(np.int64)
