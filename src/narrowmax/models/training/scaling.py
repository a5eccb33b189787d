"""Loss scaling: backward begins with a number other than 1, and what it leaves is divided by that number at once.

So whatever follows in a loop before its step (gradients clipped, their norm in a log) sees gradients as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from narrowmax.errors import DataError
from narrowmax.models.training.record import FIRST_SCALE, GROWTH_INTERVAL


class Fixed:
    """A scale that stays."""

    sees_overflow = False

    def __init__(self, scale: float):
        self.scale, self._begun = scale, False
        self._acts = self.sees_overflow or scale != 1

    def backward(self, call: Callable, loss: Tensor, gradient: Tensor | None, weights: Iterable[Tensor]) -> None:
        """`call(gradient)`, begun with the scale; what it adds to `.grad` of leaves is in the end as without.

        weights: those whose gradients backward may reach in ways that its graph does not show
        """
        self._begun = True
        if not self._acts:
            call(gradient)
            return
        scale, leaves = self.scale, _leaves(loss, weights)
        _each_gradient(leaves, lambda g: g.mul_(scale))  # of the backward passes before this one
        try:
            call((torch.ones_like(loss) if gradient is None else gradient) * scale)
        finally:
            _each_gradient(leaves, lambda g: g.div_(scale))
            self._look(leaves)

    def _look(self, leaves: list[Tensor]) -> None:
        """At what backward left."""

    def step(self, parameters: list[Tensor]) -> bool:
        """Whether the step, of parameters with a gradient, is to be skipped."""
        if self._acts and parameters and not self._begun:
            raise DataError("gradients came without loss.backward(), so they were not scaled; call it on the loss")
        self._begun = False
        return False

    def state(self) -> object:
        """What changes."""

    def resume(self, state: object) -> None:
        """Go on from there."""


class Dynamic(Fixed):
    """As PyTorch's `GradScaler`: halved after an overflow, whose step is skipped; doubled after steps without."""

    sees_overflow = True

    def __init__(self):
        super().__init__(FIRST_SCALE)
        self._steps = 0  # since it changed
        self._finite: list[Tensor] = []  # for each backward pass since the last step

    def _look(self, leaves: list[Tensor]) -> None:
        found = [leaf.grad for leaf in leaves if leaf.grad is not None]
        if found:
            self._finite.append(norm_of(found, math.inf).isfinite())

    def step(self, parameters: list[Tensor]) -> bool:
        """As `Fixed`."""
        super().step(parameters)
        overflow, self._finite = not all(self._finite), []
        if overflow:
            self.scale, self._steps = self.scale / 2, 0
        elif parameters:
            self._steps += 1
            if self._steps == GROWTH_INTERVAL:
                self.scale, self._steps = self.scale * 2, 0
        return overflow

    def state(self) -> tuple[float, int]:
        """The scale, and the steps since it changed."""
        return self.scale, self._steps

    def resume(self, state: tuple[float, int]) -> None:
        """Go on from there."""
        self.scale, self._steps = state


def _leaves(loss: Tensor, weights: Iterable[Tensor]) -> list[Tensor]:
    """Every tensor whose gradient a backward pass from `loss` adds to."""
    found = {id(one): one for one in weights}
    found.update((id(one), one) for one in _accumulating(loss))
    return list(found.values())


def _accumulating(loss: Tensor) -> Iterator[Tensor]:
    ahead, seen = [loss.grad_fn], {None}
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            if hasattr(node, "variable"):
                yield node.variable
            ahead.extend(function for function, _ in node.next_functions)


def _each_gradient(leaves: list[Tensor], change: Callable[[Tensor], object]) -> None:
    with torch.no_grad():
        for leaf in leaves:
            if leaf.grad is not None:
                change(leaf.grad)


def norm_of(gradients: Iterable[Tensor], kind: float = 2.0) -> Tensor:
    """Of all their numbers together."""
    return nn.utils.get_total_norm([(g.coalesce().values() if g.is_sparse else g).detach() for g in gradients], kind)


def scaling_of(scale: float | str | None) -> Fixed | Dynamic:
    """What a `Precision.loss_scale` asks for."""
    return Dynamic() if scale == "dynamic" else Fixed(1.0 if scale is None else float(scale))
