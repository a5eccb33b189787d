"""The traps of experiments with softmax: each detected from a run, with its evidence and its remedy."""

from __future__ import annotations

from narrowmax.models.doctor.examination import Examination
from narrowmax.models.doctor.findings import TRAPS, Finding
from narrowmax.models.frameworks import framework_of

__all__ = ["Examination", "Finding", "TRAPS", "doctor"]


def doctor(network: object) -> Examination:
    """Examine what `network` does inside a `with` block: forward, loss, backward and steps of an optimiser.

        with nm.doctor(network) as seen:
            loss = F.cross_entropy(network(inputs), labels)
            loss.backward()
            optimiser.step()
        print(seen.table())

    Found from what ran: rounding with no effect or no gradient, softmax applied twice, losses given what
    they do not expect, masks that a quantiser clips, overflow in fp16, ties, parameters that get no
    gradient or never move, softmaxes that cannot be seen.  Nothing in the network changes.
    Raises NetworkError for anything that is not a network.
    """
    return framework_of(network).doctor(network)
