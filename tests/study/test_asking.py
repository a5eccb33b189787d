"""What people write, as numbers and things."""

from __future__ import annotations

import math

import pytest

from narrowmax import designs
from narrowmax.errors import DataError, DesignError, SourceError
from narrowmax.study import asking, calibrating


@pytest.mark.parametrize(
    ("text", "number"), [("95%", 0.95), ("0.5 %", 0.005), ("0.25", 0.25), (" 1e-3 ", 0.001), (0.5, 0.5)]
)
def test_shares(text, number):
    assert asking.share(text, "it") == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize("text", ["0", "0%", "100%", "1", "-1%", "nan", "inf", "300%"])
def test_shares_out_of_range(text):
    with pytest.raises(DataError, match=f"^it is {text}; give a share above 0 and below 1, such as 0.5% or 0.005$"):
        asking.share(text, "it")


@pytest.mark.parametrize("text", ["", "%", "half", "5%%", "1,5%"])
def test_shares_that_are_no_numbers(text):
    with pytest.raises(DataError, match="^it is '.*'; give a number such as 0.5% or 0.005$"):
        asking.share(text, "it")


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ((), {"top1": 0.005, "nll": 0.05}),
        (("1%",), {"top1": 0.01, "nll": 0.05}),
        (("0.002", "nll=0.3"), {"top1": 0.002, "nll": 0.3}),
        (("top1=20%", "nll = 2"), {"top1": 0.2, "nll": 2.0}),
    ],
)
def test_tolerances(texts, wanted):
    assert asking.tolerances(texts) == wanted


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (("0.5",), r"^the tolerance for top1 is 0.5, which may mean 0.5% or 50%; write it with the percent sign$"),
        (("top1=0.1",), "which may mean 0.1% or 10%"),
        (
            ("map=1%",),
            "^the tolerance 'map=1%' is for 'map'; a loss of top1 and nll can be tolerated, and of",
        ),
        (
            ("nll=1%",),
            "^the tolerance for nll is '1%'; give a number above 0, in nats and not in percent, such as 0.01$",
        ),
        (("nll=inf",), "give a number above 0"),
        (("1%", "top1=2%"), "^a tolerance for top1 is given twice; give one$"),
    ],
)
def test_tolerances_that_are_refused(texts, sentence):
    with pytest.raises(DataError, match=sentence):
        asking.tolerances(texts)


def test_reaches():
    assert asking.reaches([10, 2.5, 10]) == (10, 2.5)
    for wrong in (0, -1, math.inf, math.nan):
        with pytest.raises(DataError, match="holds nothing to count; give R above 0"):
            asking.reaches([5, wrong])


def test_designs_from_words_and_files_come_once(tmp_path):
    (tmp_path / "mine.toml").write_text('[[design]]\ntext = "softermax"\n[[design]]\ntext = "ideal"\n')
    found = asking.chosen(["ideal", "table_divide"], [tmp_path / "mine.toml"])
    assert [design.architecture for design in found] == ["ideal", "table_divide", "softermax"]


def test_none_given_are_none():
    assert asking.chosen([]) == []


def test_hardware_is_a_folder_or_a_design(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert asking.hardware("softermax", lanes=4, max_n=None) == (designs.design("softermax"), {"lanes": 4})
    (tmp_path / "rtl").mkdir()
    assert asking.hardware("rtl", lanes=None) == (type(tmp_path)("rtl"), {})
    with pytest.raises(SourceError, match="^--max-n cannot be given for a folder, .* build it again with --max-n$"):
        asking.hardware("rtl", lanes=None, max_n=8)
    (tmp_path / "file").write_text("")
    for text in ("file", "./absent", "/absent"):
        with pytest.raises(SourceError, match="is no folder; give a folder that `narrowmax build` wrote, or a design"):
            asking.hardware(text)


def test_terms_are_checked_before_anything_is_loaded():
    given = asking.terms(["1%"], confidence="90%", lanes=2, max_n=None, seed=None)
    assert given == {"tolerance": {"top1": 0.01, "nll": 0.05}, "confidence": 0.9, "lanes": 2}
    with pytest.raises(DesignError, match="^target is 'ice40'; it is one of gates, xc7$"):
        asking.terms(target="ice40")


def test_what_cannot_be_narrowed_is_refused():
    assert asking.architectures(["softermax(chunk=8)"]) == {designs.design("softermax(chunk=8)"): {"chunk"}}
    for name in ("ideal", "argmax"):
        with pytest.raises(DesignError, match=f"^{name} cannot be narrowed; name an architecture with hardware"):
            asking.architectures(["softermax", name])


def test_hardware_of_a_text_longer_than_a_file_name():
    text = designs.design("hls4ml(difference=ap_ufixed<16,6,AP_RND,AP_SAT>)").text
    assert len(text) > 255
    assert asking.hardware(text, lanes=2) == (designs.design(text), {"lanes": 2})


def test_what_is_named_is_told_the_scale_of_the_source_but_for_what_was_given(source, work):
    texts = ["index_softmax", "index_softmax(scale=0.5)", "table_divide(input=Q3.5)", "table_divide(output=UQ0.6)"]
    named = asking.architectures(texts)
    found = calibrating.calibrated(source, named, work, named)
    scaled, as_scaled, as_given, moved = found.designs
    assert found.settings[scaled] == {"scale": scaled.parameters["scale"]} != {}
    assert (as_scaled, as_given) == (designs.design(texts[1]), designs.design(texts[2]))
    assert set(found.settings) == {scaled, moved} - {designs.design(texts[3])}
    assert found.reach["low"] < 0 < found.reach["high"]


@pytest.mark.parametrize("text", ["95", "ninety"])
def test_a_confidence_that_is_refused_names_one_that_is_taken(text):
    with pytest.raises(DataError, match="such as 95% or 0.95$"):
        asking.terms(confidence=text)
    asking.terms(confidence="95%"), asking.terms(confidence="0.95")
