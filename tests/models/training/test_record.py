"""The record of a precision: its text, what it reads, what it refuses."""

from __future__ import annotations

import pytest

from narrowmax.errors import DataError, DesignError, FormatError
from narrowmax.formats import parse
from narrowmax.models.training import Precision, precision_of, read

TEXTS = (
    "float",
    "weights=Q2.6",
    "softmax=ideal(input=Q5.3, output=UQ1.8), weights=Q2.6, updates=Q2.6:stochastic",
    "activations=decimal(10), gradient=none, layers=classifier.3",
    "gradients=e5m2, loss_scale=dynamic",
    "gradients=fp16:infinity, loss_scale=1024",
    "weights=float(5,3), autocast=bf16, gradient=straight-through, where=attention",
)


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_read_as_it_is_written(text):
    assert read(text).text == text and read(read(text).text) == read(text)


def test_nothing_is_float():
    assert read("float") == Precision() == precision_of(weights=None) and str(Precision()) == "float"


def test_a_format_for_the_softmax_is_that_of_its_input():
    assert read("softmax=Q5.3").softmax.text == "ideal(input=Q5.3, output=fp32)"
    assert precision_of(softmax=parse("decimal(2)")).softmax.input == parse("decimal(2)")
    assert read("softmax=softermax").softmax.architecture == "softermax"


def test_a_brief_text_has_what_is_not_usual_of_the_design_alone():
    made = read("softmax=softermax(chunk=8), weights=Q2.6")
    assert made.brief == "softmax=softermax(chunk=8), weights=Q2.6" and len(made.text) > len(made.brief)
    assert read(made.brief) == made and read("weights=Q2.6").brief == "weights=Q2.6"


def test_rounding_is_of_formats_that_say_none():
    made = precision_of(rounding="stochastic", weights="Q2.6", updates="Q2.6:floor", gradients=parse("fp16"))
    assert made.text == "weights=Q2.6:stochastic, gradients=fp16, updates=Q2.6:floor"
    assert read("weights=ap_fixed<8,2>, rounding=floor").weights == parse("Q2.6:floor")


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("weigths=Q2.6", DataError, "'weigths=Q2.6' in 'weigths=Q2.6' is not known; write NAME=VALUE with rounding"),
        ("Q2.6", DataError, "'Q2.6' in 'Q2.6' is not known"),
        ("weights=Q2.6, weights=Q2.7", DataError, "gives weights twice; give it once"),
        ("weights=Q8", FormatError, "format 'Q8' can be read two ways"),
        ("softmax=Q8.", DesignError, "Q8"),
        ("loss_scale=0", DataError, "the loss scale is 0.0; give a number above 0, or 'dynamic'"),
        ("loss_scale=big", DataError, "the loss scale is 'big'; give a number"),
        ("gradient=soft", DataError, "gradient 'soft' is not known; give one of slope, straight-through, none"),
        ("autocast=fp8", DataError, "autocast 'fp8' is not known; give one of fp16, bf16"),
        ("rounding=up", DataError, "rounding 'up' is not known"),
    ],
)
def test_what_is_refused(text, error, sentence):
    with pytest.raises(error) as raised:
        read(text)
    assert sentence in str(raised.value)


def test_a_word_that_is_not_known_is_refused_in_a_sentence():
    with pytest.raises(DataError, match="^'wieghts' is not known; give rounding, softmax, weights, activations"):
        precision_of(wieghts="Q2.4")
