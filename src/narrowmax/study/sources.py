"""A SOURCE, loaded: its rows or its network, and its evaluator where it has labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from narrowmax import models
from narrowmax.models import Logits, Task
from narrowmax.models.evaluators import groups_of as groups
from narrowmax.models.probabilities import checked
from narrowmax.study.work import Work

_TABLES = (".csv", ".parquet")  # whose columns may be others than one thinks


@dataclass(frozen=True)
class Source:
    """text: as it was asked for; thing: what it is"""

    text: str
    thing: Task | Logits

    @property
    def is_network(self) -> bool:
        """Whether designs are put into a network, rather than at the end of stored or computed logits."""
        return self.logits is None

    @cached_property
    def logits(self) -> Logits | None:
        """The rows of the classifier's softmax, of the last epoch; None where another softmax is judged.

        Raises DataError for probabilities in their place.
        """
        if isinstance(self.thing, Logits):
            return _last_epoch(checked(self.thing))
        if self.thing.where == "classifier" and self.thing.metric == "classification":
            from narrowmax.models.networks import logits_of

            return logits_of(self.thing)
        return None

    @cached_property
    def evaluator(self):
        """What judges designs.  Raises DataError for logits without labels."""
        return models.evaluator(self.thing)

    @property
    def labelled(self) -> bool:
        if isinstance(self.thing, Logits):
            return self.thing.labels is not None
        return getattr(self.thing, "labelled", True)

    def judges(self, softmax: dict) -> bool:
        """Whether designs are put in the place of a softmax, as `models.measured` tells of it."""
        if isinstance(self.thing, Logits):
            return True
        from narrowmax.models.sites import chooses

        return chooses(self.thing.where, models.Site(softmax["name"], softmax["kind"], softmax["function"]))

    @property
    def n(self) -> int:
        """Elements of a row."""
        return self.evaluator.n if self.logits is None else self.logits.n


def load(
    text: str, work: Work, trust: bool = False, data: str | Path | None = None, where: str | None = None
) -> Source:
    """Raises SourceError and DataError as `models.resolve`."""
    found = models.resolve(text, trust=trust, progress=work.tell, store=work.store, data=data, where=where)
    if isinstance(found, Logits):
        labels = "no labels" if found.labels is None else "labels"
        say = work.note if text.lower().endswith(_TABLES) else work.done
        say(f"{text}: {found.logits.size // found.n} rows, n = {found.n} logits a row, {labels}")
    return Source(text, found)


def _last_epoch(logits: Logits) -> Logits:
    """The rows of the last epoch, (rows, n); the logits as they are where they know one epoch or none."""
    if logits.epoch is None or (logits.epoch == logits.epoch.max()).all():
        return logits
    last = logits.epoch.ravel() == logits.epoch.max()
    samples = groups(logits)
    return replace(
        logits,
        logits=logits.logits.reshape(-1, logits.n)[last],
        labels=None if logits.labels is None else logits.labels.ravel()[last],
        mask=None if logits.mask is None else logits.mask.reshape(-1, logits.n)[last],
        groups=None if samples is None else samples[last],
        epoch=logits.epoch.ravel()[last],
    )
