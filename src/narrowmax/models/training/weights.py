"""The weights of a network in training: its own, which collect updates, and those it computes with."""

from __future__ import annotations

from torch import Tensor

from narrowmax.models.training.grids import at_limits
from narrowmax.models.training.passing import Passing


class Weights:
    """parameters: by name.  Between `load` and `restore` they hold what the forward pass computes with,
    and `own` the network's own.

    `used`: whether a forward pass has ever computed with them
    """

    def __init__(self, parameters: dict[str, Tensor], passing: Passing):
        self.parameters, self._passing = parameters, passing
        self.own: dict[str, Tensor] = {}
        self._rounded: dict[str, Tensor] = {}  # what was put in their place
        self._before: dict[str, Tensor] = {}  # an update
        self.used = False

    def begin(self) -> None:
        """The network's own weights as they are stored."""
        form = self._passing.precision.updates
        if form is not None:
            for parameter in self.parameters.values():
                parameter.data.copy_(self._passing.rounder(form, parameter))

    def load(self) -> None:
        """Put rounded weights in place, if they are not there."""
        if not self.own:
            self._put(self.parameters)

    def load_again(self) -> None:
        """As `load`; of weights that were written since, by a state dict or an average, those are the network's own."""
        self._put(self._written() if self.own else self.parameters)

    def _put(self, names: object) -> None:
        if self._passing.precision.weights is None:
            return
        self.used = True
        for name in names:
            parameter = self.parameters[name]
            self.own[name] = parameter.data.clone()
            self._rounded[name] = self._passing.weight(name, self.own[name])
            parameter.data.copy_(self._rounded[name])

    def _written(self) -> list[str]:
        """Those that do not hold what was put there."""
        held = {name: self.parameters[name].data for name in self.own}
        other = {name: (data != self._rounded[name].to(data)).any() for name, data in held.items()}
        return [name for name, one in other.items() if one]  # read when all are under way: a GPU is waited for once

    def restore(self) -> None:
        """Put the network's own weights back, but for those that were written since."""
        for name in self.own.keys() - self._written():
            self.parameters[name].data.copy_(self.own[name])
        self.own, self._rounded = {}, {}

    def resume(self, own: dict[str, Tensor]) -> None:
        """Go on where the parameters hold what the forward pass computes with."""
        self.own, self.used = own, bool(own)
        self._rounded = {name: self.parameters[name].data.clone() for name in own}

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
