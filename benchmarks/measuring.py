"""What measuring costs, beside the same network alone: python -m benchmarks.measuring

CPU time of one thread, interleaved: the forward pass with its loss and without a gradient.  Every softmax is measured,
attention and the loss, beyond the first million elements of each, where one block of rows in 13 is counted whole and
of all others the ranges: what a long measurement costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from benchmarks.common import arguments, at_most, interleaved, ratio, report, spread
from benchmarks.networks import CLASSES, PASSES, forward, networks
from torch import Tensor, nn

import narrowmax as nm

MOST = 1.3
FIRST = 1 << 20  # elements of a softmax that are counted whole


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__.splitlines()[0], argv)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = [row(name, network.eval(), x, given.rounds) for name, (network, x) in networks().items()]
    report("a network that is measured, in passes of the network alone", rows, given)


def row(name: str, network: nn.Module, x: Tensor, rounds: int) -> dict:
    labels = torch.arange(len(x)) % CLASSES
    seen = warmed(network, x, labels)
    jobs = {
        "alone": partial(forward, network, x, labels),
        "measured": partial(measured, seen, network, x, labels),
    }
    seconds = interleaved(jobs, rounds)
    times = ratio(seconds["measured"], seconds["alone"])
    return {
        "network": name, "times alone": times, "goal": at_most(times, MOST),
        "ms": spread(seconds["measured"], 1e3 / PASSES), "alone, ms": spread(seconds["alone"], 1e3 / PASSES),
        "rows counted whole": min(one["sampled"] for one in seen.softmaxes()),
    }  # fmt: skip


def warmed(network: nn.Module, x: Tensor, labels: Tensor):
    """A measurement of the network that has seen what is counted whole, of the softmax that sees most."""
    seen = nm.measure(network)
    while not (found := seen.softmaxes()) or max(one["elements"] for one in found) <= FIRST:
        with seen:
            forward(network, x, labels)
        if max(one["elements"] for one in seen.softmaxes()) < FIRST // 16:
            break  # only a loss, of a few rows a pass
    return seen


def measured(seen, network: nn.Module, x: Tensor, labels: Tensor) -> None:
    """The passes inside the block; entering and leaving it, once, is timed as well."""
    with seen:
        forward(network, x, labels)


if __name__ == "__main__":
    main()
