"""The rows of the matrix that belong to the backend in use are what its record says."""

from __future__ import annotations

import pytest
from tests.models.matrix import harness
from tests.models.matrix.keras3 import CASES, NAME

# Keras 3.10 on TensorFlow 2.18 takes a wrong step through attention now and then, narrowmax or not.
ALL = [pytest.param(case, marks=pytest.mark.newer) if "Attention" in case else case for case in CASES]


@pytest.mark.parametrize("case", ALL)
def test_a_row_is_as_recorded(case):
    harness.check(NAME, case, CASES[case]())


def test_the_record_has_the_cases():
    harness.check_cases(NAME, CASES)
