"""The restated units against rows worked by hand and against the figures that architectures.md quotes."""

from __future__ import annotations

import math
from fractions import Fraction

from tests.architectures.restated.index_softmax import index_softmax
from tests.architectures.restated.index_softmax import table as index_table
from tests.architectures.restated.ita import ita
from tests.architectures.restated.ivit_shiftmax import ivit_shiftmax


def softmax(values: list[float]) -> list[float]:
    top = max(values)
    e = [math.exp(v - top) for v in values]
    return [v / sum(e) for v in e]


def test_ita_by_hand():
    assert ita([5]) == [255]  # 65280 // 256
    assert ita([0, 0]) == [127, 127]  # 65280 // 512
    # differences 0, 15, 16, 48, 255 round to 0, 0, 1, 2, 8 places: 256+256+128+64+1 = 705, 65280 // 705 = 92
    assert ita([127, 112, 111, 79, -128]) == [92, 92, 46, 23, 0]
    # without a shift the difference is the number of places: 256+128+64 = 448, 65280 // 448 = 145
    assert ita([3, 2, 1], shift=0) == [145, 72, 36]


def test_ita_chunks_shift_what_came_before():
    # chunks of 2: 512, then the maximum grows by 16, that is 1 place: 256 + 256; 65280 // 512 = 127
    assert ita([0, 0, 16], chunk=2) == [63, 63, 127]
    # grown in two steps of 15 (0 places each) the first element still counts in full, though it is now 1 place down
    assert ita([0, 15, 30], chunk=1) == [65280 // 768 >> 1, 65280 // 768, 65280 // 768]
    assert ita([0, 15, 30], chunk=16) == [65280 // 640 >> 1, 65280 // 640, 65280 // 640]


def test_ita_absent_elements_keep_their_place_and_the_accumulator_wraps():
    # chunks (0), (0, 16): 256, then 256 >> 1 plus 128 + 256 = 512
    assert ita([0, 127, 0, 16], [True, False, True, True], chunk=2) == [63, 0, 63, 127]
    assert ita([1, 2], [False, False]) == [0, 0]
    assert ita([0] * 2048, over_zero=7) == [7] * 2048
    assert ita([0] * 2047) == [0] * 2047  # 65280 // 524032


def test_ivit_shiftmax_by_hand():
    # scale 1/16: q0 = -16.  0: e = 16 << 15.  -16: q = -16 - 8 + 1 = -23, z 1, r -7, e = (32 - 7) << 14 >> 1
    e = [16 << 15, 25 << 13]
    factor = (2**31 - 1) // sum(e)
    assert ivit_shiftmax([0, -16]) == [v * factor >> 24 for v in e] == [92, 35]
    assert ivit_shiftmax([9]) == [127]
    assert ivit_shiftmax([3, 3, 3], [True, False, True]) == [63, 0, 63]  # 2047.99 * 2**19 >> 24
    assert ivit_shiftmax([0, -10000]) == [127, 0]


def test_ivit_shiftmax_follows_softmax():
    codes = [(37 * i) % 91 - 45 for i in range(20)]
    exact = softmax([c / 16 for c in codes])
    assert all(abs(y / 128 - p) < 0.02 for y, p in zip(ivit_shiftmax(codes), exact))


def test_index_softmax_by_hand():
    entries = index_table(Fraction("6.6"), 32, 255)
    assert entries[0] == 255 and entries[31] == 0 and len(entries) == 32
    assert entries[1] == 206 and entries[2] == 167  # 255 exp(-0.2129) = 206.1, 255 exp(-0.4258) = 166.6
    assert index_softmax([4]) == [255]
    assert index_softmax([4, 4]) == [127, 127] and index_softmax([4, 4], rounding="half_up") == [128, 128]
    # scale 0.1: differences 0.2 (below 6.6/31, so index 0) and 0.3 (index 1): 255 + 255 + 206 = 716
    assert index_softmax([0, -2, -3], scale=Fraction(1, 10)) == [90, 90, 73]
    assert index_softmax([0, -66], scale=Fraction(1, 10)) == [255, 0]
    # 31/66 in 16 bits is 30782: differences 2, 3 give 0.94 and 1.41
    assert index_softmax([0, -2, -3], fixed=(30782, 16)) == [90, 90, 73]
