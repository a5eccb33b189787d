"""Claims: what may be claimed at all, what a sample says about its chance, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from narrowmax.errors import ClaimRefused, DataError
from narrowmax.search.claims import WORST, Claim, outlook
from narrowmax.search.evidence import Bounds, needed_for_mean


def claim(judged=1000, top1=0.005, nll=0.05, confidence=0.95) -> Claim:
    return Claim({"top1": top1, "nll": nll}, confidence, {"nll": 10.0}, judged)


def test_needed_samples_are_those_of_each_metric():
    assert claim().needed == {"top1": 598, "nll": needed_for_mean(0.05, 10.0, 0.95)}


def test_a_claim_that_the_samples_can_carry_is_let_through():
    needed = max(claim().needed.values())
    claim(judged=needed).check()
    with pytest.raises(ClaimRefused):
        claim(judged=needed - 1).check()


def test_the_refusal_names_the_needed_samples():
    with pytest.raises(ClaimRefused) as refused:
        claim(judged=400, nll=1.0).check()
    assert str(refused.value) == (
        "to show at 95 % confidence that less than 0.5 points of top1 is lost takes 598 judged samples even where "
        "nothing is, and there are 400; give more samples, a wider tolerance or a lower confidence"
    )
    with pytest.raises(ClaimRefused, match="less than 0.01 of nll is lost takes 3322 judged samples"):
        claim(nll=0.01).check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"confidence": 95}, "a confidence of 95 is not between 0.5 and 1; 0.95 is usual"),
        ({"confidence": math.nan}, "a confidence of nan is not between 0.5 and 1; 0.95 is usual"),
        ({"top1": 0.0}, "a tolerance of 0.0 for top1 is not above 0 and below 1"),
        ({"top1": 1.5}, "a tolerance of 1.5 for top1 is not above 0 and below 1"),
        ({"nll": 10.0}, "a tolerance of 10.0 for nll is not above 0 and below 10"),
        ({"nll": math.nan}, "a tolerance of nan for nll is not above 0 and below 10"),
    ],
)
def test_impossible_claims_are_refused(change, message):
    with pytest.raises(DataError) as refused:
        claim(**change)
    assert str(refused.value) == message


def test_a_claim_of_nothing_is_refused():
    with pytest.raises(DataError, match="^a claim needs a tolerance for at least one metric, such as top1=0.005$"):
        Claim({}, 0.95, {}, 100)


def test_a_claim_holds_only_where_every_metric_does():
    good, bad = Bounds(0, -0.001, 0.004, 1000), Bounds(0, 0.006, 0.02, 1000)
    nll = Bounds(0, -0.01, 0.049, 1000)
    assert claim().holds({"top1": good, "nll": nll})
    assert not claim().holds({"top1": bad, "nll": nll})
    assert not claim().holds({"top1": Bounds(0, 0, 0.005, 1000), "nll": nll})  # at the tolerance is not below it
    assert (claim().broken({"top1": bad, "nll": nll}), claim().broken({"top1": good, "nll": nll})) == (["top1"], [])


def outcomes(samples, lost=0, rise=0.0):
    right = np.ones(samples, bool)
    after = right.copy()
    after[:lost] = False
    nll = np.full(samples, 0.2)
    return {"top1": right, "nll": nll}, {"top1": after, "nll": nll + rise}


@pytest.mark.parametrize(
    ("samples", "lost", "judged", "passes"),
    [
        (1000, 1, 1000, True),
        (1000, 2, 1000, False),
        (500, 1, 1000, False),
        (2000, 2, 1000, True),
        (500, 0, 1000, True),
    ],
)
def test_strain_is_the_bound_expected_before_the_judges(samples, lost, judged, passes):
    view = outlook(claim(judged), *outcomes(samples, lost), None)
    assert (view.strain <= 1) == passes
    assert view.loss == {"top1": lost / samples, "nll": 0.0}


def test_strain_grows_with_either_loss():
    strains = [outlook(claim(), *outcomes(1000, 0, rise), None).strain for rise in (0, 0.01, 0.02, 0.04, 0.2)]
    assert strains == sorted(strains) and strains[0] < 1 < strains[3]
    assert strains[-1] == WORST
    assert outlook(claim(), *outcomes(1000, 900), None).strain == WORST


@pytest.mark.parametrize(("lost", "rise", "hopeless"), [(5, 0, False), (15, 0, False), (100, 0, True), (0, 0.2, True)])
def test_only_what_chance_cannot_explain_is_hopeless(lost, rise, hopeless):
    assert outlook(claim(), *outcomes(1000, lost, rise), None).hopeless == hopeless


def test_groups_count_once_in_the_outlook_too():
    before, after = outcomes(1000, 5)
    alone = outlook(claim(), before, after, None)
    together = outlook(claim(), before, after, np.repeat(np.arange(200), 5))  # all in one group
    apart = outlook(claim(), before, after, np.arange(1000) % 200)  # in five groups
    assert [view.loss["top1"] for view in (alone, together, apart)] == pytest.approx([0.005] * 3)
    assert alone.strain == together.strain < apart.strain
