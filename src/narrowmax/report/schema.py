"""The records that a page can be drawn from, part by part, as Pydantic models.

A record is strict JSON.  What a model names is checked, what it does not name is let through, so a
later narrowmax may add keys without a new schema.  A value that could not be had is null, and a key
beside it, its name followed by `_reason`, says why; for the parts of a study that sentence must be
there.  Shares, rates and probabilities lie in 0..1 and are never percent; a difference is a loss,
positive where the design is worse; costs are counts; times are seconds unless named otherwise.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

STUDY = "narrowmax/study/1"
MEASURE = "narrowmax/measure/1"


class Part(BaseModel):
    """Any part of a record: strict types, finite numbers, unknown keys let through."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class Samples(Part):
    """How many samples trained, selected and judged (images, clips, documents: never rows)."""

    train: int | None = None
    selection: int | None = None
    judgement: int | None = None


class Task(Part):
    """What the network is asked to do, and how well it does it unrounded (`float`, by metric)."""

    name: str
    title: str | None = None
    network: str | None = None
    samples: Samples = Field(default_factory=Samples)
    n: int | None = None
    digest: str | None = None
    metrics: list[str] = Field(default_factory=list)
    float_: dict[str, float | None] = Field(default_factory=dict, alias="float")


class Settings(Part):
    """What was asked: the schedule, the cost's target, the tolerance of each metric, the confidence (0..1)."""

    lanes: int | None = None
    max_n: int | None = None
    period_ns: float | None = None
    target: str | None = None
    tolerance: dict[str, float] = Field(default_factory=dict)
    confidence: float | None = None


class Tail(Part):
    """Mean softmax mass beyond each distance from the maximum, for rows of n_above < n <= n_up_to elements."""

    n_above: int
    n_up_to: int
    rows: int
    beyond: dict[str, float]


class Softmax(Part):
    """One softmax at one epoch (null: epoch unknown), by the keys of `narrowmax measure`."""

    name: str
    kind: str | None = None
    epoch: int | float | None = None
    rows: int
    n: int | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    masked: int | float | None = None
    all_within: dict[str, float | None] = Field(default_factory=dict)
    within_for: dict[str, float | None] = Field(default_factory=dict)
    distance: dict[str, Any] = Field(default_factory=dict)
    gap: dict[str, Any] = Field(default_factory=dict)
    ties: int | float | None = None
    formats: dict[str, dict[str, Any]] = Field(default_factory=dict)
    tail: list[Tail] = Field(default_factory=list)


class Measure(Part):
    """What reached each softmax."""

    softmaxes: list[Softmax]


class Outcome(Part):
    """A metric of a design beside the unrounded network.

    `difference` is the loss, positive where the design is worse; `low` and `high` are its one-sided
    bounds, each at `confidence`.
    """

    float_: float | None = Field(default=None, alias="float")
    design: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None


class Sweep(Part):
    """One format tried at the softmax's input, everything else unrounded."""

    family: str
    format: str
    bits: int | None = None
    digits: int | None = None
    top1: Outcome | None = None
    nll: Outcome | None = None


class Loss(Part):
    """What a design loses: estimate and one-sided upper bound, to stay below the tolerance."""

    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    tolerance: float | None = None


class Wire(Part):
    """A knob of the narrowest design (`exp.fraction`), and why its wire has not one bit less.

    `why_not_less` is "loses", "not shown" or "impossible"; `reason` says it in words; `loss` is what
    the design with one bit less was judged to lose.
    """

    name: str
    format: str
    why_not_less: str | None = None
    reason: str | None = None
    design: str | None = None
    loss: dict[str, Loss] | None = None


class Cost(Part):
    """A measurement of hardware by a real tool; `objective` is what search compares (NAND2-equivalents)."""

    target: str | None = None
    tool: str | None = None
    version: str | None = None
    area: dict[str, Any] = Field(default_factory=dict)
    delay_ns: float | None = None
    fmax_mhz: float | None = None
    lanes: int | None = None
    max_n: int | None = None
    period_ns: float | None = None
    seeds: int | list | None = None
    spread: Any = None
    objective: float | None = None


