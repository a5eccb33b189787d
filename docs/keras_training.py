"""Measures the Keras table of docs/training.md; `docs.training_results` writes it.

KERAS_BACKEND=tensorflow python -m docs.keras_training      trains, and keeps docs/keras_training.json
"""

from __future__ import annotations

import sys
from pathlib import Path

from narrowmax.models.training import read
from narrowmax.store import dump
from narrowmax.study import Work, training

RECORD = Path(__file__).resolve().parent / "keras_training.json"
SOURCE = "./docs/keras_digits.py:task"
SEEDS = 2
ROWS = (
    "autocast=bf16",
    "autocast=fp16",
    "autocast=fp16, loss_scale=dynamic",
    "softmax=ideal(input=Q5.3, output=UQ1.8)",
    "softmax=ideal(output=UQ1.2)",
    "weights=Q2.6",
    "activations=Q4.4",
    "gradients=Q1.8",
    "gradients=Q6.8, loss_scale=64",
    "weights=Q2.6, updates=Q2.6",
    "weights=Q2.6, updates=Q2.6:stochastic",
    "weights=Q2.4, updates=Q2.4",
)


def trained(rows: tuple[str, ...] = ROWS) -> dict:
    """The record, as far as the table needs it."""
    from docs.training_results import kept

    work = Work(tell=lambda line: print(line, file=sys.stderr))
    return kept(training.compare(SOURCE, training.load(SOURCE, work, True), map(read, rows), work, seeds=SEEDS))


if __name__ == "__main__":
    dump(RECORD, trained())
