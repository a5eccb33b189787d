"""The text forms: what is understood, said back in one sentence, and what is refused."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.errors import FormatError
from narrowmax.formats import ROUNDINGS, Affine, Decimal, Fixed, Float, parse

UNDERSTOOD = [
    ("Q5.3", Fixed(5, 3)),
    ("UQ0.8", Fixed(0, 8, signed=False)),
    ("Q-2.10", Fixed(-2, 10)),
    ("Q10.-2", Fixed(10, -2)),
    ("Q5.3:floor:wrap", Fixed(5, 3, rounding="floor", overflow="wrap")),
    ("Q5.3:wrap:floor", Fixed(5, 3, rounding="floor", overflow="wrap")),
    ("Q5.3:forbid", Fixed(5, 3, overflow="forbid")),
    (" Q5.3 : half_up ", Fixed(5, 3, rounding="half_up")),
    ("ap_fixed<8,5>", Fixed(5, 3)),
    ("ap_fixed<8, 5, AP_TRN, AP_WRAP>", Fixed(5, 3, rounding="floor", overflow="wrap")),
    ("ap_fixed<8,-2>", Fixed(-2, 10)),
    ("ap_ufixed<8,0,AP_RND>", Fixed(0, 8, False, rounding="half_up")),
    ("ap_ufixed<8,0>:toward_zero", Fixed(0, 8, False, rounding="toward_zero")),
    ("ap_fixed<8,5,AP_RND_INF>", Fixed(5, 3, rounding="half_away")),
    ("ap_fixed<8,5,AP_RND_CONV,AP_SAT>", Fixed(5, 3)),
    ("fp32", Float(8, 23)),
    ("float16", Float(5, 10)),
    ("fp16:infinity", Float(5, 10, overflow="infinity")),
    ("bf16", Float(8, 7)),
    ("bfloat16", Float(8, 7)),
    ("e4m3", Float(4, 3, finite=True)),
    ("e4m3fn", Float(4, 3, finite=True)),
    ("e5m2", Float(5, 2)),
    ("float(5,10)", Float(5, 10)),
    ("float(4,3)", Float(4, 3)),
    ("float(3,2,finite)", Float(3, 2, finite=True)),
    ("int8@0.0471", Affine(8, 0.0471)),
    ("uint8@0.1:128", Affine(8, 0.1, 128, signed=False)),
    ("int8@1/256:-128:floor", Affine(8, 1 / 256, -128, rounding="floor")),
    ("int16@1e-3", Affine(16, 0.001)),
    ("decimal(3)", Decimal(3)),
    ("decimal(10):floor", Decimal(10, "floor")),
]

CANONICAL = [
    ("ap_fixed<8,5,AP_TRN,AP_WRAP>", "Q5.3:floor:wrap"),
    ("Q5.3:half_even:saturate", "Q5.3"),
    ("Q5.3:wrap:floor", "Q5.3:floor:wrap"),
    ("float(5,10)", "fp16"),
    ("float(4,3,finite)", "e4m3"),
    ("e4m3fn:infinity", "e4m3:infinity"),
    ("int8@1/256:0", "int8@0.00390625"),
    ("uint8@.1:+128", "uint8@0.1:128"),
]

ANSWERS = [
    (
        "Q5.3",
        "Q5.3: signed fixed point of 8 bits, -16 to 15.875 in steps of 0.125; "
        "rounded half_even, a value beyond the ends becomes the end.",
    ),
    (
        "ap_ufixed<8,0,AP_TRN,AP_WRAP>",
        "UQ0.8:floor:wrap: unsigned fixed point of 8 bits, 0 to 0.99609375 in steps of 0.00390625; "
        "rounded floor, a value beyond the ends keeps the low bits of its code.",
    ),
    (
        "fp16:forbid",
        "fp16:forbid: float of 16 bits, 5 of exponent and 10 of fraction, -65504 to 65504 with 11 significant bits, "
        "in steps of 5.96046447754e-08 around zero; rounded half_even, a value beyond the ends is refused.",
    ),
    (
        "e5m2:infinity",
        "e5m2:infinity: float of 8 bits, 5 of exponent and 2 of fraction, -57344 to 57344 with 3 significant bits, "
        "in steps of 1.52587890625e-05 around zero; rounded half_even, a value beyond the ends becomes infinite.",
    ),
    (
        "e4m3:infinity",
        "e4m3:infinity: float without infinities of 8 bits, 4 of exponent and 3 of fraction, -448 to 448 with 4 "
        "significant bits, in steps of 0.001953125 around zero; "
        "rounded half_even, a value beyond the ends becomes NaN.",
    ),
    (
        "uint8@0.1:128",
        "uint8@0.1:128: unsigned integers of 8 bits with 0 at code 128, -12.8 to 12.7 in steps of 0.1; "
        "rounded half_even, a value beyond the ends becomes the end.",
    ),
]

FORMS = (
    "Q5.3, UQ0.8 or ap_fixed<8,5> for fixed point, fp32 fp16 bf16 e4m3 e5m2 or float(5,10) for floats, "
    "int8@0.0471 or uint8@0.1:128 for affine integers, decimal(3) for decimal digits"
)
REFUSED = [
    ("Q7", "format 'Q7' can be read two ways: write Q1.7 for 7 fraction bits, or Q7.0 for 7 integer bits"),
    ("UQ8", "format 'UQ8' can be read two ways: write UQ0.8 for 8 fraction bits, or UQ8.0 for 8 integer bits"),
    ("Q7:floor", "format 'Q7:floor' can be read two ways: write Q1.7 for 7 fraction bits, or Q7.0 for 7 integer bits"),
    (
        "fixed<8,5>",
        "format 'fixed<8,5>' can be read two ways: write Q5.3 for 5 integer bits with the sign and 3 fraction bits",
    ),
    ("int8", "format 'int8' has no scale: write int8@0.0471 for steps of 0.0471, or int8@1 for whole numbers"),
    ("int8@x", "the scale 'x' in format 'int8@x' is not a number: write int8@0.0471 or int8@1/256"),
    ("int8@1/0", "the scale '1/0' in format 'int8@1/0' is not a number: write int8@0.0471 or int8@1/256"),
    ("Q5.3:floor:floor", "format 'Q5.3:floor:floor' says its rounding twice, floor and floor: keep one"),
    ("Q5.3:wrap:saturate", "format 'Q5.3:wrap:saturate' says its overflow twice, wrap and saturate: keep one"),
    (
        "ap_fixed<8,5,AP_TRN>:half_up",
        "format 'ap_fixed<8,5,AP_TRN>:half_up' says its rounding twice, floor and half_up: keep one",
    ),
    (
        "ap_fixed<8,5,AP_RND_ZERO>",
        "the mode 'AP_RND_ZERO' in format 'ap_fixed<8,5,AP_RND_ZERO>' is not known: use AP_TRN, AP_TRN_ZERO, AP_RND, "
        "AP_RND_CONV, AP_RND_INF, AP_SAT, AP_WRAP",
    ),
    (
        "Q5.3:ceil",
        "the word 'ceil' in format 'Q5.3:ceil' is not known: rounding is floor, half_up, half_even, half_away, "
        "toward_zero, stochastic; overflow is saturate, wrap, forbid, infinity",
    ),
    ("fp16:wrap", "overflow 'wrap' does not fit fp16: use one of saturate, forbid, infinity"),
    ("decimal(3):wrap", "format 'decimal(3):wrap' says wrap, but decimal numbers have no ends: leave it out"),
    ("q5.3", f"format 'q5.3' is not known: write {FORMS}"),
    ("", f"format '' is not known: write {FORMS}"),
    ("Q5.3.1", f"format 'Q5.3.1' is not known: write {FORMS}"),
    (8, f"8 is not a format: write {FORMS}"),
]


@pytest.mark.parametrize(("text", "expected"), UNDERSTOOD)
def test_what_is_understood(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_the_canonical_text(text, canonical):
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(("text", "answer"), ANSWERS)
def test_the_answer_gives_range_and_step(text, answer):
    assert parse(text).describe() == answer


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_refused(text, message):
    with pytest.raises(FormatError) as refused:
        parse(text)
    assert str(refused.value) == message


def test_a_format_is_handed_back():
    fmt = parse("Q5.3")
    assert parse(fmt) is fmt


roundings = st.sampled_from(ROUNDINGS)
formats = st.one_of(
    st.builds(
        lambda bits, point, *words: Fixed(bits - point, point, *words),
        st.integers(1, 64),
        st.integers(-64, 64),
        st.booleans(),
        roundings,
        st.sampled_from(Fixed.overflows),
    ),
    st.builds(Float, st.integers(2, 8), st.integers(1, 23), st.booleans(), roundings, st.sampled_from(Float.overflows)),
    st.builds(
        Affine,
        st.integers(2, 32),
        st.floats(1e-60, 1e60),
        st.integers(0, 1),
        st.booleans(),
        roundings,
        st.sampled_from(Affine.overflows),
    ),
    st.builds(Decimal, st.integers(0, 20), roundings),
)


@given(formats)
def test_text_and_back(fmt):
    assert parse(str(fmt)) == fmt
    assert hash(parse(str(fmt))) == hash(fmt)
    assert pickle.loads(pickle.dumps(fmt)) == fmt
    assert fmt.describe().startswith(f"{fmt}: ")


@given(st.text(max_size=12) | st.from_regex(r"(U?Q|int|float\(|ap_fixed<)[-0-9.,:<>()@a-z]{0,12}", fullmatch=True))
def test_any_text_is_a_format_or_refused_in_a_sentence(text):
    try:
        assert parse(parse(text).__str__()) == parse(text)
    except FormatError as refused:
        assert "\n" not in str(refused) or "\n" in text
