"""SOURCE for data of one's own, and the tasks that come of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models.datasets import made

import narrowmax as nm
from narrowmax.errors import SourceError
from narrowmax.models import accuracy, evaluator, measured, resolve, tasks
from narrowmax.models.datasets import forms
from narrowmax.models.datasets.forms import Form, Settings, read
from narrowmax.models.networks import logits_of
from narrowmax.store import Store


def test_a_form_is_read():
    found = read("cifar100-vgg:/data/with:colon/cifar")
    assert (found.name, found.where, str(found.path)) == ("cifar100-vgg", "classifier", "/data/with:colon/cifar")
    assert found.settings == Settings()
    found = read("text-gpt(epochs=3, rate=1e-3, width=24):a.txt")
    assert found.settings == Settings(epochs=3, rate=1e-3, width=24) and found.where == "attention"


def test_what_is_no_form_is_left_to_others():
    for other in ("digits-cnn", "package.module:function", "./file.py:function", "a.npz", "/a-b:c", "logits-a.npz"):
        assert not forms.is_form(other)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cifar10-vg:d", "'cifar10-vg:d' names no task on data of yours; did you mean cifar10-vgg?"),
        ("cifar10-vgg", "'cifar10-vgg' says no data; give its place behind a colon, as cifar10-vgg:PATH"),
        ("cifar10-vgg(epoch=3):d", "'epoch=3' in 'cifar10-vgg(epoch=3):d' is no setting; give each once, of epochs, "),
        ("cifar10-vgg(epochs=3,epochs=4):d", "'epochs=4' in 'cifar10-vgg(epochs=3,epochs=4):d' is no setting"),
        (
            "cifar10-vgg(epochs=1001):d",
            "epochs in 'cifar10-vgg(epochs=1001):d' is '1001'; give a whole number from 1 to 1000",
        ),
        ("cifar10-vgg(rate=nan):d", "rate in 'cifar10-vgg(rate=nan):d' is 'nan'; give a number from 1e-06 to 1"),
        ("cifar10-vit(width=10):d", "width in 'cifar10-vit(width=10):d' is 10; vit takes a multiple of 3"),
    ],
)
def test_what_is_wrong_with_a_form(source, message):
    with pytest.raises(SourceError) as raised:
        resolve(source)
    assert str(raised.value).startswith(message)


def test_every_form_is_listed():
    listed = {one["name"]: one for one in tasks()}
    assert {"cifar100-vgg:DIR", "cifar10-resnet20:DIR", "images-vit:DIR", "text-gpt:FILE"} <= set(listed)
    assert listed["images-vit:DIR"] == {
        "name": "images-vit:DIR", "title": "A folder of images, small vision transformer", "where": "attention",
        "trained": None, "selection": None, "judgement": None,
    }  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made.binary(tmp_path_factory.mktemp("data") / "a", "cifar10", made.images(200), made.images(100, seed=1))


@pytest.mark.parametrize(
    ("network", "settings"),
    [("vgg", "epochs=4, width=4"), ("resnet20", "epochs=4, width=4"), ("vit", "epochs=4, width=12")],
)
def test_a_network_learns_what_it_is_given(folder, tmp_path, network, settings):
    lines = []
    task = resolve(f"cifar10-{network}({settings}, batch=10):{folder}", progress=lines.append, store=Store(tmp_path))
    judge = evaluator(task)
    found = accuracy(judge).metrics
    assert found["top1"] > 0.35 and set(found) <= {"top1", "top5", "nll"}
    assert (task.trained, len(judge.selection), len(judge.judgement)) == (200, 30, 70)
    epochs = int(settings[7])
    assert lines[-1].startswith(f"training cifar10-{network}: epoch {epochs} of {epochs}, loss ")
    assert sorted({one["epoch"] for one in task.epochs}) == list(range(epochs + 1))
    assert not task.network.training


def test_a_language_model_learns_and_its_attention_is_judged(tmp_path):
    (tmp_path / "a.txt").write_text("the quick brown fox jumps over the lazy dog. " * 200)
    task = resolve(f"text-gpt(epochs=4, width=24, length=16):{tmp_path / 'a.txt'}", store=Store(tmp_path / "store"))
    judge = evaluator(task)
    assert judge.metrics == ("top1", "nll", "error") and judge.n == 16
    assert accuracy(judge).metrics["nll"] < 2.0
    narrow = accuracy(judge, nm.design("ideal(input=Q2.0, output=UQ0.1)"))
    assert narrow.metrics["nll"] > accuracy(judge).metrics["nll"]
    sites = {(one["name"], one["kind"], one["n"]) for one in measured(task)}
    assert ("blocks.2.attention", "attention", 16) in sites and any(one["masked"] for one in measured(task))


def test_no_character_sees_a_later_one(tmp_path):
    from narrowmax.models.datasets.networks import GPT

    torch.manual_seed(0)
    network = GPT(12, 16, 24).eval()
    codes = torch.randint(0, 12, (2, 16))
    changed = codes.clone()
    changed[:, 9:] = 0
    assert torch.allclose(network(codes)[:, :9], network(changed)[:, :9], atol=1e-6)


def test_what_was_trained_is_kept(folder, tmp_path):
    source, lines, store = f"cifar10-vgg(epochs=1, width=4):{folder}", [], Store(tmp_path)
    state = torch.random.get_rng_state()
    first, second = (resolve(source, progress=lines.append, store=store) for _ in range(2))
    assert len(lines) == 1 and torch.equal(torch.random.get_rng_state(), state)
    assert np.array_equal(logits_of(first).logits, logits_of(second).logits)
    assert first.epochs == second.epochs
    resolve(source.replace("width=4", "width=4, seed=2"), progress=lines.append, store=store)
    assert len(lines) == 2


def test_training_sees_nothing_that_is_held_out(folder, tmp_path):
    from narrowmax.models.datasets import making

    seen = set()
    prepared = making._prepared

    def watched(mean, deviation, mirrored, images, vary):
        if vary:
            seen.update(image.numpy().tobytes() for image in images)
        return prepared(mean, deviation, mirrored, images, vary)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "_prepared", watched)
        making.load(Form("cifar10", "vgg", folder, Settings(epochs=1, width=4)), None, Store(tmp_path))
    assert seen == {image.tobytes() for image in made.images(200)[0]}


def test_images_move_and_are_mirrored_and_nothing_else():
    from narrowmax.models.datasets.making import _varied

    torch.manual_seed(0)
    x = torch.arange(1.0, 8 * 8 + 1).reshape(1, 1, 8, 8).expand(60, 3, 8, 8)
    found, kinds = _varied(x, True), set()
    for image in found[:, 0]:
        where = image.nonzero()
        rows, columns = where.amin(0).tolist(), where.amax(0).tolist()
        part = image[rows[0] : columns[0] + 1, rows[1] : columns[1] + 1]
        steps = (part[:, 1:] - part[:, :-1]).unique().tolist()
        assert steps in ([1.0], [-1.0]) and (part[1:] - part[:-1] == 8).all() and min(part.shape) >= 7
        kinds.add(steps[0])
    assert kinds == {1.0, -1.0}
    assert not any((image[0, :, 1:] - image[0, :, :-1] == -1).any() for image in _varied(x, False))


def test_a_task_on_data_of_ones_own_can_be_trained_with_formats(folder, tmp_path):
    task = resolve(f"cifar10-vgg(epochs=1, width=4):{folder}", store=Store(tmp_path))
    inputs, labels = next(iter(task.training.pairs()))
    assert inputs.shape == (64, 3, 32, 32) and labels.shape == (64,)
    assert task.training.loss(task.network(inputs), labels).item() > 0
