"""Designs of every architecture, and rows of codes meant to break them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from narrowmax.designs import Design, catalogue, design

VARIANTS = {
    "ideal": ["ideal(input=Q5.3, output=UQ0.8)"],
    "table_divide": [
        "table_divide(input=Q6.2, exp=UQ1.8, output=UQ0.8)",
        "table_divide(input=UQ3.4:floor, exp=UQ0.5:floor, output=UQ1.10:floor)",
        "table_divide(input=Q3.0, exp=UQ1.1, output=Q1.3:half_away:wrap)",
        "table_divide(input=Q8.8, exp=UQ0.13, output=UQ0.16)",
    ],
    "table_reciprocal": [
        "table_reciprocal(input=Q6.2, exp=UQ1.8, address=4, at=edge, reciprocal=UQ0.7, output=UQ0.10)",
        "table_reciprocal(input=Q3.7, address=0, output=UQ0.4:floor)",
        "table_reciprocal(input=UQ4.0:floor, exp=UQ0.3, address=12, reciprocal=UQ1.16, output=UQ0.16)",
    ],
    "softermax": [
        "softermax(chunk=4, base=e)",
        "softermax(chunk=32, maximum=floor, truncate=running, output=UQ1.7:floor)",
        "softermax(input=Q4.4, chunk=8, truncate=addend, segments=8, power=UQ1.4, sum=UQ2.3)",
        "softermax(input=Q4.0, chunk=2, segments=1, power=UQ1.3, sum=UQ8.18, truncate=running, pieces=256, "
        "reciprocal=UQ0.4)",
        "softermax(chunk=1, sum=UQ4.0:floor, normaliser=table, pieces=16, output=UQ0.9)",
        "softermax(chunk=4, sum=UQ2.4:half_up:wrap)",
        "softermax(chunk=64, maximum=floor, sum=UQ12.15:forbid, reciprocal=UQ1.12, output=UQ1.12:half_up)",
    ],
    "ita": ["ita(shift=0)", "ita(bits=6, shift=3, chunk=4, sum=UQ4.6:floor)"],
    "ivit_shiftmax": [
        "ivit_shiftmax(bits=16, scale=0.0009765625, output_bits=12)",
        "ivit_shiftmax(bits=5, scale=1.7, output_bits=5)",
    ],
    "tflite_int8": [
        "tflite_int8(kind=int16, scale=0.11)",
        "tflite_int8(kind=uint8, scale=0.5, zero_point=128, beta=3.0)",
        "tflite_int8(scale=0.001, zero_point=-128)",
    ],
    "tflite_int16": ["tflite_int16(scale=0.0000305, beta=0.7, tables=float32, index=wrap)"],
    "ethos_u": ["ethos_u(kind=uint8, scale=0.2)"],
    "ibert": [
        "ibert(bits=20, scale=0.0003, ratio=38, output_bits=12)",
        "ibert(bits=5, scale=0.7, output_bits=5)",
        "ibert(bits=9, scale=0.05, range=2.0, ratio=50, output_bits=9)",
    ],
    "pseudo_softmax": [
        "pseudo_softmax(order=tree)",
        "pseudo_softmax(bits=3, order=tree, adder=half_up, cut=product, threshold=-4)",
        "pseudo_softmax(bits=10, shift=2, fraction=12, cut=result, output=UQ0.12:floor)",
        "pseudo_softmax(bits=5, shift=-2, fraction=5, adder=half_up, order=interleaved(4), output=e4m3)",
    ],
    "index_softmax": [
        "index_softmax(bits=20, scale=0.00021, index=half_up, divide=factor)",
        "index_softmax(bits=6, scale=0.3, clip=9, index_bits=3, divide=floor)",
        "index_softmax(bits=9, scale=0.0217, clip=7.5, index_bits=8, index=half_up, divide=half_up)",
    ],
    "argmax": ["argmax(input=Q3.0, output=UQ9.0)", "argmax(input=UQ6.2:floor)"],
    "online": [
        "online(chunk=4, exp=table, numerator=rescaled)",
        "online(chunk=1, exp=piecewise_linear(8), guard=0, normalise=newton)",
        "online(chunk=8, input=Q4.5, exp=chords(1, 23/16), round=half_even, normalise=mitchell, output=UQ1.8:half_up)",
        "online(chunk=2, exp=power_of_two(nearest, 2, exp=UQ1.5), round=half_up, numerator=rescaled, "
        "normalise=power_of_two, output=UQ1.5:floor)",
    ],
    "basic_split": [
        "basic_split(input=Q4.4, digit=3, exp=UQ1.12:floor, normalise=table, output=UQ0.10)",
        "basic_split(digit=2, first=lowest, factor=UQ0.10, product=UQ0.9:half_up, exp=UQ0.7)",
        "basic_split(input=Q8.8, digit=6, factor=UQ1.30, product=UQ1.30:floor, exp=UQ1.28, output=UQ0.16:half_up)",
        "basic_split(input=UQ3.2:floor, digit=12, product=UQ1.24:floor, sum=rounded(UQ8.4:floor))",
    ],
    "bipartite": [
        "bipartite(input=Q5.3, argument=3, middle=2, low=1, exp=UQ1.10, output=UQ0.8)",
        "bipartite(input=Q6.10, at=cell, guard=3, output=UQ0.12:half_up)",
        "bipartite(input=Q5.2, argument=9, high=6, middle=4, exp=UQ0.9, sum=rounded(UQ6.6:floor), output=UQ0.10)",
        "bipartite(high=7, low=1, sum=exact)",
    ],
    "cordic": [
        "cordic(iterations=7, guard=2, base=2, exp=UQ1.6, normalise=cordic(8, none, 0), output=UQ0.6:half_up)",
        "cordic(input=Q6.10, iterations=9, guard=5, shifts=half_up, exp=UQ1.12:floor, "
        "normalise=cordic(10, shifts=half_up), output=UQ0.9)",
        "cordic(input=Q3.0, iterations=3, exp=UQ0.4, sum=rounded(UQ4.4:floor), normalise=divide)",
        "cordic(iterations=9, sum=rounded(UQ10.6:floor), normalise=cordic(12, none, 3), output=UQ1.8:floor)",
    ],
    "composed": [
        "composed(exp=bipartite(high=7, low=1), normalise=cordic, output=UQ0.8)",
        "composed(exp=power_of_two(base=2), normalise=power_of_two)",
        "composed(exp=power_of_two(up, exp=UQ1.6:floor), sum=rounded(UQ8.4:floor), normalise=power_of_two(nearest))",
        "composed(exp=table(UQ1.12), maximum=ceil, normalise=newton(2, line, reciprocal=UQ1.12), "
        "output=UQ1.12:half_up)",
        "composed(input=Q4.5, exp=chords(4), sum=rounded(UQ5.3:half_up), normalise=mitchell(5), output=UQ0.8)",
        "composed(input=UQ4.2, exp=polynomial(1, exp=UQ0.6), normalise=power_of_two(above), output=UQ1.6:floor)",
        "composed(exp=chords(16, base=2, exp=UQ1.7), normalise=table(5, edge), output=UQ0.9:half_up)",
        "composed(exp=polynomial(3, base=23/16), normalise=chords(16, UQ1.9), output=UQ0.9:half_up)",
        "composed(exp=table, normalise=divide)",
    ],
    "polynomial": [
        "polynomial(degree=4, coefficients=18, exp=UQ1.14, argument=14, normalise=newton(2), output=UQ0.12:half_up)",
        "polynomial(degree=1, base=2, coefficients=8, exp=UQ0.6, normalise=table, output=UQ0.8)",
        "polynomial(degree=3, input=Q6.6, normalise=newton(3, line, reciprocal=UQ1.14), output=UQ0.10:floor)",
        "polynomial(degree=2, input=Q6.2, sum=rounded(UQ10.6:floor), normalise=chords, output=Q1.7)",
    ],
    "piecewise_linear": [
        "piecewise_linear(segments=8, fit=squares, input=Q6.6, normalise=chords)",
        "piecewise_linear(segments=64, coefficients=14, exp=UQ0.12:floor, normalise=newton, output=UQ0.12:half_up)",
        "piecewise_linear(segments=2, coefficients=5, exp=UQ0.5, input=Q3.0, sum=rounded(UQ4.4:floor))",
        "piecewise_linear(segments=5, coefficients=20, exp=UQ1.6, input=UQ3.4, normalise=mitchell)",
        "piecewise_linear(fit=public, coefficients=8, input=Q4.8, output=UQ0.12:half_up)",
    ],
    "log_domain": [
        "log_domain(exp=line, log=mitchell, back=line)",
        "log_domain(input=Q4.7, exp=line(0.984375, 23/16), log=mitchell(fraction=9), "
        "back=line(0.9375, 23/16, exp=UQ1.16:floor), output=UQ1.16:floor)",
        "log_domain(input=Q3.7, exp=interpolated(2, UQ1.9), log=table(3, fraction=10), back=interpolated(2, UQ1.9), "
        "output=UQ0.9:floor)",
        "log_domain(input=UQ3.4, exp=polynomial(2), sum=rounded(UQ8.6:floor), log=mitchell(11/16, 8), "
        "back=chords(4, shifts, exp=UQ1.9), output=UQ1.10:floor)",
        "log_domain(input=Q5.2, exp=table(UQ0.8), log=table(5, centre, 6), back=table(UQ1.9), output=UQ0.8:half_up)",
    ],
    "sole": [
        "sole(round=half_up, base=23/16, chunk=4)",
        "sole(input=Q5.3, chunk=1, constant=12, output=UQ0.12:half_up)",
        "sole(input=Q3.7, chunk=32, round=half_even, exponent=3, sum=UQ3.6:floor:wrap, line=1.622)",
        "sole(input=UQ4.2, chunk=2, round=toward_zero, exponent=6, sum=UQ6.20:floor, output=UQ1.8:half_even)",
    ],
    "softex": ["softex(chunk=4, constants=vexp, sum=float(8,12):floor, order=serial, iterations=1)"],
    "float_softmax": [
        "float_softmax(input=fp16, exp=fp16, sum=fp32, order=tree, normalise=reciprocal, output=fp16)",
        "float_softmax(input=e4m3, exp=e4m3, sum=e4m3, order=interleaved(4), output=e4m3)",
        "float_softmax(input=e5m2:infinity, exp=float(4,5):floor, sum=float(5,6):half_up, "
        "output=float(4,4):toward_zero)",
    ],
}  # fmt: skip

UNORDERED = [
    "bipartite",
    *("sole", *VARIANTS["sole"]),
    "log_domain(input=Q4.7, exp=line(0.984375, 23/16), log=mitchell(fraction=9), "
    "back=line(0.9375, 23/16, exp=UQ1.16:floor), output=UQ1.16:floor)",
    "piecewise_linear(fit=public, coefficients=8, input=Q4.8, output=UQ0.12:half_up)",
]  # whose pages say that a larger element can have the smaller output
POSITIONAL = [
    *("sole", *VARIANTS["sole"]),
    *(text for text in VARIANTS["online"] if "rescaled" in text),
]  # whose pages say that equals of different chunks can have different outputs
LOW_ALONE = ("sole",)  # whose pages say that an element alone is far from 1

DESIGNS = [design(text) for name in catalogue() for text in [name, *VARIANTS.get(name, [])]]
DRAWN = [d for d in DESIGNS if d.has_hardware]


def codes_near(low: int, high: int, top: int) -> list[int]:
    """Codes whose distance below `top` is at the edge of a width, and the ends."""
    distances = {0, *(2**k + e for k in range(20) for e in (-1, 0, 1))}
    return sorted({top - d for d in distances if low <= top - d} | {low})


def rising(found: Design) -> np.ndarray:
    """All codes that are numbers of the design's input, in the order of what they stand for."""
    low, high = found.datapath(1).input_range
    codes = np.arange(low, high + 1)
    if found.input.lowest_code <= found.input.highest_code:
        return codes
    values = found.input.values(codes)
    return codes[np.isfinite(values)][np.argsort(values[np.isfinite(values)], kind="stable")]


