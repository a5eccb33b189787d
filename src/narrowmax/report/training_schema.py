"""The record of `narrowmax train`, as far as its page is drawn from it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from narrowmax.report.schema import Common, Part, Whole

TRAIN = "narrowmax/train/1"


class Spread(Part):
    """A number over seeds."""

    mean: float
    least: float
    most: float
    seeds: Whole


class Difference(Part):
    """A metric beside float: the loss, positive where the row is worse, with one-sided bounds."""

    difference: float
    low: float
    high: float


class Range(Part):
    """Ends of logits."""

    min: float | None = None
    max: float | None = None


class Breaks(Part):
    """What broke over all epochs: shares in 0..1; null where the format that a share is about is not in force."""

    gradients_flushed: float | None
    updates_small: float | None
    updates_lost: float | None
    beyond: float | None
    rows_without_push: float | None
    logits: Range | None


class Row(Part):
    """One set of formats: its text, what was reached, what was lost, why it stalled."""

    precision: str
    brief: str | None = None
    stalled: Whole
    verdict: str
    metrics: dict[str, Spread | None]
    loss: dict[str, Difference] | None
    loss_reason: str | None = None
    breaks: Breaks


class Gradients(Part):
    """Of an epoch."""

    flushed: float | None


class Updates(Part):
    """Of an epoch."""

    small: float | None
    lost: float | None


class Place(Part):
    """Where values lie beyond a format."""

    what: str
    place: str
    beyond: float


class Push(Part):
    """Rows whose every gradient was 0."""

    still: float | None = None


class Reached(Part):
    """What an epoch reached."""

    top1: float | None = None
    nll: float | None = None


class Epoch(Part):
    """One epoch of one training; `row` counts from 0, `seed` from 1."""

    row: Whole
    precision: str
    seed: Whole
    epoch: Whole
    loss: float | None
    gradient_norm: float | None
    gradients: Gradients
    updates: Updates
    places: list[Place]
    push: Push | None
    train: Reached | None = None
    held_out: Reached | None = None
    logits: Range | None = None


class Asked(Part):
    """What was asked for."""

    epochs: Whole
    seeds: Whole
    confidence: float


class Trained(Part):
    """The task, and how many samples judged it."""

    name: str
    title: str | None = None
    held_out: Whole | None = None


class TrainRecord(Common):
    """The record of `narrowmax train`."""

    task: Trained
    settings: Asked
    rows: list[Row] = Field(min_length=1)
    epochs: list[Epoch]
    notes: Any = None
