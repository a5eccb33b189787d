"""The built-in tasks: their split, their cache, what they reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from narrowmax.errors import SourceError
from narrowmax.models import digits as digits_module
from narrowmax.models import evaluator, measured, resolve, tasks
from narrowmax.models.catalogue import NAMES, Recipe, built_in
from narrowmax.models.digits import load
from narrowmax.models.digits_data import digits
from narrowmax.models.digits_networks import DigitsCNN
from narrowmax.models.networks import logits_of
from narrowmax.store import Store


@pytest.fixture(scope="module", params=NAMES)
def task(request):
    return resolve(request.param)


def test_the_split_is_honest():
    data = digits()
    parts = (data.training, data.selection, data.judgement)
    assert [len(part) for part in parts] == [447, 290, 1060]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(1797))
    for part in parts:
        shares = np.bincount(data.labels[part]) / len(part)
        assert (abs(shares - 0.1) < 0.02).all()


def test_no_image_stands_in_two_parts():
    data = digits()
    seen = {
        name: {image.tobytes() for image in data.images[getattr(data, name)]}
        for name in ("training", "selection", "judgement")
    }
    assert not seen["training"] & seen["selection"]
    assert not (seen["training"] | seen["selection"]) & seen["judgement"]


def test_the_catalogue_says_what_the_tasks_are(task):
    entry = next(entry for entry in tasks() if entry["name"] == task.name)
    assert entry == {
        "name": task.name,
        "title": task.title,
        "where": task.where,
        "trained": task.trained,
        "selection": len(task.selection),
        "judgement": len(task.judgement),
    }


def test_the_network_has_learned(task):
    judge = evaluator(task)
    outcome = judge.float_outcomes(judge.judgement)
    assert len(judge.judgement) == 1060
    assert outcome["top1"].mean() >= 0.95
    assert outcome["nll"].mean() < 0.2


def test_what_reaches_the_softmax_grew(task):
    found = measured(task)
    epochs = sorted({one["epoch"] for one in found})
    assert epochs[0] == 0 and len(epochs) >= 20
    for name in {one["name"] for one in found}:
        first, *_, last = (one for one in found if one["name"] == name)
        assert last["max"] - last["min"] > 2 * (first["max"] - first["min"])
        assert first["rows"] == last["rows"]


def test_the_vision_transformer_has_its_attention_seen():
    found = measured(resolve("digits-vit"))
    last = [one for one in found if one["epoch"] == found[-1]["epoch"]]
    assert {(one["name"], one["kind"], one["n"], one["rows"]) for one in last} == {
        ("blocks.0.attention", "attention", 16, 290 * 2 * 16),
        ("blocks.1.attention", "attention", 16, 290 * 2 * 16),
        ("classifier", "classifier", 10, 290),
    }


SMALL = Recipe("digits-small", "", "DigitsCNN", "classifier", 2, 1, 3e-3, 64)


def test_a_task_is_trained_once_and_then_read_back(tmp_path):
    store, lines = Store(tmp_path), []
    first = load(SMALL, lines.append, store)
    assert lines == ["training digits-small: epoch 1 of 2", "training digits-small: epoch 2 of 2"]
    second = load(SMALL, lines.append, store)
    assert len(lines) == 2
    assert np.array_equal(logits_of(first).logits, logits_of(second).logits)
    assert evaluator(first).digest == evaluator(second).digest
    assert first.epochs == second.epochs
    assert {one["epoch"] for one in first.epochs} == {0, 1, 2}


def test_training_does_not_depend_on_what_was_drawn_before_and_disturbs_nothing(tmp_path):
    torch.manual_seed(5)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    first = load(SMALL, None, Store(tmp_path / "a"))
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(7)
    second = load(SMALL, None, Store(tmp_path / "b"))
    assert np.array_equal(logits_of(first).logits, logits_of(second).logits)
    assert torch.get_num_threads() == threads
    assert not first.network.training


def test_training_sees_no_image_that_is_held_out(monkeypatch):
    seen, data = set(), digits()
    forward = DigitsCNN.forward

    def watched(self, images):
        if self.training:
            seen.update(image.numpy().tobytes() for image in images)
        return forward(self, images)

    monkeypatch.setattr(DigitsCNN, "forward", watched)
    monkeypatch.setattr(digits_module, "moved", lambda images: images)
    digits_module.train(SMALL, data)
    assert seen == {image.tobytes() for image in data.images[data.training]}


def test_moving_an_image_by_nothing_leaves_it(monkeypatch):
    monkeypatch.setattr(torch, "rand", lambda *size: torch.full(size, 0.5))
    images = torch.from_numpy(digits().images[:5])[:, None]
    assert torch.allclose(digits_module.moved(images), images, atol=1e-6)


def test_an_unknown_task_is_refused():
    with pytest.raises(SourceError, match="^'digits' is not a built-in task; there are digits-cnn, digits-vit$"):
        built_in("digits")
