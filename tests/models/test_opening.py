"""Networks in files with their data, as SOURCE: `FILE.onnx --data FILE.npz` and its kin."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from tests.models.onnx.graphs import attending_model, constant, model, node, normal, value

import narrowmax as nm
from narrowmax import cli, models
from narrowmax.errors import DataError, SourceError
from narrowmax.models import measured, resolve
from narrowmax.models.inputs import read_inputs

SAMPLES = 150


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A classifier with a softmax of its own, one without, and data for them."""
    monkeypatch.chdir(tmp_path)
    weights = constant("w", normal(6, 4, seed=1) / 4)
    nodes = [node("MatMul", ["x", "w"], ["h"]), node("Softmax", ["h"], ["p"], name="/head/Softmax")]
    for name, outputs in (("soft", ["p"]), ("bare", ["h"])):
        made = model(nodes[: 1 + (name == "soft")], [value("x", ["n", 6])], [value(outputs[0])], constants=[weights])
        (tmp_path / f"{name}.onnx").write_bytes(made.SerializeToString())
    x = normal(SAMPLES, 6)
    labels = (x @ normal(6, 4, seed=1)).argmax(-1)
    np.savez("x.npz", x=x)
    np.savez("labelled.npz", x=x, labels=labels)
    return tmp_path


def test_a_network_with_labels_is_judged_by_its_logits(folder):
    for name in ("soft", "bare"):
        task = resolve(f"./{name}.onnx", data="labelled.npz")
        assert (task.name, task.where, task.labelled) == (f"{name}.onnx", "classifier", True)
        judge = models.evaluator(task)
        assert (judge.samples, judge.n) == (SAMPLES, 4)
        assert models.accuracy(judge).metrics["top1"] == 1
        assert models.accuracy(judge, nm.design("ideal(input=Q5.3)")).metrics["top1"] > 0.9
        (one,) = measured(task)
        name = {"soft": "head", "bare": "<outside>"}[name]
        assert (one["name"], one["kind"], one["rows"], one["n"]) == (name, "classifier", SAMPLES, 4)


def test_a_name_in_capitals_is_the_same_network(folder):
    small = measured(resolve("soft.onnx", data="labelled.npz"))
    (folder / "soft.onnx").rename(folder / "SOFT.ONNX")
    (folder / "labelled.npz").rename(folder / "LABELLED.NPZ")
    task = resolve("SOFT.ONNX", data="LABELLED.NPZ")
    assert (task.name, measured(task)) == ("SOFT.ONNX", small)
    with pytest.raises(SourceError, match=r"^./NET.KERAS is a network and needs inputs; add --data FILE.npz"):
        resolve("./NET.KERAS")


def test_a_network_without_labels_is_measured(folder):
    (one,) = measured(resolve("soft.onnx", data="x.npz"))
    assert (one["name"], one["rows"]) == ("head", SAMPLES)
    assert measured(resolve("bare.onnx", data="x.npz")) == []  # nobody says that its outputs are logits
    message = "^soft.onnx has no labels, so accuracy cannot be judged; add an array 'labels'$"
    with pytest.raises(DataError, match=message):
        models.evaluator(resolve("soft.onnx", data="x.npz"))
    with pytest.raises(DataError, match="^x.npz has no labels, so accuracy cannot be judged"):
        models.evaluator(resolve("bare.onnx", data="x.npz"))


def test_batches_are_bounded(folder, monkeypatch):
    task = resolve("soft.onnx", data="labelled.npz")
    assert [len(labels) for _, labels in task.pairs()] == [64, 64, 22]
    monkeypatch.setattr("narrowmax.models.inputs.BATCH_BYTES", 100)
    assert [len(labels) for _, labels in task.pairs()][:3] == [4, 4, 4]
    inputs = read_inputs("labelled.npz")
    assert [len(labels) for _, labels in inputs.batches(75)] == [75, 75]
    message = "^the network takes 64 samples at once, and labelled.npz holds 150; give a multiple of 64, or export"
    with pytest.raises(DataError, match=message):
        next(inputs.batches(64))


