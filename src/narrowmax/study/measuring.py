"""What reaches the softmaxes of a source."""

from __future__ import annotations

from collections.abc import Iterable

from narrowmax import models
from narrowmax.rows import WITHIN
from narrowmax.study.sources import Source
from narrowmax.study.work import Work


def measure(source: Source, work: Work, within: Iterable[float] = WITHIN) -> dict:
    """The record of `narrowmax measure`: `softmaxes`, one for each softmax and epoch.

    within: R of the exact shares of rows inside ±R
    """
    with work.step("measure"):
        softmaxes = models.measured(source.thing, within)
    return work.record("measure", source=source.text, softmaxes=softmaxes)
