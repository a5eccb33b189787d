"""Designs: an architecture with all its parameters, which can be simulated, built and priced."""

from narrowmax.designs.files import read
from narrowmax.designs.limits import limits
from narrowmax.designs.record import Design, catalogue, design
from narrowmax.designs.sweeping import Sweep, sweep

__all__ = ["Design", "catalogue", "design", "limits", "read", "Sweep", "sweep"]
