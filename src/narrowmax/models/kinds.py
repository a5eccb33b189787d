"""What a softmax is for: attention, choosing among experts, drawing the next token, or classes."""

from __future__ import annotations

import sys

from torch import Tensor

_SAMPLERS = "transformers.generation"
_ROUTERS = ("gate", "router")


def kind_of(name: str, cls: str, x: Tensor, axis: int, heads: int | None) -> str:
    """One of `sites.KINDS`, for a plain softmax over `axis` of `x` that the layer `name`, a `cls`, calls.

    cls: the class of the running layer; empty for a call outside of the network
    heads: of the multi-head attention that is running, if one is
    """
    last = name.rsplit(".", 1)[-1].lower()
    if not cls and _in_generation():
        return "sampling"
    if last in _ROUTERS or "router" in cls.lower() or "moe" in cls.lower():
        return "router"
    attends = heads is not None or is_attention_shaped(x, axis) or _attends(last, cls, x, axis)
    return "attention" if attends else "classifier"


def is_attention_shaped(x: Tensor, axis: int) -> bool:
    """Whether `x` is like scores of heads: four axes or more, softmax over the last."""
    return x.dim() >= 4 and axis in (-1, x.dim() - 1)


def _attends(last: str, cls: str, x: Tensor, axis: int) -> bool:
    return axis in (-1, x.dim() - 1) and ("att" in last or "att" in cls.lower())


def _in_generation() -> bool:
    """Whether the `generate` of Transformers is what calls: its processors and beams, on logits it was given."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(_SAMPLERS):
            return True
        frame = frame.f_back
    return False
