"""Whether a planted fault changes anything, by Yosys' solver."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from narrowmax import store, tools
from narrowmax.errors import ToolFailed
from narrowmax.hardware import synthesis

_SECONDS = 60.0
# Registers keep their names, so each is compared for itself: the next value of every register and output
# must be the same function of the present ones, or the same for any three cycles that follow one another.
_SCRIPT = """\
{reading_before}hierarchy -top {top}; proc; flatten; memory_nordff; memory_map; opt_clean; rename {top} before
design -stash before
{reading_after}hierarchy -top {top}; proc; flatten; memory_nordff; memory_map; opt_clean; rename {top} after
design -stash after
design -copy-from before -as before before
design -copy-from after -as after after
equiv_make before after both; hierarchy -top both; async2sync; opt_clean
equiv_simple -undef -seq 2; equiv_induct -undef -seq 3; equiv_status -assert
"""


def equivalent(unit, fault, cache: store.Store | None = None) -> str | None:
    """How it was proven that the unit with the fault is the unit without it; None where it was not.

    The module that holds the fault is compared with itself, with what it instantiates, for all inputs.
    """
    from narrowmax.hardware.faults import mutated

    before, after = unit.files, mutated(unit.files, fault)
    module = fault.file.rsplit(".", 1)[0]
    cache = cache or store.Store()
    inputs = (before, after, module, _SCRIPT, tools.yosys().version)
    proven = cache.remember("equivalence", inputs, lambda: _prove(before, after, module))
    return "the module is the same for all inputs" if proven else None


def _prove(before: Mapping[str, str], after: Mapping[str, str], module: str) -> bool:
    renamed = {f"before_{name}": text for name, text in before.items()}
    renamed |= {f"after_{name}": text for name, text in after.items()}
    script = _SCRIPT.format(
        top=module, reading_before=_reading("before", before), reading_after=_reading("after", after)
    )
    with tempfile.TemporaryDirectory(prefix="narrowmax-") as folder:
        try:
            synthesis.run_script(script, renamed, Path(folder), _SECONDS)
        except ToolFailed:  # not proven, or not within the time
            return False
    return True


def _reading(side: str, files: Mapping[str, str]) -> str:
    return "".join(f"read_verilog -sv {side}_{name}\n" for name in files)
