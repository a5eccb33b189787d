"""The same weights on every run."""

from __future__ import annotations

import keras
import pytest


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(3)
