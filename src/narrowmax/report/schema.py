"""The records that a page can be drawn from, part by part, as Pydantic models.

A record is strict JSON.  What a model names is checked, what it does not name is let through, so a
later narrowmax may add keys without a new schema.  A value that could not be had is null, and a key
beside it, its name followed by `_reason`, says why; for the parts of a study that sentence must be
there.  Shares, rates and probabilities lie in 0..1 and are never percent; a difference is a loss,
positive where the design is worse; costs are counts; times are seconds unless named otherwise.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

STUDY = "narrowmax/study/1"
MEASURE = "narrowmax/measure/1"


class Part(BaseModel):
    """Any part of a record: strict types, finite numbers, unknown keys let through."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


def _only_numbers(given: dict) -> dict:
    """Text stands only where it says why a number is null.  The message is what should have stood there."""
    if all(isinstance(value, str) == key.endswith("_reason") for key, value in given.items()):
        return given
    raise ValueError("numbers")


def _along_numbers(given: dict) -> dict:
    """Keys that are numbers, as those of a curve."""
    if all(_is_number(key) for key in given if not key.endswith("_reason")):
        return _only_numbers(given)
    raise ValueError("numbers by number")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""A whole number that other programs can hold too."""
Quantities = Annotated[dict[str, float | str | None], AfterValidator(_only_numbers)]
"""Numbers by name; null beside its reason."""
Curve = Annotated[dict[str, float | str | None], AfterValidator(_along_numbers)]
"""Numbers by number (`{"5": 0.25}`); null beside its reason."""


class Samples(Part):
    """How many samples trained, selected and judged (images, clips, documents: never rows)."""

    train: Whole | None = None
    selection: Whole | None = None
    judgement: Whole | None = None


class Task(Part):
    """What the network is asked to do, and how well it does it unrounded (`float`, by metric)."""

    name: str
    title: str | None = None
    network: str | None = None
    samples: Samples = Field(default_factory=Samples)
    n: Whole | None = None
    digest: str | None = None
    metrics: list[str] = Field(default_factory=list)
    float_: Quantities = Field(default_factory=dict, alias="float")


class Settings(Part):
    """What was asked: the schedule, the cost's target, the tolerance of each metric, the confidence (0..1)."""

    lanes: Whole | None = None
    max_n: Whole | None = None
    period_ns: float | None = None
    target: str | None = None
    tolerance: dict[str, float] = Field(default_factory=dict)
    confidence: float | None = None


class Tail(Part):
    """Mean softmax mass beyond each distance from the maximum, for rows of n_above < n <= n_up_to elements."""

    n_above: Whole
    n_up_to: Whole
    rows: Whole
    beyond: Curve


class Softmax(Part):
    """One softmax at one epoch (null: epoch unknown), by the keys of `narrowmax measure`."""

    name: str
    kind: str | None = None
    head: Whole | None = None
    epoch: Whole | float | None = None
    rows: Whole
    n: Whole | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    masked: Whole | float | None = None
    all_within: Curve = Field(default_factory=dict)
    within_for: Curve = Field(default_factory=dict)
    distance: Quantities = Field(default_factory=dict)
    gap: Quantities = Field(default_factory=dict)
    ties: Whole | float | None = None
    formats: dict[str, Quantities] = Field(default_factory=dict)
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
    bits: Whole | None = None
    digits: Whole | None = None
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
    area: Quantities = Field(default_factory=dict)
    delay_ns: float | None = None
    fmax_mhz: float | None = None
    lanes: Whole | None = None
    max_n: Whole | None = None
    period_ns: float | None = None
    effort: str | None = None
    seeds: Whole | list | None = None
    spread: Any = None
    objective: float | None = None


class Candidate(Part):
    """A design met by the search; descriptive, not judged."""

    design: str
    objective: float | None = None
    loss: dict[str, float | Loss | None] = Field(default_factory=dict)


class Judged(Part):
    """A design judged, in the order that selection fixed, widest first; `objective` is a prediction."""

    design: str
    objective: float | None = None
    measured: float | None = None
    loss: dict[str, Loss]
    holds: bool


class Contender(Part):
    """An architecture that selection looked at: the safe design that it found and its cost, or why there is none."""

    architecture: str
    design: str | None = None
    tried: Whole | None = None
    objective: float | None = None
    reason: str | None = None


class Search(Part):
    """How much of the space was tried, and the ceiling at which a sample's loss stops counting, by metric."""

    ceilings: Quantities = Field(default_factory=dict)
    space: int | None = None
    tried: Whole | None = None


class NarrowSamples(Part):
    """Samples used to select, used to judge, and needed for the claim."""

    selected: Whole | None = None
    judged: Whole | None = None
    needed: Whole | None = None


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
    chosen_among: list[Contender] = Field(default_factory=list)
    settings: Search | None = None
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
    brief: str | None = None
    calibrated: dict[str, Any] | None = None
    agreement: float | None = None
    beyond_input: float | None = None


class Calibration(Part):
    """Between which ends a source's values lie, and the integers that they were stored as."""

    low: float
    high: float
    stored: str | None = None


class Share(Part):
    """What one place of a drawing adds to the error: sizes, a mean with its sign, a share of the squared error."""

    part: str
    kind: str
    mean: float
    max: float
    bias: float
    share: float


class Size(Part):
    """The mean and the largest absolute error of a probability."""

    mean: float
    max: float


class Budget(Part):
    """How a design's error comes about, on the rows that `over` tells of; or the reason why that is not told."""

    design: str
    reason: str | None = None
    whole: Size | None = None
    parts: list[Share] = Field(default_factory=list)
    added: float | None = None
    over: str | None = None


class Compare(Part):
    """Designs side by side; descriptive."""

    rows: list[Row]
    error_budget: Budget | None = None
    calibration: Calibration | None = None


class Build(Part):
    """The hardware folder and its timing in clock cycles."""

    files: list[str] = Field(default_factory=list)
    latency_cycles: Whole | None = None
    initiation_interval: Whole | None = None


class Diagram(Part):
    """The block diagram: nodes and edges as data, and the drawing as SVG text."""

    nodes: list[Any] = Field(default_factory=list)
    edges: list[Any] = Field(default_factory=list)
    svg: str | None = None


class Verify(Part):
    """RTL against the simulation engine."""

    rows: Whole | None = None
    elements: Whole | None = None
    exhaustive_units: Whole | list | dict | None = None
    mismatches: Whole | None = None
    netlist_elements: Whole | None = None
    block_inputs: Whole | None = None
    latency_cycles: Whole | None = None
    initiation_interval: Whole | None = None
    seed: Whole | None = None
    warnings: list[str] = Field(default_factory=list)
    findings: list[Any] = Field(default_factory=list)
    repeat: str | None = None
    seconds: float | None = None


class Hardware(Part):
    """The Verilog of the chosen design: what was built, how it was verified, what it costs on each target."""

    design: str
    lanes: Whole | None = None
    max_n: Whole | None = None
    build: Build | None = None
    diagram: Diagram | None = None
    verify: Verify | None = None
    cost: dict[str, Cost | str | None] | None = None


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
    seconds: Quantities = Field(default_factory=dict)
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