class Candidate(Part):
    """A design met by the search; descriptive, not judged."""

    design: str
    objective: float | None = None
    loss: dict[str, float | Loss | None] = Field(default_factory=dict)


class Judged(Part):
    """A design judged, in the order that selection fixed, widest first."""

    design: str
    objective: float | None = None
    loss: dict[str, Loss]
    holds: bool


class NarrowSamples(Part):
    """Samples used to select, used to judge, and needed for the claim."""

    selected: int | None = None
    judged: int | None = None
    needed: int | None = None


class Narrow(Part):
    """The narrowest design found, the evidence for it and the reason for each wire."""

    design: str
    start: str | None = None
    cost: Cost | float | None = None
    loss: dict[str, Loss]
    samples: NarrowSamples = Field(default_factory=NarrowSamples)
    wires: list[Wire] = Field(default_factory=list)
    front: list[Candidate] = Field(default_factory=list)
    order: list[Judged] = Field(default_factory=list)
    settings: dict[str, Any] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)


class Row(Part):
    """One design of the comparison; cost is null, with its reason, where there is no hardware."""

    design: str
    architecture: str | None = None
    top1: Outcome | float | None = None
    nll: Outcome | float | None = None
    nll_float: float | None = None
    max_abs_error: float | None = None
    kl: float | None = None
    cost: Cost | None = None
    limits: str | list[str] | None = None


class Compare(Part):
    """Designs side by side; descriptive."""

    rows: list[Row]


class Build(Part):
    """The hardware folder and its timing in clock cycles."""

    files: list[str] = Field(default_factory=list)
    latency_cycles: int | None = None
    initiation_interval: int | None = None


class Diagram(Part):
    """The block diagram: nodes and edges as data, and the drawing as SVG text."""

    nodes: list[Any] = Field(default_factory=list)
    edges: list[Any] = Field(default_factory=list)
    svg: str | None = None


class Verify(Part):
    """RTL against the simulation engine."""

    rows: int | None = None
    elements: int | None = None
    exhaustive_units: int | list | dict | None = None
    mismatches: int | None = None
    warnings: list[str] = Field(default_factory=list)
    findings: list[Any] = Field(default_factory=list)
    repeat: str | None = None
    seconds: float | None = None


class Hardware(Part):
    """The Verilog of the chosen design: what was built, how it was verified, what it costs on each target."""

    design: str
    lanes: int | None = None
    max_n: int | None = None
    build: Build | None = None
    diagram: Diagram | None = None
    verify: Verify | None = None
    cost: dict[str, Cost | str | None] = Field(default_factory=dict)


class Common(Part):
    """What every record says of itself."""

    schema_: str = Field(alias="schema")
    narrowmax: str
    created: str
    source: str
    seeds: Any = None
    versions: dict[str, Any] = Field(default_factory=dict)
    machine: dict[str, Any] = Field(default_factory=dict)
    reused: list[str] = Field(default_factory=list)
    seconds: dict[str, float | None] = Field(default_factory=dict)
    limits: list[str] = Field(default_factory=list)


class MeasureRecord(Common):
    """The record of `narrowmax measure`."""

    softmaxes: list[Softmax]


class StudyRecord(Common):
    """The record of `narrowmax study`."""

    task: Task
    settings: Settings = Field(default_factory=Settings)
    measure: Measure | None
    formats_sweep: list[Sweep] | None
    narrow: Narrow | None
    compare: Compare | None
    hardware: Hardware | None


KINDS = {STUDY: StudyRecord, MEASURE: MeasureRecord}
OPTIONAL = {STUDY: ("measure", "formats_sweep", "narrow", "compare", "hardware"), MEASURE: ()}
