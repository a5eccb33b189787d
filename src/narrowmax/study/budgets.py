"""How much each place of a design adds to its error, on the rows of a source."""

from __future__ import annotations

import numpy as np

from narrowmax import designs
from narrowmax.designs import Design
from narrowmax.errors import DesignError
from narrowmax.study.sources import Source

FEW = 2048  # elements on which the largest part is found, which takes about a tenth of a second a design


def largest_part(source: Source, design: Design) -> dict:
    """`most_error`, what goes with most of a design's error: {part, kind, share, over} of `designs.error_budget`.

    It is found on up to FEW elements of a source, in rows evenly spread, or on the stated set as in `budget`.
    Null, with the reason in `most_error_reason`, where there is none.
    """
    found = budget(source, design, FEW)
    if not found.get("parts"):
        return {"most_error": None, "most_error_reason": found.get("reason", "it has no error on these rows")}
    part = max(found["parts"], key=lambda one: one["share"])
    return {"most_error": {**{key: part[key] for key in ("part", "kind", "share")}, "over": found["over"]}}


def budget(source: Source, design: Design, elements: int | None = None) -> dict:
    """`design`, and its `designs.error_budget` on the rows of a source; on the stated set if the source keeps none.

    elements: how many of a source are taken at most, in whole rows; unless given as many as the budget looks at
    What a design cannot do here has `reason` alone beside it.
    """
    try:
        return {"design": design.text, **designs.error_budget(design, *_rows(source, elements))}
    except DesignError as error:  # rows longer than it takes
        return {"design": design.text, "reason": str(error)}


def _rows(source: Source, elements: int | None) -> tuple:
    """The values and the mask of a source, or of a few of its rows; nothing of a source that keeps none."""
    if source.logits is None:
        return ()
    x, mask = source.logits.logits, source.logits.mask
    if elements is None:
        return x, mask
    n = x.shape[-1]
    every = x.size // n
    few = np.linspace(0, every - 1, min(every, max(1, elements // n))).astype(int)
    return tuple(None if one is None else one.reshape(-1, n)[few] for one in (x, mask))
