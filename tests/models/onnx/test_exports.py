"""What PyTorch exports: a convolutional network, a transformer with its own attention, both exporters."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import narrowmax as nm
from narrowmax.models import Site
from narrowmax.models.onnx import OnnxNetwork

EXACT = nm.design("ideal")
COARSE = nm.design("ideal(input=Q4.2, output=UQ0.6)")


DYNAMO = pytest.param((23, True), marks=pytest.mark.long)  # half a minute, nearly all of it PyTorch's exporter


class Transformer(nn.Module):
    """Patches of an image, two blocks of attention, each spelt in another way, classes."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, 16, 2, stride=2)
        self.blocks = nn.Sequential(Block(16, Fused(16, 2)), Block(16, Own(16, 2)))
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.blocks(self.patches(x).flatten(2).transpose(1, 2)).mean(1)).softmax(-1)


class Block(nn.Module):
    def __init__(self, width: int, attention: nn.Module):
        super().__init__()
        self.norm, self.attention, self.out = nn.LayerNorm(width), attention, nn.Linear(width, width)

    def forward(self, x):
        return x + F.gelu(self.out(self.attention(self.norm(x))))


class Fused(nn.Module):
    """`nn.MultiheadAttention`."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.inner = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x):
        return self.inner(x, x, x, need_weights=False)[0]


class Own(nn.Module):
    """Scores and softmax written out."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads, self.qkv, self.softmax = heads, nn.Linear(width, 3 * width), nn.Softmax(-1)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return (self.softmax(q @ k.transpose(-2, -1) * 2) @ v).transpose(1, 2).flatten(2)


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(72, 10), nn.LogSoftmax(-1),
    )  # fmt: skip


def exported(folder, network: nn.Module, opset: int, dynamo: bool) -> OnnxNetwork:
    x, path = torch.randn(2, 1, 8, 8), folder / f"{type(network).__name__}{opset}{dynamo}.onnx"
    if dynamo:
        how = {"dynamic_shapes": ({0: torch.export.Dim("b")},), "external_data": False, "verbose": False}
    else:
        how = {"dynamic_axes": {"x": {0: "b"}}, "input_names": ["x"]}
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (x,), path, opset_version=opset, dynamo=dynamo, **how)
    logging.disable(logging.NOTSET)
    return OnnxNetwork(path)


def whole(path, x) -> np.ndarray:
    """The file's first output, run by onnxruntime in one piece."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options).run(None, {"x": x.numpy()})[0]


@pytest.fixture(scope="module", params=[(11, False), (13, False), (14, False), DYNAMO], ids=str)
def pair(request, tmp_path_factory):
    """A network of PyTorch, the network of its file, and the file."""
    torch.manual_seed(0)
    opset, dynamo = request.param
    network = (Transformer() if opset >= 14 else convolutional()).eval()
    folder = tmp_path_factory.mktemp("exports")
    return network, exported(folder, network, opset, dynamo), next(folder.iterdir())


def test_the_file_is_measured_as_the_network_is(pair):
    network, file, path = pair
    x = torch.randn(5, 1, 8, 8)
    with nm.measure(network) as one, torch.no_grad():
        wanted = network(x).numpy()
    before = file(x)
    with nm.measure(file) as other:
        assert np.array_equal(file(x), before)
    assert np.abs(before - wanted).max() <= 1e-5
    assert np.abs(before - whole(path, x)).max() <= 1e-6
    for of_network, of_file in zip(one.softmaxes(), other.softmaxes(), strict=True):
        same = ("kind", "rows", "n")
        assert [of_network[key] for key in same] == [of_file[key] for key in same]
        assert of_file["max"] == pytest.approx(of_network["max"], abs=1e-4)
        assert of_file["name"] == of_network["name"]


def test_the_file_is_replaced_as_the_network_is(pair):
    network, file, _ = pair
    x = torch.randn(5, 1, 8, 8)
    with nm.replace(network, COARSE), torch.no_grad():
        wanted = network(x).numpy()
    with nm.replace(file, COARSE) as replaced:
        got = file(x)
    # Scores differ by float32 rounding, so that one of them may fall on the other side of a step.
    assert np.mean(np.abs(got - wanted) <= 1e-5) >= 0.9 and len(replaced.sites) == len(file.softmaxes)
    with nm.replace(file, EXACT):
        assert np.abs(file(x) - file(x)).max() == 0 and np.abs(file(x) - network(x).detach().numpy()).max() <= 1e-5


def test_attention_alone_is_replaced_by_its_kind(pair):
    network, file, _ = pair
    if not isinstance(network, Transformer):
        return
    with nm.replace(file, COARSE, where="attention") as replaced:
        file(torch.randn(2, 1, 8, 8))
    functions = {site.name: site.function for site in replaced.sites}
    assert list(functions) == ["blocks.0.attention.inner", "blocks.1.attention.softmax"]
    assert file.of_logits().classifier == Site("<network>", "classifier", "softmax")
