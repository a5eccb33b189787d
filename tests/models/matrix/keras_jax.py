"""Keras 3 on JAX: `python -m tests.models.matrix.keras_jax` writes its record."""

import os

os.environ["KERAS_BACKEND"] = "jax"

from tests.models.matrix.keras3 import CASES, write

__all__ = ["CASES"]

if __name__ == "__main__":
    write()
