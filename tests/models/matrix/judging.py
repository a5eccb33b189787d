"""How a row of a PyTorch network is judged: beside a network of the same weights whose softmax is written by hand."""

from __future__ import annotations

from collections.abc import Callable

import torch
from tests.models.cases import exact
from tests.models.matrix import harness
from torch import Tensor, nn

import narrowmax as nm
from narrowmax.errors import NarrowmaxError
from narrowmax.rows import RowStatistics

DESIGN = nm.design("ideal(input=Q4.2, output=UQ0.30)")
"""What is put in the place of softmaxes; `cases.exact` is the same in torch operations, but for the last rounding."""


class Hand:
    """The reference's softmax; `inputs` holds what reached it.  It rounds as the design does if `rounds`."""

    def __init__(self):
        self.rounds = True
        self.inputs: list[tuple[Tensor, int, Tensor | None]] = []

    def __call__(self, x: Tensor, axis: int = -1, mask: Tensor | None = None) -> Tensor:
        self.inputs.append((x.detach().clone(), axis, mask))
        if self.rounds:
            return exact(x, axis, mask)
        return torch.softmax(x if mask is None else x.masked_fill(~mask, torch.finfo(x.dtype).min), axis)

    def log(self, x: Tensor, axis: int = -1) -> Tensor:
        return self(x, axis).log()

    def report(self) -> dict:
        statistics = RowStatistics()
        for x, axis, mask in self.inputs:
            statistics.update(x.numpy(), None if mask is None else mask.expand(x.shape).numpy(), axis)
        return statistics.report()


def judged(
    case: str,
    network: nn.Module,
    hand: nn.Module,
    softmax: Hand,
    run: Callable[[nn.Module], Tensor],
    names: set[str],
    *,
    tolerance: float = 1e-8,
    masked: bool = False,
    twice: int = 1,
    note: str = "",
    other: nn.Module | None = None,
) -> dict:
    """The row of a case.

    network: as a user has it; hand: the same with `softmax` written out; both get the weights of `network`
    run: a network -> its output, which is weighted and gone back through
    names: of the layers that have a softmax; masked: whether some cells take no part
    twice: how often each softmax is replaced in one pass (2 where it is computed again)
    other: what is measured and run in the place of `network` (compiled, replicated), if anything is
    """
    other = network if other is None else other
    hand.load_state_dict(network.state_dict())
    with torch.no_grad():
        before = run(other)
        with nm.measure(other):
            unchanged = _near([run(other)], [before], tolerance)
        softmax.inputs.clear()
        softmax.rounds = False
        run(hand)
        softmax.rounds = True
    wanted = softmax.report()
    with nm.measure(other) as seen:
        gone_through(other, run)
    reference = gone_through(hand, run)
    with nm.replace(other, DESIGN) as replaced:
        got = gone_through(other, run)
    found = seen.softmaxes()
    counts = {site.name: count for site, count in replaced.sites.items()}
    return harness.row(
        case,
        seen=unchanged and _sums(found) == _sums([wanted]) and _ends_near(found, wanted),
        name={_plain(one["name"]) for one in found} == names == {_plain(name) for name in counts},
        mask=_masks_apart(found, wanted) if masked else None,
        gradient=_near(got[1], reference[1], tolerance) and any(g.abs().max() > 0 for g in reference[1]),
        replaced=_near([got[0]], [reference[0]], tolerance) and set(counts.values()) == {twice},
        note=note,
    )


def gone_through(network: nn.Module, run: Callable) -> tuple[Tensor, list[Tensor]]:
    """The output, and the gradient of every parameter of a weighted sum of it."""
    network.zero_grad()
    out = run(network)
    (out * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)).sum().backward()
    return out.detach(), [parameter.grad.clone() for parameter in network.parameters()]


def refused(case: str, attempt: Callable[[], object], *, note: str = "") -> dict:
    """The row of a case that is refused, with the last sentence of what is said."""
    try:
        attempt()
    except NarrowmaxError as error:
        return harness.row(case, refused=str(error), note=note)
    return harness.row(case, seen=False, note="not refused")


def _plain(name: str) -> str:
    """A name without what `torch.compile` puts before it."""
    return name.replace("_orig_mod.", "").replace("._orig_mod", "")


def _sums(reports: list[dict]) -> list[int]:
    return [sum(one[key] for one in reports) for key in ("rows", "elements", "masked", "empty_rows")]


def _ends_near(found: list[dict], wanted: dict) -> bool:
    low, high = min(one["min"] for one in found), max(one["max"] for one in found)
    return abs(low - wanted["min"]) < 1e-4 and abs(high - wanted["max"]) < 1e-4


def _masks_apart(found: list[dict], wanted: dict) -> bool:
    return sum(one["masked"] for one in found) == wanted["masked"] > 0 and min(one["min"] for one in found) > -100


def _near(ours: list[Tensor], theirs: list[Tensor], tolerance: float) -> bool:
    pairs = zip(ours, theirs, strict=True)
    return all(torch.allclose(a.double(), b.double(), rtol=tolerance, atol=tolerance) for a, b in pairs)
