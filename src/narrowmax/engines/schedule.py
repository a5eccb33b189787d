"""When things happen: the passes of a datapath over its row, and the cycles that beats take.

A pass reads elements beat by beat.  What depends on a row's fold waits for the end of the row and
belongs to the next pass; what depends on a chunk's value waits for the end of the chunk, unless a
beat is a whole chunk.  Between passes stand buffers: of beats, of chunk values, of row values.
`timeline` follows beats through passes and buffers to the cycle; latency, initiation interval and
the depth of every buffer come from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from narrowmax.datapath import Datapath, FoldOutput, Lookup, Rate, ScanOutput, Source, Wire
from narrowmax.datapath.operations import Constant, Divide, Multiply
from narrowmax.errors import DesignError

MOST_LANES = 64


@dataclass(eq=False)
class Pass:
    """One walk over the beats of a row: what it computes, what it takes over, what it hands on."""

    index: int
    wires: list[Wire]
    imports: list[Wire]
    exports: list[Wire]

    def of(self, wires: list[Wire], rate: Rate) -> list[Wire]:
        return [w for w in wires if w.rate is rate]


@dataclass(frozen=True)
class Plan:
    """A datapath laid out on `lanes` lanes, in passes."""

    datapath: Datapath
    lanes: int
    passes: tuple[Pass, ...]

    @property
    def beats(self) -> int:
        """Beats of the longest row."""
        return -(-self.datapath.max_n // self.lanes)

    @property
    def chunk_beats(self) -> int:
        """Beats of a whole chunk; a drawing without chunks counts each beat as one."""
        return self.datapath.chunk // self.lanes if self.datapath.chunk else 1


def plan(datapath: Datapath, lanes: int) -> Plan:
    """Assign every wire to a pass.

    Raises DesignError for a number of lanes that cannot be built.
    """
    check_lanes(datapath, lanes)
    level = levels(datapath, lanes)
    count = level[datapath.output] + 1
    carried, again = cuts(datapath, level, count, lanes)
    passes = []
    for k in range(count):
        mine = [w for w in datapath.wires if not isinstance(w.op, Constant) and (level[w] == k or w in again[k])]
        handed_on = carried[k + 1] if k + 1 < count else {datapath.output}
        passes.append(Pass(k, _needed(mine, handed_on), _ordered(carried[k]), _ordered(carried[k + 1])))
    return Plan(datapath, lanes, tuple(passes))


def _needed(wires: list[Wire], handed_on: set[Wire]) -> list[Wire]:
    """Of a pass's wires, in order, those that lead to what it hands on; the others are computed where they are used."""
    needed = set(handed_on)
    for wire in reversed(wires):
        if wire in needed:
            needed.update(wire.args)
    return [w for w in wires if w in needed]


def check_lanes(datapath: Datapath, lanes: int) -> None:
    """Raise DesignError unless the datapath can be built on that many lanes."""
    most, fitting = min(MOST_LANES, datapath.max_n), allowed_lanes(datapath)
    if not 1 <= lanes <= most:
        raise DesignError(f"{lanes} lanes are asked for; 1 to {most} are allowed for rows of up to {datapath.max_n}")
    if lanes not in fitting:
        raise DesignError(
            f"{lanes} lanes do not divide the chunk of {datapath.chunk}, which is part of the arithmetic; "
            f"{', '.join(map(str, fitting))} {'are' if len(fitting) > 1 else 'is'} allowed"
        )


def allowed_lanes(datapath: Datapath) -> list[int]:
    """The numbers of lanes on which the datapath may be laid out; an order of a fold may allow fewer."""
    most = min(MOST_LANES, datapath.max_n)
    return [k for k in range(1, most + 1) if not (datapath.chunk and datapath.chunk % k)]


def levels(datapath: Datapath, lanes: int) -> dict[Wire, int]:
    """The pass in which each wire is computed."""
    whole = datapath.chunk == lanes
    level: dict[Wire, int] = {}
    for wire in datapath.wires:
        level[wire] = max((_after(level, a, wire, whole) for a in wire.args), default=0)
    return level


