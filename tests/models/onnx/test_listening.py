"""Contexts around a network in a file: nested, repeated, interrupted, in threads; what they leave behind."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
from tests.models.onnx.graphs import attention, model, node, normal, one_softmax, opened, value

import narrowmax as nm
from narrowmax.errors import DataError, DesignError, NetworkError
from narrowmax.models import Site
from narrowmax.models.frameworks import framework_of
from narrowmax.models.onnx import OnnxNetwork, framework

COARSE = nm.design("ideal(input=Q5.1, output=UQ0.4)")
FINE = nm.design("ideal(input=Q5.1, output=UQ0.8)")


@pytest.fixture
def network(tmp_path) -> OnnxNetwork:
    nodes = [
        node("Softmax", ["x"], ["p"], name="/a/Softmax"),
        node("LogSoftmax", ["p"], ["y"], name="/b/LogSoftmax"),
    ]
    return opened(tmp_path, model(nodes, [value("x", [None, 6])], [value("p"), value("y")]))


def test_all_that_measure_see_and_the_innermost_replacement_serves(network):
    x = normal(4, 6)
    with nm.measure(network) as outer, nm.replace(network, COARSE), nm.measure(network) as inner:
        with nm.replace(network, FINE, where="a"):
            got = network(x)
    assert np.array_equal(got, FINE(x).astype(np.float32))
    assert outer.softmaxes() == inner.softmaxes() and len(outer.softmaxes()) == 2
    assert outer.softmaxes()[1]["max"] <= 1  # the second sees what the first one's replacement gave


def test_nothing_is_left_behind(network):
    x = normal(4, 6)
    before = network(x)
    seen = nm.measure(network)
    for _ in range(2):  # a context can be used again
        with seen:
            network(x)
    with pytest.raises(ZeroDivisionError), nm.measure(network), nm.replace(network, COARSE):
        network(x)
        raise ZeroDivisionError
    assert not network.listened_to and np.array_equal(network(x), before)
    assert seen.softmaxes()[0]["rows"] == 8


def test_a_context_is_entered_once_at_a_time(network):
    seen = nm.measure(network)
    with seen, pytest.raises(RuntimeError, match="^this context is active already; make a second one to nest them$"):
        seen.__enter__()


def test_calls_in_other_threads_are_seen(network):
    x = normal(40, 6)
    with nm.measure(network) as seen, nm.replace(network, FINE, where="a") as replaced:
        threads = [threading.Thread(target=network, args=(x,)) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert [one["rows"] for one in seen.softmaxes()] == [320, 320] and list(replaced.sites.values()) == [8]


def test_measurements_are_merged_and_travel(network):
    x, y = normal(4, 6), normal(5, 6, seed=1)
    with nm.measure(network, within=(1, 3), formats=("Q3.2",)) as first:
        network(x)
    with nm.measure(network, within=(1, 3), formats=("Q3.2",)) as second:
        network(y)
    with nm.measure(network, within=(1, 3), formats=("Q3.2",)) as both:
        network(np.concatenate([x, y]))
    merged = first.merge(pickle.loads(pickle.dumps(second))).softmaxes()
    for one, other in zip(merged, both.softmaxes(), strict=True):
        assert (one["rows"], one["all_within"], one["formats"]) == (
            other["rows"],
            other["all_within"],
            other["formats"],
        )


def test_epochs_are_kept_apart(network):
    with nm.measure(network) as seen:
        for seen.epoch in (1, 2):
            network(normal(3, 6))
    assert [one["epoch"] for one in seen.softmaxes()] == [1, 1, 2, 2]
    assert "a" in seen.table() and "narrowmax/measure/1" in seen.to_json()


def test_where_takes_patterns_and_functions(network):
    x = normal(3, 6)
    for where in ("b", "[b-z]", lambda site: site.function == "log_softmax"):
        with nm.replace(network, COARSE, where=where) as replaced:
            network(x)
        assert list(replaced.sites) == [Site("b", "classifier", "log_softmax")]


def test_a_replacement_that_replaces_nothing_is_told(network):
    message = "^no softmax was replaced: where='attention' chooses none of a, b; give 'attention', 'classifier'"
    with pytest.raises(DataError, match=message), nm.replace(network, COARSE, where="attention"):
        network(normal(3, 6))


def test_what_is_refused(network):
    x = normal(3, 6)
    with pytest.raises(DataError, match="^gradient 'none' is not known; give one of straight-through, slope$"):
        nm.replace(network, COARSE, gradient="none")
    x[1, 1] = np.nan
    with nm.measure(network) as seen:
        network(x)
    assert seen.softmaxes()[0]["not_finite"] == 1
    with pytest.raises(DataError, match="^NaN or infinity reached a softmax that a design replaces"):
        with nm.replace(network, COARSE):
            network(x)
    with pytest.raises(DesignError, match="a network needs a design with one output for each element$"):
        with nm.replace(network, lambda x, axis, mask: x[..., :1]):
            network(normal(3, 6))
    with pytest.raises(NetworkError, match="^a network is needed"):
        nm.measure("net.onnx")


# As the rest of narrowmax asks for it.


def test_the_framework(network, tmp_path):
    assert framework_of(network).measure is framework.measure
    with framework.evaluating(network, 1):
        assert network.threads == 1
        got = framework.forward(network, {"x": normal(2, 6)})
    assert network.threads is None and np.array_equal(got, framework.forward(network, (normal(2, 6),)))
    with nm.measure(network) as seen:
        p = framework.classify(framework.forward(network, normal(2, 6)))
    assert np.allclose(p.sum(-1), 1)
    assert [one["name"] for one in seen.softmaxes()] == ["a", "b", "<outside>"]
    other = opened(tmp_path, attention(), "other.onnx")
    assert framework.weights(network)["sha256"].shape == (32,)
    assert not np.array_equal(framework.weights(network)["sha256"], framework.weights(other)["sha256"])


def test_the_logits_behind_the_last_softmax(tmp_path):
    nodes = [
        node("Relu", ["x"], ["h"]),
        node("Softmax", ["h"], ["p"], name="/head/Softmax"),
        node("Identity", ["p"], ["y"]),
    ]
    network = opened(tmp_path, model(nodes, [value("x", [None, 6])], [value("y")]))
    logits, x = network.of_logits(), normal(3, 6)
    assert np.array_equal(logits(x), np.maximum(x, 0)) and network(x).max() <= 1
    assert logits.classifier == Site("head", "classifier", "softmax") and logits.softmaxes == []
    with nm.measure(logits) as seen:
        framework.classify(framework.forward(logits, x)[:2])
    assert [(one["name"], one["rows"]) for one in seen.softmaxes()] == [("head", 2)]
    assert not network.listened_to and logits.of_logits() is logits
    assert opened(tmp_path, one_softmax((2, 3), 18)).of_logits().softmaxes == []
