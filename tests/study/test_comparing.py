"""Designs side by side: one pass over all of them gives what each gives alone, and what cannot be is said."""

from __future__ import annotations

import numpy as np
import pytest
from tests.study.keywords import scores

from narrowmax import designs, hardware, report
from narrowmax.cli import printing
from narrowmax.models import Logits
from narrowmax.store import Store
from narrowmax.study import Source, Terms, Work, calibrating, comparing, load
from narrowmax.study.simulating import beside

SOME = [designs.design(text) for text in ("argmax", "ideal", "softermax", "table_divide", "tflite_int8")]
GIVEN = calibrating.as_given(SOME)
EXACT = ("agreement", "ties", "zero_share")
NEAR = ("max_abs_error", "mean_abs_error", "kl")


@pytest.fixture
def work(kept) -> Work:
    return Work(Store(kept))


def compared(source: Source, work, tried=None, costs=False) -> dict:
    """Of the whole catalogue unless said otherwise."""
    tried = calibrating.catalogue(source, work) if tried is None else tried
    return comparing.compare(source, tried, Terms(max_n=source.n), work, costs)


def some(source: Source, work) -> dict:
    return compared(source, work, calibrating.calibrated(source, SOME, work))


def by_name(record: dict) -> dict:
    return {row["architecture"]: row for row in record["rows"]}


@pytest.mark.parametrize("masked", [False, True])
def test_all_in_one_pass_are_what_each_is_alone(logits, work, masked):
    x = logits.logits[:200]
    mask = np.random.default_rng(1).random(x.shape) < 0.8
    mask[np.arange(200), logits.labels[:200]] = True
    source = Source("rows", Logits("rows", x, logits.labels[:200], mask if masked else None))
    for design, row in zip(SOME, compared(source, work, GIVEN)["rows"], strict=True):
        alone = beside(source, design, 0.95, work)
        assert row["design"] == design.text
        assert [row[key] for key in EXACT] == [pytest.approx(alone[key], rel=1e-12) for key in EXACT]
        assert [row[key] for key in NEAR] == [pytest.approx(alone[key], rel=1e-5, abs=3e-6) for key in NEAR]
        for mine, theirs in ((row["top1"], alone["top1"]), (row["nll"], alone["nll_loss"])):
            assert mine == {key: pytest.approx(theirs[key], abs=1e-12) for key in mine}
        assert row["losses"].keys() == {"top1", "nll", "top5"}
        assert row["losses"]["top5"] == alone["losses"]["top5"]
        assert row["calibration"] == alone["calibration"] and row["calibration"]["float"] > 0


def test_one_row_is_compared_as_it_is_simulated(work):
    """Nothing is selected here, so there is nothing to split."""
    source = Source("one", Logits("one", np.array([[1.0, 3.0, 0.5]]), np.array([1])))
    (row,) = compared(source, work, calibrating.as_given(SOME[2:3]))["rows"]
    assert row["losses"].keys() == {"top1", "nll"}
    assert row["top1"]["float"] == 1.0 == beside(source, SOME[2], 0.95, work)["top1"]["float"]


def test_a_stack_of_epochs_is_its_last_epoch(logits, work):
    x, labels = logits.logits[:60], logits.labels[:60]
    epoch = np.broadcast_to(np.arange(3)[:, None], (3, 60))
    stack = Source("stack", Logits("stack", np.stack([0.3 * x, 0.6 * x, x]), np.stack([labels] * 3), epoch=epoch))
    last = Source("last", Logits("last", x, labels))
    of_stack, of_last = (compared(one, work, calibrating.as_given(SOME[1:3]))["rows"] for one in (stack, last))
    assert of_stack == of_last
    assert beside(stack, SOME[2], 0.95, work)["top1"] == beside(last, SOME[2], 0.95, work)["top1"]
    assert len(stack.evaluator.judgement) == len(last.evaluator.judgement)


def test_each_design_says_what_most_of_its_error_goes_with(source, work):
    rows = by_name(compared(source, work, GIVEN))
    assert rows["argmax"]["most_error"] is None and "gives a position" in rows["argmax"]["most_error_reason"]
    assert all(0 < row["most_error"]["share"] for name, row in rows.items() if name != "argmax")
    assert rows["tflite_int8"]["most_error"].keys() == {"part", "kind", "share", "over"}


def test_what_was_found_is_kept(source, work, monkeypatch):
    first = compared(source, work, GIVEN)["rows"]
    monkeypatch.setattr(comparing, "_swept", None)
    assert compared(source, work, GIVEN)["rows"] == first


