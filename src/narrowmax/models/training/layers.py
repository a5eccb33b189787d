"""What a format does in the layers of a torch network: outputs, their gradients, and the softmax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from narrowmax.formats import Format
from narrowmax.models.replacing import Replacement
from narrowmax.models.training.passing import Passing
from narrowmax.models.training.recording import SOFTMAX
from narrowmax.models.training.rounding import rounded, spacing


@dataclass
class Rounder:
    """Rounds, with random numbers of its own where a format asks for them: the same for the same seed and device."""

    seed: int = 0
    _generators: dict[torch.device, torch.Generator] = field(default_factory=dict)

    def __call__(self, form: Format, x: Tensor) -> Tensor:
        """The values of x's codes, detached, in new memory."""
        x = x.detach()
        return rounded(form, x, self._random(x) if form.rounding == "stochastic" else None)

    def spacing(self, form: Format, x: Tensor) -> Tensor | float:
        """See `rounding.spacing`."""
        return spacing(form, x)

    def state(self) -> dict[str, Tensor]:
        """Of the random numbers, by device."""
        return {str(device): one.get_state() for device, one in self._generators.items()}

    def resume(self, state: dict[str, Tensor]) -> None:
        """Go on from a state."""
        for name, value in state.items():
            device = torch.device(name)
            self._generators[device] = torch.Generator(device)
            self._generators[device].set_state(value)

    def _random(self, x: Tensor) -> Tensor:
        if x.device not in self._generators:
            self._generators[x.device] = torch.Generator(x.device).manual_seed(self.seed)
        return torch.rand(x.shape, generator=self._generators[x.device], device=x.device)


class RoundedOutput(torch.autograd.Function):
    """`apply(x, [found], past, gradient)`: `found`, which is x rounded, with the gradient that `gradient` names.

    past: where x lies beyond the ends of the format
    """

    @staticmethod
    def forward(ctx, x: Tensor, found: list[Tensor], past: Tensor, gradient: str) -> Tensor:
        ctx.gradient = gradient
        ctx.save_for_backward(*([past] if gradient == "slope" else []))
        return found[0]

    @staticmethod
    def backward(ctx, g: Tensor):
        past = ctx.saved_tensors
        if ctx.gradient == "none":
            g = torch.zeros_like(g)
        return (g.masked_fill(past[0], 0.0) if past else g), None, None, None


class Blocked(torch.autograd.Function):
    """`apply(x)`: x as it is, with a gradient of 0, as rounding by hand has."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g: Tensor) -> Tensor:
        return torch.zeros_like(g)


def passed(passing: Passing, place: str, x: Tensor, counting: bool) -> Tensor:
    """What a layer gives on; backward, its gradient is rounded too."""
    if passing.precision.activations is not None:
        found, past = passing.output(place, x.detach(), counting)
        x = RoundedOutput.apply(x, [found], past, passing.precision.gradient)
    if passing.precision.gradients is not None and x.requires_grad:
        x = x.view_as(x) if x.is_leaf else x  # a hook on a weight or an input would outlive the block
        x.register_hook(lambda g: passing.gradient(place, g.detach()))
    return x


class DesignInTraining(Replacement):
    """A design in the place of softmaxes, which counts what lies beyond its input."""

    def __init__(self, network, passing: Passing):
        self.passing = passing
        self.blocks = passing.precision.gradient == "none"
        gradient = "slope" if self.blocks else passing.precision.gradient
        super().__init__(network, passing.precision.softmax, passing.precision.where, gradient)

    def serve(self, site, x: Tensor, axis: int, mask: Tensor | None, log: bool) -> Tensor:
        """As `Replacement`."""
        if self.network.training and site.kind == "classifier" and x.requires_grad and axis in (-1, x.dim() - 1):
            x = x.view_as(x)  # so that the hook is of this use of x alone
            x.register_hook(lambda g: self.passing.push(SOFTMAX + site.name, g.detach()))
        if self.network.training:
            taking_part = x.detach() if mask is None else x.detach().masked_fill(~mask, 0)
            self.passing.count_beyond("softmax", site.name, self.design.input, taking_part)
        return super().serve(site, Blocked.apply(x) if self.blocks else x, axis, mask, log)


def each_tensor(change: Callable[[Tensor], Tensor], output: object) -> object:
    """`change` of every floating tensor in what a layer gives: a tensor, a (named) tuple, a list or a dict of them."""
    if isinstance(output, Tensor):
        return change(output) if output.is_floating_point() else output
    if type(output) in (tuple, list):
        return type(output)(each_tensor(change, one) for one in output)
    if isinstance(output, tuple) and hasattr(output, "_make"):  # as a packed sequence is
        return output._make(each_tensor(change, one) for one in output)
    if type(output) is dict:
        return {name: each_tensor(change, one) for name, one in output.items()}
    return output
