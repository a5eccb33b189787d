"""The compiled loops that move numbers, for every instruction set that this processor has, against NumPy and `Fixed`.

They are compiled here on their own, from move_loops.h and move_shim.c.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrowmax import tools
from narrowmax.engines.compiled.entry import KINDS, OVERFLOWS, ROUNDINGS, kind_of, quantiser, quantiser_takes
from narrowmax.errors import DataError, FormatError
from narrowmax.formats import Fixed, parse

NATIVE = Path(__file__).parents[3] / "src" / "narrowmax" / "engines" / "compiled" / "native"
SHIM = Path(__file__).with_name("move_shim.c")
FLAGS = (
    "-x c -std=gnu11 -O3 -fno-math-errno -fno-trapping-math -shared -fPIC -Wall -Wextra -Wno-unknown-pragmas -Werror"
)
AVX2 = "-mavx2 -mfma -mbmi -mbmi2 -mlzcnt -mpopcnt"
TARGETS = {
    "base": "",
    "avx2": f"-DSHIM_AVX2 {AVX2}",
    "avx512": f"-DSHIM_AVX512 {AVX2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx512vbmi",
}
TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "int64")  # in the order of native/types.h
NAN, PLUS, MINUS, BEYOND, INEXACT = 1, 2, 4, 8, 16  # enum Found


class Loops:
    """The functions of one compiled shim, on arrays."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.library = name, ctypes.CDLL(str(path))
        long, pointer, number = ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_int
        self.library.quantise.argtypes = pointer, number, long, pointer, number, pointer
        self.library.presence.argtypes, self.library.presence.restype = (pointer, number, long, pointer), long
        self.library.values.argtypes = pointer, number, long, pointer, number, number
        self.library.transpose.argtypes = pointer, long, pointer, long, long, long, number

    def quantise(self, values: np.ndarray, form: Fixed, code: str) -> tuple[int, np.ndarray]:
        codes, words = np.zeros(values.size, code), (ctypes.c_int * 5)(*quantiser(form))
        kind = kind_of(values.dtype)
        found = self.library.quantise(_at(values), kind, values.size, _at(codes), TYPES.index(code), words)
        return found, codes

    def presence(self, values: np.ndarray) -> tuple[int, np.ndarray]:
        present = np.full(values.size, 7, np.uint8)
        return self.library.presence(_at(values), kind_of(values.dtype), values.size, _at(present)), present

    def values(self, codes: np.ndarray, kind: str, fraction_bits: int = 0) -> tuple[int, np.ndarray]:
        out, code = np.zeros(codes.size, kind), TYPES.index(codes.dtype.name)
        return self.library.values(_at(codes), code, codes.size, _at(out), KINDS.index(kind), fraction_bits), out


def _at(array: np.ndarray) -> int:
    return array.ctypes.data


@pytest.fixture(scope="session")
def every(tmp_path_factory) -> list[Loops]:
    folder = tmp_path_factory.mktemp("move")
    base = _compiled("base", folder)
    return [base, *(_compiled(name, folder) for name in ("avx2", "avx512")[: base.library.processor()])]


def _compiled(name: str, folder: Path) -> Loops:
    path = folder / f"{name}.so"
    tools.compiler().run(*FLAGS.split(), *TARGETS[name].split(), f"-I{NATIVE}", SHIM, "-o", path)
    return Loops(name, path)


def types_of(form: Fixed) -> list[str]:
    """Every type that holds the format's codes."""
    return [name for name in TYPES if np.iinfo(name).min <= form.lowest_code <= form.highest_code <= np.iinfo(name).max]


def compare(every: list[Loops], values: np.ndarray, form: Fixed, code: str | None = None) -> None:
    """The loops against `Fixed.quantise`; what that refuses must have been reported."""
    code = code or types_of(form)[0]
    try:
        expected = form.quantise(values)
    except (DataError, FormatError):
        expected = None
    for loops in every:
        found, codes = loops.quantise(values, form, code)
        if expected is None:
            assert found, (loops.name, str(form))
        else:
            wrong = np.flatnonzero(codes != expected)[:3]
            assert not wrong.size, (loops.name, str(form), code, values[wrong], codes[wrong], expected[wrong])
            assert found == (PLUS * bool(np.isposinf(values).any()) | MINUS * bool(np.isneginf(values).any()))


def words(overflows=OVERFLOWS):
    return [(rounding, overflow) for rounding in ROUNDINGS for overflow in overflows]


HALVES = np.arange(2**16, dtype=np.uint16).view(np.float16)
HALVES = HALVES[np.isfinite(HALVES)]


