"""Another network inside of a block is left alone; a loss and what the network is a part of are not."""

from __future__ import annotations

import asyncio
import copy

import pytest
import torch
import torch.nn.functional as F
from tests.models.cases import Inner
from torch import nn

from narrowmax.errors import DataError
from narrowmax.models import measure, replace

X = torch.arange(12.0).view(3, 4) / 6


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.head, self.soft = nn.MultiheadAttention(4, 1), nn.Linear(4, 4), nn.Softmax(-1)

    def forward(self, x):
        return self.soft(3 * self.head(self.attention(x, x, x, need_weights=False)[0]))


class Both(nn.Module):
    """What two networks are a part of, with a loss of its own."""

    def __init__(self, student, teacher):
        super().__init__()
        self.student, self.teacher = student, teacher

    def forward(self, x):
        return F.kl_div(F.log_softmax(2 * self.student(x), -1), self.teacher(x))


@pytest.mark.parametrize("where", ["*", "classifier", "attention"])
def test_a_teacher_is_left_alone(where, plain):
    student, teacher = Attends(), Attends()
    wanted = teacher(X)
    with measure(student) as seen, replace(student, plain(output="UQ1.2"), where=where) as replaced:
        student(X)
        assert torch.equal(teacher(X), wanted)
    own = {"*": ["attention", "soft"], "classifier": ["soft"], "attention": ["attention"]}[where]
    assert [site.name for site in replaced.sites] == own
    assert [one["name"] for one in seen.softmaxes()] == ["attention", "soft"]


def test_in_a_module_that_has_both_each_has_its_own(plain):
    both = Both(Attends(), Attends())
    with replace(both.student, plain()) as outer, replace(both.teacher, plain()) as inner:
        both(X)
    assert {site.name for site in inner.sites} == {"attention", "soft", "<outside>"}
    assert [site.name for site in outer.sites] == ["attention", "soft"]


def test_a_loss_is_no_network_of_its_own(plain):
    network = nn.Linear(4, 4)
    distil = Inner(lambda x: F.softmax(x / 2, -1))
    with measure(network) as seen:
        distil(network(X).float() * 2)
        nn.CrossEntropyLoss()(network(X) * 2, torch.tensor([0, 1, 2]))
    assert [(one["name"], one["rows"]) for one in seen.softmaxes()] == [("<outside>", 3)] * 2


def test_layers_of_the_network_in_another_module_are_its_own(plain):
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    with replace(network, plain(output="UQ1.2")) as replaced:
        out = nn.Sequential(*network, nn.Softmax(-1))(X)
    assert list(replaced.sites.values()) == [1] and torch.equal(out * 4, (out * 4).round())


def test_a_block_in_which_another_network_ran_alone_says_so(plain):
    network = Attends()
    message = (
        "^no softmax was replaced: those that ran are of another network than the one that was given; give the net"
    )
    with pytest.raises(DataError, match=message), replace(network, plain()):
        copy.deepcopy(nn.ModuleList([Attends()]))[0](X)


def test_networks_of_tasks_that_run_by_turns(plain):
    networks, designs = (Attends(), Attends()), (plain(output="UQ1.2"), plain(output="UQ1.6"))

    def alone(network, design):
        with replace(network, design):
            return network(X)

    async def by_turns(network, design):
        with replace(network, design):
            await asyncio.sleep(0)
            got = network(X)
            await asyncio.sleep(0)
        return got

    async def run():
        return await asyncio.gather(*map(by_turns, networks, designs))

    got = asyncio.run(run())
    assert all(torch.equal(one, two) for one, two in zip(got, map(alone, networks, designs), strict=True))
