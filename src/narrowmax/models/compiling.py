"""What `torch.compile` has made runs as it was written while anybody listens."""

from __future__ import annotations

import sys
from functools import wraps

import torch

_stance = None  # of torch.compile, while anybody listens
_compile = None  # torch.compile itself, while another stands in its place


def set_uncompiled(listening: bool) -> None:
    """Compile nothing from now on, or compile again.

    What compiles takes long to import, so where nobody has done so yet, the first call of `torch.compile` does.
    """
    if listening and "torch._dynamo" in sys.modules:
        _take_stance()
    elif listening and _compile is None:
        _wait_for_compile()
    elif not listening:
        _compile_again()


def _take_stance() -> None:
    global _stance
    if _stance is None:
        _stance = torch.compiler.set_stance("force_eager")
        _stance.__enter__()


def _wait_for_compile() -> None:
    global _compile
    _compile = original = torch.compile

    @wraps(original)
    def compile_later(*args, **kwargs):
        if _compile is original:  # else somebody keeps this function for after the block
            _take_stance()
        return original(*args, **kwargs)

    torch.compile = compile_later


def _compile_again() -> None:
    global _stance, _compile
    if _compile is not None:
        torch.compile, _compile = _compile, None
    if _stance is not None:
        _stance.__exit__(None, None, None)
        _stance = None
