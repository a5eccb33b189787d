"""Labelled images as they were found, and how they are split so that nothing is judged that was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.digits_data import _mixed as mixed  # private there: its file is part of what digits are known by

TRAINED_SHARE, SELECTED_SHARE = 0.6, 0.3
"""Of images without a part to test on, what is trained on; of those held out, what is selected on."""


@dataclass(frozen=True)
class Part:
    """images: uint8 (k, height, width, 3); labels: int64 (k,)"""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Found:
    """What a folder holds: classes, and images to train on and to test on where it keeps them apart."""

    classes: tuple[str, ...]
    training: Part | None
    test: Part | None


@dataclass(frozen=True)
class Pictures:
    """images: uint8 (k, height, width, 3); labels: int64 (k,); training, selection, judgement: disjoint indices

    classes: names, in the order of labels; notes: what a reader must know
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    training: np.ndarray
    selection: np.ndarray
    judgement: np.ndarray
    notes: str = ""


def split(name: str, found: Found, samples: int | None = None) -> Pictures:
    """The images in one array, and the parts: training, selection, judgement, stratified by class.

    With images to train on and others to test on, the latter are split 30 to 70 for selection and judgement.  With one
    kind alone, 60 in 100 of it are trained on and the rest is split in the same way.  An image that is there twice,
    byte for byte, stays where it is first: training, selection, judgement.
    samples: train on so many at most

    Raises DataError where there are no images, labels beyond the classes, or too few for three parts.
    """
    parts = [part for part in (found.training, found.test) if part is not None and len(part.images)]
    _check(name, found, parts)
    images = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    if len(parts) == 2:
        training, held = np.arange(len(parts[0].images)), len(parts[0].images) + mixed(parts[1].labels)
        told = "selection and judgement are of the images to test on"
    else:
        order = mixed(labels)
        training, held = np.split(order, [round(TRAINED_SHARE * len(order))])
        told = "there is no part to test on, so the images were split into training, selection and judgement"
    selected = round(SELECTED_SHARE * len(held))
    cut = [_first_of_class(labels, training, samples), held[:selected], held[selected:]]
    cut, twice = _once(images, cut)
    if not all(len(part) for part in cut):
        raise DataError(f"{name} has {len(images)} images, too few for training, selection and judgement; give more")
    notes = f"{told}; {twice} images that stand in an earlier part too were left out" if twice else told
    return Pictures(images, labels, found.classes, *(np.sort(part) for part in cut), notes=notes)


def _check(name: str, found: Found, parts: list[Part]) -> None:
    if not parts:
        raise DataError(f"{name} holds no images; give a folder with some")
    if len({part.images.shape[1:] for part in parts}) > 1:
        raise DataError(f"the images of {name} to train on and to test on differ in size; give them in one size")
    for part in parts:
        if len(part.images) != len(part.labels):
            raise DataError(f"{name} has {len(part.labels)} labels for {len(part.images)} images; give one each")
        if part.labels.min() < 0 or part.labels.max() >= len(found.classes):
            worst = part.labels.min() if part.labels.min() < 0 else part.labels.max()
            raise DataError(f"a label in {name} is {worst}; labels of {len(found.classes)} classes start from 0")


def _first_of_class(labels: np.ndarray, training: np.ndarray, samples: int | None) -> np.ndarray:
    if samples is None or samples >= len(training):
        return training
    return training[mixed(labels[training])[:samples]]


def _once(images: np.ndarray, parts: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """The parts without images that an earlier one has, and how many those were."""
    seen, kept, twice = set(), [], 0
    for part in parts:
        own = [blake2b(images[k].tobytes(), digest_size=16).digest() for k in part]
        new = np.array([image not in seen for image in own], bool)
        seen.update(own)
        kept.append(part[new])
        twice += int((~new).sum())
    return kept, twice
