"""SOURCE, as every command takes it: a task, built in or on data of yours, a function of yours, or a file."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from narrowmax.errors import NarrowmaxError, SourceError
from narrowmax.models import catalogue, opening
from narrowmax.models.datasets import forms
from narrowmax.models.files import SUFFIXES, read_logits
from narrowmax.models.task import Logits, Task
from narrowmax.store import Store

_FUNCTION = re.compile(r"(?P<home>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)")
_FILE = re.compile(r"(?P<home>.+\.py):(?P<name>[A-Za-z_]\w*)")


def resolve(
    source: str,
    trust: bool = False,
    progress: Callable[[str], None] | None = None,
    store: Store | None = None,
    data: str | Path | None = None,
    where: str | None = None,
) -> Task | Logits:
    """The task or the logits that `source` names.

    source: a built-in task ("digits-cnn"), "package.module:function" of an installed package,
        "./file.py:function" (only with `trust`: its code runs), a file of logits, or a network in a file
        (`.onnx`, `.tflite`, `.keras`, `.h5`) or in the folder of a Transformers checkpoint; or a network to train
        on data of yours ("cifar100-vgg:DIR", "images-vit(epochs=5):DIR", "text-gpt:FILE"; see `datasets.forms`)
    data: the inputs of a network in a file, and where: whose softmax is judged; see `opening.open_network`
    Anything that starts with "./", "../" or "/" is a path.
    store: where what was trained is kept

    Raises SourceError where it names nothing, DataError for a file that cannot be used.
    """
    if data is None and where is None and forms.is_form(source):
        return _from_data(source, progress, store)
    if source not in catalogue.NAMES and opening.is_network(source):
        return opening.open_network(source, data, trust, where)
    if data is not None or where is not None:
        raise SourceError(
            f"{source} brings its own data and says what is judged; --data and --where are for a network in a file "
            f"({' '.join(opening.SUFFIXES)}) or the folder of a Transformers checkpoint"
        )
    if source in catalogue.NAMES:
        return catalogue.built_in(source, progress, store)
    if found := _FILE.fullmatch(source):
        return _from_file(Path(found["home"]), found["name"], trust)
    if source.lower().endswith(SUFFIXES):
        return read_logits(source)
    if not _is_path(source) and (found := _FUNCTION.fullmatch(source)):
        return _from_package(found["home"], found["name"])
    raise _unknown(source)


def _from_data(source: str, progress, store) -> Task:
    form = forms.read(source)
    from narrowmax.models.datasets import making

    return making.load(form, progress, store)


def _is_path(source: str) -> bool:
    return source.startswith(("./", "../", "/"))


def _unknown(source: str) -> SourceError:
    others = f"a file ({' '.join((*SUFFIXES, *opening.SUFFIXES))}), package.module:function or ./file.py:function"
    if source in forms.names():
        return SourceError(f"{source!r} says no data; give its place behind a colon, as {source}:PATH")
    if not _is_path(source) and (near := difflib.get_close_matches(source, catalogue.NAMES, 1)):
        return SourceError(f"{source!r} names no source; did you mean {near[0]}?")
    return SourceError(f"{source!r} names no source; give a built-in task ({', '.join(catalogue.NAMES)}), {others}")


def _from_file(path: Path, name: str, trust: bool) -> Task:
    if not path.is_file():
        raise SourceError(f"{path} does not exist; give the path of a Python file, then a colon and the function")
    if not trust:
        raise SourceError(f"{path} is code, which runs only if you trust it; read it, then add --trust")
    spec = importlib.util.spec_from_file_location(f"_narrowmax_source_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    return _task_of(f"{path}:{name}", partial(_executed, spec, module), name)


def _executed(spec, module):
    """The module, run; known by its name meanwhile and after, which dataclasses and pickles need."""
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


def _from_package(home: str, name: str) -> Task:
    with _without_current_folder():
        return _task_of(f"{home}:{name}", lambda: importlib.import_module(home), name)


@contextmanager
def _without_current_folder():
    """No import from the folder one happens to be in, where anybody's file may lie."""
    before, here = list(sys.path), Path.cwd()
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != here]
    try:
        yield
    finally:
        sys.path[:] = before


def _task_of(source: str, load: Callable, name: str) -> Task:
    try:
        module = load()
    except ModuleNotFoundError as error:
        raise SourceError(
            f"{source} could not be imported: {error}; install the package, or give a file as ./file.py:function"
        ) from error
    except Exception as error:
        raise SourceError(f"{source} could not be imported: {type(error).__name__}: {error}") from error
    if not callable(function := getattr(module, name, None)):
        raise SourceError(f"{source} has no function {name!r}; give one that returns a narrowmax.Task")
    try:
        task = function()
    except NarrowmaxError:
        raise
    except Exception as error:
        raise SourceError(f"{source} failed: {type(error).__name__}: {error}") from error
    if not isinstance(task, Task):
        raise SourceError(f"{source} returned a {type(task).__name__}; return a narrowmax.Task")
    return task
