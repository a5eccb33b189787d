"""Why a training stalled: a run for each reason, and runs that train and are left alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models.training.networks import small as network
from torch import nn

from narrowmax.models.training import Precision, diagnose
from narrowmax.models.training.counting import SMALLEST, about, more_bits, sizes, values, zeros


def likelihood(p, y):
    return -(p + 1e-9).log()[range(len(y)), y].mean()


def far_logits():
    made = network()
    made[2].bias.data = torch.tensor([60.0, 40.0, -40.0, -60.0])
    return made


def large_inputs():
    made = network()
    made[0].weight.data *= 50
    return made


STALLS = {
    "updates-lost": {"weights": "Q2.4", "updates": "Q2.4"},
    "gradients-flushed": {"gradients": "Q1.4"},
    "no-gradient": {"activations": "decimal(10)", "gradient": "none", "layers": "1", "lr": 0.02},
    "no-push": {"network": lambda: network(64, nn.Softmax(-1)), "loss": likelihood, "softmax": "ideal(output=UQ0.4)"},
    "saturated": {"network": far_logits, "softmax": "Q3.2", "lr": 0.01},
    "weights-flushed": {"weights": "Q2.0"},
    "steps-skipped": {"gradients": "Q-12.16", "loss_scale": "dynamic"},
    "diverged": {"lr": 1e6, "epochs": 8},
}
WORDS = {
    "updates-lost": "weights stopped: 100 % of the updates were below half a step of Q2.4 and were lost; use "
    "stochastic rounding, a master copy or 5 more bits behind the point",
    "gradients-flushed": "gradients stopped: 100 % of those that were not zero were rounded to zero by Q1.4; use a "
    "loss scale, stochastic rounding or 2 more bits behind the point",
    "no-gradient": "no gradient at all reached 0.bias, 0.weight: a rounding that has no gradient lies behind them; "
    'use gradient="straight-through"',
    "no-push": "no class was pushed: with UQ0.4 at the output, the gradient p - y was exactly zero for all "
    "classes, or all but one, in 100 % of the rows; use",
    "saturated": "softmax saturated: at 2 100 % of the values lay beyond Q3.2; use more bits before the point",
    "weights-flushed": "weights vanished: 100 % of those that were not zero were rounded to zero by Q2.0; use more "
    "bits behind the point, stochastic rounding or larger weights to begin with",
    "steps-skipped": "steps were skipped: ",
    "diverged": "the training diverged: loss or outputs became infinite or not a number",
}


def called(run, network=None, **knobs):
    return run(network=network() if network else None, **knobs)


@pytest.mark.parametrize("reason", STALLS)
def test_a_stall_is_told_by_its_reason(run, reason):
    found = called(run, **STALLS[reason]).diagnosis()
    assert found.stalled and found.reason == reason, found
    assert str(found).startswith(WORDS[reason])


REMEDIES = {
    "stochastic rounding": {"weights": "Q2.4", "updates": "Q2.4:stochastic"},
    "a master copy": {"weights": "Q2.4"},
    "five more bits": {"weights": "Q2.9", "updates": "Q2.9"},
    "a loss scale": {"gradients": "Q4.4", "loss_scale": 64},
    "stochastic gradients": {"gradients": "Q1.6:stochastic"},
    "straight-through": {"activations": "decimal(10)", "gradient": "straight-through", "layers": "1"},
    "the straight-through gradient of softmax": {"softmax": "ideal(output=UQ0.4)", "gradient": "straight-through"},
    "more bits before the point": {"softmax": "Q8.2"},
    "a dynamic scale": {"gradients": "fp16", "loss_scale": "dynamic"},
    "float": {},
    "bfloat16": {"autocast": "bf16"},
}


@pytest.mark.parametrize("remedy", REMEDIES)
def test_what_trains_is_left_alone(run, remedy):
    training = called(run, **{"epochs": 10, "lr": 0.3, **REMEDIES[remedy]})
    found = training.diagnosis(goal=0.2 if "ideal" not in str(REMEDIES[remedy]) else None)
    assert not found.stalled and found.reason is None, found
    assert training.epochs[-1]["loss"] < 0.6 * training.epochs[0]["first_loss"]


def test_too_little_training_is_no_fault_of_a_format(run):
    slow = run(lr=1e-4)
    assert not run(epochs=2, lr=0.1).diagnosis().stalled
    assert slow.diagnosis(goal=0.1).reason == slow.diagnosis().reason == "unexplained"


def test_an_output_that_pushes_only_the_right_class_stalls_among_many(run):
    training = run(network=network(16), softmax="ideal(output=UQ1.2)", epochs=2, lr=0.01)
    pushed = training.epochs[0]["push"]
    assert pushed["single"] > 0.9 and pushed["still"] < 0.02 and set(pushed["classes"]) <= set(range(4, 16))
    assert len(pushed["classes"]) > 5 and training.diagnosis(goal=0.1).reason == "no-push"


def test_an_output_that_pushes_few_classes_is_named_where_the_goal_is_known(run):
    training = run(softmax="ideal(output=UQ1.8)", epochs=2, lr=1e-3)
    epochs = [{**one, "push": {**one["push"], "single": 0.2, "zero": 0.8}} for one in training.epochs]
    found = diagnose(training.precision, epochs, goal=0.05)
    assert found.reason == "no-push" and str(found).startswith("few classes were pushed: with UQ1.8 at the output, the")
    assert diagnose(training.precision, training.epochs, goal=0.05).reason == "unexplained"


def test_what_only_slows_a_training_is_named_where_the_goal_is_known(run):
    training = run(epochs=4, gradients="Q1.6")
    assert not training.diagnosis().stalled
    found = training.diagnosis(goal=0.3)
    assert found.reason == "gradients-flushed" and str(found).startswith("gradients were slowed: "), found


def test_before_anything_ran():
    assert not diagnose(Precision(), []).stalled


def test_a_table_has_a_line_for_each_epoch(run):
    training = run(epochs=2, weights="Q2.4", updates="Q2.4", gradients="Q1.8")
    lines = training.table().splitlines()
    assert len(lines) == 3 and lines[1].split()[0] == "1" and "100.0%" in lines[1]
    assert repr(training).startswith("weights=Q2.4, gradients=Q1.8, updates=Q2.4\n")


def test_sizes_count_how_far_below_half_a_step():
    step = 2.0**-6
    x = torch.tensor([0.0, 1.0, step / 2, step / 2.01, step / 4, step / 5, 1e-30, -step / 3])
    counted = sizes(x, step).tolist()
    assert values(counted) == 8 and zeros(counted) == 1 and sum(counted[:SMALLEST]) == 5
    assert counted[SMALLEST] == 2 and counted[SMALLEST - 1] == 3 and counted[SMALLEST - 2] == 1 and counted[0] == 1
    assert [more_bits(counted, left) for left in (0.9, 0.5, 0.2, 0.1)] == [0, 1, 2, None]
    assert more_bits(sizes(torch.zeros(3), step).tolist()) is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_what_is_large_beside_the_smallest_of_steps_is_counted_as_large(kind):
    x, step = np.array([0, 6e4, -1], kind), 2.0**-149
    assert sizes(x, step).tolist() == sizes(torch.from_numpy(x), step).tolist() == [*[0] * SMALLEST, 2, 1]


def test_a_sample_tells_sizes_of_all_places():
    x = torch.linspace(-1, 1, 100)
    assert about(x, 0.1).equal(sizes(x, 0.1))
    pictures = torch.zeros(64, 16, 8, 8)
    pictures[..., 1:, 1:] = 0.01
    exact, sampled = sizes(pictures, 0.1), about(pictures, 0.1)
    assert (exact - sampled).abs().max() < 0.05 * pictures.numel()
