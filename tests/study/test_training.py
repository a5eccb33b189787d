"""Trainings with formats in them, side by side: rows, losses, what is kept, what is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from tests.models.training.networks import cloud, small

import narrowmax as nm
from narrowmax.errors import DataError, SourceError
from narrowmax.models.training import read
from narrowmax.store import Store
from narrowmax.study import Work, training
from narrowmax.study.training import USUAL, compare, load, rows_of

ROWS = ("weights=Q2.4, updates=Q2.4", "weights=Q2.4, updates=Q2.4:stochastic", "softmax=ideal(input=Q5.3)")


def made(seed):
    return small(seed=seed)


def batches():
    x, y = cloud()
    for part in torch.randperm(192).split(32):
        yield x[part], y[part]


def sgd(network):
    return torch.optim.SGD(network.parameters(), 0.3)


@pytest.fixture
def task() -> nm.Task:
    x, y = cloud()
    loop = nm.TrainingLoop(batches, sgd, network=made, epochs=4)
    return nm.Task(small(), [(x[192:], y[192:])], name="cloud", training=loop, threads=1)


@pytest.fixture
def record(task, work) -> dict:
    return compare("cloud", task, map(read, ROWS), work, seeds=2)


def test_the_rows_are_those_asked_for_beside_float(record):
    assert [row["precision"] for row in record["rows"]] == ["float", ROWS[0], ROWS[1], read(ROWS[2]).text]
    assert [(one["row"], one["seed"], one["epoch"]) for one in record["epochs"]] == [
        (row, seed, epoch) for row in range(4) for seed in (1, 2) for epoch in (1, 2, 3, 4)
    ]
    assert record["settings"] == {"epochs": 4, "seeds": 2, "confidence": 0.95}
    framework = f"torch {torch.__version__}"
    assert record["task"] == {"name": "cloud", "title": "", "trained": None, "held_out": 64, "framework": framework}


def test_what_stalled_says_why_and_what_did_not_is_left_alone(record):
    stalled = {row["precision"]: row["stalled"] for row in record["rows"]}
    assert stalled[ROWS[0]] == 2 and sum(stalled.values()) == 2
    lost = record["rows"][1]
    assert lost["reason"] == "updates-lost" and lost["verdict"].startswith("weights stopped: 9")
    assert lost["breaks"]["updates_lost"] > 0.9 and record["rows"][2]["stalled"] == 0


def test_losses_pair_each_sample_with_itself_and_count_it_once(task, work, record):
    last = {(one["row"], one["seed"]): one["held_out"] for one in record["epochs"] if one["epoch"] == 4}
    loss = record["rows"][1]["loss"]["top1"]
    means = [np.mean([last[row, seed]["top1"] for seed in (1, 2)]) for row in (0, 1)]
    assert (loss["float"], loss["design"]) == pytest.approx(means)
    assert loss["difference"] == pytest.approx(means[0] - means[1])
    assert loss["low"] < loss["difference"] < loss["high"]
    assert record["rows"][0]["loss"]["top1"]["difference"] == 0
    alone = compare("cloud", task, [read(ROWS[0])], work, seeds=1)["rows"][1]["loss"]["top1"]
    assert alone["difference"] == last[0, 1]["top1"] - last[1, 1]["top1"]


def test_spread_is_over_seeds(record):
    found = record["rows"][0]["metrics"]["top1"]
    assert found["least"] <= found["mean"] <= found["most"] and found["seeds"] == 2


def test_what_was_trained_is_kept_and_an_interruption_loses_one_training(task, work, monkeypatch):
    calls, real = [], training.train

    def interrupted(*args, **kwargs):
        calls.append(kwargs["seed"])
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(training, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare("cloud", task, [read(ROWS[0])], work, seeds=2)
    compare("cloud", task, [read(ROWS[0])], work, seeds=2)
    assert calls == [1, 2, 1, 2, 2]
    compare("cloud", task, [read(ROWS[0])], work, seeds=2, epochs=2)
    assert len(calls) == 9


def test_an_interrupted_training_goes_on_from_its_last_epoch(task, tmp_path):
    rows = [read("weights=Q2.4, updates=Q2.4:stochastic")]
    whole = compare("cloud", task, rows, Work(store=Store(tmp_path / "one")), seeds=1)
    lines: list[str] = []

    def told(line: str) -> None:
        lines.append(line)
        if line.endswith("epoch 3 of 4") and "Q2.4" in line and sum("epoch 3" in one for one in lines) == 2:
            raise KeyboardInterrupt

    store = Store(tmp_path / "two")
    with pytest.raises(KeyboardInterrupt):
        compare("cloud", task, rows, Work(store=store, tell=told), seeds=1)
    assert len(list(store.folder.glob("train-unfinished/*.npz"))) == 1
    lines.clear()
    work = Work(store=Store(tmp_path / "two"), tell=lines.append)
    found = compare("cloud", task, rows, work, seeds=1)
    assert [line.rpartition(": ")[2] for line in lines if "epoch" in line] == ["epoch 3 of 4", "epoch 4 of 4"]
    assert found["epochs"] == whole["epochs"] and work.reused == ["train: 1 of 2 results"]
    assert [{**row, "seconds": 0} for row in found["rows"]] == [{**row, "seconds": 0} for row in whole["rows"]]
    assert not list(store.folder.glob("train-unfinished/*.npz"))


def test_another_loop_or_other_data_are_trained_anew(task):
    def slower(network):
        return torch.optim.SGD(network.parameters(), 0.2)

    x, y = cloud()
    loop = nm.TrainingLoop(lambda: iter([(x[:32], y[:32])]), slower, network=made)
    other = nm.Task(small(), [(x[192:], y[192:])], name="cloud", training=loop, threads=1)
    known = training._digest(task, 1)
    assert known == training._digest(task, 1)
    assert known not in (training._digest(task, 2), training._digest(other, 1))


class Weighted:
    def __init__(self, weight):
        self.weight = torch.tensor(weight)

    def __call__(self, output, labels):
        return torch.nn.functional.cross_entropy(output, labels, self.weight)

    def method(self, output, labels):
        return self(output, labels)


def at_rate(rate):
    return lambda network: torch.optim.SGD(network.parameters(), rate)


def with_rate(network, rate):
    return torch.optim.SGD(network.parameters(), rate)


SETTINGS = {
    "a word": ({"loss": "mse"}, {"loss": "mae"}),
    "no word": ({"loss": "mse"}, {"loss": None}),
    "a module": tuple({"loss": torch.nn.CrossEntropyLoss(label_smoothing=share)} for share in (0.0, 0.5)),
    "a tensor": tuple({"loss": Weighted([1.0, weight])} for weight in (1.0, 2.0)),
    "a method": tuple({"loss": Weighted([1.0, weight]).method} for weight in (1.0, 2.0)),
    "a closure": tuple({"optimiser": at_rate(rate)} for rate in (0.1, 0.2)),
    "a partial": tuple({"optimiser": partial(with_rate, rate=rate)} for rate in (0.1, 0.2)),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_another_setting_of_the_same_function_is_trained_anew(task, name):
    one, other = (replace(task, training=replace(task.training, **changed)) for changed in SETTINGS[name])
    assert training._digest(one, 1) == training._digest(one, 1) != training._digest(other, 1)


def test_a_training_that_diverges_has_no_loss_but_a_reason(work):
    x, y = cloud()
    loop = nm.TrainingLoop(batches, lambda network: torch.optim.SGD(network.parameters(), 1e8), network=made)
    wild = nm.Task(small(), [(x[192:], y[192:])], name="wild", training=loop)
    found = compare("wild", wild, [], work, seeds=1)
    (row,) = found["rows"]
    assert row["loss"] is None and row["loss_reason"].startswith("a training diverged") and row["reason"] == "diverged"
    assert row["metrics"] == {} and found["task"]["held_out"] is None


def test_a_softmax_is_put_where_the_task_is_judged(task, work):
    vit = load("digits-vit", work)
    placed = training._placed(read("softmax=Q5.3"), vit)
    assert (
        placed.where == "attention"
        and training._placed(read("softmax=Q5.3, where=classifier"), vit).where != "attention"
    )
    assert training._placed(read("weights=Q2.6"), vit).where == "*"


def test_rows_from_words():
    assert rows_of() == [read(text) for text in USUAL]
    assert rows_of(softmaxes=["Q5.3", "softermax"], knobs={"weights": "Q2.6", "layers": None}) == [
        read("softmax=Q5.3, weights=Q2.6"),
        read("softmax=softermax, weights=Q2.6"),
    ]
    assert rows_of(["gradients=fp16"], knobs={"updates": "Q2.6", "rounding": "stochastic"}) == [
        read("gradients=fp16"),
        read("updates=Q2.6:stochastic"),
    ]


def test_what_cannot_be_trained_is_refused(tmp_path, monkeypatch, work):
    monkeypatch.chdir(tmp_path)
    np.savez("logits.npz", logits=np.zeros((3, 4), np.float32))
    with pytest.raises(SourceError, match="^logits.npz holds logits, which cannot be trained; give a task"):
        load("logits.npz", work)
    (tmp_path / "mine.py").write_text("import narrowmax as nm\ndef task(): return nm.Task(None, [])\n")
    with pytest.raises(
        DataError, match="^the task of ./mine.py:task does not say how it is trained; give it training="
    ):
        load("./mine.py:task", work, trust=True)
    assert load("digits-cnn", work).name == "digits-cnn"
