"""What a network in a file is called with, checked before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from narrowmax.errors import DataError


@dataclass(frozen=True)
class Declared:
    """An input: its name, its NumPy type, and its shape, None where any length goes; None for any shape."""

    name: str
    dtype: np.dtype
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        shape = "" if self.shape is None else f" ({', '.join('any' if n is None else str(n) for n in self.shape)})"
        return f"{self.name} {self.dtype}{shape}"


def fed(name: str, inputs: list[Declared], args: tuple, named: Mapping) -> dict[str, np.ndarray]:
    """Arrays by the names of `inputs`, in their types.

    args: one mapping of arrays by name, or arrays by place; named: arrays by name
    Raises DataError for what is missing, unknown, or of a kind or shape that does not fit.
    """
    if len(args) == 1 and isinstance(args[0], Mapping):
        args, named = (), {**args[0], **named}
    if len(args) > len(inputs):
        raise DataError(f"{name} takes {len(inputs)} inputs and was given {len(args)}; give {_list(inputs)}")
    given = {one.name: value for one, value in zip(inputs, args, strict=False)} | dict(named)
    known = {one.name for one in inputs}
    if wrong := [*(n for n in known if n not in given), *(n for n in given if n not in known)]:
        which = "is missing" if wrong[0] in known else "is none of its inputs"
        raise DataError(f"{wrong[0]!r} {which}; {name} takes {_list(inputs)}")
    return {one.name: _array(name, one, given[one.name]) for one in inputs}


def _list(inputs: list[Declared]) -> str:
    return ", ".join(map(str, inputs)) or "no inputs"


def _array(name: str, one: Declared, value: object) -> np.ndarray:
    array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    if not _fits(array, one):
        raise DataError(f"{one.name!r} was given as {array.dtype} {array.shape}; {name} takes {one}")
    return np.asarray(array, one.dtype, order="C")


def _fits(array: np.ndarray, one: Declared) -> bool:
    """Whether an array has the shape, and its numbers survive in the input's type: floats in any float."""
    if one.shape is not None and (
        len(one.shape) != array.ndim or any(n not in (None, m) for n, m in zip(one.shape, array.shape, strict=True))
    ):
        return False
    if array.dtype.kind == one.dtype.kind == "f" or array.dtype == one.dtype:
        return True
    if one.dtype.kind == "f":
        return array.dtype.kind in "iub"
    return array.dtype.kind in "iub" and one.dtype.kind in "iub" and _survives(array, one.dtype)


def _survives(array: np.ndarray, dtype: np.dtype) -> bool:
    return bool((array.astype(dtype) == array).all())
