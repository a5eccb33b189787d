"""Keras 3 on TensorFlow: `python -m tests.models.matrix.keras_tensorflow` writes its record."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

from tests.models.matrix.keras3 import CASES, write

__all__ = ["CASES"]

if __name__ == "__main__":
    write()
