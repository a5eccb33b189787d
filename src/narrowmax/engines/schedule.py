"""When things happen: the passes of a datapath over its row, and the cycles that beats take.

A pass reads elements beat by beat.  What depends on a row's fold waits for the end of the row and
belongs to the next pass; what depends on a chunk's value waits for the end of the chunk, unless a
beat is a whole chunk.  Between passes stand buffers: of beats, of chunk values, of row values.
`timeline` follows beats through passes and buffers to the cycle; latency, initiation interval and
the depth of every buffer come from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from narrowmax.datapath import Datapath, FoldOutput, Rate, ScanOutput, Source, Wire
from narrowmax.datapath.operations import Constant
from narrowmax.errors import DesignError

MOST_LANES = 64


@dataclass(eq=False)
class Pass:
    """One walk over the beats of a row: what it computes, what it takes over, what it hands on."""

    index: int
    wires: list[Wire] = field(default_factory=list)
    imports: list[Wire] = field(default_factory=list)
    exports: list[Wire] = field(default_factory=list)

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
    passes = tuple(Pass(k) for k in range(count))
    for wire in datapath.wires:
        if not isinstance(wire.op, Constant) and level[wire] < count:
            passes[level[wire]].wires.append(wire)
    for p in passes:
        p.exports = _needed(datapath, level, p.index + 1)
        p.imports = passes[p.index - 1].exports if p.index else []
    return Plan(datapath, lanes, passes)


def check_lanes(datapath: Datapath, lanes: int) -> None:
    """Raise DesignError unless the datapath can be built on that many lanes."""
    most = min(MOST_LANES, datapath.max_n)
    if not 1 <= lanes <= most:
        raise DesignError(f"{lanes} lanes are asked for; 1 to {most} are allowed for rows of up to {datapath.max_n}")
    if datapath.chunk and datapath.chunk % lanes:
        fitting = [k for k in range(1, min(datapath.chunk, most) + 1) if datapath.chunk % k == 0]
        raise DesignError(
            f"{lanes} lanes do not divide the chunk of {datapath.chunk}, which is part of the arithmetic; "
            f"{', '.join(map(str, fitting))} are allowed"
        )


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
    return isinstance(wire.op, Constant) or isinstance(wire.op, Source) and wire.op.kind in ("present", "position")


def _needed(datapath, level, k: int) -> list[Wire]:
    """Wires computed before pass k and used in it or later: what the buffers before it carry."""
    found = {
        a: None for w in datapath.wires for a in w.args
        if level[a] < k <= level[w] and not everywhere(a)
    }  # fmt: skip
    return sorted(found, key=lambda w: w.index)


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
    rows = 3
    goes = [[r * pace + b + BUFFER_DELAY for b in range(beats)] for r in range(rows)]
    goes = [_spaced(goes, timings[0])]
    depths = []
    for k, timing in enumerate(timings):
        last = k == len(timings) - 1
        follower = None if last else timings[k + 1]
        pushes = _pushes(goes[-1], timing, chunk_beats)
        following = _next_goes(pushes, follower, row_output and last, chunk_beats)
        depths.append({kind: _depth(goes[-1], pushes[kind], following, kind, chunk_beats) for kind in pushes})
        goes.append(following)
    return Timeline(goes[-1][0][0], pace, tuple(depths))


def _spaced(rows: list[list[int]], timing: Timing) -> list[list[int]]:
    """Beats held back until the pass can take them."""
    free, row_free, result = 0, 0, []
    for row in rows:
        times = []
        for b, t in enumerate(row):
            t = max(t, free, row_free if b == len(row) - 1 else 0)
            free = t + timing.interval
            times.append(t)
        row_free = times[-1] + timing.row_interval
        result.append(times)
    return result


def _pushes(goes, timing: Timing, chunk_beats: int) -> dict[str, list[list[int]]]:
    """When each buffer after a pass is written, row by row."""
    pushes = {}
    if timing.beat_latency is not None:
        pushes["beat"] = [[t + timing.beat_latency for t in row] for row in goes]
    if timing.chunk_latency is not None:
        ends = [[t for b, t in enumerate(row) if (b + 1) % chunk_beats == 0 or b == len(row) - 1] for row in goes]
        pushes["chunk"] = [[t + timing.chunk_latency for t in row] for row in ends]
    if timing.row_latency is not None:
        pushes["row"] = [[row[-1] + timing.row_latency] for row in goes]
    return pushes


def _next_goes(pushes, follower: Timing | None, row_output: bool, chunk_beats: int) -> list[list[int]]:
    """When the next pass (or the output) takes each beat: as soon as all that it needs stands ready."""
    main = pushes["row" if row_output else "beat"]
    chunks = pushes.get("chunk")
    ready = []
    for r, row in enumerate(main):
        times = [t + BUFFER_DELAY for t in row]
        if not row_output and "row" in pushes:
            times = [max(t, pushes["row"][r][0] + BUFFER_DELAY) for t in times]
        if chunks:
            times = [max(t, chunks[r][b // chunk_beats] + BUFFER_DELAY) for b, t in enumerate(times)]
        ready.append(times)
    return _spaced(ready, follower or Timing())


def _depth(goes, pushes, following, kind: str, chunk_beats: int) -> int:
    """Words a buffer must hold so that it never slows the pass before it."""
    reserved = {"beat": lambda row: row, "row": lambda row: row[-1:],
                "chunk": lambda row: [t for b, t in enumerate(row) if (b + 1) % chunk_beats == 0 or b == len(row) - 1]}  # fmt: skip
    taken_at = {"beat": lambda row: row, "row": lambda row: row[-1:], "chunk": reserved["chunk"]}
    begins = [t for row in goes for t in reserved[kind](row)]
    leaves = [t for row in following for t in taken_at[kind](row)]
    arrive = [t for row in pushes for t in row]
    # a word leaves the memory for the output register once it is there and its forerunner is gone
    moved = [max(p + 1, leaves[i - 1] if i else 0) for i, p in enumerate(arrive)]
    return max(i - sum(m < t for m in moved) for i, t in enumerate(begins)) + 1
