"""Small images and texts to learn from, and the files that they come in."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np


def images(count: int, classes: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (count, 32, 32, 3) of a colour that the class says, with noise; and labels in turn."""
    labels = np.arange(count) % classes
    colours = 20 + 50 * (labels[:, None] * 7 // 5 ** np.arange(3) % 5)
    made = colours[:, None, None] + np.random.default_rng(seed).normal(0, 12, (count, 32, 32, 3))
    return made.clip(0, 255).astype(np.uint8), labels


def rows(pictures: np.ndarray) -> np.ndarray:
    """As CIFAR keeps them: (k, 3072), red then green then blue."""
    return pictures.transpose(0, 3, 1, 2).reshape(len(pictures), -1)


def python_cifar10(folder: Path, training, test, protocol: int = 2) -> Path:
    """The python layout: two batches to train on, one to test on, and the names of classes beside them."""
    folder = folder / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    half = len(training[0]) // 2
    parts = {"data_batch_1": [one[:half] for one in training], "data_batch_2": [one[half:] for one in training]}
    for name, (pictures, labels) in {**parts, "test_batch": test}.items():
        held = {b"batch_label": name.encode(), b"labels": labels.tolist(), b"data": rows(pictures)}
        held[b"filenames"] = [f"{k}.png".encode() for k in range(len(labels))]
        (folder / name).write_bytes(pickle.dumps(held, protocol))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["a"]}, protocol))
    (folder / "readme.html").write_text("<html>")
    return folder.parent


def python_cifar100(folder: Path, training, test, protocol: int = 2) -> Path:
    folder.mkdir(parents=True)
    for name, (pictures, labels) in {"train": training, "test": test}.items():
        held = {"fine_labels": labels.tolist(), "coarse_labels": (labels // 5).tolist(), "data": rows(pictures)}
        (folder / name).write_bytes(pickle.dumps(held, protocol))
    return folder


def binary(folder: Path, name: str, training, test) -> Path:
    folder.mkdir(parents=True)
    files = ("data_batch_1.bin", "test_batch.bin") if name == "cifar10" else ("train.bin", "test.bin")
    for file, (pictures, labels) in zip(files, (training, test), strict=True):
        head = [labels[:, None]] if name == "cifar10" else [labels[:, None] // 5, labels[:, None]]
        (folder / file).write_bytes(np.concatenate([*head, rows(pictures)], axis=1).astype(np.uint8).tobytes())
    return folder
