"""A unit's Verilog, simulated from arrays: rows in, rows out, and every broken rule named."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from narrowmax import store
from narrowmax.hardware import verilated
from narrowmax.hardware.stimulus import Rows

# What the harness's error numbers mean, in its order.
_BROKEN = (
    "", "hung: nothing was accepted or delivered for {patience} cycles",
    "let tvalid fall before tready took the beat", "changed tdata while the beat waited",
    "changed tkeep while the beat waited", "changed tlast while the beat waited",
    "sent a wrong tkeep", "sent a wrong tlast", "sent a row before its first beat went in",
    "sent a beat after the last row", "held tvalid high in reset",
    "held tready high in reset, when a beat would be lost",
    "raised row_too_long without such a row", "did not raise row_too_long, or let it fall",
    "has a path from an input to an output without a register",
    "failed an assertion of its own",
)  # fmt: skip

_POINTERS = ("lengths", "elements", "present", "outputs", "accepted", "delivered", "finished")
_NUMBERS = ("stall_in", "stall_out", "stall_length", "drain_every", "ready_after_valid", "abort_beats",
            "abort_row",             "patience", "quiet", "strict", "fault")  # fmt: skip
_RESULTS = ("cycles", "rows_out", "beats_in", "error", "error_row", "error_beat", "error_cycle")


class Job(ctypes.Structure):
    """The harness's `Job`, field for field."""

    _fields_ = (
        [("rows", ctypes.c_int64)]
        + [(name, ctypes.c_void_p) for name in _POINTERS]
        + [("seed", ctypes.c_uint64)]
        + [(name, ctypes.c_int64) for name in _NUMBERS]
        + [("probe_values", ctypes.c_void_p), ("probe_counts", ctypes.c_void_p), ("probe_room", ctypes.c_int64)]
        + [(name, ctypes.c_int64) for name in _RESULTS]
    )


@dataclass(frozen=True)
class Manner:
    """How a run treats the unit.

    stall_in, stall_out: chance in 256, each cycle, that a stall of 1..stall_length cycles begins
    drain_every: after so many rows wait until all are out (0: never)
    ready_after_valid: tready only after tvalid was seen, as a slave may
    abort_beats: beats taken, from abort_row on, before a reset in mid-row, after which all rows follow (-1: none)
    strict: look for paths from input to output that no register breaks
    quiet: cycles watched after the last row; fault: the planted fault that is chosen, 0 for none
    """

    seed: int = 0
    stall_in: int = 0
    stall_out: int = 0
    stall_length: int = 1
    drain_every: int = 0
    ready_after_valid: bool = False
    abort_beats: int = -1
    abort_row: int = 0
    strict: bool = False
    quiet: int = 64
    fault: int = 0


@dataclass(frozen=True)
class Ran:
    """What a run gave.

    outputs: (results,) int64 codes of all rows, one after the other; see `Simulation.results`
    accepted, delivered, finished: (rows,) cycle in which a row's first beat was taken, its first
        output beat was seen, its last was taken
    error: what rule was broken, as a sentence's end, or None; then error_row, error_cycle say where
    probes: per probe a (sightings, 2) uint64 array, the low and the high word of what was seen
    """

    outputs: np.ndarray
    accepted: np.ndarray
    delivered: np.ndarray
    finished: np.ndarray
    cycles: int
    rows_out: int
    error: str | None
    error_row: int
    error_cycle: int
    probes: tuple[np.ndarray, ...] = ()


