"""What search asks: outcomes of samples, with and without a design."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import narrowmax as nm
from narrowmax.errors import DataError
from narrowmax.models import Accuracy, Logits, LogitsEvaluator, NetworkEvaluator, Task, accuracy, evaluator, replace
from narrowmax.models.splits import split, split_of


@pytest.fixture
def logits():
    random = np.random.default_rng(0)
    return Logits("made", random.normal(0, 4, (400, 6)).astype(np.float32), random.integers(0, 6, 400))


@pytest.fixture
def plain():
    return lambda input="Q4.2", output="UQ0.16": nm.design(f"ideal(input={input}, output={output})")


def by_hand(design, rows, labels, mask=None):
    """Outcomes from the definition, through probabilities."""
    p = design(rows, axis=-1, mask=mask)
    top1 = [row[label] == row.max() and (row == row.max()).sum() == 1 for row, label in zip(p, labels, strict=True)]
    floor = 2**-9
    own = np.maximum(p[np.arange(len(p)), labels] / np.maximum(p.sum(axis=1), 1), floor)
    hidden = rows.astype(np.float64) if mask is None else np.where(mask, rows.astype(np.float64), -np.inf)
    exact = torch.logsumexp(torch.from_numpy(hidden), 1).numpy() - hidden[np.arange(len(p)), labels]
    return np.array(top1), -np.log(own) + np.maximum(exact - -np.log(floor), 0)


@pytest.mark.parametrize(
    "text",
    [
        "table_divide(input=Q4.1)",
        "ideal(input=Q5.3, output=UQ0.4)",
        "ideal(input=fp16, output=fp16)",
        "ideal(output=e4m3)",
        "ideal(output=UQ1.1)",
    ],
)
def test_outcomes_of_stored_logits_equal_the_definition(logits, text):
    judge, design = evaluator(logits), nm.design(text)
    indices = judge.judgement[::-3]
    got = judge.outcomes(design, indices)
    top1, nll = by_hand(design, logits.logits[indices], logits.labels[indices])
    assert np.array_equal(got["top1"], top1)
    assert got["top1"].dtype == bool
    assert np.allclose(got["nll"], nll, rtol=1e-12)


def test_accuracy_is_the_mean_of_outcomes(logits, plain):
    judge = evaluator(logits)
    assert accuracy(judge).samples == len(judge.judgement)
    assert accuracy(judge).metrics["top1"] == judge.float_outcomes(judge.judgement)["top1"].mean()
    some = np.arange(7)
    found = accuracy(judge, plain("Q4.1", "UQ0.4"), some)
    wanted = judge.outcomes(plain("Q4.1", "UQ0.4"), some)
    assert found == Accuracy(7, {"top1": wanted["top1"].mean(), "nll": wanted["nll"].mean()})


def test_masked_elements_take_no_part(logits, plain):
    mask = np.random.default_rng(1).random(logits.logits.shape) < 0.7
    mask[np.arange(400), logits.labels] = True
    judge, design = evaluator(dataclasses.replace(logits, mask=mask)), plain("Q4.1", "UQ0.4")
    got = judge.outcomes(design, np.arange(400))
    top1, nll = by_hand(design, logits.logits, logits.labels, mask)
    assert np.array_equal(got["top1"], top1)
    assert np.allclose(got["nll"], nll)
    hidden = np.where(mask, logits.logits, -np.inf)
    assert np.array_equal(judge.float_outcomes(np.arange(400))["top1"], hidden.argmax(1) == logits.labels)


def test_float_outcomes_are_those_of_exact_softmax(logits):
    judge = evaluator(logits)
    got = judge.float_outcomes(judge.selection)
    x, labels = (
        torch.from_numpy(logits.logits[judge.selection]).double(),
        torch.from_numpy(logits.labels[judge.selection]),
    )
    assert np.allclose(got["nll"], F.cross_entropy(x, labels, reduction="none").numpy())
    assert np.array_equal(got["top1"], (x.argmax(1) == labels).numpy())


def test_a_tie_at_the_top_is_wrong(plain):
    judge = evaluator(Logits("tied", np.array([[1.0, 1.1, -9.0], [1.0, 3.0, -9.0]]), np.array([1, 1])))
    assert judge.outcomes(plain("Q5.0"), np.arange(2))["top1"].tolist() == [False, True]
    assert judge.float_outcomes(np.arange(2))["top1"].tolist() == [True, True]


class Winner:
    """A design with one answer a row."""

    output_rate = "row"

    def simulate(self, x, axis, mask):
        return x.argmax(axis=axis)[:, None]


def test_a_design_that_only_names_the_winner(logits):
    judge = evaluator(logits)
    got = judge.outcomes(Winner(), judge.selection)
    right = logits.logits[judge.selection].argmax(1) == logits.labels[judge.selection]
    assert np.array_equal(got["top1"], right)
    assert np.array_equal(got["nll"], np.where(right, 0, 16 * np.log(2)))


def test_blocks_do_not_show(logits, plain, monkeypatch):
    whole = evaluator(logits).outcomes(plain(), np.arange(400))
    monkeypatch.setattr("narrowmax.designs.sweeping.BLOCK", 50)
    parts = evaluator(logits).outcomes(plain(), np.arange(400))
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_the_last_epoch_counts(logits):
    epoch = np.repeat([1, 7, 3, 7], 100)
    judge = evaluator(dataclasses.replace(logits, epoch=epoch))
    assert judge.samples == 200
    assert np.array_equal(judge.rows, logits.logits[epoch == 7])


def test_rows_of_one_sample_stay_in_one_part():
    random = np.random.default_rng(0)
    judge = evaluator(Logits("tokens", random.normal(size=(30, 5, 4)), random.integers(0, 4, (30, 5))))
    assert (judge.samples, judge.n) == (150, 4)
    assert judge.groups.tolist() == np.repeat(np.arange(30), 5).tolist()
    assert not set(judge.groups[judge.selection]) & set(judge.groups[judge.judgement])


def test_logits_without_labels_are_refused(logits):
    message = "^made has no labels, so accuracy cannot be judged; add an array 'labels'$"
    with pytest.raises(DataError, match=message):
        evaluator(dataclasses.replace(logits, labels=None))


def test_the_digest_is_of_the_content(logits):
    assert evaluator(logits).digest == evaluator(dataclasses.replace(logits, name="other")).digest
    assert evaluator(logits).digest != evaluator(dataclasses.replace(logits, labels=logits.labels[::-1].copy())).digest
    assert evaluator(logits).digest != evaluator(logits, seed=1).digest


def test_the_digest_tells_how_samples_are_grouped(task):
    split = {"selection": np.arange(0, 20), "judgement": np.arange(20, 60)}
    for where in ("attention", "classifier"):
        known = {
            evaluator(dataclasses.replace(task, where=where, groups=groups, **split)).digest
            for groups in (None, np.arange(60) // 2, np.arange(60) // 4)
        }
        assert len(known) == 3


# Splits.


def test_a_split_shares_nothing_and_keeps_groups():
    groups = np.random.default_rng(0).integers(0, 40, 1000)
    selection, judgement = split(1000, groups)
    assert np.array_equal(np.sort(np.concatenate([selection, judgement])), np.arange(1000))
    assert not set(groups[selection]) & set(groups[judgement])
    assert 250 < len(selection) < 350
    assert all(np.array_equal(a, b) for a, b in zip((selection, judgement), split(1000, groups), strict=True))
    assert not np.array_equal(selection, split(1000, groups, seed=1)[0])


def test_two_samples_are_enough_and_one_is_not():
    assert [len(part) for part in split(2)] == [1, 1]
    with pytest.raises(
        DataError, match="^1 group of samples cannot be split into selection and judgement; give at least two$"
    ):
        split(5, np.zeros(5))


OVERLAP = "the selection and judgement of task t overlap, are empty or go beyond its 4 samples; give disjoint indices"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (([0, 1], None), "task t gives one part of a split; give both selection and judgement, or neither"),
        (([0, 1], [1, 2]), OVERLAP),
        (([0], [4]), OVERLAP),
        (([], [1]), OVERLAP),
        (([0], [1]), "the split of task t divides a group; keep samples that belong together in one part"),
    ],
)
def test_a_split_of_ones_own_is_checked(parts, message):
    selection, judgement = parts
    task = Task(None, [], name="t", selection=selection, judgement=judgement, groups=np.array([0, 0, 1, 1]))
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        split_of(task, 4)


# Networks.


class Tiny(nn.Module):
    """Four tokens of six numbers -> three logits, with one attention."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.attention(4 * x, 4 * x, x, need_weights=False)[0].mean(1))


