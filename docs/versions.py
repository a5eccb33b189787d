"""The versions that tests run with, of what networks are written in, from the locks in requirements/."""

from __future__ import annotations

import re
from pathlib import Path

LOCKS = Path(__file__).resolve().parent.parent / "requirements"
NEWEST, LOWEST = ("torch.txt", "lock.txt", "keras.txt"), ("torch.txt", "oldest.txt", "oldest-keras.txt")

PACKAGES = {
    "PyTorch": "torch",
    "Transformers": "transformers",
    "Lightning": "lightning",
    "Keras": "keras",
    "TensorFlow": "tensorflow-cpu",
    "JAX": "jax",
    "ONNX": "onnx",
    "ONNX Runtime": "onnxruntime",
    "LiteRT": "ai-edge-litert",
    "Datasets": "datasets",
    "NumPy": "numpy",
}


def version(package: str, locks: tuple[str, ...]) -> str:
    """Of a package in the first of some locks that has it."""
    found = (re.search(rf"^{package}==([\d.]+)", (LOCKS / name).read_text("utf-8"), re.MULTILINE) for name in locks)
    return next(filter(None, found))[1]


def table() -> str:
    """What it is, the lowest version, the newest."""
    lines = [["", "lowest", "newest"], ["---"] * 3]
    lines += [[label, version(name, LOWEST), version(name, NEWEST)] for label, name in PACKAGES.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
