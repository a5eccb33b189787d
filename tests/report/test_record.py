"""A record is taken or refused, in one sentence."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from narrowmax import report
from narrowmax.errors import DataError

SAMPLE = Path(__file__).parent / "sample.json"
RECORD = json.loads(SAMPLE.read_text(encoding="utf-8"))
AGAIN = "it was cut short or written by another program, so make the record again"
KNOWN = (
    "this narrowmax draws 'narrowmax/study/1' or 'narrowmax/measure/1' or 'narrowmax/train/1', "
    "so draw it with the narrowmax that wrote it"
)


def refusal(record) -> str:
    with pytest.raises(DataError) as caught:
        report.check(record, "r.json")
    return str(caught.value)


def changed(change) -> dict:
    record = copy.deepcopy(RECORD)
    change(record)
    return record


def test_sample_is_taken_as_it_is():
    assert report.load(SAMPLE) == RECORD
    assert report.check(RECORD) is RECORD


def test_unknown_keys_are_let_through():
    assert report.check({**RECORD, "later": [1]})["later"] == [1]


@pytest.mark.parametrize("thing", [[], "text", None, 3])
def test_no_record_at_all(thing):
    assert (
        refusal(thing)
        == "r.json holds no record: an object with the key 'schema' is expected, as narrowmax study writes it"
    )


def test_other_schemas():
    assert (
        refusal({**RECORD, "schema": "narrowmax/study/2"}) == f"r.json follows the schema 'narrowmax/study/2'; {KNOWN}"
    )
    assert refusal({**RECORD, "schema": ["x"]}) == f"r.json follows the schema ['x']; {KNOWN}"
    assert refusal({"a": 1}) == f"r.json names no schema; {KNOWN}"


def test_a_part_that_is_not_there():
    assert refusal(changed(lambda r: r.pop("narrow"))) == f"r.json lacks narrow; {AGAIN}"
    assert (
        refusal(changed(lambda r: r["narrow"]["wires"][2].pop("format")))
        == f"r.json lacks narrow.wires[2].format; {AGAIN}"
    )


WRONG = [
    (lambda r: r["narrow"]["wires"][2].update(format=7), "narrow.wires[2].format is 7 where text should stand"),
    (
        lambda r: r["narrow"]["loss"]["top1"].update(high="1"),
        "narrow.loss.top1.high is '1' where a number should stand",
    ),
    (
        lambda r: r["hardware"]["verify"].update(mismatches=0.5),
        "hardware.verify.mismatches is 0.5 where a whole number should stand",
    ),
    (lambda r: r.update(formats_sweep={}), "formats_sweep is {} where a list should stand"),
    (lambda r: r.update(measure="x" * 99), f"measure is '{'x' * 56}... where an object should stand"),
    (
        lambda r: r["measure"]["softmaxes"][0].update(rows=2**63),
        "measure.softmaxes[0].rows is 9223372036854775808 where a number of 64 bits should stand",
    ),
    (
        lambda r: r["hardware"]["cost"]["gates"]["area"].update(ff="many"),
        "hardware.cost.gates.area is {'nand2': 861.0, 'ff': 'many', 'ram_bits': 60, 'rom_bits'... "
        "where numbers should stand",
    ),
    (
        lambda r: r["measure"]["softmaxes"][0].update(all_within={"wide": 0.5}),
        "measure.softmaxes[0].all_within is {'wide': 0.5} where numbers by number should stand",
    ),
    (lambda r: r["narrow"]["order"][0].update(holds=1), "narrow.order[0].holds is 1 where true or false should stand"),
]


@pytest.mark.parametrize(("change", "told"), WRONG, ids=[told.split(" is ")[0] for _, told in WRONG])
def test_wrong_types(change, told):
    assert refusal(changed(change)) == f"r.json: {told}; make the record again"


@pytest.mark.parametrize("part", ["measure", "formats_sweep", "narrow", "compare", "hardware"])
def test_a_part_that_is_null_has_a_reason(part):
    told = f"r.json: {part} is null without a reason; a sentence is expected under {part}_reason"
    assert refusal({**RECORD, part: None}) == told
    assert refusal({**RECORD, part: None, f"{part}_reason": " "}) == told
    report.check({**RECORD, part: None, f"{part}_reason": "not asked for"})


def test_files_that_are_no_record(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(SAMPLE.read_text(encoding="utf-8")[:5000], encoding="utf-8")
    with pytest.raises(DataError, match=r"^.*r\.json is not valid JSON: .*$"):
        report.load(path)
    path.write_text('{"schema": NaN}')
    with pytest.raises(DataError, match=r"^.*NaN has no place in it; what is not finite is written null$"):
        report.load(path)
    with pytest.raises(DataError, match=r"^.*none\.json could not be read: No such file or directory$"):
        report.load(tmp_path / "none.json")


def test_deep_nesting_is_refused(tmp_path):
    path = tmp_path / "r.json"
    path.write_text('{"schema": "narrowmax/study/1", "x": ' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(DataError, match=r"^.*r\.json is nested too deeply to be a record$"):
        report.load(path)


@pytest.mark.parametrize("kind", ["compare", "simulate"])
def test_a_record_of_which_no_page_is_drawn(kind):
    with pytest.raises(DataError) as caught:
        report.check({"schema": f"narrowmax/{kind}/1"}, "r.json")
    assert str(caught.value) == (
        f"r.json is a record of '{kind}', of which no page is drawn; give one of: study, measure, train"
    )
