"""Every case of networks in files is as the page says, and none fails."""

from __future__ import annotations

import pytest
from tests.models.matrix import harness, onnx, tflite


@pytest.mark.parametrize(("name", "case"), [(one.NAME, case) for one in (onnx, tflite) for case in one.CASES])
def test_case(name, case):
    cases = {one.NAME: one.CASES for one in (onnx, tflite)}[name]
    harness.check(name, case, cases[case]())


@pytest.mark.newer
def test_the_records_have_these_cases():
    for one in (onnx, tflite):
        harness.check_cases(one.NAME, one.CASES)
