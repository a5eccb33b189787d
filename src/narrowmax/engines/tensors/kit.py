"""Primitives of operations on torch int64 tensors, and the space of tensors that `walk` works in.

Nothing here reads a tensor's values: on a GPU every such read would wait for all work before it.
What is found to be wrong is kept as flags on the device, for one reading at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from narrowmax.datapath import INTEGERS, Table, Wire
from narrowmax.engines import walk
from narrowmax.errors import NarrowmaxError

WIDE = (2**61 + 3, 2**53 + 1, 2**32 - 1, 1, 0, -(2**53) - 1, -(2**61) - 3)
"""Operands that no narrower integer and no float holds."""

_entries: WeakKeyDictionary[Table, dict[torch.device, Tensor]] = WeakKeyDictionary()


class Tensors:
    """int64 tensors of one device that broadcast, and Python integers among them for what is constant.

    Every operand and result fits 62 bits and a sign.
    """

    @staticmethod
    def minimum(a, b):
        a, b = _tensor_first(a, b)
        return INTEGERS.minimum(a, b) if isinstance(a, int) else a.clamp(max=b)

    @staticmethod
    def maximum(a, b):
        a, b = _tensor_first(a, b)
        return INTEGERS.maximum(a, b) if isinstance(a, int) else a.clamp(min=b)

    @staticmethod
    def where(condition, yes, no):
        if isinstance(condition, int):
            return INTEGERS.where(condition, yes, no)
        return torch.where(condition if condition.dtype is torch.bool else condition != 0, yes, no)

    @staticmethod
    def truth(condition):
        return int(condition) if isinstance(condition, bool) else condition.to(torch.int64)

    @staticmethod
    def shift_right(value, amount):
        return value >> amount  # torch gives 0 or -1 beyond the width

    @staticmethod
    def shift_left(value, amount):
        return value << amount

    @staticmethod
    def low_bits(value, count):
        # beyond 62 bits only values that are not negative have a result that fits, and those keep all bits
        return value & ((1 << min(count, 62)) - 1)

    @staticmethod
    def bit_length(value):
        """By halving: the floats of some devices would not be exact, or are not there."""
        if isinstance(value, int):
            return INTEGERS.bit_length(value)
        length = torch.zeros_like(value)
        for step in (32, 16, 8, 4, 2, 1):
            high = value >> step
            some = high > 0
            value, length = torch.where(some, high, value), length + some * step
        return length + value  # what is left is 0 or 1

    @staticmethod
    def lookup(table, index):
        if isinstance(index, int):
            return INTEGERS.lookup(table, index)
        return entries(table, index.device)[index]

    @staticmethod
    def divide(numerator, divisor, by_zero):
        if isinstance(divisor, int):
            return numerator // divisor if divisor else by_zero
        zero = divisor == 0
        return torch.where(zero, by_zero, numerator // torch.where(zero, 1, divisor))


TENSORS = Tensors()


def _tensor_first(a, b):
    return (b, a) if isinstance(a, int) else (a, b)


def entries(table: Table, device: torch.device) -> Tensor:
    """A table's entries on a device, taken there once; 0 for what int64 cannot hold, which nothing reaches."""
    known = _entries.setdefault(table, {})
    if device not in known:
        known[device] = torch.tensor([e if -(2**63) <= e < 2**63 else 0 for e in table.entries], device=device)
    return known[device]


@dataclass
class Space:
    """The space of tensors on a device.

    doubts: for everything that must not happen, a flag on the device that says whether it did, and its error
    """

    device: torch.device
    doubts: list[tuple[Tensor, NarrowmaxError]] = field(default_factory=list)
    kit = TENSORS
    where = staticmethod(Tensors.where)
    integers = staticmethod(Tensors.truth)
    joined = staticmethod(torch.cat)

    def full(self, shape: tuple, value: int | bool) -> Tensor:
        return torch.full(
            shape, value, dtype=torch.bool if isinstance(value, bool) else torch.int64, device=self.device
        )

    def count(self, n: int) -> Tensor:
        return torch.arange(n, device=self.device)

    def spread(self, array: Tensor | int, shape: tuple) -> Tensor:
        return self.full(shape, array) if isinstance(array, int) else array.expand(shape)

    def total(self, array: Tensor) -> Tensor:
        return array.sum(2, keepdim=True)

    def largest(self, array: Tensor) -> Tensor:
        return array.amax(2, keepdim=True)

    def smallest(self, array: Tensor) -> Tensor:
        return array.amin(2, keepdim=True)

    def any(self, flags: Tensor, axes: tuple) -> Tensor:
        return flags.any(axes, keepdim=True)

    def guard(self, value: Tensor | int, wire: Wire, here: Tensor, name: str) -> Tensor:
        value = self.spread(value, (1, 1, 1)) if isinstance(value, int) else value
        bad = ((value < wire.lo) | (value > wire.hi)) & here
        self.doubts.append((bad.any(), walk.left_its_range(wire, name)))
        return value.clamp(wire.lo, wire.hi)  # so that no later operation leaves what it can hold, such as its table

    def settle(self) -> None:
        """Raise the error of the first doubt that turned out true: the one reading of the device."""
        flags = torch.stack([flag for flag, _ in self.doubts]).tolist() if self.doubts else []
        for error in (error for flag, (_, error) in zip(flags, self.doubts, strict=True) if flag):
            raise error


@lru_cache
def computes_exactly(device: torch.device) -> bool:
    """Whether a device's 64-bit integers are those of a processor, by trial of every primitive on wide operands."""
    wide = torch.tensor(WIDE)
    try:
        return _tried(wide.to(device)) == _tried(wide)
    except (RuntimeError, TypeError):  # such as a device without int64, or without values
        return False


def _tried(wide: Tensor) -> list:
    up, space, places = wide.clamp(min=0), Space(wide.device), torch.arange(0, 70, 10, device=wide.device)
    shaped, table = wide.reshape(1, 1, -1), Table("trial", (5, 2**61 + 1), 0, "a trial", "as they are")
    found = [
        wide + 1, 3 - wide, (wide >> 31) * 3, TENSORS.shift_right(wide, places), wide < 2**61 + 3,
        TENSORS.shift_left(up.clamp(max=1), places.clamp(max=60)),
        TENSORS.minimum(wide, 2**53), TENSORS.maximum(wide, wide.flip(0)), TENSORS.where(wide > 7, wide, -(2**61)),
        TENSORS.low_bits(wide, 40), TENSORS.bit_length(up), TENSORS.lookup(table, up.clamp(max=1)),
        TENSORS.divide(up, up.flip(0), 9), TENSORS.divide(up, 3, 9), space.total(shaped), space.largest(shaped),
        space.smallest(shaped), space.any(shaped > 2**61, (1, 2)),
    ]  # fmt: skip
    return [value.tolist() for value in found]
