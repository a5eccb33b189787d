"""A task trained with formats in the loop: repeated by its seed, judged after each epoch, refused in a sentence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tests.models.training.networks import cloud, small
from torch import nn

import narrowmax as nm
from narrowmax import metrics
from narrowmax.errors import DataError, NetworkError
from narrowmax.models import catalogue
from narrowmax.models.training import TrainingLoop, read, train


def made(seed):
    return small(seed=seed)


def shuffled():
    x, y = cloud()
    for part in torch.randperm(192).split(32):
        yield x[part], y[part]


def sgd(network):
    return torch.optim.SGD(network.parameters(), 0.3)


def task(**more) -> nm.Task:
    x, y = cloud()
    loop = TrainingLoop(shuffled, sgd, **{"epochs": 4, **more})
    return nm.Task(small(), [(x[192:], y[192:])], name="cloud", training=loop, threads=1)


def test_a_training_is_repeated_by_its_seed_and_leaves_the_random_numbers_alone():
    given, state = task(), torch.get_rng_state()
    first, again, other = (train(given, weights="Q2.4:stochastic", seed=seed) for seed in (1, 1, 2))
    assert torch.get_rng_state().equal(state)
    assert first.epochs == again.epochs != other.epochs
    assert np.array_equal(first.outcomes["nll"], again.outcomes["nll"])


def test_each_epoch_tells_what_was_reached_and_what_the_logits_were():
    found = train(task(), seed=1)
    assert [one["epoch"] for one in found.epochs] == [1, 2, 3, 4] and not found.epochs[-1]["diverged"]
    last = found.epochs[-1]
    x, y = cloud()
    with torch.no_grad():
        logits = found.network.eval()(x[192:]).numpy()
    assert last["held_out"]["top1"] == metrics.top1(logits, y[192:].numpy()).mean() == found.outcomes["top1"].mean()
    assert (last["logits"]["min"], last["logits"]["max"]) == (logits.min(), logits.max())
    assert last["train"]["nll"] == pytest.approx(last["loss"], rel=1e-5)
    assert last["train"]["nll"] < found.epochs[0]["train"]["nll"] and last["steps"] == 6


def test_the_network_of_the_task_is_copied_and_kept():
    given = task()
    before = [p.detach().clone() for p in given.network.parameters()]
    found = train(given)
    assert all(a.equal(b) for a, b in zip(before, given.network.parameters(), strict=True))
    assert not found.network[0].weight.equal(before[0])


def test_a_loop_may_bring_its_own_network_loss_and_schedule():
    calls = []

    def loss(output, labels):
        calls.append(len(labels))
        return nn.functional.multi_margin_loss(output, labels)

    def halved(optimiser, epochs):
        return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: 0.0 if epoch else 1.0)

    found = train(task(network=made, loss=loss, schedule=halved), seed=3, epochs=3)
    assert calls == [32] * 18
    assert found.epochs[1]["held_out"] == found.epochs[2]["held_out"]  # nothing moves at a learning rate of 0


def test_a_softmax_that_is_a_design_judges_with_its_own_ties():
    found = train(task(), softmax="ideal(output=UQ1.1)", seed=1)
    x, y = cloud()
    with torch.no_grad():
        logits = found.network.eval()(x[192:]).numpy()
    probabilities = nm.design("ideal(output=UQ1.1)")(logits)
    assert found.outcomes["top1"].tolist() == metrics.top1(probabilities, y[192:].numpy()).tolist()
    assert found.outcomes["top1"].mean() < metrics.top1(logits, y[192:].numpy()).mean()


def test_a_training_that_diverges_ends_there():
    def wild(network):
        return torch.optim.SGD(network.parameters(), 1e8)

    given = task()
    given = dataclasses.replace(given, training=dataclasses.replace(given.training, optimiser=wild))
    for knobs in ({}, {"softmax": "Q5.3"}):
        found = train(given, epochs=9, **knobs)
        assert found.outcomes is None and len(found.epochs) < 9
        assert found.diagnosis().reason == "diverged"


def test_a_task_with_a_metric_of_its_own():
    def metric(output, labels):
        return {"close": (output.argmax(-1) == labels).numpy()}

    found = train(dataclasses.replace(task(), metric=metric), epochs=1)
    assert found.epochs[0]["held_out"] == {"close": found.outcomes["close"].mean()}


def test_what_is_no_class_is_for_the_loss_alone():
    x, y = cloud()
    soft = TrainingLoop([(x[:96], nn.functional.one_hot(y[:96], 4).float())], sgd, epochs=1)
    found = train(dataclasses.replace(task(), training=soft))
    assert "train" not in found.epochs[0] and found.outcomes["top1"].dtype == bool
    near = TrainingLoop([(x[:96], y[:96])], sgd, loss=lambda out, own: (out[:, 0] - own).square().mean(), epochs=1)
    metric = lambda out, own: {"away": (out[:, 0] - torch.as_tensor(own)).abs().detach().numpy()}  # noqa: E731
    found = train(nm.Task(nn.Linear(8, 1), [(x[192:], y[192:])], metric, training=near))
    assert "train" not in found.epochs[0] and found.epochs[0]["held_out"] == {"away": found.outcomes["away"].mean()}


def test_labels_that_are_no_classes_of_the_network_are_refused():
    x, y = cloud()
    with pytest.raises(DataError, match="^a label to train on is 9; labels of rows of 4 are 0 to 3$"):
        train(dataclasses.replace(task(), training=TrainingLoop([(x, y.where(y > 0, 9))], sgd)))
    with pytest.raises(DataError, match=r"^task cloud has labels of shape \(256, 1\) for logits of \(256, 4\); give"):
        train(dataclasses.replace(task(), batches=[(x, y[:, None])]), epochs=1)
    with pytest.raises(DataError, match="^task cloud has labels of type float32; give integers, or the task a metric"):
        train(dataclasses.replace(task(), batches=[(x, y.float())]), epochs=1)


def test_what_is_refused():
    with pytest.raises(DataError, match="^task cloud does not say how it is trained; give it training=TrainingLoop"):
        train(dataclasses.replace(task(), training=None))
    with pytest.raises(NetworkError, match="^a torch module or a Keras model is needed to train, not a int"):
        train(task(network=lambda seed: seed))


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_the_built_in_tasks_say_how_they_are_trained(name):
    given = catalogue.untrained(name)
    assert given.name == name and given.trained == 447 and given.epochs == []
    found = train(given, read("weights=Q2.8, activations=Q5.8"), epochs=1)
    assert found.epochs[0]["steps"] == -(-447 // (32 if name == "digits-cnn" else 64))
    assert len(found.outcomes["top1"]) == 1350


def test_a_network_that_ends_in_softmax_is_not_trained_through_a_second_one():
    twice = dataclasses.replace(task(), network=nn.Sequential(small(), nn.Softmax(-1)))
    with pytest.raises(DataError, match="the network that is trained gives probabilities where logits are wanted"):
        train(twice)

    def loss(output, labels):
        return nn.functional.nll_loss(output.log(), labels)

    def metric(output, labels):
        return {"close": (output.argmax(-1) == labels).numpy()}

    loop = dataclasses.replace(twice.training, loss=loss)
    assert len(train(dataclasses.replace(twice, metric=metric, training=loop), epochs=1).epochs) == 1