@pytest.fixture
def task():
    torch.manual_seed(0)
    x, labels = torch.randn(60, 4, 6), torch.randint(0, 3, (60,))
    return Task(Tiny(), list(zip(x.split(25), labels.split(25), strict=True)), name="tiny", where="attention")


def test_outcomes_of_a_network_equal_those_of_running_it(task, plain):
    judge, design = evaluator(task), plain("Q3.1", "UQ0.4")
    assert isinstance(judge, NetworkEvaluator)
    assert (judge.samples, judge.n, judge.metrics) == (60, 4, ("top1", "nll"))
    x, labels = (torch.cat(parts) for parts in zip(*task.batches, strict=True))
    with torch.no_grad():
        before = task.network(x)
        with replace(task.network, design, where="attention"):
            after = task.network(x)
    for got, wanted in (
        (judge.float_outcomes(np.arange(60)), before),
        (judge.outcomes(design, np.arange(60)), after),
    ):
        assert np.array_equal(got["top1"], (wanted.argmax(1) == labels).numpy())
        assert np.allclose(got["nll"], F.cross_entropy(wanted, labels, reduction="none").numpy(), atol=1e-6)
    assert not torch.allclose(before, after, atol=1e-3)


def test_shuffled_batches_are_refused(task, plain):
    """Else a sample would be compared with another one, and one judged after it was selected on."""
    random = np.random.default_rng(0)

    def batches():
        order = torch.from_numpy(random.permutation(60))
        x, labels = (torch.cat(parts) for parts in zip(*task.batches, strict=True))
        return [(x[order], labels[order])]

    judge = evaluator(dataclasses.replace(task, batches=batches))
    with pytest.raises(
        DataError,
        match="^the batches of task tiny come in another order each time; turn shuffling off, "
        "for each sample is compared with itself$",
    ):
        judge.outcomes(plain(), judge.selection)


