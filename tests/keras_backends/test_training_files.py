"""A Keras network in a file, trained by the words of `narrowmax train`: rows beside float, kept, refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.keras_backends.training_networks import X, Y, small, task

from narrowmax.errors import DataError, SourceError
from narrowmax.models.training import read, train
from narrowmax.store import Store
from narrowmax.study import Work, training

ROWS = ("autocast=bf16", "weights=Q2.3, updates=Q2.3")


@pytest.fixture
def work(tmp_path) -> Work:
    return Work(store=Store(tmp_path / "store"))


@pytest.fixture
def file(tmp_path) -> str:
    small(softmax=True).save(tmp_path / "cloud.keras")
    np.savez(tmp_path / "cloud.npz", x=X, labels=Y)
    return str(tmp_path / "cloud.keras")


def test_a_file_is_trained_from_new_weights_and_judged_on_other_samples(file, work, tmp_path):
    loaded = training.load(file, work, data=tmp_path / "cloud.npz")
    assert (loaded.name, loaded.trained) == ("cloud.keras", 179)
    held_out = np.concatenate([inputs for inputs, _ in loaded.pairs()])
    trained = np.concatenate([inputs for inputs, _ in loaded.training.pairs()])
    assert len(held_out) == 77 and len(np.unique(np.concatenate([held_out, trained]), axis=0)) == 256
    record = training.compare(file, loaded, map(read, ROWS), work, epochs=2, seeds=1)
    assert [row["precision"] for row in record["rows"]] == ["float", *ROWS]
    assert record["task"]["held_out"] == 77 and f"on {keras.backend.backend()} " in record["task"]["framework"]
    lost = record["rows"][2]
    assert lost["breaks"]["updates_lost"] > 0.9 and lost["breaks"]["weights_flushed"] is not None
    again = Work(store=Store(tmp_path / "store"))
    loaded = training.load(file, again, data=tmp_path / "cloud.npz")
    assert training.compare(file, loaded, map(read, ROWS), again, epochs=2, seeds=1)["rows"] == record["rows"]
    assert again.reused == ["train: 3 of 3 results"]


def test_a_task_of_ones_own_says_how_its_keras_network_is_trained(work):
    first, second = (training._digest(task(), seed) for seed in (1, 1))
    assert first == second != training._digest(task(), 2)
    record = training.compare("cloud", task(), [read("weights=Q2.3, updates=Q2.3")], work, seeds=1)
    assert [row["stalled"] for row in record["rows"]] == [0, 1] and record["rows"][1]["reason"] == "updates-lost"


def test_what_is_not_learnt_stays_as_it_is_in_the_file(work, tmp_path):
    given, norm = keras.Input((8,), name="x"), layers.Normalization(name="norm")
    norm.adapt(X * 50 + 100)
    frozen = keras.Sequential([layers.Dense(6, name="within"), layers.BatchNormalization()], name="backbone")
    scores = layers.Dense(4, name="last")(frozen(norm(given)))
    frozen.trainable = False
    keras.Model(given, scores).save(tmp_path / "frozen.keras")
    np.savez(tmp_path / "frozen.npz", x=X * 50 + 100, labels=Y[:, None])  # a column, as Keras' own data have them
    loaded = training.load(str(tmp_path / "frozen.keras"), work, data=tmp_path / "frozen.npz")
    before, made = loaded.network, loaded.training.network(1)
    plain = lambda network, name: [np.array(ops.convert_to_numpy(one)) for one in network.get_layer(name).weights]  # noqa: E731
    for name in ("norm", "backbone"):
        assert all(map(np.array_equal, plain(before, name), plain(made, name)))
    assert np.allclose(*(ops.convert_to_numpy(one.get_layer("norm")(X)) for one in (before, made)))
    assert not np.array_equal(plain(before, "last")[0], plain(made, "last")[0])
    found = train(loaded, epochs=1)
    assert all(map(np.array_equal, plain(before, "backbone"), plain(found.network, "backbone")))
    assert found.epochs[0]["train"]["top1"] > 0 and len(found.outcomes["top1"]) == 77


@pytest.mark.parametrize(
    ("last", "labels", "sentence"),
    [
        (1, Y > 1, r"net.keras gives \(None, 1\), which is not the scores of two classes or more; train it as a task"),
        (4, np.where(Y == 0, 9, Y), "a label of task net.keras is 9; labels of rows of 4 are 0 to 3"),
        (4, np.eye(4)[Y], r"task net.keras has labels of shape \(256, 4\) for logits of \(256, 4\); give one label"),
    ],
)
def test_a_file_whose_labels_are_no_classes_is_refused(last, labels, sentence, work, tmp_path):
    ends = layers.Dense(last, activation="sigmoid")
    keras.Sequential([layers.Input((8,)), ends]).save(tmp_path / "net.keras")
    np.savez(tmp_path / "net.npz", x=X, labels=labels.astype(int))
    with pytest.raises(DataError, match=f"^{sentence}"):
        training.load(str(tmp_path / "net.keras"), work, data=tmp_path / "net.npz")


def test_what_cannot_be_trained_is_refused(file, work, tmp_path):
    with pytest.raises(SourceError, match="is a network and needs samples; add --data FILE.npz, its inputs and labels"):
        training.load(file, work)
    np.savez(tmp_path / "unlabelled.npz", x=X)
    with pytest.raises(DataError, match="^unlabelled.npz has no labels, so nothing can be learnt from it; add"):
        training.load(file, work, data=tmp_path / "unlabelled.npz")
    with pytest.raises(SourceError, match="^a.onnx is a network without a loop that trains it; give a task, ./file"):
        training.load("a.onnx", work, data=tmp_path / "cloud.npz")
    with pytest.raises(SourceError, match="^digits-cnn brings its own data; --data is for a Keras network in a file"):
        training.load("digits-cnn", work, data=tmp_path / "cloud.npz")
