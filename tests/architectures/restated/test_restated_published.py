"""The restated units of published code (Softermax, I-BERT, SoftEx, TFLite) by hand and against quoted figures."""

from __future__ import annotations

import math
import random
import struct
from fractions import Fraction

import pytest
from tests.architectures.restated.ibert import ibert
from tests.architectures.restated.softermax import softermax
from tests.architectures.restated.softex_exponential import exponential, softex_exponential
from tests.architectures.restated.tflite_int8 import KINDS, exp_negative, multiplier, rdhm, rdp, tflite_int8
from tests.architectures.restated.tflite_int16 import exp_table, reciprocal_table, single, tflite_int16


def softmax(values: list[float]) -> list[float]:
    e = [math.exp(v - max(values)) for v in values]
    return [v / sum(e) for v in e]


ONE_PIECE = [(128, -64)]  # 1/u by its chord 1 - (u-1)/2 over [1, 2), in 7 fraction bits


def test_softermax_by_hand():
    # codes 8, 4, 3 are 2, 1, 0.75: M = 2; powers 32768, 16384, and 2**0.75 = 55109 >> 2 = 13777
    # sum 62929 >> 9 = 122 = 1.90625 of 64ths; reciprocal 128 - 64 * 58/64 = 70; outputs x * 70 >> 15
    assert softermax([8, 4, 3], pieces=ONE_PIECE) == [70, 35, 29]
    # one element off the integers: M = 1, t = -0.5, 2**-0.5 = 46341 >> 1 = 23170; sum 45/64 = 1.40625 / 2
    # reciprocal floor(128 - 64 * 13/32) = 102, twice: 23170 * 102 * 2 >> 15 = 144
    assert softermax([2], pieces=ONE_PIECE) == [144]
    # the floor instead: t = 0.5, 46341; sum 90/64, reciprocal 102: 46341 * 102 >> 15 = 144
    assert softermax([2], pieces=ONE_PIECE, maximum="floor") == [144]


def test_softermax_running_maximum_and_truncation():
    # slices (0), (1.0): 64, then 64 >> 1 plus 64 = 96 = 1.5: reciprocal 96
    assert softermax([0, 4], pieces=ONE_PIECE, chunk=1) == [48, 96]
    # slices (1.0), (0): against the local maximum the second is 1.0, its sum shifted and its numerator at the end
    assert softermax([4, 0], pieces=ONE_PIECE, chunk=1, against="local") == [96, 48]
    # 128 addends of 2**-7 (254 of Q1.15 and less than 1/64) count in a slice, and not one by one
    far = [0] + [-28] * 128
    assert softermax(far, pieces=ONE_PIECE, chunk=129)[0] == 64
    assert softermax(far, pieces=ONE_PIECE, chunk=129, truncate="addend")[0] == 128
    assert softermax(far, pieces=ONE_PIECE, chunk=1, truncate="accumulation")[0] == 128
    assert softermax(far, pieces=ONE_PIECE, chunk=129, truncate="accumulation")[0] == 64


def test_softermax_overflows_at_1024_equal_maxima():
    assert softermax([0] * 1024, pieces=ONE_PIECE, over_zero=255) == [255] * 1024
    assert softermax([0] * 1024, pieces=ONE_PIECE, saturate=True) == [0] * 1024
    assert softermax([0, 8, 0], [True, False, True], pieces=ONE_PIECE) == [64, 0, 64]
    assert softermax([0], [False], pieces=ONE_PIECE) == [0]


