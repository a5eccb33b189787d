"""What counts as a training that moves nothing, whatever framework counted."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax.models.doctor.findings import Ledger
from narrowmax.models.doctor.progress import Progress

LAYERS = {"a.weight": "a", "b.weight": "b"}
BEGAN = {"a.weight": np.zeros(2), "b.weight": np.zeros(2)}
MOVED = {"a.weight": np.zeros(2), "b.weight": np.ones(2)}


def judged(
    gradients: list[tuple[str, bool]], steps: int, now=MOVED, rounding=None, awaited=()
) -> list[tuple[str, str]]:
    """`(trap, evidence)` of a training with these gradients: `(parameter, whether other than 0)`."""
    progress, ledger = Progress(), Ledger()
    progress.begin(BEGAN)
    progress.steps = steps
    for name in awaited:
        progress.awaits(name)
    for name, other in gradients:
        progress.came(name, other)
    progress.judge(ledger, LAYERS, now, rounding)
    return [(one.trap, one.evidence) for one in ledger.findings()]


def test_a_network_that_only_runs_is_not_judged():
    assert judged([], 0, now=BEGAN) == []
    assert judged([], 0, now=BEGAN, rounding=("a", "round")) == []


def test_gradients_other_than_0_are_clean_whenever_they_came():
    assert judged([("a.weight", True), ("b.weight", True)], 1) == []
    assert judged([("a.weight", True), ("b.weight", True), ("a.weight", False)], 2) == []


@pytest.mark.parametrize("came", [True, False], ids=["0", "none"])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_gradient_of_0_in_one_step_proves_nothing_and_none_at_all_does(came, steps):
    found = judged([("b.weight", True)] + [("a.weight", False)] * came, steps)
    told = [("does-not-learn", "no gradient reaches 1 of 2 parameters (a.weight)")]
    assert found == ([] if came and steps < 2 else told)


def test_a_rounding_that_holds_it_back_is_named():
    (found,) = judged([("a.weight", False), ("b.weight", True)], 1, rounding=("between", "torch.round"))
    assert found[0] == "rounding-blocks-gradient" and "no gradient reaches a.weight" in found[1]


def test_a_step_whose_gradients_never_came_is_a_training():
    (found,) = judged([], 0, now=BEGAN, rounding=("a", "round"), awaited=LAYERS)
    assert found[0] == "rounding-blocks-gradient"


@pytest.mark.parametrize("steps, times", [(1, "a step"), (3, "3 steps")])
def test_parameters_that_stay_as_they_were(steps, times):
    given = [("a.weight", True), ("b.weight", True)]
    assert judged(given, steps, now=BEGAN) == [("does-not-learn", f"no parameter changed in {times} of the optimiser")]
