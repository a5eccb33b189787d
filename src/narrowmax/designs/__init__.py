"""Designs: an architecture with all its parameters, which can be simulated, built and priced."""

from narrowmax.designs.error_budget import error_budget
from narrowmax.designs.error_card import error_card
from narrowmax.designs.files import read
from narrowmax.designs.guarantees import guarantees
from narrowmax.designs.limits import limits
from narrowmax.designs.record import Design, catalogue, design
from narrowmax.designs.sweeping import Sweep, sweep

__all__ = [
    "Design", "Sweep", "catalogue", "design", "error_budget", "error_card", "guarantees", "limits",
    "read", "sweep",
]  # fmt: skip
