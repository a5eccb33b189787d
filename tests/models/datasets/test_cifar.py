"""CIFAR in each layout gives the images and labels that were written, and nothing else is believed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from tests.models.datasets import made

from narrowmax.errors import DataError
from narrowmax.models.datasets import cifar

TRAINING, TEST = made.images(60, 10), made.images(40, 10, seed=1)
HUNDRED, HUNDRED_TEST = made.images(200, 100), made.images(100, 100, seed=1)


def same(part, wanted) -> bool:
    return np.array_equal(part.images, wanted[0]) and np.array_equal(part.labels, wanted[1])


@pytest.mark.parametrize("protocol", range(5))
def test_the_python_layout(tmp_path, protocol):
    found = cifar.read("cifar10", made.python_cifar10(tmp_path, TRAINING, TEST, protocol))
    assert same(found.training, TRAINING) and same(found.test, TEST) and len(found.classes) == 10
    found = cifar.read("cifar100", made.python_cifar100(tmp_path / "b", HUNDRED, HUNDRED_TEST, protocol))
    assert same(found.training, HUNDRED) and same(found.test, HUNDRED_TEST) and len(found.classes) == 100


@pytest.mark.parametrize(
    ("name", "parts"), [("cifar10", (TRAINING, TEST)), ("cifar100", (HUNDRED, HUNDRED_TEST))], ids=["10", "100"]
)
def test_the_binary_layout(tmp_path, name, parts):
    found = cifar.read(name, made.binary(tmp_path / "a", name, *parts))
    assert same(found.training, parts[0]) and same(found.test, parts[1])


def test_arrays(tmp_path):
    np.savez(tmp_path / "cifar10_test.npz", images=TEST[0], labels=TEST[1].astype(np.uint8), names=np.array(["x"]))
    found = cifar.read("cifar10", tmp_path)
    assert found.training is None and same(found.test, TEST)
    assert same(cifar.read("cifar10", tmp_path / "cifar10_test.npz").test, TEST)
    keras = tmp_path / "keras"
    keras.mkdir()
    arrays = {"x_train": TRAINING[0], "y_train": TRAINING[1][:, None], "x_test": TEST[0], "y_test": TEST[1][:, None]}
    np.savez(keras / "all.npz", **arrays)
    found = cifar.read("cifar10", keras)
    assert same(found.training, TRAINING) and same(found.test, TEST)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": TEST[0]}, "a.npz holds no arrays images and labels (or x_train, y_train); name them so"),
        (
            {"images": TEST[0].astype(np.float32), "labels": TEST[1]},
            "the images in a.npz are float32 of shape (40, 32, 32, 3); give uint8 (k, height, width, 3)",
        ),
        (
            {"images": TEST[0], "labels": TEST[1] / 2},
            "the labels in a.npz are float64 of shape (40,); give integers (k,)",
        ),
        (
            {"images": TEST[0], "labels": np.array([print], object)},
            "a.npz is damaged, or holds Python objects, which are never loaded",
        ),
    ],
)
def test_arrays_that_are_something_else(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError) as raised:
        cifar.read("cifar10", tmp_path)
    assert str(raised.value) == message


def test_two_files_for_one_part(tmp_path):
    for name in ("a_test.npz", "b_test.npz"):
        np.savez(tmp_path / name, images=TEST[0], labels=TEST[1])
    with pytest.raises(DataError, match="^b_test.npz holds a second part to test; leave one file for each$"):
        cifar.read("cifar10", tmp_path)


def test_a_place_without_files(tmp_path):
    with pytest.raises(DataError, match="holds no files of cifar10 that are known; give its python or binary layout"):
        cifar.read("cifar10", tmp_path)
    with pytest.raises(DataError, match="does not exist; give the folder with the files of cifar10$"):
        cifar.read("cifar10", tmp_path / "none")


def test_a_binary_file_cut_short(tmp_path):
    folder = made.binary(tmp_path / "a", "cifar10", TRAINING, TEST)
    whole = (folder / "test_batch.bin").read_bytes()
    (folder / "test_batch.bin").write_bytes(whole[:-5])
    with pytest.raises(DataError, match="^test_batch.bin has 122,915 bytes, which is no number of records of 3073"):
        cifar.read("cifar10", folder)


def test_what_hugging_face_saved(tmp_path):
    """Read where the package is installed; where it is not, said so."""
    if importlib.util.find_spec("datasets") is None:
        (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
        with pytest.raises(
            DataError, match="was saved by Hugging Face datasets; install the package datasets to read it$"
        ):
            cifar.read("cifar10", tmp_path)
        return
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
    from PIL import Image as Pillow

    features = Features({"img": Image(), "label": ClassLabel(names=list("abcdefghij"))})
    parts = {
        name: Dataset.from_dict({"img": [Pillow.fromarray(one) for one in x], "label": y.tolist()}, features=features)
        for name, (x, y) in {"train": TRAINING, "test": TEST}.items()
    }
    DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    found = cifar.read("cifar10", tmp_path / "saved")
    assert same(found.training, TRAINING) and same(found.test, TEST) and found.classes == tuple("abcdefghij")
