"""What passes through a layer or a weight with formats in force: rounded, and counted, in every framework alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from narrowmax.formats import Format
from narrowmax.models.training.counting import CLASSES, Counts, Values, about, operations
from narrowmax.models.training.grids import beyond, ends
from narrowmax.models.training.record import Precision


class Rounds(Protocol):
    """A framework's rounding, with random numbers of its own."""

    def __call__(self, form: Format, x: Values) -> Values:
        """The values of x's codes, in new memory, in x's dtype."""

    def spacing(self, form: Format, x: Values) -> Values | float:
        """The distance from the value of x to the next one of the format."""


@dataclass
class Passing:
    """The formats, and what counts: shared by all places of a network.  Values come without a gradient."""

    precision: Precision
    counts: Counts
    rounder: Rounds
    overflows: bool = False  # whether a saturated gradient becomes infinite, for a loss scale that must see it

    def output(self, place: str, x: Values, counting: bool) -> tuple[Values, Values]:
        """What a layer gives on, in the format of activations, and where that lies beyond the format's ends."""
        form = self.precision.activations
        past = beyond(form, x)
        if counting:
            self._count("activations", place, form, past)
        return self.rounder(form, x), past

    def gradient(self, place: str, g: Values, rounds: bool = True, weight: bool = False) -> Values:
        """A gradient as its format has it; without a format as it is, its zeros counted.

        weight: whether it is that of a weight, not of a layer's output
        """
        form = self.precision.gradients if rounds else None
        other = (g != 0).sum()
        self.counts.add("gradients", place, values=math.prod(g.shape), other=other, **({"weight": 1} if weight else {}))
        if form is None:
            return g
        found, past = self.rounder(form, g), beyond(form, g)
        told = {"flushed": other - (found != 0).sum(), "beyond": past.sum()}
        step = float(form.step)  # around zero
        self.counts.add("gradients", place, sizes=about(g, step), **told)
        return operations(found).where(past, math.inf, found) if self.overflows else found

    def count_beyond(self, what: str, place: str, form: Format, x: Values) -> None:
        """How many numbers lie beyond the ends of a format."""
        self._count(what, place, form, beyond(form, x))

    def _count(self, what: str, place: str, form: Format, past: Values) -> None:
        if ends(form)[1] != math.inf:
            self.counts.add(what, place, beyond=past.sum(), values=math.prod(past.shape))

    def push(self, place: str, g: Values) -> Values:
        """The gradient of a classifier's scores (..., n), as its format has it; counts which rows and classes it
        pushes before that, for what its own format makes 0 is counted apart; rows of each n by themselves."""
        pushed = (g != 0).reshape(-1, g.shape[-1])
        each = pushed.sum(-1)
        still, single = (each == 0).sum(), (each <= 1).sum()
        told = {"rows": len(pushed), "still": still, "single": single, "elements": math.prod(g.shape)}
        self.counts.add("push", place, **told, **{f"{CLASSES}{g.shape[-1]}": pushed.sum(0)})
        return self.gradient(place, g)

    def weight(self, name: str, own: Values) -> Values:
        """What a forward pass computes with where `own` is stored."""
        form = self.precision.weights
        self.count_beyond("weights", name, form, own)
        found, other = self.rounder(form, own), (own != 0).sum()
        self.counts.add("weights", name, other=other, flushed=other - (found != 0).sum())
        return found

    def update(self, name: str, before: Values, after: Values) -> Values:
        """What is stored of a weight that a step has changed; counts the updates that are lost or too small."""
        change, form = after - before, self.precision.reference
        step, other = self.rounder.spacing(form, before), (change != 0).sum()
        size = math.prod(change.shape)
        small = (abs(change) < step / 2).sum() - (size - other)
        self.counts.add("updates", name, values=size, other=other, small=small, sizes=about(change, step))
        if self.precision.updates is None:
            return after
        self.count_beyond("stored", name, self.precision.updates, after)
        stored = self.rounder(self.precision.updates, after)
        self.counts.add("updates", name, lost=((stored == before) & (change != 0)).sum())
        return stored
