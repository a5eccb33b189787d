"""What can be relied on: tried on rows, of all codes where these are few, and told as what was found there."""

from __future__ import annotations

import numpy as np

from narrowmax.designs import probing
from narrowmax.designs.record import Design

COPIES = (1, 2, 3, 7, 50)
OTHERS = (1, 3, 7)
FEW = 256  # values of an input of which all pairs are tried
MANY = 1024
SEED = 6


def guarantees(design: Design) -> dict[str, dict]:
    """`{name: {"value", "text", ...}}`: what holds, or not, on the rows that `text` tells of.

    sums_to_one   how far from 1 the sum of a row was at most; `least`, `greatest`: the sums
    zeros         whether an element that takes part can have probability 0
    order_kept    whether a larger element never has the smaller output in its row
    monotone      whether raising one element never lowers its own output
    first_of_equals   alone, of a design that gives a position: whether that is the first of the largest
    """
    if design.output_rate == "row":
        return {"first_of_equals": _first(design)}
    ends, smallest, over = _sums(design)
    return {
        "sums_to_one": _row_sums(ends),
        "zeros": _fact(smallest <= 0, "an element that takes part can have probability 0", f"none was 0 over {over}"),
        "order_kept": _order(design),
        "monotone": _own(design),
    }


def _fact(value: bool, yes: str, no: str) -> dict:
    return {"value": bool(value), "text": yes if value else no}


def _first(design: Design) -> dict:
    values = probing.levels(design, 8)[0]
    rows = np.stack(np.meshgrid(values, values, values), axis=-1).reshape(-1, 3)
    first = (design(rows).argmax(axis=1) == rows.argmax(axis=1)).all()
    return _fact(first, "the first of equals won", "the first of equals did not win")


def _sums(design: Design) -> tuple[dict, float, str]:
    """The least and the greatest sum of each kind of rows, the smallest output, and which rows these are."""
    sums: dict[str, list] = {}
    smallest, kind = 1.0, ""
    for rows, over in probing.rows(design):
        got, kind = design(rows), over or kind  # rows of several lengths are told of once
        sums.setdefault(kind, []).extend([got.sum(axis=1).min(), got.sum(axis=1).max()])
        smallest = min(smallest, float(got.min()))
    ends = {kind: (float(min(found)), float(max(found))) for kind, found in sums.items()}
    return ends, smallest, "; ".join(ends)


def _row_sums(ends: dict) -> dict:
    least, greatest = min(low for low, _ in ends.values()), max(high for _, high in ends.values())
    said = "; ".join(f"{_span(low, high)} over {kind}" for kind, (low, high) in ends.items())
    off = max(abs(least - 1), abs(greatest - 1))
    return {"value": off, "least": least, "greatest": greatest, "text": f"rows sum to {said}"}


def _span(low: float, high: float) -> str:
    """Both ends, or one number where they read alike."""
    return " to ".join(dict.fromkeys((f"{low:.4g}", f"{high:.4g}")))


def _sets(design: Design, most: int) -> list[tuple[np.ndarray, str]]:
    """Values of the input in rising order, all or both the largest and as many evenly spread; and which, in words."""
    values, every = probing.levels(design)
    if len(values) <= most:
        return [(values, f"all {len(values):,} values of the input" if every else f"{len(values):,} values")]
    places = np.unique(np.linspace(0, len(values) - 1, most).astype(int))
    largest = (values[-most:], f"the {most:,} largest values of the input")
    return [largest, (values[places], f"{most:,} evenly spread")]


def _order(design: Design) -> dict:
    """Rows of many values, and of several copies of the largest, in some order; and rows of two."""
    sets = _sets(design, min(MANY, max(1, probing.longest(design) - max(COPIES))))
    random = np.random.default_rng(SEED)
    worst = max(_reversal(design, values, copies, random) for values, _ in sets for copies in COPIES)
    pairs = _sets(design, FEW) if probing.longest(design) > 1 else []
    worst = max(worst, *(_reversed_pair(design, values) for values, _ in pairs))
    if worst[0] > 0:
        found = f"{worst[1]:.6g} had {worst[0]:.3g} less than {worst[2]:.6g} in the same row"
        return _fact(False, "", f"a larger element can have the smaller output: {found}")
    over = f"{len(COPIES) * len(sets)} rows of {' and of '.join(which for _, which in sets)}"
    over += f", and over rows of two of {' and of '.join(which for _, which in pairs)}" if pairs else ""
    return _fact(True, f"a larger element never had the smaller output, over {over}", "")


def _reversal(design: Design, values: np.ndarray, copies: int, random) -> tuple[float, float, float]:
    """How much less an output was than that of a smaller element, and both elements; 0 if none was."""
    row = random.permutation(np.concatenate([values, np.full(copies - 1, values[-1])]))
    places = np.argsort(row, kind="stable")
    row, got = row[places], design(row[None])[0][places]
    highest = np.maximum.accumulate(got)
    place = int((highest - got).argmax())
    return float(highest[place] - got[place]), float(row[place]), float(row[int(got[: place + 1].argmax())])


def _reversed_pair(design: Design, values: np.ndarray) -> tuple[float, float, float]:
    """The same over all rows of two of the values, in either order: where nothing else takes part outputs are large."""
    large, small = (grid.ravel() for grid in np.meshgrid(values, values, indexing="ij"))
    got = design(np.stack([large, small], axis=1))
    less = (got[:, 1] - got[:, 0]) * np.sign(large - small)
    place = int(less.argmax())
    ends = sorted((float(large[place]), float(small[place])), reverse=True)
    return float(less[place]), *ends


def _own(design: Design) -> dict:
    """One element beside equal others, at every value and the next."""
    sets = [(values, which, values) for values, which in _sets(design, FEW)]
    if len(sets) > 1:
        sets = [(values, which, values[:: MANY // 64]) for values, which in _sets(design, MANY)]
    counts = [count for count in OTHERS if count < probing.longest(design)]
    worst = max((_fall(design, *one[::2], count) for one in sets for count in counts), default=(0.0, 0.0, 0.0))
    if worst[0] > 0:
        found = f"by {worst[0]:.3g} from {worst[1]:.6g} on beside others of {worst[2]:.6g}"
        return _fact(False, "", f"raising one element can lower its own output: {found}")
    said = " and ".join(f"{which} beside {len(others)} of them" for _, which, others in sets)
    over = f"{said}, one element beside {', '.join(map(str, counts))} equal others"
    return _fact(True, f"raising one element never lowered its own output, over {over}", "")


def _fall(design: Design, values: np.ndarray, others: np.ndarray, count: int) -> tuple[float, float, float]:
    """By how much an output fell at most from one value to the next, that value, and that of the `count` others."""
    rows = np.empty((len(values), len(others), 1 + count))
    rows[..., 0], rows[..., 1:] = values[:, None], others[None, :, None]
    falls = -np.diff(design(rows)[..., 0], axis=0)
    x, y = np.unravel_index(falls.argmax(), falls.shape)
    return float(falls[x, y]), float(values[x]), float(others[y])
