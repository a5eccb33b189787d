"""Memory used again: what is measured with it is what is measured without, and nothing keeps it."""

from __future__ import annotations

import threading

import pytest
import torch
import torch.nn.functional as F
from tests.models.cases import Inner

import narrowmax as nm
from narrowmax.models import workspace


def test_memory_is_lent_again_and_grows():
    first = workspace.borrowed("a", (2, 3), torch.float32)
    assert workspace.borrowed("a", (3, 2), torch.float32).data_ptr() == first.data_ptr()
    assert workspace.borrowed("b", (2, 3), torch.float32).data_ptr() != first.data_ptr()
    assert workspace.borrowed("a", (2, 3), torch.float64).dtype == torch.float64
    assert workspace.borrowed("a", (40, 3), torch.float32).shape == (40, 3)
    workspace.give_back()
    assert not workspace._room.memory


def test_another_thread_has_memory_of_its_own():
    found = []
    mine = workspace.borrowed("a", (4,), torch.float32)
    thread = threading.Thread(target=lambda: found.append(workspace.borrowed("a", (4,), torch.float32).data_ptr()))
    thread.start()
    thread.join()
    assert found != [mine.data_ptr()]
    workspace.give_back()


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
    assert not workspace._room.memory


@pytest.mark.parametrize("after", [torch.no_grad, torch.enable_grad, torch.inference_mode])
@pytest.mark.parametrize("context", [nm.measure, lambda network: nm.replace(network, nm.design("ideal(input=Q5.3)"))])
def test_a_validation_in_inference_mode_before_a_training_leaves_no_memory_of_its_kind(context, after):
    network = Inner(lambda q: F.scaled_dot_product_attention(q, q, q))
    q = torch.randn(2, 3, 5, 4)
    with context(network):
        with torch.inference_mode():
            first = network(q)
        with after():
            assert torch.equal(network(q), first)


def test_memory_lies_on_the_processor_whatever_the_default_device_is():
    network, q = Inner(lambda q: F.scaled_dot_product_attention(q, q, q)), torch.randn(2, 3, 5, 4)
    with torch.device("meta"), nm.measure(network) as seen, torch.no_grad():
        network(q)
    assert seen.softmaxes()[0]["rows"] == 30
