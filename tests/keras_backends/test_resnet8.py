"""MLPerf Tiny's ResNet-8 on real images: the record of docs/keras.md is what the network gives today."""

from __future__ import annotations

import numpy as np
import pytest
from docs import keras3, resnet8
from tests.keras_backends.cases import BACKEND

from narrowmax.models.keras import forward, load
from narrowmax.store import load as read


@pytest.fixture(scope="module")
def data(shared_data):
    for name in (resnet8.NETWORK, resnet8.IMAGES):
        if not (shared_data / name).exists():
            pytest.skip(f"../shared/data/{name} is absent")
    return shared_data


def test_the_logits_are_those_that_others_computed(data):
    images = np.load(data / resnet8.IMAGES, allow_pickle=False)
    stored = np.load(data / "mlperf_tiny_resnet8/cifar10_test_logits.npz", allow_pickle=False)["logits"]
    found = forward(load(data / resnet8.NETWORK), images["images"][:100].astype(np.float32))
    assert np.abs(found - stored[images["index_in_test"][:100]]).max() < 1e-3


def test_designs_in_the_network_give_what_the_page_says(data):
    """Of two of the designs: each takes a pass over all images."""
    record = read(keras3.RECORD)["resnet8"]
    assert [one["design"] for one in record["designs"]] == list(resnet8.DESIGNS)
    found = resnet8.measured(data, resnet8.DESIGNS[1:3])
    assert (found["images"], found["right"]) == (record["images"], record["right"])
    slack = 0 if BACKEND == "tensorflow" else 2  # another order of sums may round a logit the other way
    for one, other in zip(found["designs"], record["designs"][1:3], strict=True):
        assert abs(one["right"] - other["right"]) <= slack
    softmax, said = found["softmax"], record["softmax"]
    assert (softmax["name"], softmax["rows"], softmax["n"]) == (said["name"], said["rows"], said["n"])
    assert (softmax["min"], softmax["max"]) == pytest.approx((said["min"], said["max"]), rel=1e-5)
