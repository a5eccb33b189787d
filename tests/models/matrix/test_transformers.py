"""Every case of Transformers is as the page says, and none fails."""

from __future__ import annotations

import pytest
from tests.models.matrix import harness
from tests.models.matrix.transformers import CASES, NAME

pytestmark = pytest.mark.filterwarnings("ignore")


# Before Transformers 5 BERT's attention is its own code, and no reference can be put in its place.
ALL = [pytest.param(case, marks=pytest.mark.newer) if case.startswith("bert") else case for case in CASES]


@pytest.mark.parametrize("case", ALL)
def test_case(case):
    harness.check(NAME, case, CASES[case]())


def test_the_record_has_these_cases():
    harness.check_cases(NAME, CASES)
