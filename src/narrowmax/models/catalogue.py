"""The built-in tasks by name."""

from __future__ import annotations

from collections.abc import Callable

from narrowmax.errors import SourceError
from narrowmax.models.task import Task
from narrowmax.store import Store

NAMES = ("digits-cnn", "digits-vit")


def tasks() -> list[dict]:
    """What is built in: `{name, title, where, trained, selection, judgement}`, counts in images."""
    from narrowmax.models.digits import RECIPES
    from narrowmax.models.digits_data import SELECTED, TRAINED, digits

    judged = len(digits().judgement)
    return [
        {
            "name": r.name,
            "title": r.title,
            "where": r.where,
            "trained": TRAINED,
            "selection": SELECTED,
            "judgement": judged,
        }
        for r in RECIPES
    ]


def built_in(name: str, progress: Callable[[str], None] | None = None, store: Store | None = None) -> Task:
    """The built-in task `name`, trained if the cache does not have it.  Raises SourceError for another name."""
    if name not in NAMES:
        raise SourceError(f"{name!r} is not a built-in task; there are {', '.join(NAMES)}")
    from narrowmax.models import digits

    return digits.load(next(recipe for recipe in digits.RECIPES if recipe.name == name), progress, store)
