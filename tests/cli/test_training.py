"""`narrowmax train` through its words."""

from __future__ import annotations

import re

import pytest

SOURCE = """
import torch
from torch import nn
import narrowmax as nm

def made(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))

def data():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 8, generator=generator)
    return x, (x @ torch.randn(8, 4, generator=generator)).argmax(1)

def batches():
    x, y = data()
    for part in torch.randperm(192).split(32):
        yield x[part], y[part]

def task():
    x, y = data()
    loop = nm.TrainingLoop(batches, lambda network: torch.optim.SGD(network.parameters(), 0.3), network=made, epochs=3)
    return nm.Task(made(0), [(x[192:], y[192:])], name="cloud", training=loop, threads=1)
"""
WORDS = ("train", "./mine.py:task", "--trust", "--seeds", "2")


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(SOURCE)
    monkeypatch.setenv("NARROWMAX_CACHE", str(tmp_path / "cache"))


def test_a_function_of_ones_own_is_trained_with_designs_and_formats(narrowmax, mine):
    said = narrowmax(
        *WORDS, "--design", "table_divide(input=Q5.3)", "--softmax", "Q5.1", "--row", "autocast=bf16", "--json"
    )
    assert said.code == 0 and said.record["schema"] == "narrowmax/train/1"
    texts = [row["precision"] for row in said.record["rows"]]
    assert texts[:2] == ["float", "autocast=bf16"] and texts[2].startswith("softmax=table_divide(input=Q5.3")
    assert texts[3] == "softmax=ideal(input=Q5.1, output=fp32)"
    assert len(said.record["epochs"]) == 4 * 2 * 3
    for one in said.record["epochs"]:
        assert {
            "loss",
            "gradients",
            "updates",
            "weights",
            "push",
            "gradient_norm",
            "train",
            "held_out",
            "logits",
        } <= one.keys()


def test_a_stall_ends_with_1_and_says_why(narrowmax, mine):
    words = (*WORDS, "--weights", "Q2.4", "--updates", "Q2.4")
    said = narrowmax(*words)
    assert said.code == 1 and "2 of 2" in said.out
    assert re.search(r"weights=Q2.4, updates=Q2.4\n    weights stopped: 9.* of the updates were below half", said.out)
    again = narrowmax(*words, "--json")
    assert again.code == 1 and again.record["reused"] == ["train: 4 of 4 results"]
    helped = narrowmax(*words, "--rounding", "stochastic", "--json").record
    assert helped["rows"][1]["precision"] == "weights=Q2.4:stochastic, updates=Q2.4:stochastic"
    assert helped["rows"][1]["stalled"] == 0


def test_out_writes_a_record_that_a_page_is_drawn_from(narrowmax, mine, tmp_path):
    said = narrowmax(*WORDS, "--gradients", "Q1.8", "--loss-scale", "16", "--epochs", "2", "--out", "trained")
    assert said.code in (0, 1) and (tmp_path / "trained" / "record.json").is_file()
    drawn = narrowmax("page", "trained/record.json", "--out", "page.html")
    assert (drawn.code, drawn.out) == (0, "page.html\n")
    text = (tmp_path / "page.html").read_text()
    assert "gradients=Q1.8, loss_scale=16" in text and "<script" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--weights", "Q8"), "can be read two ways"),
        (("--row", "Q2.6"), "'Q2.6' in 'Q2.6' is not known; write NAME=VALUE"),
        (("--gradient", "soft"), "gradient 'soft' is not known; give one of slope, straight-through, none"),
        (("--design", "no_such"), "no_such"),
        (("--loss-scale", "-1"), "the loss scale is -1.0; give a number above 0"),
        (("--seeds", "0"), "invalid value for '--seeds'"),
    ],
)
def test_what_is_refused(narrowmax, mine, words, sentence):
    said = narrowmax(*WORDS[:3], *words)
    assert (said.code, said.out) == (2, "") and sentence in said.err


def test_a_source_that_cannot_be_trained_is_refused(narrowmax, file):
    said = narrowmax("train", file)
    assert said.code == 2 and "holds logits, which cannot be trained" in said.err
