from __future__ import annotations

import shutil

import numpy as np
import pytest

from narrowmax.hardware import verilated
from narrowmax.models import Logits
from narrowmax.store import Store, cache_folder
from narrowmax.study import Source, Work


@pytest.fixture
def work(tmp_path) -> Work:
    """Work with a store of its own, which keeps what it was told."""
    made = Work(Store(tmp_path / "store"))
    made.told = []
    made.tell = made.told.append
    return made


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """The folder of one store for all tests that ask for it, so that what they have in common is made once.

    It begins with Verilator's runtime, which takes long to compile.
    """
    folder = tmp_path_factory.mktemp("store")
    runtime = verilated._runtime(Store())
    shutil.copytree(runtime, folder / runtime.relative_to(cache_folder()))
    return folder


@pytest.fixture
def logits() -> Logits:
    """1,500 rows of 6, nearly all right and by far, 1,050 of which are judged."""
    random = np.random.default_rng(3)
    labels = random.integers(0, 6, 1500)
    rows = random.normal(0, 1, (1500, 6)).astype(np.float32)
    rows[np.arange(1500), labels] += random.normal(8, 2, 1500)
    return Logits("rows", rows, labels)


@pytest.fixture
def source(logits) -> Source:
    return Source("rows.npz", logits)
