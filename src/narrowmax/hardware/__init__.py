"""Hardware: what is built from a unit's Verilog, whether it is right, and what it costs."""

from narrowmax.hardware.costing import FLIP_FLOP, RAM_BIT, TARGETS, Cost, cost, is_kept
from narrowmax.hardware.estimation import estimate, estimated_logic
from narrowmax.hardware.folders import build
from narrowmax.hardware.linting import lint
from narrowmax.hardware.subjects import Subject
from narrowmax.hardware.verification import verify

__all__ = [
    "FLIP_FLOP", "RAM_BIT", "TARGETS", "Cost", "Subject", "build", "cost", "estimate", "estimated_logic", "is_kept",
    "lint", "verify",
]  # fmt: skip
