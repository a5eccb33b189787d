"""The weights of a network in training: its own, which collect updates, and those it computes with."""

from __future__ import annotations

import torch
from torch import Tensor

from narrowmax.models.training.counting import about
from narrowmax.models.training.passing import Passing
from narrowmax.models.training.rounding import beyond, ends, spacing


class Weights:
    """parameters: by name.  Between `load` and `restore` they hold what the forward pass computes with."""

    def __init__(self, parameters: dict[str, Tensor], passing: Passing):
        self.parameters, self._passing = parameters, passing
        self._own: dict[str, Tensor] = {}  # while rounded ones are in their place
        self._before: dict[str, Tensor] = {}  # an update

    def begin(self) -> None:
        """The network's own weights as they are stored."""
        form = self._passing.precision.updates
        if form is not None:
            for parameter in self.parameters.values():
                parameter.data.copy_(self._passing.rounder(form, parameter))

    def load(self) -> None:
        """Put rounded weights in place, if they are not there."""
        form = self._passing.precision.weights
        if form is None or self._own:
            return
        for name, parameter in self.parameters.items():
            self._own[name] = parameter.data.clone()
            self._passing.count_beyond("weights", name, form, parameter)
            parameter.data.copy_(self._passing.rounder(form, parameter))
            other = torch.count_nonzero(self._own[name])
            flushed = other - torch.count_nonzero(parameter.data)
            self._passing.counts.add("weights", name, other=other, flushed=flushed)

    def restore(self) -> None:
        """Put the network's own weights back."""
        for name, own in self._own.items():
            self.parameters[name].data.copy_(own)
        self._own = {}

    def before_update(self) -> None:
        """Remember what is about to be updated."""
        if self._passing.precision.reference is not None:
            self._before = {n: p.detach().clone() for n, p in self.parameters.items() if p.grad is not None}

    def after_update(self) -> None:
        """Round the updated weights as they are stored, and count the updates that are lost or too small."""
        for name, before in self._before.items():
            self._update(name, self.parameters[name], before)
        self._before = {}

    def _update(self, name: str, parameter: Tensor, before: Tensor) -> None:
        precision, counts = self._passing.precision, self._passing.counts
        change, form = parameter.detach() - before, precision.reference
        step, other = spacing(form, before), torch.count_nonzero(change)
        small = torch.count_nonzero(change.abs() < step / 2) - (change.numel() - other)
        counts.add("updates", name, values=torch.tensor(change.numel()), other=other, small=small)
        counts.add("updates", name, sizes=about(change / step))
        if precision.updates is None:
            return
        self._passing.count_beyond("stored", name, precision.updates, parameter)
        stored = self._passing.rounder(precision.updates, parameter)
        counts.add("updates", name, lost=torch.count_nonzero((stored == before) & (change != 0)))
        parameter.data.copy_(stored)

    def at_limits(self) -> float | None:
        """The share of weights at, or beyond, the ends of their format; None without ends."""
        form = self._passing.precision.reference
        if form is None or ends(form)[1] == torch.inf or not self.parameters:
            return None
        low, high = ends(form)
        marked = [((p <= low) | (p >= high) | beyond(form, p)).sum() for p in self.parameters.values()]
        return int(sum(marked)) / sum(p.numel() for p in self.parameters.values())
