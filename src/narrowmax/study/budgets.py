"""How much each place of a design adds to its error, on the rows of a source."""

from __future__ import annotations

from narrowmax import designs
from narrowmax.designs import Design
from narrowmax.errors import DesignError
from narrowmax.study.sources import Source


def budget(source: Source, design: Design) -> dict:
    """`design`, and its `designs.error_budget` on the rows of a source; on the stated set if the source keeps none.

    What a design cannot do here has `reason` alone beside it.
    """
    rows = source.logits
    given = () if rows is None else (rows.logits, rows.mask)
    try:
        return {"design": design.text, **designs.error_budget(design, *given)}
    except DesignError as error:  # rows longer than it takes
        return {"design": design.text, "reason": str(error)}
