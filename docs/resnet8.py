"""MLPerf Tiny's ResNet-8 as Keras reads it, on CIFAR-10 test images: in float, and with designs in its softmax."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import narrowmax as nm
from narrowmax.models import resolve
from narrowmax.models.keras import load

NETWORK = "mlperf_tiny_resnet8/pretrainedResnet.h5"
IMAGES = "cifar10_images/cifar10_test_2000.npz"
DESIGNS = (
    "ideal(input=fp16)",
    "tflite_int8(scale=0.1719)",
    "softermax(input=Q6.2)",
    "table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)",
    "table_divide(input=Q6.1, exp=UQ0.6, output=UQ0.6)",
    "table_divide(input=Q6.0, exp=UQ0.4, output=UQ0.4)",
)


def measured(data: Path, designs: tuple[str, ...] = DESIGNS) -> dict:
    """What reaches the softmax, top-1 in float, and what each design changes.

    data: the folder that has `NETWORK` and `IMAGES`
    """
    network, images, labels = load(data / NETWORK), *_images(data)
    with nm.measure(network) as seen:
        plain = network.predict(images, batch_size=250, verbose=0).argmax(-1)
    (softmax,) = seen.softmaxes()
    return {
        "images": len(labels),
        "right": int((plain == labels).sum()),
        "softmax": {name: softmax[name] for name in ("name", "rows", "n", "min", "max")},
        "designs": [_with(network, text, images, labels, plain) for text in designs],
    }


def narrowed(data: Path, tolerance: float = 0.02, confidence: float = 0.95) -> dict:
    """The narrowest `table_divide` that loses less than `tolerance` of the top-1, as `narrowmax narrow` finds it."""
    network, (images, labels) = load(data / NETWORK), _images(data)
    with TemporaryDirectory() as folder:
        inputs = Path(folder) / "inputs.npz"
        np.savez(inputs, **{network.inputs[0].name: images, "labels": labels})
        task = resolve(str(data / NETWORK), data=inputs)
        best = nm.narrow(task, architecture="table_divide", tolerance=tolerance, confidence=confidence)
    return {
        "tolerance": tolerance,
        "confidence": confidence,
        "design": best.design.text,
        "top1": best.loss["top1"],
        "samples": best.samples,
        "nand2": best.cost.area["nand2"],
    }


def _images(data: Path) -> tuple[np.ndarray, np.ndarray]:
    found = np.load(data / IMAGES, allow_pickle=False)
    return found["images"].astype(np.float32), found["labels"]


def _with(network, text: str, images: np.ndarray, labels: np.ndarray, plain: np.ndarray) -> dict:
    with nm.replace(network, nm.design(text)):
        given = network.predict(images, batch_size=250, verbose=0)
    best = given == given.max(-1, keepdims=True)
    right = best[np.arange(len(labels)), labels] & (best.sum(-1) == 1)  # a tie that another class could win is wrong
    was = plain == labels
    return {
        "design": text,
        "right": int(right.sum()),
        "lost": int((was & ~right).sum()),
        "won": int((~was & right).sum()),
        "ties": int((best.sum(-1) > 1).sum()),
    }