def adversarial(low: int, high: int) -> Iterator[list[int]]:
    """Rows of codes in low..high: equal, one hot, maximum first and last, every width's edge, n = 1."""
    middle = (low + high) // 2
    for n in (1, 2, 3, 5, 16, 17, 33):
        for code in (low, middle, high):
            yield [code] * n
        yield [high] + [low] * (n - 1)
        yield [low] * (n - 1) + [high]
        yield [low] * (n - 1) + [low + 1]
        yield [low + (high - low) * i // n for i in range(n)]
        yield [high - (high - low) * i // n for i in range(n)]
    for top in (high, middle, high - 1):
        near = codes_near(low, high, top)
        yield near
        yield near[::-1]


def masks(n: int, random: np.random.Generator) -> Iterator[list[bool]]:
    """Who takes part: all, nobody, one, the ends, whole chunks, at random."""
    yield [True] * n
    yield [False] * n
    yield [i == n // 2 for i in range(n)]
    yield [i in (0, n - 1) for i in range(n)]
    yield [i // 4 % 2 == 1 for i in range(n)]
    yield (random.random(n) < 0.5).tolist()


def random_rows(low: int, high: int, count: int, random: np.random.Generator) -> Iterator[list[int]]:
    """Rows of 1 to 40 codes, from narrow to as wide as the format."""
    for _ in range(count):
        middle, spread = random.integers(low, high + 1), (high - low + 1) >> random.integers(0, 6)
        row = middle + random.integers(-spread, spread + 1, random.integers(1, 41))
        yield np.clip(row, low, high).tolist()
