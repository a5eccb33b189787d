"""Strict JSON: not finite becomes null beside a reason; reading refuses what is not strict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import DataError
from narrowmax.store import dump, dumps, load, loads, plain

NAN, INF = float("nan"), float("inf")


@dataclass
class Cost:
    area: dict
    delay_ns: float


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        ({"a": NAN}, {"a": None, "a_reason": "not a number"}),
        ({"a": INF, "b": -INF}, {
            "a": None, "a_reason": "too large: infinity", "b": None, "b_reason": "too small: minus infinity"}),
        ({"a": [1, NAN, INF, NAN]}, {"a": [1, None, None, None], "a_reason": "not a number; too large: infinity"}),
        ({"a": NAN, "a_reason": "no timing tool"}, {"a": None, "a_reason": "no timing tool"}),
        ({"a": {"b": NAN}}, {"a": {"b": None, "b_reason": "not a number"}}),
        ({"a": None}, {"a": None}),
        (Cost({"ff": np.int64(3)}, np.float64(NAN)), {
            "area": {"ff": 3}, "delay_ns": None, "delay_ns_reason": "not a number"}),
        (np.array([[1, 2], [3, 4]], np.int8), [[1, 2], [3, 4]]),
        ((np.float32(0.5), np.bool_(True), Path("a/b"), "é"), [0.5, True, "a/b", "é"]),
        ({5: 1}, {"5": 1}),
        (2**80, 2**80),
    ],
)  # fmt: skip
def test_plain_form(thing, expected):
    assert plain(thing) == expected
    assert loads(dumps(thing)) == expected


@pytest.mark.parametrize("thing", [object(), {1.5: 2}, {True: 1}, {"a": {1, 2}}, 1j, b"bytes"])
def test_what_json_cannot_say_is_refused(thing):
    with pytest.raises(TypeError, match="no form in JSON|a key of JSON is text"):
        dumps(thing)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_what_is_plain_comes_back_as_it_was(value):
    assert loads(dumps(value)) == value == plain(value)
    assert json.loads(dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "r.json is not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"a": 1', "r.json is not valid JSON: Expecting ',' delimiter: line 1 column 8 (char 7)"),
        ('{"a": NaN}', "r.json is not valid JSON: NaN has no place in it; what is not finite is written null"),
        ("[-Infinity]", "r.json is not valid JSON: -Infinity has no place in it; what is not finite is written null"),
        ('{"a": 1, "a": 2}', "r.json is not valid JSON: the key 'a' stands twice in one object"),
        ("[" * 10**5, "r.json is nested too deeply to be a record"),
    ],
)
def test_text_that_is_not_strict_is_refused(text, sentence):
    with pytest.raises(DataError) as caught:
        loads(text, "r.json")
    assert str(caught.value) == sentence


def test_file_comes_back(tmp_path):
    dump(tmp_path / "r.json", {"text": "é", "x": 0.1})
    assert load(tmp_path / "r.json") == {"text": "é", "x": 0.1}
    assert (tmp_path / "r.json").read_text(encoding="utf-8").endswith("}\n")


def test_files_that_cannot_be_read_are_refused(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(2**29 + 1)  # takes no space
    for name, sentence in [
        ("none", "could not be read: No such file or directory"),
        ("binary", "is not a text file"),
        ("huge", "has 536870913 bytes, more than the 536870912 that a record may have"),
    ]:
        with pytest.raises(DataError) as caught:
            load(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name} {sentence}"


def test_thing_without_a_form_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        dump(tmp_path / "r.json", {"a": object()})
    assert list(tmp_path.iterdir()) == []


def test_text_with_bytes_of_another_encoding_is_strict_json():
    made = dumps({"b\udcffd": ["\ud800", Path("o\udcff")]})
    assert made == '{"b\ufffdd": ["\ufffd", "o\ufffd"]}'
    assert dumps({"é": "±"}, ascii=True) == '{"\\u00e9": "\\u00b1"}'
