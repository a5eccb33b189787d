"""Measurements by epoch in the training loops of others: what is counted, what is not, what is written."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import narrowmax as nm
import narrowmax.torch as nt
from narrowmax.errors import ToolMissing

ROWS, BATCH, EPOCHS = 12, 4, 2


class Writer:
    def __init__(self):
        self.scalars = {}

    def add_scalar(self, tag, value, step):
        self.scalars[tag, step] = value


@pytest.fixture
def batches():
    torch.manual_seed(0)
    return DataLoader(TensorDataset(torch.randn(ROWS, 4), torch.arange(ROWS) % 3), BATCH)


def test_a_plain_loop_writes_its_epochs(batches):
    network, writer = nn.Linear(4, 3), Writer()
    with nm.measure(network) as seen:
        for seen.epoch in range(EPOCHS):
            for x, y in batches:
                F.cross_entropy(network(x), y)
            nt.write_scalars(writer, seen)
    names = ("min", "max", "within 5", "within 10", "within 20", "distance p99")
    assert set(writer.scalars) == {(f"softmax/<network>/{name}", epoch) for name in names for epoch in range(EPOCHS)}
    one = seen.softmaxes()[0]
    assert writer.scalars["softmax/<network>/max", 0] == one["max"]
    assert writer.scalars["softmax/<network>/within 10", 1] == 1.0


def test_heads_have_scalars_of_their_own():
    network, writer, x = nn.MultiheadAttention(4, 2), Writer(), torch.randn(3, 4)
    with nm.measure(network, heads=True, within=(1,)) as seen:
        network(x, x, x)
    nt.write_scalars(writer, seen)
    assert ("softmax/<network>/head 1/max", 0) in writer.scalars
    assert not any("within" in tag for tag, _ in writer.scalars)


def fit(network, callback, batches, **options):
    lightning = import_module("lightning")
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = lightning.Trainer(max_epochs=EPOCHS, callbacks=[callback], accelerator="cpu", **quiet, **options)
    trainer.fit(network, batches, batches)


@pytest.fixture
def module():
    class Module(import_module("lightning").LightningModule):
        fails = False

        def __init__(self):
            super().__init__()
            self.net = nn.Linear(4, 3)

        def training_step(self, batch, _):
            if self.fails:
                raise ValueError("on purpose")
            return F.cross_entropy(self.net(batch[0]), batch[1])

        def validation_step(self, batch, _):
            self.log("loss", F.cross_entropy(self.net(batch[0]), batch[1]))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    return Module()


@pytest.mark.filterwarnings("ignore")
def test_lightning_keeps_epochs_apart_and_counts_no_validation(module, batches):
    with nm.measure(module) as seen:
        fit(module, nt.LightningCallback(seen, writer := Writer()), batches)
        assert seen.watches
    assert [(one["name"], one["epoch"], one["rows"]) for one in seen.softmaxes()] == [
        ("net", 0, ROWS),
        ("net", 1, ROWS),
    ]
    assert {step for _, step in writer.scalars} == {0, 1}


@pytest.mark.filterwarnings("ignore")
def test_training_that_breaks_off_leaves_nothing_behind(module, batches):
    module.fails = True
    with nm.measure(module) as seen, pytest.raises(ValueError, match="on purpose"):
        fit(module, nt.LightningCallback(seen), batches, num_sanity_val_steps=1)
    assert seen.watches and seen.softmaxes() == []
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in module.modules())


@pytest.mark.filterwarnings("ignore")
def test_transformers_keeps_epochs_apart_and_counts_no_evaluation(tmp_path, tiny):
    transformers = import_module("transformers")
    data = [{"input_ids": torch.arange(5) + i, "labels": torch.tensor(i % 3)} for i in range(8)]
    options = transformers.TrainingArguments(
        str(tmp_path), num_train_epochs=EPOCHS, per_device_train_batch_size=4, eval_strategy="epoch",
        save_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True,
    )  # fmt: skip
    network = tiny("bert", "sdpa")
    with nm.measure(network) as seen:
        callback = nt.TransformersCallback(seen, writer := Writer())
        transformers.Trainer(network, options, train_dataset=data, eval_dataset=data, callbacks=[callback]).train()
        assert seen.watches
    logits = [(one["epoch"], one["rows"]) for one in seen.softmaxes() if one["name"] == "<network>"]
    assert logits == [(0, 8), (1, 8)]
    assert {step for _, step in writer.scalars} == {0, 1}


@pytest.mark.parametrize(
    ("name", "module", "missing", "message"),
    [
        ("TransformersCallback", "transformers", ["transformers"], "^Transformers was not found, and its callback"),
        ("LightningCallback", "lightning", ["lightning", "pytorch_lightning"], "^Lightning was not found, and its"),
    ],
)
def test_what_is_not_installed_is_asked_for(monkeypatch, name, module, missing, message):
    monkeypatch.delitem(sys.modules, f"narrowmax.models.callbacks.{module}", raising=False)
    for package in missing:
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolMissing, match=message):
        getattr(nt, name)