def _after(level, arg: Wire, wire: Wire, whole: bool) -> int:
    """The first pass that can use `arg` for `wire`."""
    if isinstance(arg.op, Constant):
        return 0
    waits = arg.rate is Rate.ROW and wire.rate is not Rate.ROW
    waits |= arg.rate is Rate.CHUNK and wire.rate is Rate.ELEMENT and not whole
    return level[arg] + waits


def everywhere(wire: Wire) -> bool:
    """Constants, and the sources that every pass has at hand: present and position."""
    return isinstance(wire.op, Constant) or (isinstance(wire.op, Source) and wire.op.kind in ("present", "position"))


# -- what the buffers hold ----------------------------------------------------------------------
# Both in NAND2 equivalents, coarse: a bit of buffer, and the gates of an operation drawn once more.
_BUFFER_BIT = 2.0
_TABLE_BIT = 0.25
_GATES_A_BIT = 6.0


def cuts(datapath: Datapath, level, count: int, lanes: int) -> tuple[list[set], list[set]]:
    """(carried, again): the wires in the buffers before each pass, and those that a pass computes again.

    A later pass may take a wire from the buffer, or take what it is computed from and compute it
    again; the cheaper is chosen, from the last pass to the first, a wire at a time.
    """
    carried, again = [set() for _ in range(count + 1)], [set() for _ in range(count)]
    for k in range(count - 1, 0, -1):
        waiting = [a for w in datapath.wires if level[w] == k for a in w.args]
        while waiting:
            wire = waiting.pop()
            if level[wire] >= k or everywhere(wire) or wire in carried[k] or wire in again[k]:
                continue
            gates = _again(wire, k, level, carried, lanes, datapath.max_n, {})
            if gates < _stored(wire, k, level, carried, datapath.max_n):
                again[k].add(wire)
                waiting += wire.args
            else:
                for b in range(level[wire] + 1, k + 1):
                    carried[b].add(wire)
    return carried, again


