"""The first wire that differs: a failing row run again with the unit's wires in view."""

from __future__ import annotations

from narrowmax import store
from narrowmax.errors import ToolFailed
from narrowmax.hardware.battery import Difference
from narrowmax.hardware.cosimulation import Simulation
from narrowmax.hardware.stimulus import Rows
from narrowmax.hardware.subjects import Subject

TOP = "narrowmax_probed"
_WORD = 128  # bits shown of each wire


def first_wire(made: Subject, difference: Difference, cache: store.Store | None = None) -> str | None:
    """A sentence that names the first wire, in the order of the drawing, whose values differ in the
    difference's row; None where no wire that can be seen differs."""
    probes = made.unit.probes
    if not probes:
        return None
    files = {**made.unit.files, f"{TOP}.v": wrapper(made.unit)}
    try:
        simulation = Simulation(made.unit, files=files, top=TOP, probes=len(probes), cache=cache)
    except ToolFailed:  # the Verilog was edited: the wires are not where the design has them
        return "its wires cannot be seen, since this Verilog is not what the design gives"
    rows = difference.trial.rows
    ran = simulation.run(rows, difference.trial.manner, probe_room=int(rows.lengths.sum()))
    return _first(made, rows, difference.row, ran.probes)


def wrapper(unit) -> str:
    """Verilog of a top with the unit's ports, and `probe_data` and `probe_valid` that show its probes."""
    ports = ports_of(unit)
    count = len(unit.probes)
    lines = [f"  {kind} logic [{bits - 1}:0] {name}" for name, kind, bits in ports]
    lines += [f"  output logic [{_WORD * count - 1}:0] probe_data", f"  output logic [{count - 1}:0] probe_valid"]
    connections = ", ".join(f".{name}({name})" for name, *_ in ports)
    shown = [
        f"  assign probe_data[{_WORD * i + _WORD - 1}:{_WORD * i}] = {_WORD}'(unit.{probe.signal});\n"
        f"  assign probe_valid[{i}] = {' & '.join(f'unit.{flag}' for flag in probe.valid)};\n"
        for i, probe in enumerate(unit.probes)
    ]
    body = f"  {unit.top} unit ({connections});\n" + "".join(shown)
    return f"module {TOP} (\n" + ",\n".join(lines) + f"\n);\n{body}endmodule\n"


def ports_of(unit) -> list[tuple[str, str, int]]:
    """(name, direction, bits) of every port of a unit."""
    data_in, data_out = unit.in_bytes * unit.lanes, unit.out_bytes * unit.lanes
    return [
        ("aclk", "input", 1), ("aresetn", "input", 1),
        ("s_axis_tvalid", "input", 1), ("s_axis_tready", "output", 1), ("s_axis_tdata", "input", 8 * data_in),
        ("s_axis_tkeep", "input", data_in), ("s_axis_tlast", "input", 1), ("s_axis_tuser", "input", unit.lanes),
        ("m_axis_tvalid", "output", 1), ("m_axis_tready", "input", 1), ("m_axis_tdata", "output", 8 * data_out),
        ("m_axis_tkeep", "output", data_out), ("m_axis_tlast", "output", 1), ("row_too_long", "output", 1),
    ]  # fmt: skip


def _first(made: Subject, rows: Rows, row: int, seen: tuple[list[int], ...]) -> str | None:
    from narrowmax.engines import interpret

    codes, present = (values[: made.unit.max_n].tolist() for values in rows.row(row))
    wanted = {made.datapath.names[wire]: (wire, value) for wire, value in
              interpret.trace(made.datapath, codes, present).items()}  # fmt: skip
    by_wire: dict[str, list] = {}
    for probe, values in zip(made.unit.probes, seen, strict=True):
        by_wire.setdefault(probe.wire, []).append((probe, values))
    for name, (wire, value) in wanted.items():
        for probe, values in by_wire.get(name, ()):
            if found := _differs(made, rows, row, probe, values, wire, value):
                return found
    return None


def _differs(made: Subject, rows: Rows, row: int, probe, values: list[int], wire, value) -> str | None:
    """Where the values that a probe saw in the row differ from the wire's, as a sentence."""
    start = sum(_places(probe, made.unit, min(int(n), made.unit.max_n)) for n in rows.lengths[:row])
    modulus = 1 << wire.bits
    for place, wanted in _wanted(probe, made.unit, value):
        if start + place[0] >= len(values):
            return f"the wire {probe.wire} has no value{place[1]}, where the simulation has {wanted}"
        got = values[start + place[0]] % modulus
        if wanted is not None and got != wanted % modulus:
            shown = got - modulus if wire.signed and got >> wire.bits - 1 else got
            return f"the first wire that differs is {probe.wire}{place[1]}: {shown} instead of {wanted}"
    return None


def _places(probe, unit, n: int) -> int:
    """How often a probe is seen in a row of n elements."""
    return {"element": -(-n // unit.lanes), "chunk": -(-n // (unit.chunk or 1))}.get(probe.rate, 1)


def _wanted(probe, unit, value):
    """((index of the sighting, where in the row), wanted) for each value that the simulation has."""
    if probe.rate == "element":
        for element in range(probe.lane, len(value), unit.lanes):
            yield (element // unit.lanes, f" at element {element}"), value[element]
    elif probe.rate == "chunk":
        for chunk, wanted in enumerate(value):
            yield (chunk, f" at chunk {chunk}"), wanted
    else:
        yield (0, ""), value

