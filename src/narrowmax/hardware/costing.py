"""What a unit costs, by synthesis, and the prices that make one number of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from narrowmax import store, tools
from narrowmax.errors import DesignError
from narrowmax.hardware import synthesis
from narrowmax.hardware.subjects import subject

# Transistors of each gate in static CMOS, as Yosys counts them (`stat -tech cmos`); a two-input
# NAND has four.  NAND2 equivalents counted so agree within 4 % with the areas of four open libraries.
TRANSISTORS = {
    "$_NOT_": 2, "$_BUF_": 4, "$_NAND_": 4, "$_NOR_": 4, "$_AND_": 6, "$_OR_": 6,
    "$_XOR_": 12, "$_XNOR_": 12, "$_MUX_": 12, "$_AOI3_": 6, "$_OAI3_": 6,
}  # fmt: skip
_NAND2 = TRANSISTORS["$_NAND_"]

# The plain D flip-flop over the two-input NAND, by area: 5.0 in ASAP7, 5.33 in sky130_fd_sc_hd, 6.5 in
# IHP sg13g2 (whose has a reset).  The middle one.
FLIP_FLOP = 5.33
# A bit with one write and one read port has eight transistors.  Compiled memories lie on both sides of
# it: 0.7 NAND2 a bit in the fakeram45 models, 6.8 in OpenRAM's sky130 ones.  Without a price, search
# would hide logic in buffers.  Tables need none: they are counted as the gates they become.
RAM_BIT = 8 / _NAND2

_LUTS = {"LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "LUT5": 1, "LUT6": 1}
# How many LUTs a slice's memory or shift register occupies.
_LUT_MEMORIES = {
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1S": 2, "RAM128X1D": 4,
    "RAM256X1S": 4, "RAM256X1D": 8, "RAM32M": 4, "RAM64M": 4, "SRL16E": 1, "SRLC16E": 1, "SRLC32E": 1,
}  # fmt: skip
_FLIP_FLOPS = ("FDRE", "FDSE", "FDCE", "FDPE", "FDRE_1", "FDSE_1", "FDCE_1", "FDPE_1")

_NO_DELAY = {
    "gates": "gates without a library have no delay; depth counts the gates between registers",
    "xc7": "no place and route of the 7 series can be had by a package, so no frequency is claimed",
}
TARGETS = tuple(_NO_DELAY)


@dataclass(frozen=True)
class Cost:
    """A measurement of hardware.

    area: for `gates` {"nand2" (of the logic, tables included), "ff", "ram_bits", "rom_bits" (inside
        nand2 already), "depth" (gates)}; for `xc7` {"luts", "lut_memory" (LUTs), "ff", "dsp", "bram"
        (of 36 kbit, halves allowed), "carry4"}
    delay_ns, fmax_mhz: None, for the reason given
    effort: of the mapping to gates, "full", or "light" for very large logic (`synthesis.MOST_OPTIMISED`)
    seeds, spread: synthesis here has no seed, so one run and no spread
    """

    target: str
    tool: str
    version: str
    area: Mapping[str, float]
    lanes: int
    max_n: int
    period_ns: float
    delay_ns: float | None = None
    delay_ns_reason: str = ""
    fmax_mhz: float | None = None
    fmax_mhz_reason: str = ""
    effort: str = "full"
    seeds: tuple[int, ...] = field(default=(0,))
    spread: float = 0.0

    @property
    def objective(self) -> float:
        """NAND2 equivalents in all, flip-flops and memory at their prices; raises DesignError for `xc7`."""
        if self.target != "gates":
            raise DesignError(
                f"the resources of {self.target} have no common price; ask for the cost with target gates"
            )
        area = self.area
        return round(area["nand2"] + FLIP_FLOP * area["ff"] + RAM_BIT * area["ram_bits"], 2)

    def record(self) -> dict:
        """As JSON, with `objective` where there is one."""
        made = store.plain(self)
        return {**made, "objective": self.objective} if self.target == "gates" else made


def cost(
    thing, target: str = "gates", *, lanes: int = 1, max_n: int | None = None, period_ns: float = 10.0,
    cache: store.Store | None = None,
) -> Cost:  # fmt: skip
    """The cost of a design, a unit or a hardware folder, by synthesis; kept by content.

    target: gates or xc7; the others (`lanes`, `max_n`, `period_ns`) build a design and are ignored
        for a unit or a folder, which have their own

    Raises DesignError for another target or a design without hardware, ToolMissing without Yosys,
    ToolFailed where it fails.
    """
    made = subject(thing, lanes=lanes, max_n=max_n, period_ns=period_ns)
    unit = made.unit
    measured = getattr(synthesis, _known(target))(unit.files, unit.top, cache)
    area = _gates_area(measured) if target == "gates" else _xc7_area(measured)
    reason = _NO_DELAY[target]
    return Cost(
        target, "Yosys", tools.yosys().version.removeprefix("Yosys "), area, unit.lanes, unit.max_n, made.period_ns,
        delay_ns_reason=reason, fmax_mhz_reason=reason, effort=measured.get("effort", "full"),
    )  # fmt: skip


def is_kept(
    thing, target: str = "gates", *, lanes: int = 1, max_n: int | None = None, period_ns: float = 10.0,
    cache: store.Store | None = None,
) -> bool:  # fmt: skip
    """Whether `cost` of the same has nothing to synthesise; raises as `cost`."""
    made = subject(thing, lanes=lanes, max_n=max_n, period_ns=period_ns).unit
    return synthesis.is_kept(_known(target), made.files, made.top, cache)


def _known(target: str) -> str:
    if target not in TARGETS:
        raise DesignError(f"target is {target!r}; it is one of {', '.join(TARGETS)}")
    return target


def _gates_area(measured: Mapping) -> dict:
    cells = {kind: count for kind, count in measured["cells"].items() if kind != "$mem_v2"}
    flip_flops = cells.pop("$_DFF_P_", 0)
    bits = {True: 0, False: 0}
    for memory in measured["memories"]:
        bits[memory["rom"]] += memory["width"] * memory["words"]
    transistors = sum(TRANSISTORS[kind] * count for kind, count in cells.items())
    return {
        "nand2": transistors / _NAND2, "ff": flip_flops, "ram_bits": bits[False], "rom_bits": bits[True],
        "depth": measured["depth"],
    }  # fmt: skip


def _xc7_area(measured: Mapping) -> dict:
    cells = measured["cells"]

    def total(weights: Mapping[str, int]) -> int:
        return sum(weight * cells.get(kind, 0) for kind, weight in weights.items())

    return {
        "luts": total(_LUTS), "lut_memory": total(_LUT_MEMORIES), "ff": total(dict.fromkeys(_FLIP_FLOPS, 1)),
        "dsp": cells.get("DSP48E1", 0), "bram": cells.get("RAMB36E1", 0) + cells.get("RAMB18E1", 0) / 2,
        "carry4": cells.get("CARRY4", 0),
    }  # fmt: skip
