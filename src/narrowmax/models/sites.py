"""Where a softmax was called, in any framework, and which of them a replacement is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from narrowmax.errors import DataError

OUTSIDE = "<outside>"
"""Name of a softmax called outside of the network on something the network did not make."""
NETWORK = "<network>"
"""Name of a softmax called by the network's own `forward`, not by one of its layers."""
KINDS = ("attention", "classifier", "sampling", "router")
"""Of softmaxes: weights of values; classes, and all others; drawing the next token; choosing among experts."""


@dataclass(frozen=True)
class Site:
    """Where a softmax was called.

    name: the layer that called it, as `named_modules` has it; for a call outside of the network,
        the layer that made its input
    kind: one of `KINDS`; "sampling" is what `generate` of Transformers does with logits, "router" a layer called
        gate or router, or of a class called so
    function: "softmax", "log_softmax", "cross_entropy" or "scaled_dot_product_attention"
    """

    name: str
    kind: str
    function: str


def chooses(where: str | Callable[[Site], bool], site: Site) -> bool:
    """Whether `where` takes the softmax at `site`: a kind, a pattern of layer names ("*" is all), or a function."""
    if where == "*":
        return True
    if callable(where):
        return bool(where(site))
    if where in KINDS:  # attention outside of the network is another network's
        return site.kind == where and (where != "attention" or site.name != OUTSIDE)
    return fnmatchcase(site.name, where)


class Choosing:
    """What `where` chooses; `sites`: how often each softmax was replaced."""

    def __init__(self, where: str | Callable[[Site], bool]):
        if not (isinstance(where, str) or callable(where)):
            raise DataError(
                f"where={where!r} chooses nothing; give a kind ({', '.join(KINDS)}), a pattern of layer names, or a "
                "function of a Site for several"
            )
        self.where = where
        self.sites: dict[Site, int] = {}
        self._passed: set[str] = set()

    def wants(self, site: Site) -> bool:
        """Whether `where` chooses this softmax."""
        chosen = chooses(self.where, site)
        if not chosen:
            self._passed.add(site.name)
        return chosen

    def count(self, site: Site) -> None:
        """One more call was replaced."""
        self.sites[site] = self.sites.get(site, 0) + 1

    def refuse_nothing(self) -> None:
        """Raises DataError where softmaxes ran and none was replaced."""
        if self._passed and not self.sites:
            raise DataError(nothing_replaced(self.where, self._passed))


def nothing_replaced(where: object, names: set[str]) -> str:
    """The sentence for a replacement that none of the softmaxes called `names` was for."""
    return (
        f"no softmax was replaced: where={where!r} chooses none of {', '.join(sorted(names))}; "
        f"give {', '.join(repr(kind) for kind in KINDS)} or a pattern of these names"
    )
