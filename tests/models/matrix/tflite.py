"""The rows of TFLite files: `python -m tests.models.matrix.tflite` writes their record."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from tests.models.matrix import files, harness
from tests.models.matrix.files import Case
from tests.models.onnx import flat
from tests.models.onnx.graphs import normal

NAME = "tflite"
X, Q = normal(6, 5), normal(1, 2, 4, 8, seed=1) / 2
SCALES = ((0.25, 0), (1 / 256, -128))


def by_definition(x: np.ndarray) -> np.ndarray:
    weights = np.exp(x.astype(np.float64) - x.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def floats(code: str = "SOFTMAX") -> Case:
    log = code == "LOG_SOFTMAX"
    wanted = np.log(by_definition(X)) if log else by_definition(X)
    return Case(
        lambda folder: flat.softmax(folder, code), {"x": X}, "head", "classifier", X, wanted, log=log, within=3e-6
    )


def integers() -> Case:
    """Real values of the codes, in and out; its own integer kernel is within a code of softmax."""
    codes = np.clip(np.rint(X / 0.25), -128, 127).astype(np.int8)
    x = codes * 0.25
    wanted = np.minimum(by_definition(x), 255 / 256)
    opened = lambda folder: flat.softmax(folder, scales=SCALES)  # noqa: E731
    return Case(opened, {"x": codes}, "head", "classifier", x, wanted, within=1 / 256)


def attending() -> Case:
    scores = Q @ Q.swapaxes(-1, -2)
    given, after = dict.fromkeys("qkv", Q), lambda p: p @ Q
    return Case(
        flat.attention, given, "blk.attn", "attention", scores, after(by_definition(scores)), after=after, within=3e-6
    )


CASES = files.runs(
    {
        "SOFTMAX of floats": floats(),
        "LOG_SOFTMAX of floats": floats("LOG_SOFTMAX"),
        "SOFTMAX of int8": integers(),
        "attention in the middle of a file": attending(),
    }
)


if __name__ == "__main__":
    harness.write(NAME, "TFLite", {"ai-edge-litert": version("ai-edge-litert")}, harness.rows(CASES))