def test_ibert_by_hand():
    # scale 1/16: q0 = floor(-11.09) = -12, bi = floor(43.317) = 43, ci = floor(714.79) = 714; -5: 25 - 215 + 714
    first, second = 32767, round(Fraction(524 * 32767, 714))
    factor = 2**32 // (first + second)
    assert ibert([0, -5]) == [first * factor >> 24, second * factor >> 24] == [147, 108]
    assert ibert([7]) == [255]
    # -12: z = 1, r = 0: half as much, 16383.5 to even is 16384
    assert ibert([0, -12]) == [32767 * (2**32 // 49151) >> 24, 16384 * (2**32 // 49151) >> 24] == [170, 85]
    assert ibert([3, 9, 3], [True, False, True]) == [127, 0, 127]
    assert ibert([1], [False]) == [0]


def test_ibert_polynomial_has_the_quoted_error():
    a, b, c = 0.35815147, 0.96963238, 1.0
    points = [-0.6931 * i / 10000 for i in range(10001)]
    errors = [abs(a * p * p + b * p + c - math.exp(p)) for p in points]
    assert 1.85e-3 < max(errors) < 1.95e-3


def test_ibert_two_ways_to_requantise_agree_to_a_step():
    codes = [(53 * i) % 160 - 80 for i in range(40)]
    for net, path in zip(ibert(codes), ibert(codes, requantise="dyadic")):
        assert abs(net - path) <= 1


def bfloat(code: int) -> float:
    return struct.unpack(">f", struct.pack(">I", code << 16))[0]


def test_softex_by_hand():
    assert softex_exponential([0, 0x8000]) == [0x3F80, 0x3F80]
    # 1.0: 128 * 23637 = 3025536, / 2**14 = 184.66, 185 = 128 + 57; 57 -> 114 * 4 * 420 >> 12 = 46: 2 * (1 + 46/128)
    assert exponential(0x3F80) == 128 << 7 | 46
    # -1.0: -185 = -256 + 71; 71 -> 127 - (113 * 7 * 349 >> 12) = 127 - 67 = 60: 0.25 * (1 + 60/128)
    assert exponential(0xBF80) == 125 << 7 | 60
    assert softex_exponential([0x42C8, 0xC2C8, 0x7F80, 0xFF80]) == [0x7F80, 0, 0x7F80, 0]  # 100, -100, infinities
    assert softex_exponential([0, 0], [False, True]) == [0, 0x3F80]


def test_softex_error_is_as_quoted():
    draw = random.Random(1)
    errors = []
    for _ in range(20000):
        code = struct.unpack(">I", struct.pack(">f", draw.uniform(-87, 0)))[0] >> 16
        errors.append(abs(bfloat(exponential(code)) / math.exp(bfloat(code)) - 1))
    assert max(errors) < 0.00715 and 0.0018 < sum(errors) / len(errors) < 0.0022  # 0.71 % and 0.20 %


def test_gemmlowp_words():
    assert rdhm(-(2**31), -(2**31)) == 2**31 - 1 and rdhm(2**30, 3) == 2 and rdhm(-(2**30), 3) == -1
    assert [rdp(x, 1) for x in (-3, -1, 1, 3)] == [-2, -1, 1, 2] and rdp(-5, 2) == -1 and rdp(6, 2) == 2
    assert multiplier(Fraction(1)) == (2**30, 1) and multiplier(Fraction(3, 8)) == (3 * 2**29, -1)
    assert multiplier(Fraction(2**40 - 1, 2**40)) == (2**30, 1)


def test_tflite_exponential_is_exact_to_2_to_the_minus_22():
    assert exp_negative(0) == 2**31 - 1
    for a in range(1, 2**31, 39999991):
        assert abs(exp_negative(-a) - math.exp(-a / 2**26) * 2**31) < 2**9


@pytest.mark.parametrize("kind", KINDS)
def test_tflite_int8_rounds_softmax(kind):
    draw, (bits, least) = random.Random(2), KINDS[kind]
    for scale in (1 / 16, 0.1, 0.5):
        codes = [draw.randrange(-128, 128) for _ in range(30)]
        exact = softmax([x * scale for x in codes])
        out = tflite_int8(codes, scale=scale, kind=kind)
        assert all(abs(y - least - min(2**bits * p, 2**bits - 1)) < 0.51 for y, p in zip(out, exact))


def test_tflite_int8_by_hand_and_limits():
    assert tflite_int8([5]) == [127] and tflite_int8([5, 5], kind="uint8") == [128, 128]  # 1.0 is held at 255/256
    # at scale 1 a difference of 31 just counts, -32 is skipped; neither shows
    assert tflite_int8([0, -31, -32], scale=1) == [127, -128, -128]
    assert tflite_int8([0, 0, 99], [True, True, False]) == [0, 0, -128]
    assert tflite_int8([0] * 513) == [-128] * 513 and tflite_int8([0] * 511) == [-127] * 511
    assert tflite_int8([0], [False]) == [-128]
    with pytest.raises(OverflowError):
        tflite_int8([0] * 4096)


def test_tflite_int16_tables():
    forward, back = exp_table(), reciprocal_table()
    assert len(forward) == len(back) == 513
    assert forward[512] == 32767 and back[0] == 32767 and back[512] == 16384
    assert all(abs(v - 32768 * math.exp(10 * i / 512 - 10)) < 4 for i, v in enumerate(forward[:-1]))
    assert all(abs(v - 32768 / (1 + i / 512)) < 1 for i, v in enumerate(back[1:], 1))
    assert single(Fraction(1, 10)) == Fraction(13421773, 2**27)


def test_tflite_int16_follows_softmax():
    draw = random.Random(3)
    for scale in (1 / 4096, 1 / 2048):
        codes = [draw.randrange(-32768, 32768) for _ in range(20)]
        exact = softmax([x * scale for x in codes])
        assert all(abs(y - 32768 * p) < 16 for y, p in zip(tflite_int16(codes, scale=scale), exact))
    assert tflite_int16([0, 0]) == [16384, 16384] and tflite_int16([9, 9, 7], [True, False, False]) == [32767, 0, 0]
    assert tflite_int16([1], [False]) == [0]