def _stored(wire: Wire, k: int, level, carried, max_n: int) -> float:
    """Buffer bits to carry a wire from where it is computed to pass k."""
    boundaries = sum(wire not in carried[b] for b in range(level[wire] + 1, k + 1))
    words = {Rate.ELEMENT: max_n, Rate.CHUNK: -(-max_n // (wire.drawing.chunk or 1)), Rate.ROW: 2}[wire.rate]
    return _BUFFER_BIT * wire.bits * words * boundaries


def _again(wire: Wire, k: int, level, carried, lanes: int, max_n: int, found: dict[Wire, float]) -> float:
    """Gates to compute an element's wire once more in pass k, and bits to carry what that needs.

    `found` keeps what was found, since wires that meet again and again have ways without number.
    """
    if wire not in found:
        found[wire] = _computed(wire, k, level, carried, lanes, max_n, found)
    return found[wire]


def _computed(wire: Wire, k: int, level, carried, lanes: int, max_n: int, found: dict[Wire, float]) -> float:
    if wire.rate is not Rate.ELEMENT or is_carried(wire) or isinstance(wire.op, (Source, Divide)):
        return float("inf")
    inputs = [a for a in set(wire.args) if not everywhere(a) and a not in carried[k]]
    return lanes * _gates(wire) + sum(
        min(_stored(a, k, level, carried, max_n), _again(a, k, level, carried, lanes, max_n, found)) for a in inputs
    )


def _gates(wire: Wire) -> float:
    if isinstance(wire.op, Lookup):
        return _TABLE_BIT * wire.bits * (wire.args[0].hi - wire.args[0].lo + 1)
    if isinstance(wire.op, Multiply):
        return _GATES_A_BIT * wire.args[0].bits * wire.args[1].bits
    return _GATES_A_BIT * wire.bits if wire.op.levels(wire.bits, *(a.bits for a in wire.args)) else 0.0


def _ordered(wires) -> list[Wire]:
    return sorted(wires, key=lambda w: w.index)


def is_carried(wire: Wire) -> bool:
    """Whether a wire is the output of a fold or a scan."""
    return isinstance(wire.op, (FoldOutput, ScanOutput))


# -- time -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Timing:
    """What a pass needs, in cycles: between beats, between rows, and from a beat to what it hands on."""

    interval: int = 1
    row_interval: int = 1
    beat_latency: int | None = None
    chunk_latency: int | None = None
    row_latency: int | None = None


@dataclass(frozen=True)
class Timeline:
    """Cycles from accepting the first beat to offering the first result, and between rows; buffer depths."""

    latency: int
    initiation_interval: int
    depths: tuple[dict[str, int], ...]


BUFFER_DELAY = 2  # cycles from a push to the word standing at the buffer's output


def timeline(timings: list[Timing], beats: int, chunk_beats: int, row_output: bool) -> Timeline:
    """Follow rows of the greatest length through the passes, back to back at the pace of the slowest."""
    pace = max(max(beats * t.interval, t.row_interval) for t in timings)
    slowest = sum(
        max(t.beat_latency or 0, t.chunk_latency or 0, t.row_latency or 0) + 2 * BUFFER_DELAY for t in timings
    )
    rows = 3 + slowest // pace  # enough for every pass to be at work on a row of its own
    goes = [_spaced(np.arange(rows)[:, None] * pace + np.arange(beats) + BUFFER_DELAY, timings[0])]
    depths = []
    for k, timing in enumerate(timings):
        last = k == len(timings) - 1
        follower = None if last else timings[k + 1]
        pushes = _pushes(goes[-1], timing, chunk_beats)
        following = _next_goes(pushes, follower, row_output and last, chunk_beats)
        depths.append({kind: _depth(goes[-1], pushes[kind], following, kind, chunk_beats) for kind in pushes})
        goes.append(following)
    return Timeline(int(goes[-1][0, 0]), pace, tuple(depths))


def _spaced(ready: np.ndarray, timing: Timing) -> np.ndarray:
    """Cycles (rows, beats), held back until the pass can take them."""
    steps = np.arange(ready.shape[1]) * timing.interval
    held = np.maximum.accumulate(ready - steps, axis=1)
    free, row_free = 0, 0
    for row in held:
        np.maximum(row, free, out=row)
        row += steps
        row[-1] = max(row[-1], row_free)
        free, row_free = row[-1] + timing.interval, row[-1] + timing.row_interval
    return held


def _pushes(goes: np.ndarray, timing: Timing, chunk_beats: int) -> dict[str, np.ndarray]:
    """When each buffer after a pass is written, row by row."""
    latencies = {"beat": timing.beat_latency, "chunk": timing.chunk_latency, "row": timing.row_latency}
    return {
        kind: _written(goes, kind, chunk_beats) + latency for kind, latency in latencies.items() if latency is not None
    }


def _written(times: np.ndarray, kind: str, chunk_beats: int) -> np.ndarray:
    """Of the beats of rows those with which a buffer of a kind gets a word."""
    if kind == "beat":
        return times
    return times[:, -1:] if kind == "row" else times[:, _ends(times.shape[1], chunk_beats)]


def _ends(beats: int, chunk_beats: int) -> np.ndarray:
    """The beats of a row that end a chunk."""
    return np.minimum(np.arange(0, beats, chunk_beats) + chunk_beats, beats) - 1


def _next_goes(
    pushes: dict[str, np.ndarray], follower: Timing | None, row_output: bool, chunk_beats: int
) -> np.ndarray:
    """When the next pass (or the output) takes each beat: as soon as all that it needs stands ready."""
    ready = pushes["row" if row_output else "beat"]
    if not row_output and "row" in pushes:
        ready = np.maximum(ready, pushes["row"])
    if "chunk" in pushes:
        ready = np.maximum(ready, pushes["chunk"][:, np.arange(ready.shape[1]) // chunk_beats])
    return _spaced(ready + BUFFER_DELAY, follower or Timing())


def _depth(goes: np.ndarray, pushes: np.ndarray, following: np.ndarray, kind: str, chunk_beats: int) -> int:
    """Words a buffer must hold so that it never slows the pass before it."""
    begins, leaves = (_written(times, kind, chunk_beats).ravel() for times in (goes, following))
    # a word leaves the memory for the output register once it is there and its forerunner is gone
    moved = np.maximum(pushes.ravel() + 1, np.append(0, leaves[: pushes.size - 1]))
    return int((np.arange(begins.size) - np.searchsorted(moved, begins)).max()) + 1
