"""`narrow` as a whole: what it claims is true as often as it says, and it says all that it did."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR
from functools import partial
from typing import ClassVar

import numpy as np
import pytest
from tests.search.fakes import CEILING, Samples, Table
from tests.search.test_explore import price

from narrowmax.errors import ClaimRefused, DataError, DesignError
from narrowmax.search import narrow
from narrowmax.search.judging import rounded
from narrowmax.store import Store, dumps

TOLERANCE = {"top1": 0.005, "nll": 0.05}


def many(**options) -> Samples:
    return Samples(**{"selected": 3000, "judged": 6000, "scale": 4, **options})


@pytest.fixture(scope="module")
def narrowed():
    return narrow(many(), Table(), TOLERANCE, cost=lambda design: price(design) * 3, estimate=price)


def test_the_answer_held_before_the_judges(narrowed):
    last = [entry for entry in narrowed.order if entry["holds"]][-1]
    assert narrowed.design.text == last["design"]
    assert narrowed.loss == last["loss"]
    assert set(narrowed.loss) == {"top1", "nll"}
    for metric, loss in narrowed.loss.items():
        assert loss["tolerance"] == TOLERANCE[metric]
        assert loss["low"] <= loss["estimate"] <= loss["high"] < loss["tolerance"]
    assert narrowed.samples == {"selected": 3000, "judged": 6000, "needed": 796}


def test_the_order_goes_from_widest_to_narrowest_and_stops_at_the_first_failure(narrowed):
    costs = [entry["objective"] for entry in narrowed.order]
    assert costs == sorted(costs, reverse=True) and len(costs) > 1
    assert all(entry["holds"] for entry in narrowed.order[:-1])


def test_the_cost_is_what_was_measured(narrowed):
    held = [entry for entry in narrowed.order if entry["holds"]]
    assert narrowed.cost == price(narrowed.design) * 3 == held[-1]["measured"]
    assert [entry["measured"] is not None for entry in held] == [n >= len(held) - 4 for n in range(len(held))]


def test_each_wire_says_why_it_has_not_one_bit_less(narrowed):
    assert [wire["name"] for wire in narrowed.wires] == list(Table().knobs)
    assert narrowed.wires[0]["format"] == narrowed.design.parameters["input"]
    for wire in narrowed.wires:
        high = {metric: wire["loss"][metric]["high"] for metric in TOLERANCE} if wire["loss"] else {}
        low = {metric: wire["loss"][metric]["low"] for metric in TOLERANCE} if wire["loss"] else {}
        words = {
            "loses": any(low[metric] > TOLERANCE[metric] for metric in low),
            "not shown": all(low[metric] <= TOLERANCE[metric] for metric in low) and high,
            "impossible": wire["design"] is None,
        }
        assert words[wire["why_not_less"]], wire


def test_the_record_is_strict_json(narrowed):
    record = narrowed.record()
    assert record["design"] == narrowed.design.text and record["start"] == Table().text
    assert "NaN" not in dumps(record)
    assert record["settings"] == {
        "tolerances": TOLERANCE,
        "confidence": 0.95,
        "ceilings": {"nll": CEILING},
        "seed": 0,
        "space": 1000,
        "tried": narrowed.settings["tried"],
        "complete": True,
    }


def test_the_same_seed_gives_the_same_answer(narrowed):
    again = narrow(many(), Table(), TOLERANCE, cost=lambda design: price(design) * 3, estimate=price)
    assert again == narrowed


# what judgement may see


def test_judged_samples_are_seen_by_nothing_before_the_order_is_fixed():
    seen = []

    class Watched(Samples):
        def outcomes(self, design, indices):
            seen.append((design.text, set(indices.tolist())))
            return super().outcomes(design, indices)

        def float_outcomes(self, indices):
            seen.append(("float", set(indices.tolist())))
            return super().float_outcomes(indices)

    evaluator = Watched(selected=3000, judged=6000)
    narrowed = narrow(evaluator, Table(), TOLERANCE, estimate=price)
    judged = set(evaluator.judgement.tolist())
    first = next(number for number, (_, rows) in enumerate(seen) if rows & judged)
    assert all(rows <= judged for _, rows in seen[first:])
    expected = [entry["design"] for entry in narrowed.order]
    expected += [wire["design"] for wire in narrowed.wires if wire["design"] not in (None, *expected)]
    assert [text for text, _ in seen[first:] if text != "float"] == expected


def test_samples_in_two_parts_are_refused():
    evaluator = many()
    evaluator.judgement = np.arange(2990, 9000)
    with pytest.raises(DataError, match="^10 samples are both selected on and judged; each may be in one part only$"):
        narrow(evaluator, Table())


def test_groups_in_two_parts_are_refused():
    evaluator = many(groups=np.arange(9000) // 4 + 1000)
    assert evaluator.groups[2999] != evaluator.groups[3000]
    evaluator.groups[3000] = evaluator.groups[2999]
    with pytest.raises(
        DataError, match="^1 groups are both selected on and judged; keep each group whole in one part$"
    ):
        narrow(evaluator, Table())


def test_groups_are_what_is_counted():
    narrowed = narrow(many(groups=np.arange(9000) // 3), Table(), {"top1": 0.02, "nll": 0.1}, estimate=price)
    assert narrowed.samples == {"selected": 1000, "judged": 2000, "needed": 398}


def test_samples_to_select_on_are_asked_for():
    evaluator = many()
    evaluator.selection = evaluator.selection[:0]
    with pytest.raises(
        DataError, match="^there are no samples to select on; set some apart from those that are judged$"
    ):
        narrow(evaluator, Table())


def test_an_unknown_metric_is_refused():
    with pytest.raises(DataError, match="^there is no metric 'f1' to tolerate a loss of; this source has top1, nll$"):
        narrow(many(), Table(), {"f1": 0.01})


# refusals


def test_a_claim_that_cannot_be_carried_is_refused_before_any_work():
    evaluator = many(judged=500)
    with pytest.raises(ClaimRefused, match="less than 0.5 points of top1 is lost takes 598 judged samples"):
        narrow(evaluator, Table(), {"top1": 0.005}, progress=pytest.fail)
    assert evaluator.calls == []


def test_a_number_is_the_tolerance_of_top1_beside_the_usual_one_of_nll():
    assert narrow(many(), Table(), 0.01, estimate=price).settings["tolerances"] == {"top1": 0.01, "nll": 0.05}


def test_a_hopeless_architecture_is_refused_without_a_look_at_the_judged():
    evaluator = many()
    start = Table(integer=2, knobs={"exp.fraction": range(6, 11), "output.fraction": range(7, 15)})
    with pytest.raises(ClaimRefused) as refused:
        narrow(evaluator, start, TOLERANCE, estimate=price)
    assert re.fullmatch(
        r"even the widest design, table\(input=Q2.6, exp=UQ0.10, output=UQ0.14\), loses [\d.]+ of top1, [\d.]+ of nll "
        r"on the selection samples, more than chance explains; widen the tolerance or name another architecture",
        str(refused.value),
    )
    assert {rows for _, rows in evaluator.calls} == {1000}


def test_an_order_whose_first_fails_is_refused():
    class Changed(Samples):
        """The judged samples are other than the selected: sharp, so that narrow inputs saturate."""

        def __init__(self, **options):
            super().__init__(**options)
            self.x[self.judgement] *= 8

    with pytest.raises(ClaimRefused) as refused:
        narrow(Changed(selected=3000, judged=3000, scale=2), Table(), TOLERANCE, estimate=price)
    assert ", the widest design judged, is not shown to hold: it loses 0." in str(refused.value)


def test_a_start_without_knobs_is_refused():
    with pytest.raises(DesignError, match="has no rounded wire to narrow"):
        narrow(many(), Table(knobs={}))


# cost


def test_measured_cost_decides_among_the_few():
    def surprising(design):
        return 10.0 if design.output > 9 else 1000.0 + price(design)  # wide outputs turn out to be cheap

    narrowed = narrow(many(), Table(), TOLERANCE, cost=surprising, estimate=price)
    held = [entry for entry in narrowed.order if entry["holds"]]
    assert narrowed.cost == 10.0 == min(entry["measured"] for entry in held[-4:])
    assert narrowed.design.text != held[-1]["design"]
    assert narrowed.loss == next(entry["loss"] for entry in held if entry["design"] == narrowed.design.text)


def test_without_a_cost_the_prediction_decides_and_that_is_said():
    narrowed = narrow(many(), Table(), TOLERANCE, estimate=price)
    assert narrowed.cost == {"objective": price(narrowed.design), "predicted": True}
    assert "no design was synthesised: costs are predictions" in narrowed.notes


def test_printed_bounds_are_rounded_outwards():
    assert rounded(0.50049, ROUND_CEILING) == "0.501" and rounded(0.69959, ROUND_FLOOR) == "0.699"
    assert rounded(12.0, ROUND_CEILING) == "12" and rounded(-0.00010001, ROUND_FLOOR) == "-0.000101"
    assert rounded(1234.5, ROUND_CEILING) == "1240"


def test_what_an_evaluator_says_of_its_metrics_is_a_note():
    evaluator = many()
    evaluator.notes = ("the NLL has a floor",)
    assert "the NLL has a floor" in narrow(evaluator, Table(), TOLERANCE, estimate=price).notes


def test_a_cost_record_is_kept_whole():
    @dataclass(frozen=True)
    class Cost:
        objective: float
        tool: str = "yosys"

    narrowed = narrow(many(), Table(), TOLERANCE, cost=lambda design: Cost(price(design)), estimate=price)
    assert narrowed.cost == Cost(price(narrowed.design))


# the store


class Killed(BaseException):
    pass


def test_a_killed_search_goes_on_where_it_was(tmp_path):
    evaluator = many()

    def killer(stage, done, total):
        if done == 40:
            raise Killed

    with pytest.raises(Killed):
        narrow(evaluator, Table(), TOLERANCE, estimate=price, store=Store(tmp_path), progress=killer)
    before = list(evaluator.calls)
    resumed = narrow(evaluator, Table(), TOLERANCE, estimate=price, store=Store(tmp_path))
    assert not {text for text, _ in before} & {text for text, rows in evaluator.calls[len(before) :] if rows == 1000}
    calls = len(evaluator.calls)
    again = narrow(evaluator, Table(), TOLERANCE, estimate=price, store=Store(tmp_path))
    assert len(evaluator.calls) == calls
    assert again == resumed
    alone = narrow(many(), Table(), TOLERANCE, estimate=price)
    assert again == replace(alone, notes=again.notes)


def test_a_second_use_of_the_judged_samples_is_said(tmp_path):
    store, spent = Store(tmp_path), "the judged samples were spent before"
    few = partial(many, selected=1000, judged=1500, scale=3)
    first = narrow(few(), Table(), TOLERANCE, estimate=price, store=store)
    assert not any(spent in note for note in first.notes)
    again = narrow(few(), Table(), TOLERANCE, estimate=price, store=store)
    assert again.notes == first.notes  # the same order says nothing new
    other = narrow(few(), Table(), TOLERANCE | {"nll": 0.06}, estimate=price, store=store)
    assert (
        "the judged samples were spent before, on 1 other order of designs: "
        "each claim holds at its own confidence, not all of them together"
    ) in other.notes
    third = narrow(few(), Table(), TOLERANCE, 0.9, estimate=price, store=store)
    assert any("on 2 other orders of designs" in note for note in third.notes)
    assert not any(spent in note for note in narrow(few(seed=1), Table(), TOLERANCE, estimate=price, store=store).notes)


def test_without_a_store_earlier_use_is_not_known(narrowed):
    assert "without a store it is not known whether the judged samples were judged before" in narrowed.notes


def test_progress_tells_the_stages():
    told = []
    narrow(many(), Table(), TOLERANCE, estimate=price, progress=lambda *event: told.append(event))
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["select", "judge", "cost", "explain"]
    assert [event for event in told if event[0] == "explain"] == [("explain", n, 4) for n in (1, 2, 3, 4)]


# validity


class Coins:
    """Designs whose true loss is known: 5 bits lose 0.4 points, 4 bits 1.5, 3 bits 2.0, of independent samples."""

    metrics, groups, digest = ("top1",), None, "coins"
    ceilings: ClassVar = {}
    true: ClassVar = {5: 0.004, 4: 0.015, 3: 0.02}

    def __init__(self, seed, selected=60, judged=700):
        draws = np.random.default_rng(seed).random((selected + judged, 1))
        self.lost = {bits: draws[:, 0] < loss for bits, loss in self.true.items()}
        self.selection, self.judgement = np.split(np.arange(selected + judged), [selected])

    def float_outcomes(self, indices):
        return {"top1": np.ones(len(indices), bool)}

    def outcomes(self, design, indices):
        return {"top1": ~self.lost[design.bits][indices]}


@dataclass(frozen=True)
class Bits:
    bits: int = 5
    knobs: ClassVar = {"bits": range(3, 6)}
    parameters: ClassVar = {}

    @property
    def text(self):
        return f"bits({self.bits})"

    @property
    def knob_values(self):
        return {"bits": self.bits}

    def moved(self, values):
        return Bits(values["bits"])


def test_false_claims_are_no_more_frequent_than_the_risk():
    """Selection is made lucky by its few samples; judgement must not be."""
    tolerance, false, claims, repeats = 0.0149, 0, 0, 400
    for seed in range(repeats):
        try:
            answer = narrow(Coins(seed), Bits(), {"top1": tolerance}).design
        except ClaimRefused:
            continue
        claims += 1
        false += Coins.true[answer.bits] > tolerance
    assert claims > 60
    assert 0 < false / repeats <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / repeats)
