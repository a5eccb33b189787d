"""Accuracy against the format at the softmax's input, everything else in full precision.  Descriptive."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from narrowmax import designs
from narrowmax.formats import Fixed, Format, parse
from narrowmax.search import compare_outcomes
from narrowmax.search.narrowing import CEILINGS
from narrowmax.study.sources import Source
from narrowmax.study.work import Work

FLOATS = ("fp32", "fp16", "bf16", "e4m3", "e5m2")
DIGITS = (0, 1, 2, 3, 4, 6, 10, 20, 30)
"""Decimal places; from 8 on float32 holds nothing to round."""
FRACTIONS = range(7)
_MOST_INTEGER = 9


def sweep(source: Source, reach: float, confidence: float, work: Work) -> list[dict]:
    """One entry a format: {family, format, bits, digits, top1, nll}; see `outcomes` for the last two.

    reach: the largest absolute value that reaches the softmax; fixed point is tried up to where it fits
    """
    evaluator = source.evaluator
    found = []
    for family, text in _formats(reach):
        work.tell(f"formats: {text}")
        inputs = [evaluator.digest, text, confidence]
        outcome = work.remember("format", inputs, lambda text=text: _outcome(evaluator, text, confidence))
        found.append({"family": family, **_size(parse(text)), **outcome})
    return found


def _formats(reach: float) -> Iterator[tuple[str, str]]:
    widest = min(_MOST_INTEGER, max(3, 1 + math.ceil(math.log2(max(reach, 1)))))
    for integer in range(1, widest + 1):
        for fraction in FRACTIONS:
            if integer + fraction > 1:
                yield "fixed", str(Fixed.of(True, integer, fraction))
    yield from (("float", text) for text in FLOATS)
    yield from (("decimal", f"decimal({digits})") for digits in DIGITS)


def _size(fmt: Format) -> dict:
    return {"format": str(fmt), "bits": fmt.bits, "digits": getattr(fmt, "digits", None)}


def _outcome(evaluator, text: str, confidence: float) -> dict:
    return outcomes(evaluator, designs.design(f"ideal(input={text})"), confidence)


def outcomes(evaluator, design, confidence: float) -> dict:
    """By metric, {float, design, difference, low, high, confidence}, on all samples that nothing was trained on."""
    every = np.sort(np.concatenate([evaluator.selection, evaluator.judgement]))
    groups = None if evaluator.groups is None else np.asarray(evaluator.groups)[every]
    before, after = evaluator.float_outcomes(every), evaluator.outcomes(design, every)
    before = {metric: before[metric] for metric in evaluator.metrics}
    return compare_outcomes(before, after, confidence, getattr(evaluator, "ceilings", CEILINGS), groups)
