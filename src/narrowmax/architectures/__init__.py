"""Ways to build softmax, published and new: one file each, found by looking into this folder."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from narrowmax.architectures.record import SECTIONS, Architecture, architecture

__all__ = ["SECTIONS", "Architecture", "architecture", "found"]


@cache
def found() -> MappingProxyType[str, Architecture]:
    """Every architecture by name: each file of this folder that defines one under its own name."""
    modules = {m.name: import_module(f"{__name__}.{m.name}") for m in iter_modules(__path__)}
    named = {name: getattr(module, name, None) for name, module in modules.items()}
    return MappingProxyType({name: a for name, a in sorted(named.items()) if isinstance(a, Architecture)})