@pytest.mark.parametrize("rounding, overflow", words(("saturate", "wrap")))
@pytest.mark.parametrize("form", ["Q5.3", "UQ0.8", "Q1.0", "Q8.-2", "UQ4.12", "Q12.12", "Q-3.9"])
def test_all_float16_values(every, form, rounding, overflow):
    form = parse(f"{form}:{rounding}:{overflow}")
    for dtype in (np.float16, np.float32, np.float64):
        compare(every, HALVES.astype(dtype), form)


def around(numbers: np.ndarray, dtype: type) -> np.ndarray:
    """Numbers that the type holds, and the neighbours of each."""
    numbers = numbers.astype(dtype)
    infinity = dtype(np.inf)
    return np.concatenate([numbers, np.nextafter(numbers, infinity), np.nextafter(numbers, -infinity)])


@pytest.mark.parametrize("rounding, overflow", words(("saturate", "wrap")))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_neighbours_of_every_tie_and_code(every, dtype, rounding, overflow):
    for signed, integers, fractions in ((True, 5, 3), (False, 0, 8), (True, 8, 0), (False, 12, -4), (True, -100, 108)):
        form = Fixed(integers, fractions, signed, rounding, overflow)
        ties = np.arange(2 * form.lowest_code - 9, 2 * form.highest_code + 9) * 2.0 ** (-fractions - 1)
        compare(every, around(ties, dtype), form)


EDGES = [
    *(
        0.0,
        -0.0,
        0.5,
        1.5,
        2.5,
        2.0**21,
        2.0**22,
        2.0**23,
        2.0**24,
        2.0**31,
        2.0**32,
        2.0**50,
        2.0**51,
        2.0**52,
        2.0**53,
    ),
    *(2.0**62, 2.0**63, 2.0**64, 2.0**-126, 2.0**-149, 2.0**126, 1.5 * 2**22 - 0.5, 2.0**51 - 0.5, 2.0**52 - 0.5),
]
SINGLES = np.concatenate([[np.finfo(np.float32).max, -np.finfo(np.float32).max], EDGES, np.negative(EDGES)])
DOUBLES = np.concatenate(
    [[np.finfo(float).max, -np.finfo(float).max, 5e-324, -5e-324, 1e-310, 2.0**-700, -(2.0**-700)], SINGLES]
)


@pytest.mark.parametrize("bits", [1, 8, 16, 22, 23, 32, 33, 50, 51, 52, 53, 63])
def test_edges_of_the_arithmetic(every, bits):
    for rounding, overflow in words(("saturate", "wrap")):
        for fractions in (-256, -40, -1, 0, 1, 16, 127, 128, 256):
            for signed in (True, False):
                form = Fixed(bits - fractions, fractions, signed, rounding, overflow)
                for code in types_of(form)[:1] + types_of(form)[-1:]:
                    compare(every, around(SINGLES[2:], np.float32), form, code)
                    compare(every, around(DOUBLES[2:], np.float64), form, code)
                    compare(every, DOUBLES[:2].copy(), form, code)
                    compare(every, SINGLES[:2].astype(np.float32), form, code)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_wrapping_where_one_way_of_counting_ends(every, rounding):
    """Each value alone: beside a larger one it would be counted as that is."""
    for end, dtype in ((2.0**22, np.float32), (2.0**51, np.float64), (2.0**52, np.float64)):
        for form in (Fixed(8, 0, True, rounding, "wrap"), Fixed(4, 5, False, rounding, "wrap")):
            for value in around(end + np.arange(-6, 6.5, 0.5), dtype) * float(form.step):
                compare(every, np.array([value], dtype), form)
                compare(every, np.array([-value], dtype), form)


@st.composite
def forms(draw) -> Fixed:
    bits, signed = draw(st.integers(1, 63)), draw(st.booleans())
    fractions = draw(st.one_of(st.integers(-4, 24), st.integers(-256, 256)))
    return Fixed(
        bits - fractions, fractions, signed, draw(st.sampled_from(ROUNDINGS)), draw(st.sampled_from(OVERFLOWS))
    )


