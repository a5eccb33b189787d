"""The weights of a network in training: its own, which collect updates, and those it computes with."""

from __future__ import annotations

from torch import Tensor

from narrowmax.models.training.grids import at_limits
from narrowmax.models.training.passing import Passing


class Weights:
    """parameters: by name.  Between `load` and `restore` they hold what the forward pass computes with,
    and `own` the network's own."""

    def __init__(self, parameters: dict[str, Tensor], passing: Passing):
        self.parameters, self._passing = parameters, passing
        self.own: dict[str, Tensor] = {}
        self._before: dict[str, Tensor] = {}  # an update

    def begin(self) -> None:
        """The network's own weights as they are stored."""
        form = self._passing.precision.updates
        if form is not None:
            for parameter in self.parameters.values():
                parameter.data.copy_(self._passing.rounder(form, parameter))

    def load(self) -> None:
        """Put rounded weights in place, if they are not there."""
        if self._passing.precision.weights is None or self.own:
            return
        for name, parameter in self.parameters.items():
            self.own[name] = parameter.data.clone()
            parameter.data.copy_(self._passing.weight(name, self.own[name]))

    def restore(self) -> None:
        """Put the network's own weights back."""
        for name, own in self.own.items():
            self.parameters[name].data.copy_(own)
        self.own = {}

    def before_update(self) -> None:
        """Remember what is about to be updated."""
        if self._passing.precision.reference is not None:
            self._before = {n: p.detach().clone() for n, p in self.parameters.items() if p.grad is not None}

    def after_update(self) -> None:
        """Round the updated weights as they are stored, and count the updates that are lost or too small."""
        for name, before in self._before.items():
            parameter = self.parameters[name]
            stored = self._passing.update(name, before, parameter.detach())
            if self._passing.precision.updates is not None:
                parameter.data.copy_(stored)
        self._before = {}

    def at_limits(self) -> float | None:
        """See `grids.at_limits`."""
        return at_limits(self._passing.precision.reference, [p.detach() for p in self.parameters.values()])
