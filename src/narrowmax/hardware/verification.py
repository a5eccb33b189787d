"""A unit's Verilog against the simulation of its datapath."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from narrowmax import store
from narrowmax.hardware import battery, synthesis, tracing
from narrowmax.hardware import faults as planting
from narrowmax.hardware.battery import Difference, Trial
from narrowmax.hardware.cosimulation import Simulation
from narrowmax.hardware.linting import lint
from narrowmax.hardware.stimulus import Rows
from narrowmax.hardware.subjects import Subject, require_datapath, subject
from narrowmax.hardware.sweeps import Sweep, is_small

SCHEMA = "narrowmax/verify/1"
_FEW = 100_000  # elements that are simulated sooner than a compiler has made their simulation fast
_NETLIST_ELEMENTS = 4096  # gates simulate a hundred times more slowly than the Verilog they came from


@dataclass
class _Count:
    rows: int = 0
    elements: int = 0
    block_inputs: int = 0
    mismatches: int = 0
    found: list[dict] = field(default_factory=list)


def verify(
    thing, *, elements: int = 1_000_000, seed: int = 0, lanes: int = 1, max_n: int | None = None,
    period_ns: float = 10.0, netlist: bool = True, faults: int = 0,
    progress: Callable[[str], None] | None = None, cache: store.Store | None = None,
) -> dict:  # fmt: skip
    """Compare hardware with simulation, bit for bit, and its ports with the rules of AXI4-Stream.

    thing: a design, its text, a hardware folder, or a `Subject`
    elements: of random rows, beside the adversarial ones; seed: of rows, stalls and power-up state
    lanes, max_n (1024), period_ns: how a design is built; a folder has its own
    netlist: simulate what synthesis makes of it too; faults: how many to plant, each to be caught
    progress: is called with a line for each step

    Returns a record: {"rows", "elements", "block_inputs", "exhaustive_units", "mismatches", "seconds",
    "latency_cycles", "initiation_interval", "warnings", "findings", "repeat", ...}; elements are those of the
    rows, block_inputs what blocks were tried on by themselves; a finding is a sentence with the row and the
    first wire that differ.  Nothing is raised for a mismatch.

    Raises DesignError for a design without hardware, ToolMissing or ToolFailed for the tools.
    """
    started = time.monotonic()
    made = require_datapath(subject(thing, lanes=lanes, max_n=max_n, period_ns=period_ns))
    say = progress or (lambda line: None)
    count = _Count()
    warnings = lint(made.unit.files, made.unit.top)
    _sweep(made, count, say, cache)
    say("building the simulator")
    simulation = Simulation(made.unit, optimise="-O0" if elements <= _FEW else "-O1", cache=cache)
    trials = [*battery.trials(made, seed), *battery.long_trials(made, elements, seed)]
    _all(made, simulation, trials, count, say, cache)
    _wires(made, seed, count, say, cache)
    timed = _timing(made, simulation, count, seed)
    extra = _netlist(made, seed, count, say, cache) if netlist else {}
    planted = planting.campaign(made, faults, seed, cache=cache).summary() if faults else {}
    return {
        "schema": SCHEMA, "design": made.name, "lanes": made.unit.lanes, "max_n": made.unit.max_n,
        "period_ns": made.period_ns, "seed": seed, "rows": count.rows, "elements": count.elements,
        "block_inputs": count.block_inputs,
        "exhaustive_units": [block.name for block in made.unit.modules if is_small(block)],
        "mismatches": count.mismatches + len(warnings), **timed, **extra, **planted,
        "warnings": warnings, "findings": count.found,
        "repeat": _command(made, elements, seed) if count.found else None,
        "seconds": round(time.monotonic() - started, 3),
    }  # fmt: skip


def _sweep(made: Subject, count: _Count, say, cache) -> None:
    sweep = Sweep(made.unit, cache=cache)
    for swept in sweep.run():
        say(f"block {swept.name}: {'all ' if swept.exhaustive else ''}{swept.tried} inputs")
        count.block_inputs += swept.tried
        if swept.wrong:
            count.mismatches += swept.wrong
            inputs, wanted, got = swept.first
            sentence = f"the block {swept.name} gives {got} for the inputs {inputs}, the simulation {wanted}"
            count.found.append({"trial": "blocks by themselves", "sentence": sentence})


def _all(made: Subject, simulation: Simulation, trials: Iterable[Trial], count: _Count, say, cache) -> None:
    for trial in trials:
        say(f"{trial.name}: {len(trial.rows)} rows")
        difference = battery.attempt(trial, simulation, made.expected(trial.rows))
        count.rows += len(trial.rows)
        count.elements += int(trial.rows.lengths.sum())
        if difference:
            count.mismatches += difference.count
            count.found.append(_finding(made, simulation, difference, cache))


def _wires(made: Subject, seed: int, count: _Count, say, cache) -> None:
    """Every wire that can be seen, against the definition; left out where the Verilog was edited."""
    trial = battery.wire_trial(made, seed)
    say(f"every wire: {len(trial.rows)} rows")
    if (simulation := tracing.watched(made, cache)) is None:
        return
    ran = simulation.run(trial.rows, trial.manner, probe_room=int(trial.rows.lengths.sum()))
    count.rows += len(trial.rows)
    count.elements += int(trial.rows.lengths.sum())
    if found := tracing.unlike(made, tracing.sightings(made, trial.rows), ran):
        count.mismatches += 1
        count.found.append({"trial": trial.name, "sentence": found})


def _finding(made: Subject, simulation: Simulation, difference: Difference, cache) -> dict:
    """What is reported of a difference: the fewest rows that show it, and the first wire."""
    small = _reduced(made, simulation, difference)
    codes, present = small.trial.rows.row(small.row)
    first_row = difference.row - small.row
    wire = tracing.first_wire(made, small, cache, first_row) if small.element is not None else None
    sentence = f"{difference.trial.name}: {difference.sentence}" + (f"; {wire}" if wire else "")
    return {
        "trial": difference.trial.name, "sentence": sentence, "row": codes.tolist(), "present": present.tolist(),
        "rows_before": small.row, "wanted": small.wanted, "got": small.got, "manner": store.plain(small.trial.manner),
    }  # fmt: skip


def _reduced(made: Subject, simulation: Simulation, difference: Difference) -> Difference:
    """The same difference with that row alone, or else with the rows up to it."""
    rows, row = difference.trial.rows, difference.row
    manner = replace(difference.trial.manner, abort_row=0)
    for fewer in (Rows.of([rows.row(row)]), rows.first(row + 1)):
        trial = replace(difference.trial, rows=fewer, manner=manner)
        if found := battery.attempt(trial, simulation, made.expected(fewer)):
            return found
    return difference


def _timing(made: Subject, simulation: Simulation, count: _Count, seed: int) -> dict:
    if count.found:  # rows that do not come out have no latency
        return {"latency_cycles": None, "latency_cycles_reason": "not measured, since rows were wrong"}
    measured = dict(
        zip(("latency_cycles", "initiation_interval"), battery.timing(simulation, made.codes, seed), strict=True)
    )
    for name, cycles in measured.items():
        claimed = getattr(made.unit, name)
        if cycles != claimed:
            count.mismatches += 1
            sentence = f"{name.replace('_', ' ')}: {cycles} were measured, the unit claims {claimed}"
            count.found.append({"trial": "timing", "sentence": sentence})
    return measured


def _netlist(made: Subject, seed: int, count: _Count, say, cache) -> dict:
    say("synthesising")
    text = synthesis.gates(made.unit.files, made.unit.top, cache)["netlist"]
    say("building the simulator of the netlist")
    simulation = Simulation(made.unit, files={"netlist.v": text}, optimise="-O0", cache=cache)
    inner = _Count()
    _all(made, simulation, netlist_trials(made, seed), inner, lambda line: say(f"netlist: {line}"), cache)
    count.mismatches += inner.mismatches
    count.found += [{**found, "sentence": f"after synthesis, {found['sentence']}"} for found in inner.found]
    return {"netlist_rows": inner.rows, "netlist_elements": inner.elements}


def netlist_trials(made: Subject, seed: int) -> Iterable[Trial]:
    """A few of each sort: gates are slow to simulate."""
    rows = max(4, _NETLIST_ELEMENTS // made.unit.max_n)
    yield from (trial for trial in battery.trials(made, seed, rows) if "reset" not in trial.name)
    yield from battery.long_trials(made, _NETLIST_ELEMENTS, seed)


def _command(made: Subject, elements: int, seed: int) -> str:
    if made.folder:
        what = shlex.quote(str(made.folder))
    else:
        layout = f"--lanes {made.unit.lanes} --max-n {made.unit.max_n} --period-ns {made.period_ns:g}"
        what = f"{shlex.quote(made.name)} {layout}"
    return f"narrowmax verify {what} --elements {elements} --seed {seed}"
