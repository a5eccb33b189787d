"""Simulation on torch tensors, on the device where they lie, equal to `interpret` on every bit, or refused.

For networks on a GPU: the program is that of the array engine (see `walk`), nothing leaves the
device, and the host waits for it once, at the end.  A wire whose range needs more than 62 bits and
a sign is refused by name, and so is a device whose 64-bit integers are not exact.
"""

from __future__ import annotations

import torch
from torch import Tensor

from narrowmax.datapath import Datapath
from narrowmax.engines import walk
from narrowmax.engines.tensors.kit import Space, computes_exactly
from narrowmax.errors import DataError, RangeError

BLOCKS = {"cpu": 1 << 15}
"""Elements worked on at a time, by kind of device: on a processor what its cache holds."""
BLOCK = 1 << 24  # elsewhere: a wire of 128 MiB, of which a few are held


def run(datapath: Datapath, codes: Tensor, present: Tensor | None = None) -> Tensor:
    """Output codes of rows of input codes, on their device.

    `codes` is (rows, n) integers of the input format, `present` (rows, n) booleans on the same device
    or None for all.  Returns (rows, n) int64, or (rows, 1) for a row-rate output.  Raises DataError
    for rows longer than max_n, codes outside the format or flags that do not fit, RangeError for a
    wire that int64 cannot hold, a `known` that is false or a device that does not compute exactly.
    """
    plan = walk.plan_of(datapath, "tensor")
    walk.refuse_shapes(datapath, codes, _is_integer(codes), present)
    if present is not None and present.device != codes.device:
        raise DataError(f"present lies on {present.device} and codes on {codes.device}: bring them to one device")
    if not computes_exactly(codes.device):
        raise RangeError(f"the device {codes.device} has no exact 64-bit integers: move the tensor, as with .cpu()")
    space = Space(codes.device)
    result = walked(plan, space, codes, present)
    space.settle()
    return result


def walked(plan: walk.Plan, space: Space, codes: Tensor, present: Tensor | None) -> Tensor:
    """The output codes, unread: they hold if none of the space's doubts turns out true."""
    codes = _within(plan.datapath, space, codes)
    present = None if present is None else present.to(torch.bool)
    step = max(1, BLOCKS.get(codes.device.type, BLOCK) // max(codes.shape[1], 1))
    parts = [slice(start, start + step) for start in range(0, len(codes), step)] or [slice(None)]
    blocks = (walk.Block(plan, space, codes[p], None if present is None else present[p]) for p in parts)
    results = [block.output() for block in blocks]
    return results[0] if len(results) == 1 else torch.cat(results)


def _within(datapath: Datapath, space: Space, codes: Tensor) -> Tensor:
    """Codes as int64, brought into the format, with a doubt where that changed any."""
    low, high = datapath.input_range
    wide = codes.to(torch.int64)
    least = 0 if codes.dtype is torch.uint64 else low  # its codes beyond 2**63 are negative now
    seen = wide.clamp(least, high)
    message = f"a code lies outside the format {datapath.input_format}, which holds {low}..{high}: quantise first"
    space.doubts.append(((seen != wide).any(), DataError(message)))
    return seen


def _is_integer(codes: Tensor) -> bool:
    return codes.dtype is not torch.bool and not (codes.is_floating_point() or codes.is_complex())