def test_a_single_input_may_have_any_name(folder):
    np.savez("other.npz", images=normal(3, 6))
    assert len(measured(resolve("soft.onnx", data="other.npz"))) == 1


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": [1]}, "f.npz holds no inputs; give an array for each input of the network, by its name"),
        (
            {"x": normal(2, 6), "y": normal(3, 6)},
            "'y' in f.npz has shape (3, 6), 'x' (2, 6); give each input a row for each sample",
        ),
        ({"x": 3.0}, "'x' in f.npz has shape (), 'x' (); give each input a row for each sample"),
        (
            {"x": normal(2, 6), "y": normal(2, 6)},
            "f.npz holds 'y', which is no input; the network takes x, and labels may stand beside them",
        ),
        (
            {"y": normal(2, 6), "z": normal(2, 6)},
            "f.npz holds no 'x'; the network takes x, and labels may stand beside them",
        ),
        ({"x": normal(2, 6), "labels": [1]}, "f.npz has labels of shape (1,) for 2 samples; give one a sample"),
        ({"x": normal(2, 6), "labels": [1, -1]}, "a label in f.npz is -1; labels count classes from 0"),
        ({"x": normal(2, 6), "labels": [1.0, 2]}, "the labels in f.npz have type float64; give integers"),
        ({"x": normal(2, 6), "groups": [[1]]}, "f.npz has groups of shape (1, 1) for 2 samples; give one a sample"),
        ({"x": normal(2, 5)}, "'x' was given as float32 (2, 5); soft.onnx takes x float32 (any, 6)"),
        ({"x": normal(2, 6), "labels": [1, 4]}, "a label of task soft.onnx is 4; labels of rows of 4 are 0 to 3"),
    ],
)
def test_data_that_does_not_fit(folder, arrays, message):
    np.savez("f.npz", **arrays)
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        models.evaluator(resolve("soft.onnx", data="f.npz"))


def test_data_that_is_no_file_of_arrays(folder):
    np.save("f.npy", normal(2, 6))
    with pytest.raises(DataError, match="^f.npy is no file of named arrays; save the inputs with numpy.savez"):
        read_inputs("f.npy")
    with pytest.raises(DataError, match="^none.npz does not exist; give the path of a file of arrays$"):
        read_inputs("none.npz")
    np.savez("o.npz", x=np.array([None], dtype=object))
    with pytest.raises(DataError, match="holds Python objects"):
        read_inputs("o.npz")


def test_data_and_where_belong_to_networks_in_files(folder):
    message = "^soft.onnx is a network and needs inputs; add --data FILE.npz, an array for each by its name$"
    with pytest.raises(SourceError, match=message):
        resolve("soft.onnx")
    for how in ({"data": "x.npz"}, {"where": "attention"}):
        with pytest.raises(SourceError, match="^digits-cnn brings its own data and says what is judged; --data and"):
            resolve("digits-cnn", **how)


# Attention, whose softmaxes are inside.


@pytest.fixture
def attending(folder):
    made = attending_model()
    (folder / "attending.onnx").write_bytes(made.SerializeToString())
    x = normal(40, 5, 4)
    np.savez("sequences.npz", x=x, labels=x.mean(1).argmax(-1))
    np.savez("bare.npz", x=x)
    return folder


def test_where_chooses_whose_softmax_is_judged(attending):
    task = resolve("attending.onnx", data="sequences.npz", where="attention")
    judge = models.evaluator(task)
    assert judge.n == 5 and models.accuracy(judge, nm.design("ideal")).metrics == pytest.approx(
        models.accuracy(judge).metrics, abs=1e-6
    )
    assert [one["name"] for one in measured(task)] == ["attn", "head"]
    np.savez("wrong.npz", x=normal(2, 5, 4), labels=[0, 4])
    with pytest.raises(DataError, match="^a label of task attending.onnx is 4; labels of rows of 4 are 0 to 3$"):
        models.evaluator(resolve("attending.onnx", data="wrong.npz", where="attention"))
    assert [one["name"] for one in measured(resolve("attending.onnx", data="bare.npz", where="attn"))] == [
        "attn",
        "head",
    ]


def test_the_command_line(attending, capsys):
    assert cli.run(["measure", "attending.onnx", "--data", "sequences.npz", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found["softmaxes"]] == ["attn", "head"]
    words = [
        "simulate",
        "attending.onnx",
        "--data",
        "sequences.npz",
        "--design",
        "ideal(input=Q5.3, output=UQ0.8)",
        "--json",
    ]
    for more, rows in ((["--where", "attn"], 40 * 5), ([], 40)):
        assert cli.run([*words, *more]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["rows"] == rows and found["top1"]["float"] > 0.2
    assert cli.run(["train", "soft.onnx"]) == 2
    assert "soft.onnx is a network without a loop that trains it; give a task" in capsys.readouterr().err
    assert cli.run(["doctor", "soft.onnx", "--data", "labelled.npz"]) == 0
    assert "150 samples of soft.onnx" in capsys.readouterr().out
