"""Golden vectors."""

import numpy as np
import pytest
from tests.hardware.units import negate

from narrowmax.hardware.subjects import subject
from narrowmax.hardware.vectors import Vectors, golden


def test_beats_hold_elements_keep_masks_and_ends():
    made = golden(negate(2, 5))
    assert (made.in_bits, made.out_bits) == (16 + 2 + 2 + 1, 16 + 2 + 1)
    ends_in = [beat >> 20 for beat in made.stimulus]
    ends_out = [beat >> 18 for beat in made.golden]
    assert sum(ends_in) == sum(ends_out) == made.rows and ends_in == ends_out
    for sent, wanted in zip(made.stimulus, made.golden, strict=True):
        for lane in range(2):
            kept, user = sent >> 16 + lane & 1, sent >> 18 + lane & 1
            code = np.int8(np.uint8(sent >> 8 * lane & 255))
            assert wanted >> 16 + lane & 1 == kept
            assert np.int8(np.uint8(wanted >> 8 * lane & 255)) == (-int(code) if kept and user else 0)
            assert kept or (user == 0 and code == 0)


def test_a_row_output_has_one_beat_a_row():
    made = golden(subject("argmax()", lanes=2, max_n=6))
    assert len(made.golden) == made.rows < len(made.stimulus)


def test_the_text_is_one_word_a_line():
    made = Vectors(1, (1, 0x1F2), (5,), 9, 3)
    assert made.text("stimulus") == "001\n1f2\n" and made.text("golden") == "5\n"


@pytest.mark.parametrize(("lanes", "max_n"), [(1, 4), (1, 900), (3, 5000), (1, 40_000)])
def test_the_vectors_are_as_short_as_is_said(lanes, max_n):
    made = golden(negate(lanes, max_n))
    longest = -(-max_n // lanes)
    assert 2 * longest < len(made.stimulus) <= 2 * longest + 2 * 4096 and made.rows >= 30
    ends = np.flatnonzero([beat >> made.in_bits - 1 for beat in made.stimulus])
    assert ends[:2].tolist() == [longest - 1, 2 * longest - 1]
    assert np.diff(ends[1:]).min() == 1
