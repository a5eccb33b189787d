"""What passes through a layer or a weight while formats are in force: rounded, and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from narrowmax.formats import Format
from narrowmax.models.replacing import Replacement
from narrowmax.models.training.counting import Counts, about
from narrowmax.models.training.record import Precision
from narrowmax.models.training.rounding import beyond, ends, rounded

SOFTMAX = "input of the softmax"


@dataclass
class Rounder:
    """Rounds, with random numbers of its own where a format asks for them: the same for the same seed and device."""

    seed: int = 0
    _generators: dict[torch.device, torch.Generator] = field(default_factory=dict)

    def __call__(self, form: Format, x: Tensor) -> Tensor:
        """The values of x's codes, detached, in new memory."""
        x = x.detach()
        return rounded(form, x, self._random(x) if form.rounding == "stochastic" else None)

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


@dataclass
class Passing:
    """The formats, and what counts: shared by all places of a network."""

    precision: Precision
    counts: Counts
    rounder: Rounder
    overflows: bool = False  # whether a saturated gradient becomes infinite, for a loss scale that must see it

    def output(self, place: str, x: Tensor, counting: bool) -> Tensor:
        """What a layer gives on; backward, its gradient is rounded too."""
        form = self.precision.activations
        if form is not None:
            past = beyond(form, x.detach())
            if counting:
                self._count("activations", place, form, past)
            x = RoundedOutput.apply(x, [self.rounder(form, x)], past, self.precision.gradient)
        if self.precision.gradients is not None and x.requires_grad:
            x.register_hook(lambda g: self.gradient(place, g))
        return x

    def gradient(self, place: str, g: Tensor, rounds: bool = True) -> Tensor:
        """A gradient as its format has it; without a format as it is, its zeros counted."""
        form, plain = self.precision.gradients if rounds else None, g.detach()
        other = torch.count_nonzero(plain)
        self.counts.add("gradients", place, values=torch.tensor(g.numel()), other=other)
        if form is None:
            return g
        found, past = self.rounder(form, plain), beyond(form, plain)
        told = {"flushed": other - torch.count_nonzero(found), "beyond": torch.count_nonzero(past)}
        step = float(form.step)  # around zero
        self.counts.add("gradients", place, sizes=about(plain, step), **told)
        return found.masked_fill_(past, torch.inf) if self.overflows else found

    def count_beyond(self, what: str, place: str, form: Format, x: Tensor) -> None:
        """How many numbers lie beyond the ends of a format."""
        self._count(what, place, form, beyond(form, x.detach()))

    def _count(self, what: str, place: str, form: Format, past: Tensor) -> None:
        if ends(form)[1] != torch.inf:
            self.counts.add(what, place, beyond=torch.count_nonzero(past), values=torch.tensor(past.numel()))

    def push(self, place: str, g: Tensor) -> Tensor:
        """The gradient of a classifier's scores (..., n), as its format has it; counts which rows and classes it
        pushes before that, for what its own format makes 0 is counted apart."""
        pushed = (g.detach() != 0).reshape(-1, g.shape[-1])
        each, rows = pushed.sum(-1), torch.tensor(len(pushed))
        still, single = (each == 0).sum(), (each <= 1).sum()
        self.counts.add("push", place, rows=rows, still=still, single=single, classes=pushed.sum(0))
        return self.gradient(place, g)


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
            x.register_hook(lambda g: self.passing.push(SOFTMAX, g))
        if self.network.training:
            self.passing.count_beyond(
                "softmax", site.name, self.design.input, x if mask is None else x.masked_fill(~mask, 0)
            )
        return super().serve(site, Blocked.apply(x) if self.blocks else x, axis, mask, log)


def each_tensor(change: Callable[[Tensor], Tensor], output: object) -> object:
    """`change` of every floating tensor in what a layer gives: a tensor, a tuple, a list or a dict of them."""
    if isinstance(output, Tensor):
        return change(output) if output.is_floating_point() else output
    if type(output) in (tuple, list):
        return type(output)(each_tensor(change, one) for one in output)
    if type(output) is dict:
        return {name: each_tensor(change, one) for name, one in output.items()}
    return output
