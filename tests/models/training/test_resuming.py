"""A training that was interrupted goes on from its last epoch, to the bits of one that was not."""

from __future__ import annotations

import dataclasses
import io
import pickle

import numpy as np
import pytest
import torch
from tests.models.training.keeping import Kept
from tests.models.training.networks import cloud, small
from torch import nn

import narrowmax as nm
from narrowmax.models.training import TrainingLoop, train

ROWS = {
    "plain": {},
    "everything stochastic": {
        "weights": "Q3.5:stochastic", "activations": "Q4.6:stochastic", "gradients": "Q2.12:stochastic",
        "updates": "Q3.8:stochastic",
    },
    "scaled": {"gradients": "Q1.6", "loss_scale": "dynamic"},
    "autocast": {"autocast": "bf16", "softmax": "Q5.3"},
}  # fmt: skip


def shuffled():
    x, y = cloud()
    for part in torch.randperm(192).split(32):
        yield x[part], y[part]


def made(seed: int) -> nn.Module:
    return small(16, nn.Dropout(0.2), nn.BatchNorm1d(16), nn.Linear(16, 4), seed=seed)


def halved(optimiser, epochs):
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)


def adam(network):
    return torch.optim.AdamW(network.parameters(), 1e-2)


def task() -> nm.Task:
    x, y = cloud()
    loop = TrainingLoop(shuffled, adam, network=made, schedule=halved, epochs=4)
    return nm.Task(made(0), [(x[192:], y[192:])], name="cloud", training=loop, threads=1)


def same(one, other) -> None:
    assert one.epochs == other.epochs
    assert {name: values.tolist() for name, values in one.outcomes.items()} == {
        name: values.tolist() for name, values in other.outcomes.items()
    }
    pairs = zip(one.network.state_dict().items(), other.network.state_dict().items(), strict=True)
    assert all(a.equal(b) and name == also for (name, a), (also, b) in pairs)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("epoch", [1, 3])
def test_what_is_resumed_is_what_was_never_interrupted(row, epoch):
    whole = train(task(), seed=1, unfinished=(kept := Kept()), **ROWS[row])
    assert len(kept.saved) == 3 and len(whole.epochs) == 4
    same(train(task(), seed=1, **ROWS[row]), whole)  # saving changes nothing

    told = []
    resumed = train(task(), seed=1, unfinished=Kept(kept.saved[epoch - 1]), progress=told.append, **ROWS[row])
    assert [line.rpartition(": ")[2] for line in told] == [f"epoch {n} of 4" for n in range(epoch + 1, 5)]
    same(resumed, whole)


class Own:
    """A schedule that has nothing but `step`, which is all that is asked of one."""

    def __init__(self, optimiser, epochs):
        self.optimiser, self.done = optimiser, 0

    def step(self):
        self.done += 1
        self.optimiser.param_groups[0]["lr"] = 1e-2 * self.rate(self.done)

    def rate(self, done):
        return 1 / (1 + done)


def by_parts(optimiser, epochs):
    schedules = torch.optim.lr_scheduler
    first, then = schedules.ConstantLR(optimiser, total_iters=2), schedules.LambdaLR(optimiser, Own(optimiser, 0).rate)
    return schedules.SequentialLR(optimiser, [first, then], [2])


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("schedule", [Own, by_parts])
def test_a_schedule_of_any_kind_goes_on_from_where_it_was(schedule):
    one = dataclasses.replace(task(), training=dataclasses.replace(task().training, schedule=schedule))
    whole = train(one, seed=1, unfinished=(kept := Kept()))
    same(train(one, seed=1, unfinished=Kept(kept.saved[2])), whole)


class Harm:
    def __reduce__(self):
        return print, ("harm",)


def poisoned() -> bytes:
    return pickle.dumps(Harm(), 2)


def poisoned_archive() -> bytes:
    torch.save({"network": Harm()}, file := io.BytesIO())
    return file.getvalue()


@pytest.mark.parametrize("body", [poisoned, poisoned_archive, lambda: b"", lambda: b"nonsense"])
def test_a_state_that_is_not_ours_is_not_run_and_training_begins_anew(body, capsys):
    _, good = train(task(), seed=1, epochs=2, unfinished=(kept := Kept())), kept.saved[0]
    bad = {**good, "torch": np.frombuffer(body(), np.uint8)}
    found = train(task(), seed=1, epochs=2, unfinished=Kept(bad))
    assert len(found.epochs) == 2 and "harm" not in capsys.readouterr().out
    same(found, train(task(), seed=1, epochs=2))
