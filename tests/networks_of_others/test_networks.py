"""Networks that others trained, rebuilt, give what is known of them; measured and with designs inside."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.networks_of_others import keywords, sentences, sorting, stories, tasks
from tests.study.keywords import scores

import narrowmax as nm
from narrowmax.designs.calibrating import Reach, calibrated
from narrowmax.models import evaluator, measured
from narrowmax.models.networks import logits_of

DESIGNS = ("ideal(input=fp16)", "ideal(input=int8@{:.4g})", "softermax", "tflite_int8", "ita")


def designs_for(task):
    seen = [one for one in measured(task) if one["kind"] == task.where]
    reach = Reach(min(one["min"] for one in seen), max(one["max"] for one in seen))
    texts = [text.format(max(-reach.low, reach.high) / 127) for text in DESIGNS]
    return [calibrated(nm.design(text), reach, points=True)[0] for text in texts]


def test_the_stored_logits_of_all_clips_are_92_68_percent(shared_data):
    with np.load(shared_data / keywords.FOLDER / "kwt1_test_logits.npz", allow_pickle=False) as stored:
        right = stored["logits"].argmax(1) == stored["labels"]
    assert len(right) == 4890 and round(100 * right.mean(), 2) == 92.68


def test_twelve_attentions_of_the_keyword_transformer_are_seen(shared_data):
    """Against the scores that a few lines of NumPy give, written apart."""
    found = scores(shared_data / keywords.FOLDER, 8)
    features, _ = keywords.clips(shared_data)
    network = keywords.network(shared_data)
    with nm.measure(network) as seen, torch.no_grad():
        network(features[:: len(features) // 8][:8])
    made = [one for one in seen.softmaxes() if one["kind"] == "attention"]
    assert [one["name"] for one in made] == [f"layers.{layer}.attention" for layer in range(12)]
    for layer, one in enumerate(made):
        assert (one["n"], one["rows"]) == (99, 8 * 99)
        assert one["min"] == pytest.approx(found[:, layer].min(), abs=1e-4)
        assert one["max"] == pytest.approx(found[:, layer].max(), abs=1e-4)


def test_designs_in_the_keyword_transformer(shared_data):
    task = tasks.keyword_task(shared_data, 120)
    judge, every = evaluator(task), np.arange(9)
    before = judge.float_outcomes(every)
    fp16, int8, *units = designs_for(task)
    close = judge.outcomes(fp16, every)
    assert np.array_equal(close["top1"], before["top1"]) and np.allclose(close["nll"], before["nll"], atol=0.01)
    assert np.allclose(judge.outcomes(int8, every)["nll"], before["nll"], atol=0.5)
    for design in units:
        after = judge.outcomes(design, every)
        assert not np.array_equal(after["nll"], before["nll"]) and np.isfinite(after["nll"]).all()


@pytest.mark.long
def test_all_stored_clips(shared_data):
    task = tasks.keyword_task(shared_data)
    judge = evaluator(task)
    assert judge.float_outcomes(np.arange(978))["top1"].sum() == 897
    for design in designs_for(task)[:2]:
        assert judge.outcomes(design, np.arange(978))["top1"].mean() > 0.91


def test_a_story_has_the_perplexity_of_a_story(shared_data):
    task = tasks.story_task(shared_data, 2)
    judge = evaluator(task)
    assert tasks.lengths(task).tolist() == [373, 329]
    before = judge.float_outcomes(np.arange(2))
    assert (np.exp(before["nll"]) < 5).all() and judge.metrics == ("top1", "nll", "error")
    seen = [one for one in measured(task) if one["kind"] == "attention"]
    assert len(seen) == 5 and min(one["min"] for one in seen) < -100 and all(one["masked"] for one in seen)
    after = judge.outcomes(nm.design("ideal(input=fp16)"), np.arange(2))
    assert after["nll"] == pytest.approx(before["nll"], abs=0.02)


@pytest.mark.long
def test_five_stories_have_a_perplexity_of_3_55(shared_data):
    task = tasks.story_task(shared_data)
    tokens, judge = tasks.lengths(task), evaluator(task)
    nll = judge.float_outcomes(np.arange(5))["nll"]
    assert tokens.sum() == 1804 and round(float(np.exp((nll * tokens).sum() / tokens.sum())), 2) == 3.55
    seen = [one for one in measured(task) if one["kind"] == "attention"]
    assert min(one["min"] for one in seen) == pytest.approx(-255, abs=1)


def test_tokens_spell_the_text(shared_data):
    text = "Once upon a time, Ben said “Wow”!\n"
    words, _ = stories._vocabulary(shared_data)
    found = stories.tokens(shared_data, text)
    raw = b"".join(bytes([code - stories.BYTES]) if 3 <= code < 259 else words[code] for code in found)
    assert raw.decode() == " " + text and len(found) < len(text)


def test_the_sorter_sorts_and_two_bits_are_enough(shared_data):
    judge, every = evaluator(tasks.sorting_task(shared_data)), np.arange(729)
    right = lambda text: int(judge.outcomes(nm.design(text), every)["top1"].sum())  # noqa: E731
    assert judge.float_outcomes(every)["top1"].sum() == 729
    assert right("ideal(input=Q2.0)") == 729 > right("ideal(input=Q1.1)")


def test_the_sorter_gives_the_logits_that_are_stored(shared_data):
    letters, answers = sorting.inputs()
    with torch.no_grad():
        found = sorting.network(shared_data)(letters)
    with np.load(shared_data / "nano_gpt_sort" / "all729_logits.npz", allow_pickle=False) as stored:
        assert np.allclose(found.reshape(-1, 3), stored["logits"], atol=1e-4)
        assert np.array_equal(answers.flatten(), stored["labels"])


@pytest.mark.parametrize(("name", "step"), [("ResNet-20", 40), ("MicroNet", 400)])
def test_classifiers_give_the_logits_that_are_stored(shared_data, name, step):
    found = logits_of(tasks.image_task(shared_data, name, step))
    assert np.allclose(found.logits, tasks.stored_logits(shared_data, name)[::step], atol=1e-3)


@pytest.mark.long
@pytest.mark.parametrize(("name", "share"), [("ResNet-20", 0.9035), ("MicroNet", 0.8054)])
def test_classifiers_reach_what_is_known_of_them(shared_data, name, share):
    found = logits_of(tasks.image_task(shared_data, name))
    assert (found.logits.argmax(1) == found.labels).mean() == pytest.approx(share, abs=1e-9)
    assert np.allclose(found.logits, tasks.stored_logits(shared_data, name), atol=1e-3)


SAID = ["A man is eating food.", "A man eats a meal.", "The girl carries a baby.", "Two stars collide in the sky."]


def test_sentences_keep_their_meaning():
    network, batch = sentences.network(), sentences.tokens(SAID)
    with nm.measure(network) as seen:
        before = sentences.embedded(network, [batch])
    found = seen.softmaxes()
    assert [one["name"] for one in found] == [f"bert.encoder.layer.{k}.attention.self" for k in range(6)]
    assert all(one["kind"] == "attention" and one["masked"] for one in found)
    alike = before @ before.T
    assert alike[0, 1] > 0.8 > alike[0, 2] and alike[0, 1] > alike[0, 3]
    for text, least in (("ideal(input=fp16)", 0.9999), ("ideal(input=Q5.3, output=UQ0.8)", 0.99)):
        with nm.replace(network, nm.design(text), where="attention"):
            after = sentences.embedded(network, [batch])
        assert (before * after).sum(1).min() > least and not torch.equal(before, after)
