"""What a unit is put through: runs that treat it in every manner its ports allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from narrowmax.hardware.cosimulation import Manner, Ran, Simulation
from narrowmax.hardware.stimulus import Rows, adversarial, random_rows, spaced
from narrowmax.hardware.subjects import Subject

_DISTANCES = 1024
_TRACED = 6000  # elements, in Python integers


@dataclass(frozen=True)
class Trial:
    """One run: what it is called, the rows it drives, how."""

    name: str
    rows: Rows
    manner: Manner


@dataclass(frozen=True)
class Difference:
    """Why a trial failed: a rule broken, or the first result that differs.

    row, element: of the trial's rows (element None for a broken rule); wanted, got: codes
    count: how many results differ (1 for a broken rule)
    """

    trial: Trial
    sentence: str
    row: int
    element: int | None = None
    wanted: int | None = None
    got: int | None = None
    count: int = 1


def trials(subject: Subject, seed: int, rows: int | None = None) -> Iterator[Trial]:
    """The short trials: adversarial rows in every manner.  rows: at most so many in each, all unless given."""
    unit, (low, high) = subject.unit, subject.codes
    random = np.random.default_rng([seed, 1])
    hard = adversarial(low, high, unit.max_n, unit.lanes, random)
    hard = hard if rows is None else hard.first(rows)
    yield Trial("adversarial rows", hard, Manner(seed, stall_in=32, stall_out=32, strict=True))
    yield Trial("stalls on both sides", hard, Manner(seed + 1, stall_in=64, stall_out=64, stall_length=4))
    yield Trial("a slow sink", hard, Manner(seed + 2, stall_out=160, stall_length=8))
    yield Trial("a slow source", hard, Manner(seed + 3, stall_in=160, stall_length=8))
    yield Trial("tready only after tvalid", hard, Manner(seed + 4, ready_after_valid=True))
    yield Trial("every row drained alone", hard.first(64), Manner(seed + 5, drain_every=1))
    yield Trial("two elements at every distance", pairs(low, high, unit.max_n, random), Manner(seed + 12, stall_out=16))
    yield Trial("bursts of single elements", single(low, high, random), Manner(seed + 6, stall_out=32, stall_length=12))
    yield from _overlong(low, high, unit, seed, random)
    yield from resets(hard.first(24), unit, low, high, seed, random)


def pairs(low: int, high: int, max_n: int, random: np.random.Generator) -> Rows:
    """Rows of two elements at every distance (1,024 of them where there are more), and rows of three, the
    third at random: sums of few terms, where divisions come out even and tables show each entry."""
    if max_n < 2:
        return single(low, high, random)
    span = high - low
    distances = np.array(spaced(0, span, min(span + 1, _DISTANCES)), np.int64)
    tops = random.integers(low + distances, high, endpoint=True)
    third = random.integers(low, high + 1, len(distances))
    rows = [[top, top - far] for top, far in zip(tops, distances, strict=True)]
    if max_n > 2:
        rows += [[top - far, top, min(more, top)] for top, far, more in zip(tops, distances, third, strict=True)]
    return Rows.of([rows[index] for index in random.permutation(len(rows))])


def single(low: int, high: int, random: np.random.Generator) -> Rows:
    """512 rows of one element, one in eight masked."""
    return Rows(random.integers(low, high + 1, 512), random.random(512) < 0.875, np.ones(512, np.int64))


def _overlong(low: int, high: int, unit, seed: int, random: np.random.Generator) -> Iterator[Trial]:
    """Rows longer than max_n, one alone among good ones (its flag is its own), then many."""
    n = unit.max_n
    many = [n, n + 1, 1, 2 * n + 1, n, n + unit.lanes, n, 2 * n, 3, n + 2]
    for index, sizes in enumerate(([n, n + 1, n, 1], [1, n + unit.lanes, 2], [2 * n + 1, n], many)):
        lengths = np.array(sizes, np.int64)
        total = int(lengths.sum())
        rows = Rows(random.integers(low, high + 1, total), random.random(total) < 0.9, lengths)
        yield Trial("over-long rows", rows, Manner(seed + 7 + index, stall_in=16, stall_out=16))


def resets(rows: Rows, unit, low: int, high: int, seed: int, random: np.random.Generator) -> Iterator[Trial]:
    """A reset in mid-row, then clean rows that must be right: what a row of the largest codes leaves must
    not reach one of the smallest, nor the other way round, wherever the reset falls."""
    extremes = [np.full(unit.max_n, high), np.full(unit.max_n, low)]
    beats = -(-unit.max_n // unit.lanes)
    for index in range(8):
        first, second = extremes[index % 2], extremes[1 - index % 2]
        place = 1 if index < 2 else int(random.integers(1, 2 * beats + unit.latency_cycles + 1))
        part = Rows.join([Rows.of([first]), rows, Rows.of([second, second, second])])
        manner = Manner(
            seed + 20 + index,
            abort_beats=place,
            abort_row=len(rows) + 1,
            stall_out=32 * (index // 2 % 2),
            stall_length=3,
        )
        yield Trial(f"a reset after {place} beats", part, manner)


def wire_trial(subject: Subject, seed: int) -> Trial:
    """Adversarial rows, few enough for the definition to trace every wire through them."""
    unit, (low, high) = subject.unit, subject.codes
    random = np.random.default_rng([seed, 6])
    hard = adversarial(low, high, unit.max_n, unit.lanes, random)
    fitting = int(np.searchsorted(np.cumsum(hard.lengths), _TRACED))
    return Trial("every wire", hard.first(max(8, fitting)), Manner(seed + 50, stall_in=32, stall_out=32))


def long_trials(subject: Subject, elements: int, seed: int) -> Iterator[Trial]:
    """About `elements` elements of random rows in parts of a million, every other with stalls."""
    low, high = subject.codes
    part = min(elements, 1 << 20)
    for index in range(-(-elements // part)):
        random = np.random.default_rng([seed, 2, index])
        rows = random_rows(part, low, high, subject.unit.max_n, subject.unit.lanes, random)
        stall = 24 if index % 2 == 0 else 0
        yield Trial("random rows", rows, Manner(seed + 100 + index, stall_in=stall, stall_out=stall, stall_length=3))


def attempt(trial: Trial, simulation: Simulation, wanted: np.ndarray, fault: int = 0) -> Difference | None:
    """Run a trial, with a planted fault where one is chosen, and compare it with what is `wanted`."""
    return differs(trial, simulation, simulation.run(trial.rows, replace(trial.manner, fault=fault)), wanted)


def differs(trial: Trial, simulation: Simulation, ran: Ran, wanted: np.ndarray) -> Difference | None:
    """The first difference of a run from what was wanted, results first, then rules."""
    results = simulation.results(trial.rows.lengths)
    ends = np.cumsum(results)
    complete = int(ends[ran.rows_out - 1]) if ran.rows_out else 0
    wrong = np.flatnonzero(ran.outputs[:complete] != wanted[:complete])
    if len(wrong):
        place = int(wrong[0])
        row = int(np.searchsorted(ends, place, side="right"))
        element = place - int(ends[row] - results[row])
        got, right = int(ran.outputs[place]), int(wanted[place])
        sentence = f"row {row}, element {element}: the hardware gives {got}, the simulation {right}"
        return Difference(trial, sentence, row, element, right, got, len(wrong))
    if ran.error:
        sentence = f"in row {ran.error_row}, cycle {ran.error_cycle}, the hardware {ran.error}"
        return Difference(trial, sentence, min(ran.error_row, len(trial.rows) - 1))
    return None


def timing(simulation: Simulation, codes: tuple[int, int], seed: int, fault: int = 0) -> tuple[int, int]:
    """(latency, initiation interval) of rows of max_n, measured without stalls, in cycles.

    Latency: from the cycle in which the first beat of a row alone is taken to the cycle in which its
    first output beat is seen.  Interval: the most cycles between the first beats of two rows back to back.
    """
    unit = simulation.unit
    random = np.random.default_rng([seed, 3])
    rows = Rows.of([random.integers(codes[0], codes[1] + 1, unit.max_n) for _ in range(12)])
    alone = simulation.run(rows.first(2), Manner(seed, drain_every=1, fault=fault))
    packed = simulation.run(rows, Manner(seed, fault=fault))
    return int((alone.delivered - alone.accepted).max()), int(np.diff(packed.accepted)[-4:].max())
