"""CIFAR-10 and CIFAR-100 as they are published, in the python and the binary layout, or as arrays in `.npz`.

A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009); https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.datasets import huggingface, pickles
from narrowmax.models.datasets.pictures import Found, Part

SIDE = 32
CLASSES = {"cifar10": 10, "cifar100": 100}
LARGEST_BYTES = 1 << 31
_BYTES = 3 * SIDE * SIDE


def read(name: str, place: Path) -> Found:
    """The images in a folder, or in one `.npz` file.

    name: "cifar10" or "cifar100"
    place: a folder with the published files in it or one folder down (`data_batch_1`, `test_batch`, `train`, `test`,
        and the same with `.bin`), with `.npz` files whose names hold "train" and "test", or saved by Hugging Face
        `datasets`; or one `.npz` file.  In `.npz`: `images` (k, 32, 32, 3) uint8 and `labels`, or Keras' `x_train`,
        `y_train`, `x_test`, `y_test`
    A test part alone will do: `pictures.split` then splits it.

    Raises DataError for a place without such files, and for files that are not what they should be.
    """
    if not place.exists():
        raise DataError(f"{place} does not exist; give the folder with the files of {name}")
    try:
        if place.is_file():
            return _arrays(name, [place])
        for folder in (place, *sorted(one for one in place.iterdir() if one.is_dir())):
            for look in (_published, _stored, _saved):
                if found := look(name, folder):
                    return found
    except OSError as error:
        raise DataError(f"{place} could not be read: {error.strerror or error}") from None
    raise DataError(
        f"{place} holds no files of {name} that are known; give its python or binary layout, .npz files with images "
        "and labels, or a folder saved by Hugging Face datasets"
    )


def _published(name: str, folder: Path) -> Found | None:
    training, test = ("data_batch_*", "test_batch") if name == "cifar10" else ("train", "test")
    for suffix, reader in (("", _pickled), (".bin", _binary)):
        files = [sorted(one for one in folder.glob(pattern + suffix) if one.is_file()) for pattern in (training, test)]
        if not suffix:
            files = [[one for one in group if not one.suffix] for group in files]
        if any(files):
            return Found(_classes(name), *(_joined(name, group, reader) for group in files))
    return None


def _joined(name: str, files: list[Path], reader: Callable[[str, Path], Part]) -> Part | None:
    parts = [reader(name, file) for file in files]
    if not parts:
        return None
    return Part(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


def _classes(name: str) -> tuple[str, ...]:
    return tuple(str(k) for k in range(CLASSES[name]))


def _pickled(name: str, file: Path) -> Part:
    held = pickles.read(file)
    data, labels = held.get("data"), held.get("labels" if name == "cifar10" else "fine_labels")
    whole = isinstance(labels, list) and all(type(label) is int for label in labels)
    if not isinstance(data, np.ndarray) or data.shape[1:] != (_BYTES,) or not whole:
        raise DataError(f"{file.name} holds no images and labels of {name}; give its files as they are published")
    return Part(_planes(data), np.array(labels, np.int64))


def _binary(name: str, file: Path) -> Part:
    before = 1 if name == "cifar10" else 2  # bytes of labels before an image, the fine one last
    size = file.stat().st_size
    if size % (before + _BYTES) or not size or size > LARGEST_BYTES:
        raise DataError(
            f"{file.name} has {size:,} bytes, which is no number of records of {before + _BYTES}; give the binary "
            f"files of {name} as they are published"
        )
    records = np.fromfile(file, np.uint8).reshape(-1, before + _BYTES)
    return Part(_planes(records[:, before:]), records[:, before - 1].astype(np.int64))


def _planes(rows: np.ndarray) -> np.ndarray:
    """(k, 3072), red then green then blue -> (k, 32, 32, 3)."""
    return np.ascontiguousarray(rows.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1))


def _stored(name: str, folder: Path) -> Found | None:
    files = sorted(folder.glob("*.npz"))
    return _arrays(name, files) if files else None


def _saved(name: str, folder: Path) -> Found | None:
    if not huggingface.is_saved(folder):
        return None
    return huggingface.read(folder, SIDE, "label" if name == "cifar10" else "fine_label")


def _arrays(name: str, files: list[Path]) -> Found:
    parts: dict[str, Part] = {}
    for file in files:
        for kind, part in _of_file(file).items():
            if kind in parts:
                raise DataError(f"{file.name} holds a second part to {kind}; leave one file for each")
            parts[kind] = part
    return Found(_classes(name), parts.get("train"), parts.get("test"))


_NAMES = (("images", "labels"), ("x", "y"), ("data", "labels"))


def _of_file(file: Path) -> dict[str, Part]:
    """Parts by kind, "train" and "test": those that arrays are called after, else what the file is."""
    held = _numbers(file)
    usual = "train" if "train" in file.stem.lower() else "test"
    found = {}
    for images, labels in _NAMES:
        for kind, ending in (("train", "_train"), ("test", "_test"), (usual, "")):
            if images + ending in held and labels + ending in held:
                found.setdefault(kind, _part(file, held[images + ending], held[labels + ending]))
    if not found:
        raise DataError(f"{file.name} holds no arrays images and labels (or x_train, y_train); name them so")
    return found


def _numbers(file: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(one.file_size for one in archive.infolist())
        if size > LARGEST_BYTES:
            raise DataError(f"the arrays in {file.name} take {size:,} bytes, more than the {LARGEST_BYTES:,} allowed")
        with np.load(file, allow_pickle=False) as arrays:
            return {
                key: arrays[key] for key in arrays.files if key.split("_")[0] in ("images", "labels", "x", "y", "data")
            }
    except (zipfile.BadZipFile, ValueError, EOFError):
        raise DataError(f"{file.name} is damaged, or holds Python objects, which are never loaded") from None


def _part(file: Path, images: np.ndarray, labels: np.ndarray) -> Part:
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels  # as Keras has them
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise DataError(
            f"the images in {file.name} are {images.dtype} of shape {images.shape}; give uint8 (k, height, width, 3)"
        )
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(f"the labels in {file.name} are {labels.dtype} of shape {labels.shape}; give integers (k,)")
    return Part(images, labels.astype(np.int64))
