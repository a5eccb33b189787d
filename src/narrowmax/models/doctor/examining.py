"""A SOURCE under examination: a task's network is run, judged and trained a little; stored logits are read."""

from __future__ import annotations

import math

import numpy as np

from narrowmax import metrics
from narrowmax.models.doctor import doctor, signs
from narrowmax.models.doctor.findings import Finding, Ledger
from narrowmax.models.frameworks import framework_of
from narrowmax.models.networks import array, logits_in
from narrowmax.models.sites import NETWORK, Site
from narrowmax.models.task import Logits, Task

SAMPLES = 512
"""Of a task, at most about so many are run."""
_FEW = 100  # samples, with fewer of which nothing is said about chance
_ONE = 0.9  # the share of one class, from which on a network that is right cannot be told from one that names it
_DEVIATIONS = 2.0  # above chance, up to which a network has learnt nothing that shows


def examine(source: Task | Logits) -> tuple[list[Finding], int]:
    """`(findings, samples looked at)`.

    A task: its network, copied, is run on its first batches; where its metric is "classification", the loss
    of its logits is taken back through it, and it is compared with always naming one class.
    """
    return _of_rows(source) if isinstance(source, Logits) else _of_task(source)


def _of_rows(source: Logits) -> tuple[list[Finding], int]:
    ledger, site = Ledger(), Site(source.name, "classifier", "stored logits")
    rows = source.logits.reshape(-1, source.n)
    mask = None if source.mask is None else source.mask.reshape(-1, source.n)
    signs.softmax(ledger, site, rows, -1, mask)
    if source.labels is not None:
        labels = source.labels.ravel()
        _judge_chance(ledger, source.name, metrics.top1(rows, labels, mask), labels)
    return ledger.findings(), len(rows)


def _of_task(task: Task) -> tuple[list[Finding], int]:
    framework = framework_of(task.network)
    network = framework.copied(task.network)
    classifies, right, known, samples = task.metric == "classification", [], [], 0
    with doctor(network) as seen:
        for inputs, labels in task.pairs():
            output = logits_in(framework.learn(network, inputs, labels if classifies else None))
            if classifies:
                known.append(array(labels))
                right.append(metrics.top1(array(output), known[-1]))
            samples += len(labels)
            if samples >= SAMPLES:
                break
    if classifies and known:
        _judge_chance(seen.ledger, NETWORK, np.concatenate(right), np.concatenate(known))
    return seen.findings(), samples


def _judge_chance(ledger: Ledger, where: str, right: np.ndarray, labels: np.ndarray) -> None:
    """A classifier that is right no more often than one that always names the most frequent class."""
    samples, share = len(labels), np.unique(labels, return_counts=True)[1].max() / len(labels)
    tells = samples >= _FEW and share < _ONE
    if tells and right.mean() <= share + _DEVIATIONS * math.sqrt(share * (1 - share) / samples):
        said = (
            f"{100 * right.mean():.3g} % of {samples} samples are right, and always naming the most frequent class "
            f"would make {100 * share:.3g} % right"
        )
        ledger.add("does-not-learn", where, said=said)
