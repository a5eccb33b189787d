"""The search on a real architecture: table_divide, judged on logits like those of a small classifier."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from narrowmax import hardware
from narrowmax.designs import design
from narrowmax.errors import ClaimRefused
from narrowmax.models.evaluators import LogitsEvaluator
from narrowmax.models.task import Logits
from narrowmax.search import Claim, Exploration, Space, Trials, narrow
from narrowmax.search import trials as trials_module
from narrowmax.search.narrowing import CEILINGS


def logits(samples: int, n: int = 10, seed: int = 0) -> Logits:
    """Confident and mostly right, as a trained classifier's: one large logit, noise, labels drawn from the softmax."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(samples, n)) * 2
    x[np.arange(samples), random.integers(0, n, samples)] += random.gamma(4, 2, samples)
    return Logits("drawn", x.astype(np.float32), (x + random.gumbel(size=x.shape)).argmax(axis=1))


def price(made) -> float:
    integer, fraction, exp, output = made.knob_values.values()
    return 2 ** (integer + fraction) * exp / 50 + 60 * (integer + fraction) + 12 * (exp + 4) * output


@pytest.fixture(scope="module")
def evaluator():
    return LogitsEvaluator(logits(1500))


def test_a_thousand_designs_are_searched_as_by_brute_force(evaluator, monkeypatch):
    space = Space(design("table_divide(input=Q6.4)"))
    assert space.names == ("input.integer", "input.fraction", "exp.fraction", "output.fraction")
    space.ranges = [[4, 5, 6, 7], [0, 1, 2, 3, 4], [3, 4, 5, 6, 7], list(range(4, 14))]
    claim = Claim({"top1": 0.01, "nll": 0.1}, 0.95, CEILINGS, len(evaluator.judgement))
    exploration = Exploration(Trials(evaluator, space, claim, price))
    found = [exploration.cheapest(strain) for strain in (1.0, 0.8, 0.7)]
    monkeypatch.setattr(trials_module, "FIRST", 10**9)
    trials = Trials(evaluator, space, claim, price)
    points = list(itertools.product(*space.ranges))
    assert len(points) == 1000 and trials[points[-1]].strain < 0.7
    assert found == [
        min((point for point in points if trials.passes(point, strain)), key=trials.key) for strain in (1.0, 0.8, 0.7)
    ]
    assert len(set(found)) > 1 and len(exploration.trials.seen) < 400


def test_an_architecture_may_be_named(evaluator):
    narrowed = narrow(evaluator, "table_divide", {"top1": 0.01, "nll": 0.1}, estimate=price, budget=100)
    assert narrowed.design.architecture == "table_divide"
    assert narrowed.wires[0]["format"] == str(narrowed.design.input)
    assert {wire["why_not_less"] for wire in narrowed.wires} <= {"loses", "not shown", "impossible"}


def test_trained_logits_of_a_hundred_classes_are_narrowed(shared_data):
    """0.5 points of 7,000 judged images of CIFAR-100; the space is cut to one near the answer, to be quick."""
    folder = shared_data / "wasscal_logits"
    if not folder.is_dir():
        pytest.skip("shared/data/wasscal_logits is absent")
    with np.load(folder / "logits_cifar100_repvgg_a2_pretrainedcy.npz", allow_pickle=False) as file:
        source = LogitsEvaluator(Logits("repvgg", file["logits"], file["labels"]))
    start = Near(design("table_divide(input=Q6.4, exp=UQ0.10, output=UQ0.12:half_up)"))
    narrowed = narrow(source, start, {"top1": 0.005}, estimate=lambda made: price(made.design))
    assert narrowed.samples == {"selected": 3000, "judged": 7000, "needed": 598}
    assert narrowed.loss["top1"]["high"] < 0.005
    with pytest.raises(ClaimRefused, match="takes 29956 judged samples"):
        narrow(source, start, {"top1": 0.0001}, estimate=price)


def test_logits_alone_bring_costs_and_a_store_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setenv("NARROWMAX_CACHE", str(tmp_path))
    asked = []
    monkeypatch.setattr(hardware, "cost", lambda made, **options: asked.append((made.text, options)) or price(made))
    monkeypatch.setattr(hardware, "estimate", lambda made, max_n: price(made) + max_n)
    narrowed = narrow(logits(1500), "table_divide", {"top1": 0.01, "nll": 0.1}, budget=60)
    assert narrowed.cost == price(narrowed.design)
    assert narrowed.order[-1]["objective"] == price(design(narrowed.order[-1]["design"])) + 10
    assert {options["max_n"] for _, options in asked} == {10} and narrowed.design.text in [text for text, _ in asked]
    assert not any("store" in note for note in narrowed.notes) and any(tmp_path.iterdir())


class Near:
    """A design with knobs that reach two bits down only."""

    def __init__(self, made, top=None):
        self.design, self.top = made, top or made.knob_values
        self.knobs = {name: range(value - 2, value + 1) for name, value in self.top.items()}

    def __getattr__(self, name):
        return getattr(self.design, name)

    def moved(self, values):
        return Near(self.design.moved(values), self.top)


def test_the_search_on_trained_logits_equals_brute_force(shared_data, monkeypatch):
    """With the real prediction of costs: a floor of the NLL that moved with the output once hid cheaper designs."""
    folder = shared_data / "netcal_records"
    if not folder.is_dir():
        pytest.skip("shared/data/netcal_records is absent")
    with np.load(folder / "wideresnet-16-4-cifar-10.npz", allow_pickle=False) as file:
        source = LogitsEvaluator(Logits("wideresnet", file["logits"], file["labels"]))
    space = Space(design("table_divide(input=Q6.4)"))
    space.ranges = [[5, 6], [1, 2, 3, 4], [3, 4, 5, 6, 7], [4, 5, 6, 8, 13]]
    claim = Claim({"top1": 0.005, "nll": 0.05}, 0.95, CEILINGS, len(source.judgement))
    made = (source, space, claim, lambda made: hardware.estimate(made, 1, 10))
    exploration = Exploration(Trials(*made))
    found = [exploration.cheapest(strain) for strain in (1.0, 0.4)]
    monkeypatch.setattr(trials_module, "FIRST", 10**9)
    trials = Trials(*made)
    points = list(itertools.product(*space.ranges))
    assert found == [
        min((point for point in points if trials.passes(point, strain)), key=trials.key) for strain in (1.0, 0.4)
    ]
    assert exploration.complete and len(exploration.trials.seen) < len(points)
