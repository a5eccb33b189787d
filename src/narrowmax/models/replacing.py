"""`replace`: a design in the place of softmaxes of an unmodified network."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from narrowmax.errors import DataError
from narrowmax.models.interception import Listener
from narrowmax.models.operators import softmax
from narrowmax.models.sites import Choosing, Site
from narrowmax.models.surrogates import slope_for


class Replacement(Choosing, Listener):
    """A replacement in a torch network; made by `replace`."""

    watches = False

    def __init__(self, network: nn.Module, design, where: str | Callable[[Site], bool], gradient: str):
        Choosing.__init__(self, where)
        Listener.__init__(self, network)
        self.design = design
        self._slope = slope_for(design, gradient)

    def serve(self, site: Site, x: Tensor, axis: int, mask: Tensor | None, log: bool) -> Tensor:
        """The design's probabilities of `x` (or their logs), with a gradient."""
        self.count(site)
        spare = site.function == "scaled_dot_product_attention"  # whose scores were made for this alone
        return softmax(x, axis, mask, self.design, log, self._slope, spare)

    def __exit__(self, kind, error, trace) -> None:
        super().__exit__(kind, error, trace)
        if kind is None:
            self.refuse_nothing()
            self._refuse_silence()

    def _refuse_silence(self) -> None:
        if self.left_alone and not self.heard:
            raise DataError(
                "no softmax was replaced: those that ran are of another network than the one that was given; give the "
                "network that runs in the block"
            )
        if self.ran and not self.heard:
            raise DataError(
                "no softmax was replaced: the network ran, and called none that can be seen; run what calls it inside "
                "the block too (a loss, for instance), or ask narrowmax.doctor(network) what hides it"
            )


def replace(
    network: nn.Module, design, where: str | Callable[[Site], bool] = "*", gradient: str = "straight-through"
) -> Replacement:
    """Put `design` in the place of softmaxes of `network` inside a `with` block.

    where: "attention", "sampling" (by `generate` of Transformers), "router" (choosing among experts),
        "classifier" (every other softmax, losses included), a pattern of layer names such as
        "blocks.*.attn" ("*" is all), or a function of a `Site`
    gradient: "straight-through" or "slope", see `gradients`

    Masked elements (a mask, -inf, or scores below -9000) take no part and come out 0, and so does
    a row where nothing takes part.  Another network with weights that runs in the block is left alone; a softmax in
    the loop itself is replaced, whosever logits it is given.  Call `backward` inside the block if layers are
    checkpointed.

    Raises DataError at the end of the block when the network or a softmax ran and none was replaced.
    """
    return Replacement(network, design, where, gradient)
