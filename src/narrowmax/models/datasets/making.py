"""Tasks on data that a person points to: read, split, taught, and ready to be judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from narrowmax.models.datasets import cifar, folders, networks, pictures, text
from narrowmax.models.datasets.forms import Form
from narrowmax.models.datasets.learning import Lesson, loop, taught
from narrowmax.models.task import Task
from narrowmax.store import Store

_BATCH = 250
_SHIFT = 4
"""Pixels of 32 that a training image is moved at most, either way."""
_NETWORKS = {"vgg": networks.VGG, "resnet20": networks.ResNet20, "vit": networks.ViT}


def load(form: Form, progress: Callable[[str], None] | None = None, store: Store | None = None) -> Task:
    """The task of a form, its network trained if the cache does not have it.

    progress: called with a line of text after each epoch
    Raises DataError for data that cannot be used, StoreError where the cache cannot be written.
    """
    return (_language if form.data == "text" else _classes)(form, progress, store)


def _classes(form: Form, progress, store) -> Task:
    path, settings = form.path, form.settings
    found = folders.read(path, settings.side) if form.data == "images" else cifar.read(form.data, path)
    data = pictures.split(str(path), found, settings.samples or None)
    width = {"width": settings.width} if settings.width else {}
    make = partial(_NETWORKS[form.network], len(data.classes), data.images.shape[1], **width)
    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    mean, deviation = _scale(data.images[data.training])
    mirrored = form.data != "images"  # a folder may hold letters, or arrows
    prepare = partial(_prepared, mean, deviation, mirrored)
    lesson = Lesson(make, images, labels, prepare, data.training, data.selection)
    return _task(form, lesson, data, "classification", data.notes, *taught(form, lesson, progress, store))


def _language(form: Form, progress, store) -> Task:
    settings = form.settings
    data = text.read(form.path, settings.length, settings.samples or None)
    width = {"width": settings.width} if settings.width else {}
    codes = torch.from_numpy(data.codes)
    make = partial(networks.GPT, data.size, settings.length, **width)
    lesson = Lesson(make, codes[:, :-1], codes[:, 1:], lambda x, _: x, data.training, data.selection)
    return _task(form, lesson, data, "language", data.notes, *taught(form, lesson, progress, store))


def _task(form: Form, lesson: Lesson, data, metric: str, notes: str, network, epochs: list[dict]) -> Task:
    held = np.concatenate([data.selection, data.judgement])
    return Task(
        network,
        partial(_batches, lesson, held),
        metric,
        name=form.name,
        title=form.title,
        where=form.where,
        selection=np.arange(len(data.selection)),
        judgement=np.arange(len(data.selection), len(held)),
        trained=len(data.training),
        threads=1,
        epochs=epochs,
        notes=notes[0].upper() + notes[1:] + ".",
        training=loop(form, lesson),
    )


def _batches(lesson: Lesson, held: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(held), _BATCH):
        part = torch.from_numpy(held[start : start + _BATCH])
        yield lesson.prepare(lesson.inputs[part], False), lesson.labels[part]


def _scale(images: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel of uint8 images, as (1, 3, 1, 1) of what `_prepared` makes of them."""
    counts = [np.bincount(images[..., channel].ravel(), minlength=256) for channel in range(3)]
    levels = np.arange(256) / 255
    means = [np.average(levels, weights=count) for count in counts]
    spread = [np.average((levels - mean) ** 2, weights=count) ** 0.5 for mean, count in zip(means, counts, strict=True)]
    return tuple(
        torch.tensor(values, dtype=torch.float32)[None, :, None, None]
        for values in (means, [max(s, 1e-3) for s in spread])
    )


def _prepared(mean: Tensor, deviation: Tensor, mirrored: bool, images: Tensor, vary: bool) -> Tensor:
    """uint8 (batch, height, width, 3) -> float32 (batch, 3, height, width), scaled; moved at random where asked to."""
    x = (images.permute(0, 3, 1, 2).float() / 255 - mean) / deviation
    return _varied(x, mirrored) if vary else x


def _varied(x: Tensor, mirrored: bool) -> Tensor:
    """Each image moved by up to an eighth of its side, and every other one mirrored; 0, the mean, comes in."""
    side = x.shape[-1]
    most = max(1, side * _SHIFT // 32)
    padded = F.pad(x, (most,) * 4)
    down, right = torch.randint(0, 2 * most + 1, (2, len(x)))
    rows, columns = (at[:, None] + torch.arange(side) for at in (down, right))
    if mirrored:
        columns = torch.where(torch.rand(len(x), 1) < 0.5, columns.flip(1), columns)
    one = torch.arange(len(x))[:, None, None]
    return padded.permute(0, 2, 3, 1)[one, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)
