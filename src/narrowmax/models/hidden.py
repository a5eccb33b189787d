"""Networks that hide a softmax where Python cannot see it, refused before they run."""

from __future__ import annotations

from collections.abc import Iterator

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
    for cls in type(module).__mro__[:-1]:
        if cls.__module__.startswith("torch."):
            return
        for method in vars(cls).values():
            code, known = getattr(method, "__code__", None), getattr(method, "__globals__", {})
            for name in code.co_names if code else ():
                if isinstance(known.get(name), torch.jit.ScriptFunction):
                    yield name, known[name]


def _refuse_kernel(module: nn.Module) -> None:
    chosen = getattr(getattr(module, "config", None), "_attn_implementation", None)
    if isinstance(chosen, str) and any(word in chosen for word in _KERNELS):
        raise DataError(
            f"the attention implementation {chosen} hides its softmax; call "
            "network.set_attn_implementation('sdpa') first"
        )
