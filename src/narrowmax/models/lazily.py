"""Names of a package that are imported when they are first used, and what they need with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def named(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """The `__getattr__` of `package`; homes: by name, the module in the package that has it."""

    def found(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"{package} has no {name!r}; it has {', '.join(sorted(homes))}")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return found
