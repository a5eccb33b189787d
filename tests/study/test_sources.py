"""A source: which rows are judged, and as what."""

from __future__ import annotations

import numpy as np
import pytest

from narrowmax import models
from narrowmax.models import Logits
from narrowmax.study import Source, load
from narrowmax.study.sources import groups

ROWS = np.arange(24, dtype=np.float32).reshape(4, 3, 2)


def test_rows_of_the_last_epoch(work):
    logits = Logits("e", ROWS, labels=np.zeros((4, 3), int), epoch=np.array([[1] * 3, [2] * 3, [2, 2, 1], [1] * 3]))
    found = Source("e", logits).logits
    assert np.array_equal(found.logits, ROWS.reshape(-1, 2)[[3, 4, 5, 6, 7]])
    assert found.groups.tolist() == [1, 1, 1, 2, 2] and found.labels.shape == (5,)


def test_rows_of_one_epoch_keep_their_shape():
    assert Source("e", Logits("e", ROWS, epoch=np.full((4, 3), 9))).logits.logits.shape == (4, 3, 2)
    assert Source("e", Logits("e", ROWS)).logits.logits is ROWS


def test_samples_of_rows():
    assert groups(Logits("e", ROWS)).tolist() == np.repeat(np.arange(4), 3).tolist()
    assert groups(Logits("e", ROWS[0])) is None
    assert groups(Logits("e", ROWS[0], groups=np.array([5, 5, 6]))).tolist() == [5, 5, 6]


def test_samples_are_those_of_the_evaluator():
    logits = Logits("e", ROWS, labels=np.zeros((4, 3), int))
    assert np.array_equal(groups(logits), models.evaluator(logits).groups)


def test_a_task_of_a_classifier_has_logits_and_one_of_attention_has_none(work):
    classifier, attention = load("digits-cnn", kept_by_all(work)), load("digits-vit", kept_by_all(work))
    assert classifier.n == 10 and not classifier.is_network and classifier.labelled
    assert attention.is_network and attention.logits is None and attention.n == attention.evaluator.n > 10


def kept_by_all(work):
    """With the store that all tests share, so that nothing is trained twice."""
    from narrowmax.store import Store

    work.store = Store()
    return work


def test_training_is_counted_among_what_is_reused(work):
    shared = kept_by_all(work)
    load("digits-cnn", shared)
    again = type(work)()
    with again.step("load"):
        load("digits-cnn", again)
    assert again.reused == ["load: 2 of 2 results"]


def test_an_unlabelled_source_has_no_evaluator():
    source = Source("e", Logits("e", ROWS))
    assert not source.labelled and source.n == 2
    with pytest.raises(Exception, match="has no labels, so accuracy cannot be judged"):
        _ = source.evaluator


def test_the_softmaxes_that_are_judged_are_those_of_where(work):
    source = load("digits-vit", kept_by_all(work))
    judged = {one["name"]: source.judges(one) for one in models.measured(source.thing)}
    assert sum(judged.values()) == 2 and not judged["classifier"]
    assert Source("e", Logits("e", ROWS)).judges({"name": "e", "kind": "classifier", "function": "stored"})
