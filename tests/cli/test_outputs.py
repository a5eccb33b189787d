"""Where a command may write: nothing of anybody's is lost, what cannot be written is said before the work."""

from __future__ import annotations

import re

import pytest

from narrowmax import store
from narrowmax.cli import frame
from narrowmax.errors import StoreError

PLACES = {
    "simulate logits.npz --design softermax --save logits.npz": (3, "logits.npz is read by this command and would"),
    "simulate logits.npz --design softermax --save same.npz": (3, "same.npz is read by this command and would be"),
    "simulate m.onnx --data logits.npz --design softermax --save logits.npz": (3, "logits.npz is read by this"),
    "simulate logits.npz --design softermax --save out.npy": (2, "out.npy is not named as one; give --save FILE.npz"),
    "simulate absent.npz --design softermax --save folder.npz": (3, "folder.npz is a folder where a file is to be"),
    "simulate absent.npz --design softermax --save logits.npz/o.npz": (3, "cannot be made, because .*logits.npz can"),
    "page study/record.json --out study/record.json": (3, "study/record.json is read by this command and would be"),
    "page study/record.json --out folder.npz": (3, "folder.npz is a folder where a file is to be written"),
    "measure absent.npz --out mine": (3, "mine/record.json is another file, which is not overwritten; choose another"),
    "measure absent.npz --out list": (3, "list/record.json is another file, which is not overwritten"),
    "measure absent.npz --out study": (3, "study/record.json is a record of narrowmax study, which is not overwr"),
    "cost absent --out study": (3, "study/record.json is a record of narrowmax study, which is not overwritten"),
    "measure absent.npz --out logits.npz": (3, "cannot be made, because .*logits.npz cannot be written to"),
    "study absent.npz --out mine": (3, "mine/record.json is another file, which is not overwritten"),
    "study absent.npz --out pages": (3, "pages/report.html is another file, which is not overwritten"),
}


@pytest.mark.parametrize("request_", PLACES)
def test_a_place_of_others_or_of_an_input_is_refused_before_the_work(narrowmax, file, tmp_path, request_):
    (tmp_path / "same.npz").hardlink_to(tmp_path / "logits.npz")
    contents = {
        "mine/record.json": "my own notes", "list/record.json": "[]", "pages/report.html": "<p>narrowmax study",
        "study/record.json": '{"schema": "narrowmax/study/1"}', "folder.npz/a": "",
    }  # fmt: skip
    for name, text in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    said = narrowmax(*request_.split(" "))
    code, sentence = PLACES[request_]
    assert (said.code, said.out) == (code, "") and said.err.count("\n") == 1
    assert re.search(sentence, said.err), said.err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("words", [
    ("measure", "logits.npz"), ("simulate", "logits.npz", "--design", "softermax"), ("doctor", "logits.npz"),
    ("compare", "logits.npz", "--design", "softermax", "--no-cost"), ("tasks",), ("tools",), ("designs", "softermax"),
])  # fmt: skip
def test_a_record_of_the_same_command_is_replaced(narrowmax, file, words):
    for _ in range(2):
        assert narrowmax(*words, "--out", "out").err == ""
    assert store.load("out/record.json")["schema"] == f"narrowmax/{words[0]}/1"


def test_an_answer_is_not_lost_where_it_cannot_be_written(narrowmax, file, monkeypatch):
    def full(*_):
        raise StoreError("out/record.json could not be written")

    monkeypatch.setattr(frame.store, "dump", full)
    said = narrowmax("measure", file, "--out", "out", "--json")
    assert said.code == 3 and said.record["source"] == file
    assert said.err == "narrowmax: out/record.json could not be written\n"


def test_an_answer_is_not_lost_where_the_outputs_cannot_be_saved(narrowmax, file, monkeypatch):
    def full(*_):
        raise StoreError("out.npz could not be written")

    monkeypatch.setattr("narrowmax.study.simulating._save", full)
    said = narrowmax("simulate", file, "--design", "softermax", "--save", "out.npz", "--json")
    assert said.code == 3 and said.err == "narrowmax: out.npz could not be written\n"
    assert said.record["rows"] == 1500
    assert (said.record["saved"], said.record["saved_reason"]) == (None, "out.npz could not be written")


def test_a_cache_that_cannot_be_written_stops_nothing(narrowmax, file, tmp_path, monkeypatch):
    monkeypatch.setenv("NARROWMAX_CACHE", str(tmp_path / file))
    said = narrowmax("designs", "softermax")
    assert said.code == 0 and "softermax" in said.out
    assert said.err.startswith("narrowmax: results are not kept, because ") and said.err.count("\n") == 1
    assert narrowmax("tools").err == ""


def test_what_was_read_of_a_table_is_said(narrowmax, file, tmp_path):
    (tmp_path / "T.CSV").write_text("id,a,b\n7,1,2\n9,2,0\n")
    said = narrowmax("measure", "T.CSV", "--json")
    assert said.err == "T.CSV: 2 rows, n = 3 logits a row, no labels\n" and said.record["source"] == "T.CSV"
    assert narrowmax("measure", file).err == ""
