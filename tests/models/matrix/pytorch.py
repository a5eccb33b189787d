"""The matrix of PyTorch: python -m tests.models.matrix.pytorch"""

from __future__ import annotations

import torch
from tests.models.matrix import harness, pytorch_calls, pytorch_contexts

NAME = "pytorch"
CASES = {**pytorch_calls.CASES, **pytorch_contexts.CASES}


def rows() -> list[dict]:
    """Every row, run."""
    return harness.rows(CASES)


if __name__ == "__main__":
    harness.write(NAME, "PyTorch", {"torch": torch.__version__.partition("+")[0]}, rows())
