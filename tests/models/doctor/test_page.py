"""docs/doctor.md is what its experiments give."""

from __future__ import annotations

import pytest
from docs import doctor

from narrowmax.models.doctor import TRAPS


def test_the_page_is_up_to_date():
    assert doctor.PAGE.read_text(encoding="utf-8") == doctor.page(), f"run `{doctor.COMMAND}`"


def test_each_trap_has_its_experiment():
    assert list(doctor.EXPERIMENTS) == list(TRAPS)


@pytest.mark.parametrize("trap", TRAPS)
def test_without_its_line_an_experiment_is_clean(trap, monkeypatch):
    _, place, _ = doctor.EXPERIMENTS[trap]
    monkeypatch.setitem(doctor.EXPERIMENTS, trap, ("x", place, doctor.CROSS_ENTROPY))
    with pytest.raises(StopIteration):
        doctor.met(trap)
