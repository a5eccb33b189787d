"""The unit's wires in view: each value that a probe sees, against the definition of the wire."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from narrowmax import store
from narrowmax.errors import ToolFailed
from narrowmax.hardware.battery import Difference
from narrowmax.hardware.cosimulation import Ran, Simulation
from narrowmax.hardware.stimulus import Rows
from narrowmax.hardware.subjects import Subject

TOP = "narrowmax_probed"
_WORD = 128  # bits shown of each wire
_MOST = 400  # wires shown, all lanes counted; Verilator's ports hold 65,536 bits


@dataclass(frozen=True)
class Sightings:
    """What a probe should see of its wire, row after row.

    wanted: (sightings, 2) uint64, the low and the high word; care: (sightings,) False where nothing is
    present; rows: (sightings,) the row of each
    """

    probe: object
    wire: object
    wanted: np.ndarray
    care: np.ndarray
    rows: np.ndarray


def probed(unit, files=None, cache: store.Store | None = None, planted: bool = False) -> Simulation:
    """The unit, or other Verilog of it, built with its probes in view; raises as `Simulation`."""
    files = {**(files or unit.files), f"{TOP}.v": wrapper(unit)}
    optimise = "-O1" if planted else "-O0"  # faults are run one after the other, else a few rows alone
    return Simulation(
        unit, files=files, top=TOP, probes=len(in_view(unit)), planted=planted, optimise=optimise, cache=cache
    )


def in_view(unit) -> tuple:
    """The probes that are watched: all, or those of the first two lanes and the last where there are too many."""
    if len(unit.probes) <= _MOST:
        return tuple(unit.probes)
    return tuple(probe for probe in unit.probes if probe.lane in (0, 1, unit.lanes - 1))[:_MOST]


def watched(made: Subject, cache: store.Store | None = None) -> Simulation | None:
    """The unit with its probes in view; None where it has none, or where an edit has moved its wires."""
    if not made.unit.probes:
        return None
    try:
        return probed(made.unit, cache=cache)
    except ToolFailed:
        if made.edited:
            return None
        raise


def wrapper(unit) -> str:
    """Verilog of a top with the unit's ports, and `probe_data` and `probe_valid` that show its probes."""
    ports = unit.ports.each()
    count = max(1, len(in_view(unit)))
    lines = [f"  {kind} logic [{bits - 1}:0] {name}" for name, kind, bits in ports]
    lines += [f"  output logic [{_WORD * count - 1}:0] probe_data", f"  output logic [{count - 1}:0] probe_valid"]
    connections = ", ".join(f".{name}({name})" for name, *_ in ports)
    shown = [
        f"  assign probe_data[{_WORD * i + _WORD - 1}:{_WORD * i}] = {_WORD}'(unit.{probe.signal});\n"
        f"  assign probe_valid[{i}] = {' & '.join(f'unit.{v}' for v in probe.valid)};\n"
        for i, probe in enumerate(in_view(unit))
    ]
    body = f"  {unit.top} unit ({connections});\n" + "".join(shown)
    return f"module {TOP} (\n" + ",\n".join(lines) + f"\n);\n{body}endmodule\n"


def sightings(made: Subject, rows: Rows) -> list[Sightings]:
    """What every probe should see of `rows`, by the definition; the probes in the order of the drawing."""
    from narrowmax.engines import interpret

    probes = in_view(made.unit)
    seen: dict[int, list] = {index: [] for index in range(len(probes))}
    by_name = {name: wire for wire, name in made.datapath.names.items()}
    for row in range(len(rows)):
        codes, present = (part[: made.unit.max_n].tolist() for part in rows.row(row))
        values = interpret.trace(made.datapath, codes, present)
        for index, probe in enumerate(probes):
            found = _values(probe, made.unit, values[by_name[probe.wire]], len(codes))
            seen[index] += [(row, value) for value in found]
    made_of = [_sighted(probe, by_name[probe.wire], seen[i]) for i, probe in enumerate(probes)]
    return sorted(made_of, key=lambda s: s.wire.index)


def _values(probe, unit, value, n: int) -> list:
    """The wire's values in a row in the order in which the probe sees them; None where nothing is present."""
    if probe.rate == "element":  # a lane beyond the row's end sees something that means nothing
        return [value[e] if e < n else None for e in range(probe.lane, -(-n // unit.lanes) * unit.lanes, unit.lanes)]
    return list(value) if probe.rate == "chunk" else [value]


def _sighted(probe, wire, seen: list) -> Sightings:
    mask = (1 << wire.bits) - 1
    words = [((value or 0) & mask) for _, value in seen]
    wanted = np.array([_words(word) for word in words], np.uint64).reshape(len(seen), 2)
    care = np.array([value is not None for _, value in seen], bool)
    return Sightings(probe, wire, wanted, care, np.array([row for row, _ in seen], np.int64))


def unlike(made: Subject, wanted: list[Sightings], ran: Ran, first_row: int = 0) -> str | None:
    """A sentence on the first wire, in the order of the drawing, that a probe saw differ; None if none did.

    first_row: what the first of the rows is called
    """
    order = {id(probe): index for index, probe in enumerate(in_view(made.unit))}
    for sighting in wanted:
        if found := _unlike(sighting, ran.probes[order[id(sighting.probe)]], made.unit, first_row):
            return found
    return None


def _unlike(sighting: Sightings, seen: np.ndarray, unit, first_row: int) -> str | None:
    wire, name = sighting.wire, sighting.probe.wire
    mask = _words((1 << wire.bits) - 1)
    count = min(len(seen), len(sighting.wanted))
    wrong = ((seen[:count] & mask) != sighting.wanted[:count]).any(axis=1) & sighting.care[:count]
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        got, right = _value(seen[place] & mask, wire), _value(sighting.wanted[place], wire)
        where = _where(sighting, place, unit, first_row)
        return f"the first wire that differs is {name} in row {where}: {got} instead of {right}"
    if len(seen) != len(sighting.wanted):
        return f"the wire {name} holds {len(seen)} items, where the simulation has {len(sighting.wanted)}"
    return None


def _where(sighting: Sightings, place: int, unit, first_row: int) -> str:
    rate = sighting.probe.rate
    at = place - int(np.searchsorted(sighting.rows, sighting.rows[place]))
    row = int(sighting.rows[place]) + first_row
    if rate == "element":
        return f"{row}, element {at * unit.lanes + sighting.probe.lane}"
    return f"{row}, chunk {at}" if rate == "chunk" else str(row)


def _words(number: int) -> np.ndarray:
    """The low and the high word of a number below 2**128."""
    return np.array([number & (1 << 64) - 1, number >> 64], np.uint64)


def _value(words: np.ndarray, wire) -> int:
    value = int(words[0]) | int(words[1]) << 64
    return value - (1 << wire.bits) if wire.signed and value >> wire.bits - 1 else value


def first_wire(
    made: Subject, difference: Difference, cache: store.Store | None = None, first_row: int = 0
) -> str | None:
    """A sentence that names the first wire that differs in the difference's trial; None where none can be seen.

    first_row: what the first row of the trial is called
    """
    if (simulation := watched(made, cache)) is None:
        return "its wires cannot be seen, since this Verilog is not what the design gives" if made.edited else None
    trial = difference.trial
    ran = simulation.run(trial.rows, trial.manner, probe_room=int(trial.rows.lengths.sum()))
    return unlike(made, sightings(made, trial.rows), ran, first_row)
