"""`F.cross_entropy` written out from log-probabilities, for a softmax that was replaced."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor
from torch.nn import _reduction


@dataclass
class Arguments:
    """The arguments of `F.cross_entropy`."""

    input: Tensor
    target: Tensor
    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"
    label_smoothing: float = 0.0

    def __post_init__(self):
        if self.size_average is not None or self.reduce is not None:
            self.reduction = _reduction.legacy_get_string(self.size_average, self.reduce)


def of_operator(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: int = 1,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Arguments:
    """The arguments of the operator `aten.cross_entropy_loss`, which an exported program calls."""
    words = ("none", "mean", "sum")
    return Arguments(input, target, weight, None, ignore_index, None, words[reduction], label_smoothing)


def cross_entropy(given: Arguments, log_probabilities: Tensor, axis: int) -> Tensor:
    """The loss from log-probabilities of the shape of `given.input`, classes along `axis`.

    Class weights, ignored targets, label smoothing, targets as probabilities and every reduction
    mean what they mean in `F.cross_entropy`.
    """
    if given.target.dtype.is_floating_point:
        return _of_probabilities(given, log_probabilities, axis)
    return _of_classes(given, log_probabilities, axis)


def _of_probabilities(given: Arguments, log_p: Tensor, axis: int) -> Tensor:
    classes = log_p.shape[axis]
    target = given.target * (1 - given.label_smoothing) + given.label_smoothing / classes
    loss = -(log_p * target * _spread(given.weight, log_p, axis)).sum(axis)
    return _reduced(loss, given.reduction, loss.numel())


def _of_classes(given: Arguments, log_p: Tensor, axis: int) -> Tensor:
    picked = {"weight": given.weight, "ignore_index": given.ignore_index}
    if not given.label_smoothing:
        return F.nll_loss(log_p, given.target, reduction=given.reduction, **picked)
    kept = given.target != given.ignore_index
    hard = F.nll_loss(log_p, given.target, reduction="none", **picked)
    smooth = -(log_p * _spread(given.weight, log_p, axis)).sum(axis).masked_fill(~kept, 0)
    total = kept.sum() if given.weight is None else given.weight[given.target[kept]].sum()
    loss = (1 - given.label_smoothing) * hard + given.label_smoothing / log_p.shape[axis] * smooth
    return _reduced(loss, given.reduction, total)


def _spread(weight: Tensor | None, log_p: Tensor, axis: int) -> Tensor | float:
    """Class weights shaped to multiply `log_p`."""
    return 1.0 if weight is None else weight.view([-1 if at == axis else 1 for at in range(log_p.dim())])


def _reduced(loss: Tensor, reduction: str, total) -> Tensor:
    return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.sum() / total
