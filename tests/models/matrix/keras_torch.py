"""Keras 3 on PyTorch: `python -m tests.models.matrix.keras_torch` writes its record."""

import os

os.environ["KERAS_BACKEND"] = "torch"

from tests.models.matrix.keras3 import CASES, write

__all__ = ["CASES"]

if __name__ == "__main__":
    write()
