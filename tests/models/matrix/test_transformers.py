"""Every case of Transformers is as the page says, and none fails."""

from __future__ import annotations

import pytest
from tests.models.matrix import harness
from tests.models.matrix.transformers import CASES, NAME

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("case", CASES)
def test_case(case):
    harness.check(NAME, case, CASES[case]())


def test_the_record_has_these_cases():
    harness.check_cases(NAME, CASES)
