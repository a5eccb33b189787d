"""The built-in tasks: what they are and how their networks are trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from narrowmax.errors import SourceError
from narrowmax.models.datasets import forms
from narrowmax.models.digits_data import IMAGES, SELECTED, TRAINED
from narrowmax.models.task import Task
from narrowmax.store import Store


@dataclass(frozen=True)
class Recipe:
    """A built-in task on the digits, and how its network is trained.

    network: a class of `digits_networks`; where: whose softmax is judged
    recorded: statistics are kept before training and every so many epochs
    """

    name: str
    title: str
    network: str
    where: str
    epochs: int
    recorded: int
    learning_rate: float
    batch: int
    seed: int = 1


RECIPES = (
    Recipe("digits-cnn", "Handwritten digits, convolutional network", "DigitsCNN", "classifier", 40, 1, 3e-3, 32),
    Recipe("digits-vit", "Handwritten digits, vision transformer", "DigitsViT", "attention", 240, 12, 3e-3, 64),
)
NAMES = tuple(recipe.name for recipe in RECIPES)


def tasks() -> list[dict]:
    """What there is: `{name, title, where, trained, selection, judgement}`, counts in samples.

    Names that end in ":DIR" or ":FILE" are of tasks on data of yours, whose counts are theirs: null.
    """
    counts = {"trained": TRAINED, "selection": SELECTED, "judgement": IMAGES - TRAINED - SELECTED}
    built_in = [{"name": recipe.name, "title": recipe.title, "where": recipe.where, **counts} for recipe in RECIPES]
    unknown = dict.fromkeys(counts)
    return built_in + [{**one, **unknown} for one in forms.offered()]


def built_in(name: str, progress: Callable[[str], None] | None = None, store: Store | None = None) -> Task:
    """The built-in task `name`, trained if the cache does not have it.  Raises SourceError for another name."""
    if name not in NAMES:
        raise SourceError(f"{name!r} is not a built-in task; there are {', '.join(NAMES)}")
    from narrowmax.models import digits

    return digits.load(RECIPES[NAMES.index(name)], progress, store)


def untrained(name: str) -> Task:
    """The built-in task `name` before training, for whoever trains it.  Raises SourceError for another name."""
    if name not in NAMES:
        raise SourceError(f"{name!r} is not a built-in task; there are {', '.join(NAMES)}")
    from narrowmax.models import digits

    return digits.untrained(RECIPES[NAMES.index(name)])
