"""What the Verilog engine gives: the text of a unit and everything needed to check it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from narrowmax.engines.verilog.modules import BlockInfo
from narrowmax.engines.verilog.ports import Ports


@dataclass(frozen=True)
class Probe:
    """Where a wire can be watched: its signal, and the signals that are all high when it holds an item.

    `rate` is element, chunk or row; `signal` and `valid` are hierarchical names below the top module.
    """

    wire: str
    signal: str
    valid: tuple[str, ...]
    lane: int
    rate: str


@dataclass(frozen=True)
class Unit:
    """A softmax unit in Verilog: one module a file, the top module's ports as the protocol says.

    Input and output codes have `in_bits` and `out_bits` (two's complement if signed) and stand in
    whole bytes.  `latency_cycles`: from accepting the first beat of a row of `max_n` to offering
    its first result, nothing stalled; `initiation_interval`: cycles between such rows.
    """

    top: str
    files: Mapping[str, str]
    lanes: int
    max_n: int
    chunk: int | None
    in_bits: int
    out_bits: int
    in_signed: bool
    out_signed: bool
    output_rate: str
    latency_cycles: int
    initiation_interval: int
    modules: tuple[BlockInfo, ...]
    probes: tuple[Probe, ...]

    @property
    def ports(self) -> Ports:
        return Ports(self.in_bits, self.out_bits, self.lanes)

    @property
    def in_bytes(self) -> int:
        return self.ports.in_bytes

    @property
    def out_bytes(self) -> int:
        return self.ports.out_bytes
