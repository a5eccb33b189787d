"""scikit-learn's bundled handwritten digits, split for training, selection and judgement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

IMAGES = 1797
TRAINED, SELECTED = 447, 290
"""Images to train on and to select on; the other 1,060 are judged and never used before."""

SPLIT_SEED = 20240229


@dataclass(frozen=True)
class Digits:
    """images: float32 (1797, 8, 8) in 0..1; labels: int64; training, selection, judgement: disjoint index arrays.

    The file is the test part of the UCI "optical recognition of handwritten digits" set.  It does not
    say who wrote which digit, so the same hand may be in training and in judgement: accuracies here
    hold for images of these writers, not for new writers.
    """

    images: np.ndarray
    labels: np.ndarray
    training: np.ndarray
    selection: np.ndarray
    judgement: np.ndarray


@lru_cache
def digits() -> Digits:
    """The digits with their split, stratified by class, the same on every machine."""
    from sklearn.datasets import load_digits

    bundled = load_digits()
    images = (bundled.images / 16).astype(np.float32)
    labels = bundled.target.astype(np.int64)
    order = _mixed(labels)
    ends = (TRAINED, TRAINED + SELECTED)
    return Digits(images, labels, *(np.sort(part) for part in np.split(order, ends)))


def _mixed(labels: np.ndarray) -> np.ndarray:
    """All indices in a random order in which every stretch has each class in its share."""
    random = np.random.default_rng(SPLIT_SEED)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        place[members] = (np.arange(len(members)) + random.random()) / len(members)
    return np.argsort(place, kind="stable")
