"""Keras models from `.keras` and `.h5` files, which are data: nothing in them is run, nor unpacked beyond its size."""

from __future__ import annotations

import importlib.util
import io
import json
import math
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

from narrowmax.errors import DataError, ToolMissing

SUFFIXES = (".keras", ".h5", ".hdf5")
CODE = ("Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer")
"""Classes whose description in a file is code, or leads to some."""

_OURS = ("keras", "narrowmax", "builtins")  # packages that a file may name; of builtins Keras takes types alone
_LONGEST_CONFIG = 1 << 26  # bytes
_SMALL = 1 << 28  # bytes that are no danger, however few stand in the file
_EXPANSION = 1000  # of deflate, at most
_SIZES = ("units", "filters", "input_dim", "output_dim", "num_heads", "key_dim", "value_dim", "head_dim")


def load(path: str | Path, trust: bool = False):
    """The Keras model in a `.keras` or `.h5` file, those of Keras 2 included; not compiled.

    trust: whether code in the file (a Lambda layer, classes of other packages) may be run
    The backend is that of KERAS_BACKEND or, where nothing was said, the first of TensorFlow, JAX and PyTorch
    that is installed.
    Raises DataError for a file that is no model, holds code and is not trusted, or asks for more memory than
    the numbers in it need; ToolMissing without Keras.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path.name} is not a Keras model by its name; give a file that ends in {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise DataError(f"{path} does not exist; give the path of a Keras model")
    keras = _keras()
    try:
        config, numbers = _read(path)
        _refuse_sizes(path, config, numbers)
        if not trust:
            _refuse_code(path, config)
        from narrowmax.models.keras import layers  # noqa: F401  # so that a file may hold them

        with _no_more_than(keras, path, numbers), _named_for_keras(path) as named:
            return keras.saving.load_model(named, compile=False, safe_mode=not trust)
    except DataError:
        raise
    except Exception as error:  # whatever the readers of a file from others stumble over
        raise DataError(
            f"{path.name} cannot be read as a Keras model ({_first_line(error)}); save it again with model.save"
        ) from error


def _keras():
    """The package, with a backend that is there."""
    if importlib.util.find_spec("keras") is None or importlib.util.find_spec("h5py") is None:
        raise ToolMissing("Keras was not found; run pip install keras h5py, and one of tensorflow, jax and torch")
    if "keras" not in sys.modules and "KERAS_BACKEND" not in os.environ:
        found = [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]
        if not found:
            raise ToolMissing("Keras has nothing to run on; run pip install tensorflow, jax or torch")
        os.environ["KERAS_BACKEND"] = found[0]
    import keras

    return keras


def _read(path: Path) -> tuple[object, int]:
    """The description in a file, and how many numbers are stored beside it."""
    import h5py

    if path.suffix.lower() != ".keras":
        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
            if text is None:
                raise DataError(f"{path.name} holds no model, weights at most; save the whole model with model.save")
            return json.loads(text), _numbers(path, file)
    with zipfile.ZipFile(path) as archive:
        config = json.loads(_member(path, archive, "config.json", _LONGEST_CONFIG))
        names = archive.namelist()
        if "model.weights.h5" not in names:
            return config, 0
        stored = archive.getinfo("model.weights.h5")
        most = max(_SMALL, _EXPANSION * stored.compress_size)
        with h5py.File(io.BytesIO(_member(path, archive, "model.weights.h5", most)), "r") as file:
            return config, _numbers(path, file)


def _member(path: Path, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    if archive.getinfo(name).file_size > most:
        raise DataError(f"{path.name} would unpack {name} to more than {most} bytes; it is no model of that size")
    return archive.read(name)


def _numbers(path: Path, file) -> int:
    """How many numbers a file holds; links that lead out of it, and sizes that it cannot hold, are refused."""
    import h5py

    datasets: dict[str, h5py.Dataset] = {}
    outside = file.visititems_links(lambda name, link: name if isinstance(link, h5py.ExternalLink) else None)
    if outside is None:  # nothing is raised in these: h5py would lose what
        file.visititems(lambda name, thing: datasets.update({name: thing} if isinstance(thing, h5py.Dataset) else {}))
        outside = next((name for name, one in datasets.items() if one.external or one.is_virtual), None)
    if outside is not None:
        raise DataError(f"{path.name} leads to another file at {outside}; save the model in one file")
    declared = sum(one.nbytes for one in datasets.values())
    if declared > max(_SMALL, _EXPANSION * file.id.get_filesize()):
        raise DataError(f"{path.name} declares {declared} bytes of weights and cannot hold them; it is damaged")
    return sum(one.size or 0 for one in datasets.values())


def _refuse_sizes(path: Path, config: object, numbers: int) -> None:
    """A layer has at least as many weights as units: a file that stores fewer asks for memory it does not need."""
    for part in _dicts(config):
        for name in _SIZES:
            size = part.get(name)
            if isinstance(size, (int, float)) and size > max(numbers, 1):
                raise DataError(
                    f"{path.name} asks for {name} = {size} and stores {numbers} numbers in all; it is damaged"
                )


@contextmanager
def _named_for_keras(path: Path) -> Iterator[Path]:
    """Inside, the file by a name that ends in small letters, which alone Keras knows: itself, or a copy."""
    small = path.suffix.lower()
    if path.suffix == small:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copyfile(path, Path(folder, "model" + small)))


@contextmanager
def _no_more_than(keras, path: Path, numbers: int) -> Iterator[None]:
    """Inside, layers make as many weights as a file stores, and no more: the product of two sizes is not in it."""
    plain, left = keras.layers.Layer.add_weight, max(numbers, 1)

    @wraps(plain)
    def counted(layer, shape=None, *args, **named):
        nonlocal left
        left -= math.prod([shape] if isinstance(shape, int) else shape or ())
        if left < 0:
            raise DataError(f"{path.name} asks for more weights than the {numbers} numbers it stores; it is damaged")
        return plain(layer, shape, *args, **named)

    keras.layers.Layer.add_weight = counted
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = plain


def _refuse_code(path: Path, config: object) -> None:
    for part in _dicts(config):
        kind, module = part.get("class_name"), part.get("module")
        foreign = isinstance(module, str) and module.split(".")[0] not in _OURS
        if kind in CODE or foreign:
            what = f"{module}.{kind}" if foreign else kind
            raise DataError(f"{path.name} holds {what}, which is code; say --trust (trust=True) if you know its author")


def _dicts(thing: object) -> Iterator[dict]:
    """All dicts in a tree of dicts and lists."""
    left = [thing]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200].rstrip(".")
