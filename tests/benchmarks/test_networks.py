"""The benchmark inside networks: it runs, and what it compares is the same network."""

import json

import pytest
import torch

import narrowmax as nm
from benchmarks import networks


def test_its_rows(small, tmp_path, capsys):
    networks.main(["--rounds", "2", "--json", str(tmp_path / "n.json")])
    rows = json.loads((tmp_path / "n.json").read_text())["rows"]
    passes = ("forward", "forward + backward")
    assert [(row["network"], row["pass"]) for row in rows] == [(name, one) for name in small for one in passes]
    assert [row["goal"] and row["goal"]["at_most"] for row in rows] == [None, 1.1] * 2
    assert all(0 < row["times float"]["median"] for row in rows)
    assert "forward + backward" in capsys.readouterr().out


def test_attention_written_out_is_the_same_network(small):
    network, x = small["vit"]
    plain = networks.written_out(network)
    assert torch.allclose(plain(x), network(x), atol=1e-5)
    assert all(layer.fused for layer in network.modules() if isinstance(layer, networks.Attention))


@pytest.mark.parametrize(("name", "softmaxes"), [("cnn", 1), ("vit", 3)])
def test_the_design_takes_every_softmax_and_gives_a_gradient(small, name, softmaxes):
    network, x = small[name]
    with nm.replace(network, nm.design(networks.DESIGN)) as found:
        networks.forward_and_backward(network, x, torch.arange(2))
    assert sum(found.sites.values()) == softmaxes
    assert all(p.grad.abs().sum() > 0 for p in network.parameters())
