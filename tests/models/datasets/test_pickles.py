"""Pickles are read, never run."""

from __future__ import annotations

import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from narrowmax.errors import DataError
from narrowmax.models.datasets import pickles

REFUSED = re.escape("is a pickle of something else than arrays, lists and texts, or damaged; it was not run: give")


class Touches:
    """Makes a file when it is unpickled, by a function of its own choice."""

    def __init__(self, function, *arguments):
        self.how = function, arguments

    def __reduce__(self):
        return self.how


def read(tmp_path: Path, content: bytes):
    (tmp_path / "file").write_bytes(content)
    return pickles.read(tmp_path / "file")


@pytest.mark.parametrize("protocol", range(5))  # of 5, arrays come in another way, in which no such file is published
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_lists_and_texts(tmp_path, protocol, order):
    array = np.asarray(np.arange(24, dtype=np.uint8).reshape(4, 6), order=order)
    held = {"data": array, "labels": [0, 1, 2, 300000, -5], b"name": "aé", "none": [None, True, False, 2**70]}
    found = read(tmp_path, pickle.dumps(held, protocol))
    assert np.array_equal(found["data"], array) and found["data"].dtype == np.uint8
    assert found["labels"] == held["labels"] and found["name"] == "aé" and found["none"] == held["none"]


def test_what_python_2_wrote(tmp_path):
    """The layout of the published files: byte strings in protocol 2, NumPy's functions under their old names."""
    content = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05"
        b"U\x01bq\x06\x87q\x07Rq\x08(K\x01K\x02K\x03\x86q\x09cnumpy\ndtype\nq\x0aU\x02u1q\x0bK\x00K\x01\x87q\x0cRq\x0d("
        b"K\x03U\x01|q\x0eNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0fb\x89U\x06abcdefq\x10tq\x11bU\x06labels"
        b"q\x12]q\x13(K\x07K\x08eu."
    )
    found = read(tmp_path, content)
    assert found["data"].tolist() == [[97, 98, 99], [100, 101, 102]] and found["labels"] == [7, 8]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, os.mkdir, eval, exec, print, Path, np.fromfile, np.dtype])
def test_nothing_in_a_pickle_is_called(tmp_path, function, protocol):
    mark = tmp_path / "mark"
    text = {os.system: f"touch {mark}", os.mkdir: str(mark), Path: str(mark)}.get(function, f"open({str(mark)!r}, 'w')")
    with pytest.raises(DataError, match=REFUSED):
        read(tmp_path, pickle.dumps({"data": Touches(function, text)}, protocol))
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02",
        b"not a pickle",
        b"\x80\x02]q\x01.",  # a list
        pickle.dumps({"data": np.array([print])}, 2),  # objects inside an array
        pickle.dumps({"data": np.arange(4.0)}, 2),  # floats
        pickle.dumps({"data": 1 + 2j}, 2),
        pickle.dumps({"data": np.arange(4, dtype=np.uint8)}, 5),
        pickle.dumps({"data": bytearray(9)}, 5),
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7f.",  # a bytearray of 2**63 - 1
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fab.",  # bytes of as many
        b"\x80\x02}q\x01cos\nsystem\n.",
        b"\x80\x02cbuiltins\ngetattr\ncbuiltins\nopen\nX\x04\x00\x00\x00read\x86R.",
        b"(i__main__\nx\n.",  # INST
        b"\x80\x02\x82\x01.",  # an extension
        b"Pname\n.",  # a persistent name
    ],
)
def test_what_is_no_file_of_arrays_is_refused(tmp_path, content):
    with pytest.raises(DataError, match=REFUSED):
        read(tmp_path, content)


def test_a_large_index_of_the_memo_takes_no_memory(tmp_path):
    assert read(tmp_path, b"\x80\x02}r\xfe\xff\xff\xff(U\x01aK\x01u.") == {"a": 1}


@pytest.mark.parametrize("shape", [(3, 3), (2**40, 2**40), (-1, 6), (2.0, 3), (0,)])
def test_a_shape_is_believed_where_the_bytes_bear_it_out(tmp_path, shape):
    array = pickle.dumps({"data": np.arange(6, dtype=np.uint8).reshape(2, 3)}, 2)
    old = pickle.dumps((2, 3), 2)[2:-1].split(b"q")[0]
    new = pickle.dumps(shape, 2)[2:-1].split(b"q")[0]
    assert array.count(old) == 1
    with pytest.raises(DataError, match=REFUSED):
        read(tmp_path, array.replace(old, new))


def test_a_file_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "LARGEST_BYTES", 10)
    with pytest.raises(DataError, match="^file takes 11 bytes, more than the 10 allowed$"):
        read(tmp_path, b"x" * 11)


HOSTILE = {
    "a deep key": b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s.",
    "a text encoded many times": b"\x80\x02}]q\x00(c_codecs\nencode\nq\x01X"
    + (100_000).to_bytes(4, "little")
    + b"a" * 100_000
    + b"q\x02"
    + b"h\x01h\x02\x85R" * 400
    + b"eK\x01s.",
    "a stand-in that is changed": b"\x80\x02}U\x01ac_codecs\nencode\n}U\x0c__defaults__)sbs.",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_would_exhaust_or_change_the_machine_is_refused(tmp_path, case):
    with pytest.raises(DataError):
        read(tmp_path, HOSTILE[case])