class Tokens(Tiny):
    """Three logits for each of the four tokens."""

    def forward(self, x):
        return self.head(self.attention(4 * x, 4 * x, x, need_weights=False)[0])


@pytest.fixture
def tokens(task):
    torch.manual_seed(0)
    x = torch.cat([x for x, _ in task.batches])
    return dataclasses.replace(task, network=Tokens(), batches=[(x, torch.randint(0, 3, (60, 4)))], where="classifier")


def test_the_tokens_of_one_sample_stay_in_one_part(tokens):
    for groups in (None, np.arange(60) // 2):
        judge = evaluator(dataclasses.replace(tokens, groups=groups))
        assert judge.samples == 240
        assert np.array_equal(judge.groups, np.repeat(np.arange(60) if groups is None else groups, 4))
        assert not set(judge.groups[judge.selection]) & set(judge.groups[judge.judgement])


def test_a_metric_gives_one_value_a_sample(tokens):
    message = "the metric of task tiny gives top1 of shape (60, 4) for 60 samples; give one value for each"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        evaluator(dataclasses.replace(tokens, where="attention"))


def test_groups_are_one_label_a_sample(task):
    for where, message in (
        ("attention", "task tiny has groups of shape (7,) for 60 samples; give one each"),
        ("classifier", "tiny has groups of shape (7,) for rows of shape (60,); give one a row"),
    ):
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            evaluator(dataclasses.replace(task, where=where, groups=np.arange(7)))


def test_outcomes_come_in_the_order_asked_for(task, plain):
    judge = evaluator(task)
    whole = judge.outcomes(plain(), np.arange(60))
    some = np.array([59, 3, 30, 26, 0])
    got = judge.outcomes(plain(), some)
    assert np.array_equal(got["top1"], whole["top1"][some])
    assert np.allclose(got["nll"], whole["nll"][some], atol=1e-6)


def test_a_classifier_is_run_once_and_judged_on_its_logits(task, plain):
    runs = []
    task.network.register_forward_hook(lambda *_: runs.append(1))
    judge = evaluator(dataclasses.replace(task, where="classifier"))
    judge.outcomes(plain(), judge.selection)
    judge.outcomes(plain(), judge.judgement)
    assert isinstance(judge, LogitsEvaluator)
    assert (len(runs), judge.n, judge.name) == (3, 3, "tiny")


def test_a_metric_of_ones_own_and_batches_from_a_function(task, plain):
    def metric(output, labels):
        return {"top1": (output.argmax(1) != labels).numpy(), "nll": output[:, 0].double().numpy()}

    mine = dataclasses.replace(task, metric=metric, batches=lambda: iter(task.batches))
    judge, usual = evaluator(mine), evaluator(task)
    everything = np.arange(60)
    assert np.array_equal(judge.float_outcomes(everything)["top1"], ~usual.float_outcomes(everything)["top1"])
    assert np.array_equal(judge.outcomes(plain(), everything)["top1"], ~usual.outcomes(plain(), everything)["top1"])


def test_the_digest_of_a_network_is_of_its_weights_and_data(task):
    before = evaluator(task).digest
    assert evaluator(task).digest == before
    with torch.no_grad():
        task.network.head.bias[0] += 1
    changed = evaluator(task).digest
    task.network.register_forward_hook(lambda module, given, output: 2 * output)  # code, which no weight shows
    assert len({before, changed, evaluator(task).digest}) == 3


def test_a_network_is_left_in_the_mode_it_was_in(task, plain):
    task.network.train()
    judge = evaluator(dataclasses.replace(task, threads=1))
    judge.outcomes(plain(), np.arange(5))
    assert task.network.training


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"where": "decoder.*"}, "no softmax of task tiny is chosen by where='decoder.*'; it has attention"),
        ({"batches": []}, "the task has no batches; give at least one pair of inputs and labels"),
    ],
)
def test_tasks_that_cannot_be_judged(task, change, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        evaluator(dataclasses.replace(task, **change))


def test_outputs_that_are_no_logits(task):
    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    for network, message in (
        (Pair(), "the network of task tiny gives no tensor of logits (batch, n); give the task a metric of its own"),
        (
            nn.Sequential(nn.Flatten(), nn.Threshold(99.0, torch.nan)),
            "the network of task tiny gives NaN or infinite logits; look for overflow or divergence in it",
        ),
    ):
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            evaluator(dataclasses.replace(task, network=network, where="classifier"))