class Simulation:
    """A unit, built and ready to run.

    unit: a `Unit` of the Verilog engine; files: other Verilog for the same ports
    probes: how many values the top shows at `probe_data` and `probe_valid`; planted: whether the
        files hold faults to choose from
    """

    def __init__(
        self, unit, *, files: Mapping[str, str] | None = None, top: str | None = None, probes: int = 0,
        planted: bool = False, optimise: str = "-O1", cache: store.Store | None = None,
    ):  # fmt: skip
        self.unit = unit
        self.probes = probes
        defines = {
            "LANES": unit.lanes, "IN_BYTES": unit.in_bytes, "OUT_BYTES": unit.out_bytes,
            "MAX_N": unit.max_n, "ROW_RATE": int(unit.output_rate == "row"),
            **({"PROBES": probes} if probes else {}), **({"PLANTED": 1} if planted else {}),
        }  # fmt: skip
        source = verilated.Source(files or unit.files, top or unit.top, "harness.cc", defines, optimise)
        self._library = verilated.load(source, cache)
        if self._library.nm_job_bytes() != ctypes.sizeof(Job):
            raise AssertionError("harness.cc and cosimulation.py disagree about the fields of a job")

    def results(self, lengths: np.ndarray) -> np.ndarray:
        """(rows,) how many results each row gives: its elements, at most max_n, or one."""
        if self.unit.output_rate == "row":
            return np.ones_like(lengths)
        return np.minimum(lengths, self.unit.max_n)

    def patience(self, manner: Manner) -> int:
        """Cycles without a beat in or out that mean a hang."""
        per_row = self.unit.latency_cycles + self.unit.initiation_interval + self.unit.max_n
        return 4 * (per_row + 64 + manner.quiet) + 64 * manner.stall_length

    def run(self, rows: Rows, manner: Manner = Manner(), probe_room: int = 0) -> Ran:
        """Drive `rows` through a fresh unit.  probe_room: values kept of each probe."""
        count, expected = len(rows), int(self.results(rows.lengths).sum())
        buffers = {
            "lengths": np.ascontiguousarray(rows.lengths, np.int64),
            "elements": packed(rows.codes, self.unit.in_bytes),
            "present": np.ascontiguousarray(rows.present, np.uint8),
            "outputs": np.zeros(expected * self.unit.out_bytes + 8, np.uint8),
            **{name: np.full(count, -1, np.int64) for name in ("accepted", "delivered", "finished")},
        }
        values = np.zeros((max(1, self.probes), max(1, probe_room), 2), np.uint64)
        counts = np.zeros(max(1, self.probes), np.int64)
        job = Job(rows=count, seed=manner.seed, patience=self.patience(manner), probe_room=probe_room)
        for name, buffer in {**buffers, "probe_values": values, "probe_counts": counts}.items():
            setattr(job, name, buffer.ctypes.data)
        for name in _NUMBERS:
            if name != "patience":
                setattr(job, name, int(getattr(manner, name)))
        self._library.nm_run(ctypes.byref(job))
        return self._ran(job, buffers, expected, values, counts)

    def _ran(self, job: Job, buffers: dict, expected: int, values: np.ndarray, counts: np.ndarray) -> Ran:
        outputs = unpacked(buffers["outputs"], expected, self.unit.out_bytes, self.unit.out_signed)
        seen = [min(int(count), job.probe_room) for count in counts[: self.probes]]
        probes = [values[p, :n] for p, n in enumerate(seen)]
        return Ran(
            outputs, buffers["accepted"], buffers["delivered"], buffers["finished"], job.cycles, job.rows_out,
            _BROKEN[job.error].format(patience=job.patience) or None, job.error_row, job.error_cycle, tuple(probes),
        )  # fmt: skip


def packed(codes: np.ndarray, size: int) -> np.ndarray:
    """(elements * size,) bytes of integer codes, little-endian, two's complement where negative."""
    if size in (1, 2, 4, 8):
        return np.ascontiguousarray(codes, "<i8").astype(f"<i{size}").view(np.uint8)
    wide = np.ascontiguousarray(codes, "<i8").view(np.uint8).reshape(-1, 8)
    return np.ascontiguousarray(wide[:, :size]).reshape(-1)


def unpacked(buffer: np.ndarray, count: int, size: int, signed: bool) -> np.ndarray:
    """(count,) int64 codes from bytes, little-endian."""
    words = buffer[: count * size].reshape(count, size)
    wide = np.zeros((count, 8), np.uint8)
    wide[:, :size] = words
    if signed:
        wide[:, size:] = np.where(words[:, -1:] >= 128, 255, 0)
    return wide.view("<i8").reshape(count)
