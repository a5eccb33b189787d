"""The ports of a unit: two AXI4-Streams, a clock and a reset."""

from __future__ import annotations

from dataclasses import dataclass

from narrowmax.engines.verilog.text import declare


@dataclass(frozen=True)
class Ports:
    """Widths of the codes, which stand in whole bytes, and how many there are in a beat."""

    in_bits: int
    out_bits: int
    lanes: int

    @property
    def in_bytes(self) -> int:
        return -(-self.in_bits // 8)

    @property
    def out_bytes(self) -> int:
        return -(-self.out_bits // 8)

    def each(self) -> list[tuple[str, str, int]]:
        """(name, direction, bits) of every port, in order."""
        i, o = self.in_bytes * self.lanes, self.out_bytes * self.lanes
        return [
            ("aclk", "input", 1), ("aresetn", "input", 1),
            ("s_axis_tvalid", "input", 1), ("s_axis_tready", "output", 1), ("s_axis_tdata", "input", 8 * i),
            ("s_axis_tkeep", "input", i), ("s_axis_tlast", "input", 1), ("s_axis_tuser", "input", self.lanes),
            ("m_axis_tvalid", "output", 1), ("m_axis_tready", "input", 1), ("m_axis_tdata", "output", 8 * o),
            ("m_axis_tkeep", "output", o), ("m_axis_tlast", "output", 1), ("row_too_long", "output", 1),
        ]  # fmt: skip

    def listing(self) -> list[str]:
        """Their declarations in Verilog."""
        return [declare(f"{kind:6} logic", name, bits) for name, kind, bits in self.each()]
