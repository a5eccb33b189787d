"""Memory used again: what is measured with it is what is measured without, and nothing keeps it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.models.cases import Inner

import narrowmax as nm
from narrowmax.models import workspace

LARGE = (4, 64, 65)  # small memory is quickly had, and not kept


@pytest.fixture
def pool():
    workspace.open_pool()
    yield
    workspace.give_back()


def test_memory_is_used_again_once_nothing_refers_to_it(pool):
    first = workspace.pooled(LARGE, torch.float32)
    place = first.data_ptr()
    second = workspace.pooled(LARGE, torch.float32)
    assert second.data_ptr() != place
    del first
    assert workspace.pooled(LARGE, torch.float32).data_ptr() == place
    assert workspace.pooled(LARGE, torch.float64).dtype == torch.float64
    assert workspace.pooled((4, 65, 64), torch.float32).shape == (4, 65, 64)


@pytest.mark.parametrize("keep", [lambda x: x[1:, 2], lambda x: x.numpy(), lambda x: x.detach()])
def test_whatever_was_made_of_memory_keeps_it(pool, keep):
    x = workspace.pooled(LARGE, torch.float32).fill_(1)
    kept = keep(x)
    del x
    for _ in range(9):
        workspace.pooled(LARGE, torch.float32).fill_(2)
    assert (np.asarray(kept) == 1).all()


def test_what_a_graph_has_saved_keeps_it(pool):
    leaf = torch.ones(LARGE, requires_grad=True)
    factor = workspace.pooled(LARGE, torch.float32).fill_(3)
    product = leaf * factor
    del factor
    for _ in range(9):
        workspace.pooled(LARGE, torch.float32).fill_(2)
    product.sum().backward()
    assert (leaf.grad == 3).all()


def test_shapes_that_are_not_used_any_more_are_given_up(pool):
    kept = workspace.pooled(LARGE, torch.float32)
    for n in range(70, 99):
        workspace.pooled((4, 64, n), torch.float32)
    assert set(workspace._room.pool) == {(LARGE, torch.float32), ((4, 64, 98), torch.float32)}
    del kept


def test_without_a_pool_memory_is_fresh_and_another_thread_has_none():
    assert workspace._room.pool is None
    first, second = (workspace.pooled(LARGE, torch.float32) for _ in range(2))
    assert first.data_ptr() != second.data_ptr()
    workspace.open_pool()
    found = []
    thread = threading.Thread(target=lambda: found.append(workspace._room.pool))
    thread.start()
    thread.join()
    workspace.give_back()
    assert found == [None]


def test_scores_of_calls_of_different_sizes_are_measured_as_they_are():
    network = Inner(lambda q: F.scaled_dot_product_attention(q, q, q))
    inputs = [torch.randn(2, 3, n, 4, generator=torch.Generator().manual_seed(n)) for n in (5, 2, 7)]
    with nm.measure(network) as seen, torch.no_grad():
        for q in inputs:
            network(q)
    scores = [(q * 0.5) @ q.transpose(-2, -1) for q in inputs]
    (one,) = seen.softmaxes()
    assert one["rows"] == sum(x[..., 0].numel() for x in scores)
    assert (one["min"], one["max"]) == (min(x.min() for x in scores).item(), max(x.max() for x in scores).item())
    assert workspace._room.pool is None


def test_attention_of_several_layers_that_share_a_pool_is_that_of_each_alone():
    """Forward and backward with memory of a pool, beside the same with fresh memory: every bit is the same."""
    from narrowmax.models import attention, gradients

    torch.manual_seed(0)
    design = nm.design("table_reciprocal(input=Q5.3, output=UQ0.8)")
    blocks = [torch.randn(3 * 32, 32, requires_grad=True) for _ in range(3)]
    x = torch.randn(2, 65, 32)

    def through():
        y = x
        for weight in blocks:
            q, k, v = (y @ weight.T).unflatten(-1, (3, 4, 8)).permute(2, 0, 3, 1, 4)
            given = attention.Arguments(q, k, v)
            scores, axis, mask = attention.scores(given)
            p = gradients.softmax(scores, axis, mask, design, False, None, True)
            y = y + attention.weighted(given, p).transpose(1, 2).flatten(2)
        return torch.autograd.grad(y.square().sum(), blocks)

    fresh = through()
    workspace.open_pool()
    try:
        for _ in range(3):
            assert all(torch.equal(a, b) for a, b in zip(through(), fresh, strict=True))
    finally:
        workspace.give_back()


@pytest.mark.parametrize("shape", [(2, 3, 9, 4), (9, 4), (0, 3, 9, 4), (2, 3, 0, 4)])
def test_the_product_of_attention_has_the_gradients_of_autograd(shape):
    from narrowmax.models.attention import _product

    q, k = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.allclose(_product(q, k, 0.3), (q * 0.3) @ k.transpose(-2, -1))
    assert torch.autograd.gradcheck(lambda q, k: _product(q, k, 0.3), (q, k))
    assert torch.autograd.gradgradcheck(lambda q, k: _product(q, k, 0.3), (q, k))
    (alone,) = torch.autograd.grad(_product(q, k.detach(), 0.3).sum(), q)
    assert torch.allclose(alone, torch.autograd.grad(_product(q, k, 0.3).sum(), q)[0])