@st.composite
def arrays(draw, form: Fixed) -> np.ndarray:
    """Numbers about the size of the format's, on half steps often, of any kind that the loops read."""
    kind = draw(st.sampled_from([kind for kind in KINDS if kind != "bfloat16"]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(0, 40))
    if np.dtype(kind).kind in "iu":
        top = min(np.iinfo(kind).max, 2**53)
        return random.integers(max(np.iinfo(kind).min, -top), top, count, kind, endpoint=True)
    steps = random.normal(size=count) * 2.0 ** random.integers(-3, form.bits + draw(st.sampled_from([0, 3, 40])), count)
    steps = np.where(random.random(count) < 0.5, np.round(steps) / 2, steps)
    with np.errstate(over="ignore"):
        values = (steps * float(form.step)).astype(kind)
    return np.where(np.isfinite(values), values, np.array(1, kind))


@given(data=st.data())
@settings(max_examples=400)
def test_any_format_and_kind(every, data):
    form = data.draw(forms())
    compare(every, data.draw(arrays(form)), form, data.draw(st.sampled_from(types_of(form))))


@pytest.mark.parametrize("form", ["Q5.3", "Q6.10:floor:wrap", "Q20.10:half_away", "UQ4.1:half_up:forbid", "Q40.20"])
def test_every_length_and_alignment(every, form):
    form = parse(form)
    values = np.random.default_rng(3).uniform(0, 15, 1200)
    for count in (*range(131), 511, 512, 513, 1030):
        for dtype in (np.float32, np.float64):
            compare(every, values.astype(dtype)[count % 7 :][:count], form)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("size", [(5, 3), (40, 20), (50, 13)])
def test_what_is_not_finite_is_reported_and_the_rest_is_right(every, kind, overflow, size):
    form = Fixed(*size, overflow=overflow)
    for strange, flag in ((np.nan, NAN), (-np.nan, NAN), (np.inf, PLUS), (-np.inf, MINUS)):
        for place in (0, 1, 17, 40, 599):
            values = np.linspace(-15, 15, 600).astype(kind)
            expected = form.quantise(values)
            values[place] = strange
            for loops in every:
                found, codes = loops.quantise(values, form, types_of(form)[0])
                assert found == flag, (loops.name, strange)
                if overflow == "saturate" and flag != NAN:
                    assert codes[place] == form.quantise(values[place])
                assert np.array_equal(np.delete(codes, place), np.delete(expected, place))


def test_all_that_is_not_finite_is_reported_at_once(every):
    values = np.array([1, np.nan, -np.inf, np.inf, 2], np.float32)
    for loops in every:
        assert loops.quantise(values, parse("Q5.3"), "int8")[0] == NAN | PLUS | MINUS
        assert loops.quantise(values, parse("Q5.3:forbid"), "int8")[0] == NAN | PLUS | MINUS


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forbid_reports_exactly_what_lies_beyond(every, dtype, rounding):
    for form in (Fixed(5, 3, True, rounding, "forbid"), Fixed(33, 30, False, rounding, "forbid")):
        for end in (form.lowest, form.highest):
            for value in around(float(end) + float(form.step) * np.array([-1, -0.5, 0, 0.5, 1]), dtype):
                try:
                    form.encode(value)
                    expected = 0
                except FormatError:
                    expected = BEYOND
                for loops in every:
                    for strip in ([value], [0, value, 0], [value, -np.inf]):
                        found, _ = loops.quantise(np.array(strip, dtype), form, types_of(form)[0])
                        assert found == expected | MINUS * (-np.inf in strip), (loops.name, str(form), value)


def test_integers_beyond_float64_are_reported(every):
    form = parse("Q63.0")
    for loops in every:
        for value in (2**53, -(2**53)):
            found, codes = loops.quantise(np.array([1, value]), form, "int64")
            assert found == 0 and codes.tolist() == [1, value]
        for values in ([2**53 + 1], [-(2**53) - 1], [-(2**63)], [2**63 - 1]):
            assert loops.quantise(np.array(values), form, "int64")[0] == INEXACT
        assert loops.quantise(np.array([2**64 - 1, 2**53], np.uint64), form, "int64")[0] == INEXACT


def test_brain_floats(every):
    words16 = np.arange(2**16, dtype=np.uint16)
    singles = (words16.astype(np.uint32) << 16).view(np.float32)
    number, form = KINDS.index("bfloat16"), (ctypes.c_int * 5)(*quantiser(parse("Q5.3")))
    finite = np.isfinite(singles)
    for loops in every:
        codes, present = np.zeros(2**16, np.int8), np.zeros(2**16, np.uint8)
        assert loops.library.quantise(_at(words16), number, 2**16, _at(codes), 1, form) == NAN | PLUS | MINUS
        assert np.array_equal(codes[finite], parse("Q5.3").quantise(singles[finite]))
        assert loops.library.presence(_at(words16), number, 2**16, _at(present)) == 2**16 - 1
        assert np.array_equal(present, ~np.isneginf(singles))


def test_presence(every):
    values = np.random.default_rng(0).choice([1.0, -np.inf, np.inf, np.nan, -1.0], 700)
    for loops in every:
        for dtype in (np.float16, np.float32, np.float64):
            count, present = loops.presence(values.astype(dtype))
            assert np.array_equal(present, ~np.isneginf(values)) and count == present.sum()
        assert loops.presence(np.arange(9))[0] == 9


@pytest.mark.parametrize("code", TYPES)
def test_codes_become_integers(every, code):
    ends = np.iinfo(code)
    codes = np.random.default_rng(1).integers(ends.min, ends.max, 131, code, endpoint=True)
    for loops in every:
        for kind in KINDS[4:]:
            for count in (0, 1, 17, 131):
                done, out = loops.values(codes[:count], kind)
                assert done == 1 and np.array_equal(out, codes[:count].astype(kind)), (loops.name, kind)


@pytest.mark.parametrize("code", TYPES)
def test_codes_become_values(every, code):
    ends = np.iinfo(code)
    codes = np.random.default_rng(1).integers(max(ends.min, -(2**53)), min(ends.max, 2**53), 131, code, endpoint=True)
    for loops in every:
        for fractions in (-256, -3, 0, 1, 8, 30, 100, 126, 127, 140, 149, 160, 256):
            exact = codes.astype(float) * 2.0**-fractions
            assert np.array_equal(loops.values(codes, "float64", fractions)[1], exact)
            with np.errstate(over="ignore", under="ignore"):
                assert np.array_equal(loops.values(codes, "float32", fractions)[1], exact.astype(np.float32))


def test_codes_that_float64_does_not_hold_are_refused(every):
    for loops in every:
        for code in (2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63) + 1):
            assert loops.values(np.array([0, code]), "float64", 60)[0] == 0
            assert loops.values(np.array([0, code]), "int64", 60)[0] == 1
        held = np.array([2**53, 2**53 + 2, 2**62, -(2**63), -(2**60) - 2**10])
        done, out = loops.values(held, "float64", 60)
        assert done == 1 and np.array_equal(out, held.astype(float) * 2.0**-60)
        assert loops.values(held, "float16")[0] == loops.values(held, "float32", 257)[0] == 0


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16])
def test_transposition(every, size):
    random = np.random.default_rng(size)
    shapes = [
        (rows, cols)
        for rows in (*range(20), 31, 32, 33, 63, 64, 65, 70)
        for cols in (*range(1, 20), 31, 32, 47, 64, 70)
    ]
    for rows, cols in shapes:
        gap, margin = random.integers(0, 4, 2)
        source = random.integers(0, 256, (max(rows, 1), cols + gap, size)).astype(np.uint8)
        source = source.ravel()[: max(rows - 1, 0) * (cols + gap) * size + cols * size].copy()  # nothing after the last
        before = random.integers(0, 256, (cols, rows + margin, size)).astype(np.uint8)
        expected = before.copy()
        for row in range(rows):
            start = row * (cols + gap) * size
            expected[:, row] = source[start : start + cols * size].reshape(cols, size)
        for loops in every:
            found = before.copy()
            loops.library.transpose(_at(found), rows + margin, _at(source), cols + gap, rows, cols, size)
            assert np.array_equal(found, expected), (loops.name, rows, cols)


def test_which_formats_and_arrays_are_taken():
    taken = ["Q5.3", "UQ0.63:half_away:wrap", "Q8.-2:floor:forbid"]
    assert all(quantiser_takes(parse(form)) for form in taken)
    assert not any(quantiser_takes(parse(form)) for form in ("Q5.3:stochastic", "UQ64.0", "fp16", "int8@0.5"))
    assert kind_of(np.float32) == 2 and kind_of(np.dtype("<u8")) == 11
    assert kind_of(np.bool_) is kind_of(np.dtype(">f4")) is kind_of(np.complex64) is None


def test_refused_formats(every):
    values, codes = np.zeros(1), np.zeros(1, np.int64)
    for words in (
        (0, 0, 1, 0, 0),
        (64, 0, 1, 0, 0),
        (8, 257, 1, 0, 0),
        (8, -257, 1, 0, 0),
        (8, 3, 1, 5, 0),
        (8, 3, 1, 0, 3),
    ):
        for loops in every:
            format_words = (ctypes.c_int * 5)(*words)
            assert loops.library.quantise(_at(values), KINDS.index("float64"), 1, _at(codes), 6, format_words) == -1
