"""Images that Hugging Face `datasets` saved in a folder (`save_to_disk`); nothing is fetched, no code of it is run."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.datasets.pictures import Found, Part

_MARKS = ("dataset_dict.json", "state.json")
_IMAGES, _LABELS = ("img", "image"), ("label", "labels")


def is_saved(folder: Path) -> bool:
    """Whether `folder` was written by `datasets`."""
    return any((folder / mark).is_file() for mark in _MARKS)


def read(folder: Path, side: int, label: str = "label") -> Found:
    """The images of a saved dataset, resized to `side` where they differ.

    label: the column of labels to prefer; splits are "train" and "test" ("validation" where there is none)
    Raises DataError without the package `datasets`, and where there are no images and labels.
    """
    try:
        from datasets import DatasetDict, load_from_disk
    except ImportError:
        raise DataError(
            f"{folder} was saved by Hugging Face datasets; install the package datasets to read it"
        ) from None
    try:
        saved = load_from_disk(str(folder))
    except Exception as error:
        raise DataError(f"{folder} could not be read by Hugging Face datasets: {type(error).__name__}") from None
    splits = dict(saved) if isinstance(saved, DatasetDict) else {str(saved.split or "train"): saved}
    test = splits.get("test") or splits.get("validation") or splits.get("valid")
    one = next(iter(splits.values()))
    columns = _column(folder, one, _IMAGES), _column(folder, one, (label, *_LABELS))
    return Found(_classes(one, columns[1]), *(_part(split, *columns, side) for split in (splits.get("train"), test)))


def _column(folder: Path, split, names: tuple[str, ...]) -> str:
    for name in names:
        if name in split.column_names:
            return name
    raise DataError(f"{folder} has columns {', '.join(split.column_names)}; one must be called {' or '.join(names)}")


def _bytes(image: object) -> bytes:
    """An image as it lies in the data set; a path or an address beside it would lead out of it, and is not followed."""
    if not isinstance(image, dict) or not isinstance(image.get("bytes"), bytes):
        raise DataError(
            "the data set names files or addresses in the place of images, which are not followed; load it where they "
            "are, and save it again with save_to_disk, which puts them inside"
        )
    return image["bytes"]


def _classes(split, label: str) -> tuple[str, ...]:
    names = getattr(split.features[label], "names", None)
    return tuple(names) if names else tuple(str(k) for k in range(int(max(split[label])) + 1))


def _part(split, image: str, label: str, side: int) -> Part | None:
    if split is None:
        return None
    from datasets import Image

    from narrowmax.models.datasets.folders import decoded

    held = split.cast_column(image, Image(decode=False))[image]
    images = np.stack([decoded(BytesIO(_bytes(one)), f"an image of column {image!r}", side) for one in held])
    return Part(images, np.asarray(split[label], np.int64))
