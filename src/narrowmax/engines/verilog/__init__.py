"""Verilog: a datapath as a streaming unit, equal to the interpreter on every bit."""

from __future__ import annotations

from narrowmax.datapath import Datapath, Rate
from narrowmax.engines.schedule import Timeline, plan, timeline
from narrowmax.engines.verilog.library import fifo
from narrowmax.engines.verilog.modules import BlockInfo, Modules, Port
from narrowmax.engines.verilog.naming import require_name, require_unused
from narrowmax.engines.verilog.passes import PassWriter
from narrowmax.engines.verilog.pipeline import Signal
from narrowmax.engines.verilog.ports import Ports
from narrowmax.engines.verilog.top import Built, buffer_name, write_top
from narrowmax.engines.verilog.unit import Probe, Unit
from narrowmax.errors import DesignError

__all__ = ["BlockInfo", "Port", "Probe", "Unit", "emit"]

DIVIDERS = ("pipelined", "sequential")
MOST_BEATS = 1 << 20  # cycles of a row: every one of a few rows is followed through the unit, and rows are stored
PERIODS = (0.01, 1_000_000)  # ns: from beyond what any clock has to what constraints still take as a number


def emit(
    datapath: Datapath, lanes: int = 1, period_ns: float = 10.0, divider: str = "pipelined", name: str = "softmax"
) -> Unit:
    """The unit that computes `datapath` on `lanes` lanes, pipelined for a clock of `period_ns` ns.

    `divider` is "pipelined" (a division every cycle) or "sequential" (smaller, one at a time).
    Registers are placed by a coarse estimate of gate delay; no frequency is promised.  `name` is the
    top module's, and the other modules' names begin with it.

    Raises DesignError for lanes that do not fit the rows, the chunk or an order of a fold, for
    rows of more than MOST_BEATS cycles, an unknown divider, a period outside PERIODS or a name that
    is no identifier, a keyword, or a signal's of the unit.
    """
    if divider not in DIVIDERS:
        raise DesignError(f"the divider is {divider!r}; pipelined or sequential is allowed")
    if not PERIODS[0] <= period_ns <= PERIODS[1]:
        raise DesignError(f"the period is {period_ns} ns; {PERIODS[0]} to {PERIODS[1]:,} is allowed, such as 10")
    require_name(name)
    laid_out = plan(datapath, lanes)
    if laid_out.beats > MOST_BEATS:
        raise DesignError(
            f"rows of {datapath.max_n:,} elements in {lanes} lanes take {laid_out.beats:,} cycles; {MOST_BEATS:,} are "
            "allowed; lower max_n"
        )
    buffer = buffer_name(name)
    modules = Modules(name, [name, buffer, *(f"{name}_pass{k}" for k in range(len(laid_out.passes)))])
    ports = Ports(datapath.input_format.bits, datapath.output_format.bits, lanes)
    built = [_build(laid_out, k, modules, period_ns, divider, name, ports) for k in range(len(laid_out.passes))]
    row_output = datapath.output_rate == "row"
    times = timeline([b.timing for b in built], laid_out.beats, laid_out.chunk_beats, row_output)
    top = write_top(name, laid_out, built, times, ports, _purpose(datapath, lanes, times))
    require_unused(name, top)
    written = {b.name: b.writer.text(b.name, b.sizes) for b in built}
    texts = {name: top} | written | modules.texts | {buffer: fifo(buffer)}
    return Unit(
        top=name,
        files={f"{n}.v": t for n, t in texts.items()},
        lanes=lanes,
        max_n=datapath.max_n,
        chunk=datapath.chunk,
        in_bits=ports.in_bits,
        out_bits=ports.out_bits,
        in_signed=datapath.input_format.lowest_code < 0,
        out_signed=datapath.output_format.lowest_code < 0,
        output_rate=datapath.output_rate,
        latency_cycles=times.latency,
        initiation_interval=times.initiation_interval,
        modules=tuple(modules.infos.values()),
        probes=tuple(p for k, b in enumerate(built) for p in _probes(k, b)),
    )


def _build(laid_out, k, modules, period_ns, divider, name, ports) -> Built:
    writer = PassWriter(laid_out, k, modules, period_ns, divider)
    writer.enter()
    writer.compute()
    last = k == len(laid_out.passes) - 1
    timing, sizes = writer.finish(8 * ports.out_bytes) if last else writer.hand_on()
    return Built(f"{name}_pass{k}", writer, timing, sizes)


def _purpose(datapath: Datapath, lanes: int, times: Timeline) -> str:
    return (
        f"Softmax over rows of up to {datapath.max_n} elements, {lanes} a beat: {datapath.input_format} in, "
        f"{datapath.output_format} out.\n"
        f"Rows of {datapath.max_n}: {times.latency} cycles from the first beat in to the first result, "
        f"a row every {times.initiation_interval}.\n"
        "Synchronous reset aresetn, active low; tuser has a bit a lane: 1 takes part, 0 is masked."
    )


WATCHED_BITS = 128  # wider wires are judged by what they lead to; who watches reads two 64-bit words


def _probes(k: int, built: Built):
    """Every wire that the pass computes, with the flags that say when its signal holds an item.

    One whose flags were not carried to its cycle, since nothing there reads them, is left out: registers that only
    a watcher reads are none of the unit's.
    """
    flags = {Rate.ELEMENT: (), Rate.CHUNK: ("chunk_last",), Rate.ROW: ("last",)}
    writer = built.writer
    for (wire, lane), signal in writer.signals.items():
        if signal is None or signal.value is not None or wire not in writer.passed.wires:
            continue
        if signal.width > WATCHED_BITS:
            continue
        ends = [writer.flags[f] for f in ("go", *flags[wire.rate])]
        ends = [flag for flag in ends if flag.value is None]
        if all(_reaches(flag, signal) for flag in ends):
            valid = tuple(f"pass{k}.{_copy(flag, signal)}" for flag in ends)
            yield Probe(writer.datapath.names[wire], f"pass{k}.{signal.name}", valid, lane, wire.rate.name.lower())


def _reaches(flag: Signal, signal: Signal) -> bool:
    """Whether the flag was carried to the signal's cycle."""
    return signal.cycle == flag.cycle or signal.cycle in flag.copies


def _copy(flag: Signal, signal: Signal) -> str:
    """The name of the flag in the signal's cycle."""
    return flag.name if signal.cycle == flag.cycle else flag.copies[signal.cycle].name
