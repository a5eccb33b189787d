"""Selection and judgement: two parts of the samples that share nothing."""

from __future__ import annotations

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.task import Task

SELECTION_SHARE = 0.3
"""Of samples without a split of their own; judgement gets the rest, for it carries the claim."""


def split(samples: int, groups: np.ndarray | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`(selection, judgement)`: sorted index arrays, groups kept whole, the same for the same seed.

    Raises DataError where there are fewer than two samples or groups.
    """
    groups = np.arange(samples) if groups is None else groups
    names, sizes = np.unique(groups, return_counts=True)
    if len(names) < 2:
        raise DataError(
            f"{len(names)} group of samples cannot be split into selection and judgement; give at least two"
        )
    order = np.random.default_rng(seed).permutation(len(names))
    before = np.cumsum(sizes[order]) - sizes[order]
    selected = order[(before < SELECTION_SHARE * samples) & (np.arange(len(names)) < len(names) - 1)]
    chosen = np.isin(groups, names[selected])
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def split_of(
    task: Task, samples: int, seed: int = 0, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The split that `task` brings, checked, or a seeded one.

    groups: (samples,) what belongs together, the task's own unless given
    Raises DataError where the parts overlap, reach beyond the samples, or divide a group, and where
    the groups are not one label a sample.
    """
    groups = task.groups if groups is None else groups
    if groups is not None and np.shape(groups) != (samples,):
        raise DataError(f"task {task.name} has groups of shape {np.shape(groups)} for {samples} samples; give one each")
    if task.selection is None and task.judgement is None:
        return split(samples, groups, seed)
    if task.selection is None or task.judgement is None:
        raise DataError(f"task {task.name} gives one part of a split; give both selection and judgement, or neither")
    parts = np.asarray(task.selection), np.asarray(task.judgement)
    both = np.concatenate(parts)
    if (
        not all(len(part) for part in parts)
        or both.min() < 0
        or both.max() >= samples
        or len(np.unique(both)) < len(both)
    ):
        raise DataError(
            f"the selection and judgement of task {task.name} overlap, are empty or go beyond its {samples} samples; "
            "give disjoint indices"
        )
    if groups is not None and np.intersect1d(*(np.asarray(groups)[part] for part in parts)).size:
        raise DataError(f"the split of task {task.name} divides a group; keep samples that belong together in one part")
    return parts
