"""Models from files: of Keras 3 and 2, with narrowmax's own layers; hostile ones are refused in a sentence."""

from __future__ import annotations

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from tests.keras_backends import cases

import narrowmax.keras
from narrowmax.errors import DataError
from narrowmax.models.keras import files, load, measure

CLASSES = (("keras.layers", "Dense"), ("os", "system"))


def network(*more):
    last = layers.Dense(cases.CLASSES, activation="softmax", name="out")
    return keras.Sequential([layers.Input((cases.FEATURES,)), last, *more])


def saved(tmp_path, model, name="model.keras"):
    model.save(tmp_path / name)
    return tmp_path / name


def changed(path, change, member="config.json"):
    """The file with one member of the archive changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[member] = change(members[member])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.hdf5"])
def test_a_model_comes_back(tmp_path, name):
    model = network()
    read = load(saved(tmp_path, model, name))
    assert np.array_equal(read.predict(cases.X, verbose=0), model.predict(cases.X, verbose=0))
    assert not read.compiled
    with measure(read) as seen:
        read(cases.X)
    assert seen.softmaxes()[0]["name"] == "out"


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_layers_of_ours_come_back(tmp_path, name):
    rounded = [narrowmax.keras.Quantize("Q4.2", gradient="slope"), narrowmax.keras.Softmax(cases.DESIGN, axis=-1)]
    model = keras.Sequential([layers.Input((cases.FEATURES,)), layers.Dense(cases.CLASSES), *rounded])
    read = load(saved(tmp_path, model, name))
    assert np.array_equal(read.predict(cases.X, verbose=0), model.predict(cases.X, verbose=0))
    assert read.layers[-1].design == model.layers[-1].design
    assert (str(read.layers[-2].format), read.layers[-2].gradient) == ("Q4.2", "slope")


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_code_in_a_file_is_not_run_unless_trusted(tmp_path, name):
    path = saved(tmp_path, network(layers.Lambda(lambda x: 2 * x, output_shape=(cases.CLASSES,))), name)
    with pytest.raises(DataError, match=f"^{name} holds .*, which is code; say --trust .trust=True. if you know its"):
        load(path)
    assert np.allclose(load(path, trust=True).predict(cases.X, verbose=0).sum(-1), 2)


def test_classes_of_other_packages_are_code(tmp_path):
    path = saved(tmp_path, network())
    text = '"module": "os", "class_name": "system"'
    changed(
        path, lambda config: config.decode().replace('"module": "keras.layers", "class_name": "Dense"', text).encode()
    )
    with pytest.raises(DataError, match="^model.keras holds os.system, which is code; "):
        load(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "^model.keras cannot be read as a Keras model .*; save it again with model.save$"),
        (b"PK\x03\x04 and no more", "^model.keras cannot be read as a Keras model .*; save it again"),
    ],
)
def test_a_file_that_is_none(tmp_path, content, sentence):
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        load(path)


def test_files_that_are_not_there_or_called_otherwise(tmp_path):
    with pytest.raises(DataError, match="no.keras does not exist; give the path of a Keras model$"):
        load(tmp_path / "no.keras")
    with pytest.raises(DataError, match="^a.pb is not a Keras model by its name; give a file that ends in "):
        load(tmp_path / "a.pb")


@pytest.mark.parametrize("name", ["model.KERAS", "model.H5", "model.HDF5"])
def test_a_name_in_capitals(tmp_path, name):
    """Keras itself knows a file by small letters alone."""
    model = network()
    saved(tmp_path, model, name.lower()).rename(tmp_path / name)
    read = load(tmp_path / name)
    assert np.array_equal(read.predict(cases.X, verbose=0), model.predict(cases.X, verbose=0))


def test_a_file_cut_short(tmp_path):
    for name in ("model.keras", "model.h5"):
        path = saved(tmp_path, network(), name)
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(DataError, match=f"^{name} "):
            load(path)


def test_weights_alone_are_no_model(tmp_path):
    network().save_weights(tmp_path / "some.weights.h5")
    with pytest.raises(DataError, match="^some.weights.h5 holds no model, weights at most; save the whole model with "):
        load(tmp_path / "some.weights.h5")


def test_a_description_that_is_too_deep_or_of_another_kind(tmp_path):
    path = saved(tmp_path, network())
    for text in ("[" * 100_000, "17", '{"class_name": "Dense"}', "{}"):
        with pytest.raises(DataError, match="^model.keras "):
            load(changed(path, lambda _, text=text: text.encode()))


def test_sizes_that_the_file_does_not_hold(tmp_path):
    path = saved(tmp_path, network())

    def huge(config):
        tree = json.loads(config)
        tree["config"]["layers"][-1]["config"]["units"] = 10**12
        return json.dumps(tree).encode()

    with pytest.raises(DataError, match="^model.keras asks for units = 1000000000000 and stores 35 numbers in all; "):
        load(changed(path, huge))


def test_weights_that_the_file_cannot_hold_are_not_unpacked(tmp_path):
    path = saved(tmp_path, network())

    def bomb(_):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file.create_dataset("w", (10**10,), "f4", chunks=True)
        return buffer.getvalue()

    with pytest.raises(DataError, match="^model.keras declares 40000000000 bytes of weights and cannot hold them; "):
        load(changed(path, bomb, "model.weights.h5"))


def test_weights_in_another_file_are_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"12345678")
    path = saved(tmp_path, network(), "model.h5")
    with h5py.File(path, "a") as file:
        file.create_dataset("w", (2,), "f4", external=[(str(tmp_path / "secret"), 0, 8)])
    with pytest.raises(DataError, match="^model.h5 leads to another file at w; save the model in one file$"):
        load(path)
    with h5py.File(path, "a") as file:
        del file["w"]
        file["link"] = h5py.ExternalLink("other.h5", "/x")
    with pytest.raises(DataError, match="^model.h5 leads to another file at link; "):
        load(path)


def test_every_bit_of_a_small_file_may_be_wrong(tmp_path):
    """Read or refused, never another exception."""
    path = saved(tmp_path, network())
    content = path.read_bytes()
    for place in range(0, len(content), len(content) // 24):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
        try:
            load(path)
        except DataError as error:
            assert str(error).startswith("model.keras ")


def test_the_reader_names_every_class_of_keras_that_is_code():
    unsafe = {name for name in dir(layers) if "Lambda" in name or "Jax" in name or "Torch" in name or "TFSM" in name}
    assert unsafe - {"FlaxLayer"} <= set(files.CODE)


def test_weights_whose_product_the_file_does_not_hold(tmp_path):
    """Each size is stored somewhere, and a layer multiplies two of them."""
    path = saved(tmp_path, keras.Sequential([layers.Input((8,)), layers.Dense(8, use_bias=False, name="d")]))

    def huge(config):
        return config.replace(b'"units": 8', b'"units": 64')

    with pytest.raises(DataError, match="asks for more weights than the 64 numbers it stores; it is damaged"):
        load(changed(path, huge))
