"""Networks that hide a softmax where Python cannot see it, refused before they run."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache, partial
from types import FunctionType, MethodType, ModuleType

import torch
from torch import nn

from narrowmax.errors import DataError

_SOFTMAXES = ("softmax", "scaled_dot_product_attention", "multi_head_attention", "cross_entropy")
_KERNELS = ("flash", "flex_attention", "/")  # "/": a kernel from a hub
_CALLED = (FunctionType, MethodType, staticmethod, classmethod, partial)
_DEPTH = 3  # a method, a function that it calls, and one that this calls


def refuse_hidden(network: nn.Module) -> None:
    """Raises DataError, with the remedy, where a softmax is in TorchScript or in a fused kernel of its own."""
    for name, module in network.named_modules():
        _refuse_kernel(module)
        for what, code in _scripted(module):
            if any(word in str(code.inlined_graph) for word in _SOFTMAXES):
                raise DataError(
                    f"{what or name or 'the network'} is TorchScript, whose softmax cannot be seen; give the Python "
                    "module that it was made from, or set PYTORCH_JIT=0"
                )


def is_scripted(module: nn.Module) -> bool:
    """Whether a module is TorchScript, which takes no hooks."""
    return isinstance(module, torch.jit.ScriptModule)


def _scripted(module: nn.Module) -> Iterator[tuple[str, object]]:
    """`(name, code)` of what is TorchScript in a module: itself, its attributes, or functions that its methods name."""
    if is_scripted(module):
        if hasattr(module, "inlined_graph"):  # a list of layers has none
            yield "", module
        return
    yield from _scripted_functions(type(module))
    for name, value in vars(module).items():
        yield from _in_value(name, value, _DEPTH)


@lru_cache(maxsize=4096)
def _scripted_functions(cls: type) -> tuple[tuple[str, object], ...]:
    """`(name, function)` of the TorchScript functions that the methods of a class name."""
    members = [member for one in cls.__mro__ if not one.__module__.startswith("torch.") for member in vars(one).items()]
    return tuple(found for name, value in members for found in _in_value(name, value, _DEPTH))


def _in_value(name: str, value: object, depth: int) -> Iterator[tuple[str, object]]:
    """Of a value in a module, a class or another module: itself, or what a function calls, and what that calls."""
    if isinstance(value, torch.jit.ScriptFunction):
        yield name, value
    elif depth and isinstance(value, _CALLED) and (function := _function(value)) is not None:
        for name, known in _named_by(function):
            yield from _in_value(name, known, depth - 1)


def _function(value: object) -> FunctionType | None:
    """What a method, a partial or a decorated function calls; None for one of torch's own."""
    value = value.func if isinstance(value, partial) else getattr(value, "__func__", value)
    function = inspect.unwrap(value) if isinstance(value, FunctionType) else value
    own = isinstance(function, FunctionType) and not (function.__module__ or "").startswith("torch.")
    return function if own else None


def _named_by(function: FunctionType) -> Iterator[tuple[str, object]]:
    """Globals of a function and what it is a closure of; of modules among them, the members that it names."""
    code = function.__code__
    known = [(name, function.__globals__.get(name)) for name in code.co_names]
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # a cell that is empty yet
            known.append((name, cell.cell_contents))
    for name, value in known:
        if not isinstance(value, ModuleType):
            yield name, value
        elif not value.__name__.startswith("torch"):
            yield from ((each, vars(value).get(each)) for each in code.co_names)


def _refuse_kernel(module: nn.Module) -> None:
    chosen = getattr(vars(module).get("config"), "_attn_implementation", None)
    if isinstance(chosen, str) and any(word in chosen for word in _KERNELS):
        raise DataError(
            f"the attention implementation {chosen} hides its softmax; call "
            "network.set_attn_implementation('sdpa') first"
        )
