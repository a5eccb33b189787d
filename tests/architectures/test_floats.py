"""Floating point drawn in integers: against rational arithmetic, ml_dtypes and NumPy."""

from __future__ import annotations

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from narrowmax.architectures.parts import floats
from narrowmax.architectures.parts.float_tables import exp_table, exponential
from narrowmax.datapath import Rate, draw, fold, largest
from narrowmax.designs import simulation
from narrowmax.errors import GraphError
from narrowmax.formats import parse

TYPES = {
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "fp16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "fp32": np.float32,
}
OPERATIONS = {
    "add": (floats.add, np.add),
    "subtract": (floats.subtract, np.subtract),
    "multiply": (floats.multiply, np.multiply),
    "divide": (floats.divide, np.divide),
    "larger": (floats.larger, np.maximum),
}
ROUNDINGS = ("half_even", "half_up", "half_away", "toward_zero", "floor")


def of_two(operation, text: str):
    """A drawing that takes two numbers, one after the other in a row, to one."""
    form = parse(text)

    def body(a, b):
        return operation(floats.number(a, form), floats.number(b, form)).code

    return draw(lambda row: fold(body, row.x, order="serial"), form, form, 2)


def of_one(operation, source: str, into: str):
    form, result = parse(source), parse(into)
    return draw(lambda row: operation(floats.number(row.x, form), result).code, form, result, 1)


def run(datapath, *codes: np.ndarray) -> np.ndarray:
    return simulation.run(datapath, np.stack(codes, axis=-1), None)[:, 0]


