"""A softmax that a PyTorch network writes out, told by what becomes of its exponentials."""

from __future__ import annotations

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

EXP, SUM, INVERSE, LOG_SUM, SHIFTED = "exp(x)", "sum(exp(x))", "1 / sum(exp(x))", "logsumexp(x)", "x - logsumexp(x)"

_EXPONENTIALS = {"exp", "exp2"}
_POWERS = {"pow", "float_power", "__pow__", "__rpow__"}
_SUMS = {"sum", "nansum"}
_PRODUCTS = {"mul", "multiply", "__mul__", "__rmul__", "__imul__"}
_DIFFERENCES = {"sub", "subtract", "__sub__", "__isub__"}
_QUOTIENTS = {"div", "divide", "true_divide", "__truediv__", "__itruediv__"}
_INVERSES = {"reciprocal", "__rdiv__", "__rtruediv__"}
_GUARDS = {"add", "__add__", "__radd__", "__iadd__", "clamp", "clamp_min", "clip", "maximum"}
_MASKS = {"masked_fill", "where"}
_SHAPES = {
    "unsqueeze",
    "squeeze",
    "view",
    "reshape",
    "expand",
    "expand_as",
    "broadcast_to",
    "to",
    "float",
    "contiguous",
}


class Handwritten:
    """Follows tensors from an exponential on, while they live."""

    def __init__(self):
        self._kinds = WeakTensorKeyDictionary()

    def see(self, name: str, args: tuple, kwargs: dict, out: Tensor) -> str | None:
        """The softmax that a call of `name` completes, as a formula; None where it completes none."""
        kinds = [self._kinds.get(one) if isinstance(one, Tensor) else None for one in args[:3]]
        found, kind = _completed(name, kinds, args, kwargs), _kind(name, kinds, args)
        if kind is not None:
            self._kinds[out] = kind
        elif any(out is one for one in args[:1]):  # in place: it is an exponential no more
            self._kinds.pop(out, None)
        return found


def _completed(name: str, kinds: list[str | None], args: tuple, kwargs: dict) -> str | None:
    first = kinds[0] if kinds else None
    if name in _QUOTIENTS and kinds[:2] == [EXP, SUM]:
        return f"{EXP} / {SUM}"
    if name in _PRODUCTS and {EXP, INVERSE} <= set(kinds):
        return f"{EXP} * (1 / {SUM})"
    if name in _EXPONENTIALS and first == SHIFTED:
        return f"exp({SHIFTED})"
    if name == "normalize" and first == EXP and (args[1] if len(args) > 1 else kwargs.get("p")) == 1:
        return f"normalize({EXP}, p=1)"
    return None


def _kind(name: str, kinds: list[str | None], args: tuple) -> str | None:
    """What a call makes of what it was given."""
    first, known = (kinds or [None])[0], [kind for kind in kinds if kind is not None]
    if name in _EXPONENTIALS or (name in _POWERS and _is_exponential(name, args)):
        return EXP
    if name == "logsumexp":
        return LOG_SUM
    if name in _DIFFERENCES and kinds[1:2] == [LOG_SUM]:
        return SHIFTED
    if first == SUM and (name in _INVERSES or (name in _GUARDS and EXP not in kinds)):
        return INVERSE if name in _INVERSES else SUM
    if name in _QUOTIENTS and kinds[:2] == [None, SUM] and not isinstance(args[0], Tensor):
        return INVERSE
    if name in _SUMS:
        return SUM if first == EXP else None
    if name in _SHAPES:
        return first
    return EXP if name in _PRODUCTS | _MASKS and known == [EXP] else None


def _is_exponential(name: str, args: tuple) -> bool:
    """Whether a power is one of a number, such as 2**x."""
    return name == "__rpow__" or (bool(args) and not isinstance(args[0], Tensor))
