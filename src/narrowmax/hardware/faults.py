"""Faults planted by rule in a unit's Verilog, each to be caught by the same trials that verify it.

All faults of a campaign stand in one text, each behind a comparison with the number of the fault
that is chosen, so the unit is built once and each fault costs a few short runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from narrowmax import store
from narrowmax.hardware import battery, proofs, tracing
from narrowmax.hardware.cosimulation import Ran
from narrowmax.hardware.mutations import mutants
from narrowmax.hardware.statements import Expression, expressions, widths
from narrowmax.hardware.subjects import Subject
from narrowmax.hardware.sweeps import Sweep, is_small

_PACKAGE = "package narrowmax_planted;\n  int unsigned chosen /*verilator public_flat_rw*/;\nendpackage\n"
_ROWS, _ELEMENTS = 96, 20_000  # of each trial that a fault has to pass
_THOROUGH = 1 << 18  # elements for a fault that has passed all of them


@dataclass(frozen=True)
class Fault:
    """One fault: `after` instead of `before` at a place of a file; numbers begin at 1."""

    number: int
    file: str
    line: int
    rule: str
    before: str
    after: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {_short(self.before)} became {_short(self.after)}"


@dataclass(frozen=True)
class Campaign:
    """What became of the faults: number -> the trial that caught it; equivalent: proven to change
    nothing; survived: neither."""

    faults: tuple[Fault, ...]
    caught: Mapping[int, str]
    equivalent: Mapping[int, str]

    @property
    def survived(self) -> tuple[Fault, ...]:
        return tuple(f for f in self.faults if f.number not in self.caught and f.number not in self.equivalent)

    def summary(self) -> dict:
        """As JSON: counts, and the survivors as text."""
        return {
            "faults_planted": len(self.faults), "faults_caught": len(self.caught),
            "faults_equivalent": len(self.equivalent), "faults_survived": len(self.survived),
            "survivors": [str(fault) for fault in self.survived],
        }  # fmt: skip


def candidates(files: Mapping[str, str]) -> list[Fault]:
    """Every fault that the rules allow, in the order of the text."""
    found = []
    for name, source in files.items():
        sizes = widths(source)
        for expression in expressions(source):
            for rule, text in mutants(expression, source, sizes.get(expression.target)):
                found.append(_fault(len(found) + 1, name, source, expression, rule, text))
    return found


def _fault(number: int, name: str, source: str, expression: Expression, rule: str, text: str) -> Fault:
    line = source.count("\n", 0, expression.start) + 1
    return Fault(number, name, line, rule, expression.text(source), text, expression.start, expression.end)


def chosen(files: Mapping[str, str], count: int, seed: int) -> list[Fault]:
    """`count` of the candidates, spread over files and rules; all of them where there are fewer."""
    random = np.random.default_rng([seed, 4])
    piles: dict[tuple[str, str], list[Fault]] = {}
    for fault in candidates(files):
        piles.setdefault((fault.rule, fault.file), []).append(fault)
    order = [[pile[i] for i in random.permutation(len(pile))] for pile in piles.values()]
    order = [order[i] for i in random.permutation(len(order))]
    picked: list[Fault] = []
    while len(picked) < count and any(order):
        picked += [pile.pop() for pile in order if pile]
    return [_numbered(fault, index + 1) for index, fault in enumerate(picked[:count])]


def _numbered(fault: Fault, number: int) -> Fault:
    return replace(fault, number=number)


def planted(files: Mapping[str, str], faults: list[Fault]) -> dict[str, str]:
    """The files with all faults in, none of them active unless its number is chosen."""
    made = {"narrowmax_planted.v": _PACKAGE, **files}
    by_place: dict[tuple[str, int, int], list[Fault]] = {}
    for fault in faults:
        by_place.setdefault((fault.file, fault.start, fault.end), []).append(fault)
    for (name, start, end), here in sorted(by_place.items(), key=lambda item: -item[0][1]):
        text = f"({files[name][start:end]})"
        for fault in here:
            text = f"((narrowmax_planted::chosen == 32'd{fault.number}) ? ({fault.after}) : {text})"
        made[name] = made[name][:start] + text + made[name][end:]
    return made


def mutated(files: Mapping[str, str], fault: Fault) -> dict[str, str]:
    """The files with this fault in place of the text it stands for."""
    source = files[fault.file]
    return {**files, fault.file: f"{source[: fault.start]}{fault.after}{source[fault.end :]}"}


def campaign(made: Subject, count: int = 64, seed: int = 0, *, cache: store.Store | None = None) -> Campaign:
    """Plant `count` faults and try to catch each; what escapes is given to a solver.

    Raises ToolMissing or ToolFailed for the tools.
    """
    faults = chosen(made.unit.files, count, seed)
    hunt = _Hunt(made, faults, seed, cache)
    caught = {fault.number: trial for fault in faults if (trial := hunt.catch(fault))}
    left = [fault for fault in faults if fault.number not in caught]
    equivalent = {fault.number: proof for fault in left if (proof := hunt.proof(fault, cache))}
    return Campaign(tuple(faults), caught, equivalent)


class _Hunt:
    """All faults in one library, with the unit's wires in view, and the trials that may catch them."""

    def __init__(self, made: Subject, faults: list[Fault], seed: int, cache):
        self.made, self.seed = made, seed
        files = planted(made.unit.files, faults)
        self.sweep = Sweep(made.unit, files=files, planted=True, cache=cache)
        self.simulation = tracing.probed(made.unit, files, cache, planted=True)
        trials = [*battery.trials(made, seed, _ROWS), *battery.long_trials(made, _ELEMENTS, seed)]
        # The long one first: it catches most faults of arithmetic at once.
        self.trials = [(trial, made.expected(trial.rows)) for trial in (trials[-1], *trials[:-1])]
        self.thorough: list = []
        self.wires = battery.wire_trial(made, seed)
        self.wanted = tracing.sightings(made, self.wires.rows)
        self.timing = battery.timing(self.simulation, made.codes, seed)
        if broken := self.catch(None):
            raise AssertionError(f"the trial {broken!r} fails without a fault; verify the unit first")

    def catch(self, fault: Fault | None) -> str | None:
        """The name of the first trial that notices the fault, or None."""
        number = fault.number if fault else 0
        if (fault is None or self._in_a_block(fault)) and any(swept.wrong for swept in self.sweep.run(number)):
            return "blocks by themselves"
        for trial, wanted in self.trials:
            if battery.attempt(trial, self.simulation, wanted, number):
                return trial.name
        if tracing.unlike(self.made, self.wanted, self._watched(number)):
            return self.wires.name
        if battery.timing(self.simulation, self.made.codes, self.seed, number) != self.timing:
            return "timing"
        return self._at_length(number) if fault else None

    def _at_length(self, number: int) -> str | None:
        if not self.thorough:
            trials = battery.long_trials(self.made, _THOROUGH, self.seed + 1)
            self.thorough = [(trial, self.made.expected(trial.rows)) for trial in trials]
        found = (battery.attempt(trial, self.simulation, wanted, number) for trial, wanted in self.thorough)
        return "many more random rows" if any(found) else None

    def _watched(self, number: int) -> Ran:
        room = int(self.wires.rows.lengths.sum())
        return self.simulation.run(self.wires.rows, replace(self.wires.manner, fault=number), probe_room=room)

    def _in_a_block(self, fault: Fault, exhaustive: bool = False) -> bool:
        blocks = [block.name for block in self.sweep.blocks if is_small(block) or not exhaustive]
        return fault.file.removesuffix(".v") in blocks

    def proof(self, fault: Fault, cache) -> str | None:
        """Why a fault that was not caught changes nothing, or None."""
        if self._in_a_block(fault, exhaustive=True):
            return "the block gives the same for every input that can occur"
        unit = self.made.unit
        return proofs.equivalent(unit, unit.files, mutated(unit.files, fault), fault.file.removesuffix(".v"), cache)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."
