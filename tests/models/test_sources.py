"""SOURCE: what its forms give, and what is refused."""

from __future__ import annotations

import re
import sys
import textwrap

import numpy as np
import pytest

from narrowmax.errors import DataError, SourceError
from narrowmax.models import Logits, Task, measured, resolve

CODE = """
    import torch
    import narrowmax as nm

    def task():
        return nm.Task(torch.nn.Linear(3, 2), [(torch.zeros(4, 3), torch.zeros(4, dtype=int))], name="mine")

    def broken():
        raise ZeroDivisionError("on purpose")

    def nothing():
        return None

    number = 3
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "mine.py").write_text(textwrap.dedent(CODE))
    return tmp_path / "mine.py"


def refused(source, message, **how):
    with pytest.raises(SourceError, match=f"^{re.escape(message)}$"):
        resolve(source, **how)


def test_a_built_in_task():
    assert isinstance(resolve("digits-cnn"), Task)


def test_a_file_of_logits(tmp_path, monkeypatch):
    np.savez(tmp_path / "f.npz", logits=np.zeros((2, 3)))
    monkeypatch.chdir(tmp_path)
    for source in (str(tmp_path / "f.npz"), "f.npz", "./f.npz"):
        assert isinstance(resolve(source), Logits)
    with pytest.raises(DataError, match=r"^\.\./none\.npy does not exist"):
        resolve("../none.npy")


def test_a_function_in_a_file(file, monkeypatch):
    assert resolve(f"{file}:task", trust=True).name == "mine"
    monkeypatch.chdir(file.parent)
    assert resolve("./mine.py:task", trust=True).name == "mine"


def test_code_in_a_file_runs_only_when_trusted(file):
    file.write_text("raise SystemExit('this ran')")
    refused(f"{file}:task", f"{file} is code, which runs only if you trust it; read it, then add --trust")


def test_a_function_of_an_installed_package(file, monkeypatch):
    monkeypatch.syspath_prepend(str(file.parent))
    assert resolve("mine:task").name == "mine"
    sys.modules.pop("mine")


def test_nothing_is_imported_from_the_current_folder(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    monkeypatch.syspath_prepend("")
    monkeypatch.syspath_prepend(".")
    monkeypatch.syspath_prepend(str(file.parent))
    refused(
        "mine:task",
        "mine:task could not be imported: No module named 'mine'; "
        "install the package, or give a file as ./file.py:function",
    )
    assert sys.path[:3] == [str(file.parent), ".", ""]


def test_functions_that_are_none(file):
    refused(
        f"{file}:other", f"{file}:other has no function 'other'; give one that returns a narrowmax.Task", trust=True
    )
    refused(
        f"{file}:number", f"{file}:number has no function 'number'; give one that returns a narrowmax.Task", trust=True
    )
    refused(f"{file}:broken", f"{file}:broken failed: ZeroDivisionError: on purpose", trust=True)
    refused(f"{file}:nothing", f"{file}:nothing returned a NoneType; return a narrowmax.Task", trust=True)
    file.write_text("def (")
    with pytest.raises(SourceError, match="could not be imported: SyntaxError: "):
        resolve(f"{file}:task", trust=True)
    refused(
        "./none.py:task",
        "none.py does not exist; give the path of a Python file, then a colon and the function",
        trust=True,
    )


def test_what_names_nothing():
    refused("digits-cn", "'digits-cn' names no source; did you mean digits-cnn?")
    refused(
        "./digits",
        "'./digits' names no source; give a built-in task (digits-cnn, digits-vit), "
        "a file (.npz .npy .csv .parquet .safetensors .onnx .tflite .keras .h5 .hdf5), package.module:function or "
        "./file.py:function",
    )


# What reaches the softmaxes of a source.


def test_stored_logits_are_measured_by_epoch():
    x = np.array([[1.0, -2.0], [3.0, 4.0], [0.0, -30.0]])
    mask = np.array([[True, True], [True, False], [True, True]])
    first, second = measured(Logits("f", x, mask=mask, epoch=np.array([3, 3, 1])), within=(2, 30))
    assert (first["epoch"], first["rows"], first["min"], first["all_within"]) == (1, 1, -30, {"2": 0.0, "30": 1.0})
    assert (second["epoch"], second["rows"], second["max"], second["all_within"]) == (3, 2, 3, {"2": 0.5, "30": 1.0})
    assert second["masked"] == 1
    (whole,) = measured(Logits("f", x))
    assert (whole["name"], whole["kind"], whole["epoch"], whole["rows"]) == ("f", "classifier", None, 3)


def test_a_task_of_ones_own_is_measured_on_all_it_has(file):
    (one,) = measured(resolve(f"{file}:task", trust=True))
    assert (one["name"], one["kind"], one["rows"], one["n"], one["epoch"]) == ("<network>", "classifier", 4, 2, None)


def test_the_readme_of_the_data(shared_data):
    """7.5/39.9/94.5 and 53.9/93.1/99.8 %, as the README of the data prints them."""
    printed = {}
    for name in ("vgg16_bn", "repvgg_a2"):
        source = resolve(str(shared_data / "wasscal_logits" / f"logits_cifar100_{name}_pretrainedcy.npz"))
        (one,) = measured(source)
        printed[name] = "/".join(f"{100 * one['all_within'][r] + 1e-9:.1f}" for r in ("10", "15", "20"))
    assert printed == {"vgg16_bn": "7.5/39.9/94.5", "repvgg_a2": "53.9/93.1/99.8"}


def test_a_suffix_in_capitals_is_one(tmp_path):
    path = tmp_path / "UPPER.NPZ"
    with open(path, "wb") as file:
        np.savez(file, logits=np.eye(3))
    assert resolve(str(path)).logits.tolist() == np.eye(3).tolist()