def pairs(form, count: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of short words, else random ones, a third of them near each other or each other's negative."""
    if form.bits == 8:
        return np.divmod(np.arange(1 << 16), 1 << 8)
    random = np.random.default_rng(form.bits)
    a, b = random.integers(0, 1 << form.bits, (2, count))
    near = a + random.integers(-9, 10, count) + (random.integers(0, 2, count) << form.bits - 1)
    return a, np.where(random.random(count) < 1 / 3, near % (1 << form.bits), b)


def typed(codes: np.ndarray, form, kind) -> np.ndarray:
    return codes.astype(f"u{form.bits // 8}").view(kind)


def same(got: np.ndarray, wanted: np.ndarray, form) -> np.ndarray:
    """Where codes are those of wanted numbers: any NaN for a NaN, and either zero of a maximum of zeros."""
    codes = wanted.view(f"u{form.bits // 8}").astype(np.int64)
    found = typed(got, form, wanted.dtype.type)
    with np.errstate(invalid="ignore"):
        return (codes == got) | (np.isnan(wanted.astype(np.float64)) & np.isnan(found.astype(np.float64)))


@pytest.mark.parametrize("name", list(TYPES))
@pytest.mark.parametrize("operation", list(OPERATIONS))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
class TestAgainstOthers:
    """All pairs of fp8, a million pairs of the others."""

    def test_as_in_ieee_754(self, name, operation):
        form, (drawn, oracle) = parse(f"{name}:infinity"), OPERATIONS[operation]
        a, b = pairs(form, 1_000_000)
        got = run(of_two(drawn, f"{name}:infinity"), a, b)
        wanted = oracle(typed(a, form, TYPES[name]), typed(b, form, TYPES[name]))
        zeros = (operation == "larger") & (got & (1 << form.bits - 1) - 1 == 0) & (wanted == 0)
        assert (same(got, wanted, form) | zeros).all()

    def test_saturated(self, name, operation):
        """Codes beyond the largest number are that number, and so is what is too large."""
        form, (drawn, oracle) = parse(name), OPERATIONS[operation]
        a, b = pairs(form, 200_000)
        got = run(of_two(drawn, name), a, b)
        x, y = (np.where(c & form._sign, -1, 1) * np.abs(form.values(finite(c, form))) for c in (a, b))
        signed = [np.copysign(v, np.where(c & form._sign, -1.0, 1.0)) for v, c in ((x, a), (y, b))]
        wanted = oracle(*(v.astype(TYPES[name]) for v in signed))
        most = float(form.highest)
        with np.errstate(all="ignore"):
            real = oracle(*signed)
        limited = ~np.isfinite(wanted.astype(np.float64))
        wanted = np.where(limited, np.copysign(most, real), wanted.astype(np.float64)).astype(TYPES[name])
        zeros = (operation == "larger") & (got & (1 << form.bits - 1) - 1 == 0) & (wanted == 0)
        undefined = (operation == "divide") & (signed[0] == 0) & (signed[1] == 0)  # the largest number, by decision
        assert (same(got, wanted, form) | zeros | undefined).all()
        assert (got[undefined] & form._sign - 1 == form.highest_code).all()


def finite(codes: np.ndarray, form) -> np.ndarray:
    """The codes that codes are read as where nothing is infinite."""
    return np.minimum(codes & form._sign - 1, form.highest_code) | codes & form._sign


EXACT = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("shape", ["float(2,2)", "float(3,1)", "float(2,2,finite)"])
@pytest.mark.parametrize("operation", list(EXACT))
def test_every_rounding_of_all_pairs_by_rational_arithmetic(operation, shape, rounding):
    """Signs of results that are not 0, too; overflow by both words."""
    for overflow in ("saturate", "infinity"):
        text = f"{shape}:{rounding}:{overflow}"
        form = parse(text)
        codes = [c for c in range(1 << form.bits) if c & form._sign - 1 <= form.highest_code]
        a, b = (grid.ravel() for grid in np.meshgrid(codes, codes))
        got = run(of_two(OPERATIONS[operation][0], text), a, b)
        for x, y, found in zip(a.tolist(), b.tolist(), got.tolist(), strict=True):
            if operation == "divide" and not form.decode(y):
                continue
            exact = EXACT[operation](form.decode(x), form.decode(y))
            wanted = form.encode(exact) if exact else 0
            assert (found == wanted) if exact else (found & form._sign - 1 == 0), (x, y)


@pytest.mark.parametrize(
    ("source", "into"),
    [("bf16", "fp32"), ("fp16", "fp32"), ("fp16", "bf16"), ("bf16", "fp16"), ("fp16", "e4m3"), ("bf16", "e5m2"),
     ("e5m2", "fp16"), ("e4m3", "e5m2"), ("e5m2", "e4m3"), ("e4m3", "float(8,23)"), ("fp16", "float(2,7):floor")],
)  # fmt: skip
def test_every_number_in_another_format(source, into):
    for word in ("saturate", "infinity"):
        given, result = parse(f"{source}:{word}"), parse(f"{into}:{word}")
        codes = np.array([c for c in range(1 << given.bits) if c & given._sign - 1 <= given.highest_code])
        got = run(of_one(floats.convert, str(given), str(result)), codes)
        wanted = result.quantise(given.values(codes))
        assert (got == wanted).all()


def test_a_wide_float_in_a_narrow_one():
    codes = np.random.default_rng(1).integers(0, 1 << 32, 300_000)
    codes = codes[codes & (1 << 31) - 1 <= parse("fp32").highest_code]
    for into in ("bf16", "fp16", "e4m3"):
        wanted = parse(into).quantise(parse("fp32").values(codes))
        assert (run(of_one(floats.convert, "fp32", into), codes) == wanted).all()


@pytest.mark.parametrize(("source", "into"), [("fp16", "e4m3"), ("e5m2", "bf16"), ("bf16", "fp32")])
def test_infinities_and_nans_in_another_format(source, into):
    given, result = parse(f"{source}:infinity"), parse(f"{into}:infinity")
    top = given.highest_code + 1
    codes = np.array([top, top | given._sign, top + 1, floats.not_a_number(given)])
    got = result.values(run(of_one(floats.convert, str(given), str(result)), codes))
    assert np.isnan(got[2:]).all()
    assert np.isnan(got[:2]).all() if result.finite else got[:2].tolist() == [np.inf, -np.inf]
    narrow = parse(into)
    codes = run(of_one(floats.convert, str(given), into), codes)
    assert codes.tolist() == [narrow.highest_code, narrow.lowest_code, narrow.highest_code, narrow.highest_code]


def test_a_product_in_another_format():
    """bf16 times bf16 in fp32 is exact but for its ends."""
    form, wide = parse("bf16"), parse("fp32")

    def function(row):
        a, b = (floats.number(c, form) for c in (row.x >> 16, row.x.low_bits(16)))
        return floats.multiply(a, b, wide).code

    a, b = (finite(c, form) for c in pairs(form, 200_000))
    got = run(draw(function, parse("UQ32.0"), wide, 1), a << 16 | b)
    product = form.values(a) * form.values(b)
    wanted = wide.quantise(product)
    assert ((got == wanted) | (product == 0) & (got & (1 << 31) - 1 == 0)).all()


def of_three(first: str, second: str, third: str):
    """A drawing that takes rows of three numbers to the product of the first two with the third added."""
    forms = [parse(t) for t in (first, second, third)]
    widest = max(f.bits for f in forms)

    def function(row):
        codes = [largest(row.position.equals(k).select(row.x, 0)).low_bits(f.bits) for k, f in enumerate(forms)]
        return floats.multiply_add(*(floats.number(c, f) for c, f in zip(codes, forms, strict=True))).code

    return draw(function, parse(f"UQ{widest}.0"), forms[2], 3)


@pytest.mark.parametrize(
    ("first", "second", "third"),
    [("e5m2", "e5m2", "e5m2"), ("e4m3:floor", "e4m3:floor", "e4m3:floor"), ("float(2,2)", "float(3,4)", "e4m3"),
     ("bf16", "fp32", "fp32"), ("fp32", "fp32", "fp32"), ("fp16", "fp16", "fp32:half_away"), ("fp32", "fp32", "bf16"),
     ("float(2,2)", "float(2,2)", "fp32:toward_zero")],
)  # fmt: skip
def test_products_with_an_addend_by_rational_arithmetic(first, second, third):
    """2,000 triples, two thirds of them with an addend near the product or its negative."""
    forms, random = [parse(t) for t in (first, second, third)], np.random.default_rng(9)
    codes = [finite(random.integers(0, 1 << f.bits, 2000), f) for f in forms]
    near = -forms[0].values(codes[0]) * forms[1].values(codes[1]) * (1 + random.choice([0, 0.1, 1e-7, -2.0], 2000))
    close = (finite(forms[2].quantise(near) + random.integers(-2, 3, 2000), forms[2]), codes[2])
    codes[2] = np.where(random.random(2000) < 2 / 3, *close)
    datapath = of_three(first, second, third)
    got = simulation.run(datapath, np.stack(codes, axis=-1), None)[:, 0].tolist()
    for *given, found in zip(*(c.tolist() for c in codes), got, strict=True):
        a, b, c = (f.decode(code) for f, code in zip(forms, given, strict=True))
        if a * b + c:
            assert found == forms[2].encode(a * b + c), given
        else:
            assert found & forms[2]._sign - 1 == 0


def test_products_with_an_addend_of_what_is_infinite():
    form = parse("fp16:infinity")
    infinite, one, minus, below, nan, most = 0x7C00, 0x3C00, 0xBC00, 0xFC00, 0x7E00, 0x7BFF
    rows = np.array(
        [[infinite, minus, one], [infinite, 0, one], [infinite, one, below], [one, one, below]]
        + [[nan, 0, 0], [infinite, one, infinite], [most, most, 0], [most, most, below]]
    )
    got = form.values(simulation.run(of_three(*["fp16:infinity"] * 3), rows, None)[:, 0])
    inf = np.inf
    np.testing.assert_array_equal(got, [-inf, np.nan, np.nan, -inf, np.nan, inf, inf, -inf])


@pytest.mark.parametrize("text", ["e4m3:floor", "e5m2", "bf16", "fp16:infinity"])
def test_reciprocals(text):
    form = parse(text)
    every = range(1, 1 << form.bits, 1 if form.bits == 8 else 11)
    codes = np.array([c for c in every if 0 < c & form._sign - 1 <= form.highest_code])
    got = run(of_one(lambda a, _: floats.reciprocal(a), text, text), codes)
    assert got.tolist() == [form.encode(1 / form.decode(c)) for c in codes.tolist()]


@pytest.mark.parametrize("text", ["e4m3", "float(3,2)", "fp16:infinity"])
def test_keys_rise_with_numbers(text):
    form = parse(text)
    codes = np.array([c for c in range(1 << form.bits) if c & form._sign - 1 <= form.highest_code])
    keys = simulation.run(
        draw(lambda row: floats.number(row.x, form).key, form, parse("Q17.0"), 1), codes[:, None], None
    )[:, 0]
    values = form.values(codes)
    order = np.argsort(values, kind="stable")
    assert (np.sign(np.diff(values[order])) == np.sign(np.diff(keys[order]))).all()
    back = draw(lambda row: floats.from_key(floats.number(row.x, form).key, form).code, form, form, 1)
    assert (run(back, codes) == np.where(values == 0, 0, codes)).all()


@pytest.mark.parametrize(
    ("source", "into"),
    [("e4m3", "e4m3"), ("e5m2", "e5m2"), ("bf16", "bf16"), ("fp16", "fp16"), ("fp16", "e4m3"), ("e4m3", "fp32"),
     ("bf16:infinity", "bf16:half_up:infinity"), ("float(3,2)", "bf16:half_away"), ("float(2,3):infinity", "bf16")],
)  # fmt: skip
def test_the_exponential_of_every_number(source, into):
    """float64's, rounded: no entry lies so near a boundary that its last bit would matter."""
    given, result = parse(source), parse(into)
    codes = np.arange(given.highest_code + 1)
    got = run(of_one(exponential, source, into), codes)
    assert (got == result.quantise(np.exp(-given.values(codes)))).all()


def test_exponentials_of_what_is_no_number():
    codes = np.array([0x7C00, 0x7C01, 0x7FFF])
    assert run(of_one(exponential, "fp16:infinity", "bf16:infinity"), codes).tolist() == [0, 0x7FC0, 0x7FC0]
    assert run(of_one(exponential, "fp16:infinity", "bf16"), codes).tolist() == [0, 0x7F7F, 0x7F7F]
    assert run(of_one(exponential, "fp16", "bf16"), codes).tolist() == [0, 0, 0]


def test_a_table_too_large_is_refused():
    with pytest.raises(GraphError, match=r"would have .* entries, and 65,536 are allowed"):
        exp_table(parse("fp32"), parse("bf16"))
    assert len(exp_table(parse("bf16"), parse("bf16"))[1].entries) < 2048


def test_a_sum_of_numbers_that_are_not_negative_draws_no_subtraction():
    form = parse("bf16")

    def function(row):
        magnitude = row.x.low_bits(15).minimum(form.highest_code)
        return floats.add(floats.positive(magnitude, form), floats.positive(magnitude >> 1, form)).code

    drawn = draw(function, form, form, 1)
    assert drawn.output.hi <= form.highest_code
    assert drawn.output.rate is Rate.ELEMENT
    assert all(type(w.op).__name__ != "Equal" for w in drawn.wires)


def test_one():
    assert [parse(t).decode(floats.one(parse(t))) for t in TYPES] == [Fraction(1)] * len(TYPES)