def test_the_catalogue_is_told_the_scale_of_the_source_and_designs_that_are_given_are_not(logits, work):
    source = Source("rows", Logits("rows", logits.logits[:60] * 4, logits.labels[:60]))
    rows, given = by_name(some(source, work)), by_name(compared(source, work, GIVEN))
    assert given["tflite_int8"]["calibrated"] is None and given["tflite_int8"]["beyond_input"] > 0.1
    assert rows["tflite_int8"]["calibrated"].keys() == {"scale", "zero_point"}
    assert rows["tflite_int8"]["beyond_input"] < 0.01 and rows["tflite_int8"]["kl"] < given["tflite_int8"]["kl"]
    assert rows["table_divide"]["calibrated"] == {"input": "Q7.1"} and rows["table_divide"]["beyond_input"] == 0
    assert rows["softermax"]["calibrated"] is None  # its point is published
    assert all(designs.design(row["brief"]).text == row["design"] for row in rows.values())


def test_the_table_says_who_was_told_a_scale(logits, work):
    source = Source("rows", Logits("rows", logits.logits[:60]))
    said = printing.compare(some(source, work))
    assert "told the scale or the point of the source (values from " in said and "tflite_int8(scale=" in said
    assert "not judged: the source has no labels" in said and "no cost: not asked for" in said
    assert "top-1" not in said.splitlines()[0] and "same winner" in said.splitlines()[0]


def test_a_unit_that_cannot_take_such_rows_is_listed_with_the_reason(work):
    source = Source("long", Logits("long", np.random.default_rng(0).normal(0, 3, (4, 5000)).astype(np.float32)))
    record = compared(source, work, GIVEN, costs=True)
    rows = by_name(record)
    assert (
        rows["tflite_int8"]["kl"] is None and "takes rows of up to 4,095 elements" in rows["tflite_int8"]["top1_reason"]
    )
    assert rows["tflite_int8"]["cost"] is None and "takes rows of up to 4,095" in rows["tflite_int8"]["cost_reason"]
    assert all(row["kl"] > 0 for name, row in rows.items() if name not in ("tflite_int8", "ideal"))
    notes = report.table("compare", record).notes
    assert any(note.startswith("not judged for tflite_int8: tflite_int8(") for note in notes)


def test_a_unit_too_large_to_be_synthesised_beside_others_is_priced_once_that_was_done(work, monkeypatch):
    monkeypatch.setattr(comparing, "LARGEST", 100)
    source, given = Source("few", Logits("few", np.zeros((2, 9), np.float32))), designs.design("argmax(input=Q3.1)")

    def row() -> dict:
        (made,) = compared(source, work, calibrating.as_given([given]), costs=True)["rows"]
        return made

    refused = row()
    assert refused["cost"] is None and "NAND2 of logic are predicted" in refused["cost_reason"]
    assert "a comparison synthesises up to 100; narrowmax cost does it for this design alone" in refused["cost_reason"]
    made = hardware.cost(given, max_n=9, cache=work.store)
    assert row()["cost"] == made.record()


def test_no_row_of_the_catalogue_is_lost_on_rows_of_one_element(work):
    source = Source("one", Logits("one", np.zeros((3, 1), np.float32), np.zeros(3, np.int64)))
    rows = compared(source, work)["rows"]
    assert [row["architecture"] for row in rows] == list(designs.catalogue())
    assert all(row["kl"] is not None or row["top1_reason"] for row in rows)


def test_the_catalogue_on_trained_logits(shared_data, work):
    """All of the catalogue on 10,000 rows of 100."""
    source = load(str(shared_data / "wasscal_logits" / "logits_cifar100_vgg16_bn_pretrainedcy.npz"), work)
    rows = by_name(compared(source, work))
    assert set(rows) == set(designs.catalogue())
    assert all(row["top1"]["float"] == pytest.approx(0.74, abs=1e-3) for row in rows.values() if row["top1"])
    assert all(abs(rows[one.architecture]["top1"]["difference"]) < 0.005 for one in SOME)


def test_logits_that_were_stored_as_integers_bring_their_scale(shared_data, work):
    stored = shared_data / "coral_mobilenet_imagenet1000" / "mobilenet_v2_1.0_224_quant_logits_u8.npz"
    source = load(str(stored), work)
    record, given = some(source, work), np.load(stored)
    row = by_name(record)["tflite_int8"]
    assert row["calibrated"] == {"scale": float(given["scale"]), "zero_point": int(given["zero_point"]) - 128}
    assert row["beyond_input"] == 0 and row["top1"]["difference"] == 0
    assert record["calibration"]["stored"].startswith("uint8@")


def test_the_catalogue_on_an_attention_layer(shared_data, work):
    """Scores of a trained transformer's last layer: no labels, rows of 99."""
    x = scores(shared_data / "kwt1_speech_commands", 4)[:, -1]
    source = Source("attention", Logits("attention", x.astype(np.float32)))
    rows = by_name(compared(source, work))
    assert set(rows) == set(designs.catalogue())
    assert all(row["top1"] is None and row["kl"] is not None for row in rows.values())
    assert rows["tflite_int8"]["kl"] < 0.05 and rows["float_softmax"]["kl"] < 0.001
