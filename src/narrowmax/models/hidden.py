"""Networks that hide a softmax where Python cannot see it, refused before they run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import FunctionType

import torch
from torch import nn

from narrowmax.errors import DataError

_SOFTMAXES = ("softmax", "scaled_dot_product_attention", "multi_head_attention", "cross_entropy")
_KERNELS = ("flash", "flex_attention", "/")  # "/": a kernel from a hub


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
    """`(name, code)` of what is TorchScript in a module: itself, or functions that its methods name."""
    if is_scripted(module):
        if hasattr(module, "inlined_graph"):  # a list of layers has none
            yield "", module
        return
    yield from _scripted_functions(type(module))


@lru_cache(maxsize=4096)
def _scripted_functions(cls: type) -> tuple[tuple[str, object], ...]:
    """`(name, function)` of the TorchScript functions that the methods of a class name."""
    methods = [
        method for one in cls.__mro__ if not one.__module__.startswith("torch.") for method in vars(one).values()
    ]
    named = [(name, method.__globals__) for method in methods for name in _names_in(method)]
    return tuple((name, known[name]) for name, known in named if isinstance(known.get(name), torch.jit.ScriptFunction))


def _names_in(method: object) -> tuple[str, ...]:
    return method.__code__.co_names if isinstance(method, FunctionType) else ()


def _refuse_kernel(module: nn.Module) -> None:
    chosen = getattr(vars(module).get("config"), "_attn_implementation", None)
    if isinstance(chosen, str) and any(word in chosen for word in _KERNELS):
        raise DataError(
            f"the attention implementation {chosen} hides its softmax; call "
            "network.set_attn_implementation('sdpa') first"
        )
