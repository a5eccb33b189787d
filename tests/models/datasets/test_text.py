"""Windows of a text: what is judged lies behind what was trained on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from narrowmax.errors import DataError
from narrowmax.models.datasets import text


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "a.txt"
    made.write_text("".join(chr(97 + k % 20) for k in range(2000)) + "αβγ" * 40, encoding="utf-8")
    return made


def test_windows_and_what_follows(file):
    found, whole = text.read(file, 16), file.read_text(encoding="utf-8")
    spelled = "?" + found.symbols
    for window in found.training[[0, 3, -1]]:
        assert "".join(spelled[code] for code in found.codes[window]) == whole[16 * window : 16 * window + 17]
    assert found.codes.shape == ((len(whole) - 1) // 16, 17)


def test_the_parts_are_stretches_with_a_window_between(file):
    found = text.read(file, 16)
    cut = (found.training, found.selection, found.judgement)
    for part, after in pairwise(cut):
        assert after[0] == part[-1] + 2
    assert all((np.diff(part) == 1).all() for part in cut)
    assert len(cut[0]) == 106 and len(cut[1]) < len(cut[2])


def test_symbols_are_those_trained_on(file):
    found = text.read(file, 16)
    assert found.symbols == "abcdefghijklmnopqrst" and found.size == 21
    assert (found.codes[found.judgement] == text.OTHER).any() and not (found.codes[found.training] == text.OTHER).any()
    assert len(text.read(file, 16, 1).symbols) == 16 and len(text.read(file, 16, 5).training) == 5


def test_what_is_no_text(tmp_path, file, monkeypatch):
    with pytest.raises(DataError, match="too few windows of 900 for training, selection and judgement; give"):
        text.read(file, 900)
    with pytest.raises(DataError, match="is not a file; give a text file$"):
        text.read(tmp_path, 16)
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="^b is not text in UTF-8; save it so$"):
        text.read(tmp_path / "b", 16)
    monkeypatch.setattr(text, "LARGEST_BYTES", 2)
    with pytest.raises(DataError, match="^b takes 3 bytes, more than the 2 read; cut it$"):
        text.read(tmp_path / "b", 16)
