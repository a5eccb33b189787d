"""From text to a format; `str(format)` is the way back."""

from __future__ import annotations

import re
from fractions import Fraction

from narrowmax.errors import FormatError
from narrowmax.formats.affine import Affine
from narrowmax.formats.base import Format
from narrowmax.formats.decimal import Decimal
from narrowmax.formats.fixed import Fixed
from narrowmax.formats.float import NAMED, Float
from narrowmax.formats.rounding import ROUNDINGS

_OVERFLOWS = ("saturate", "wrap", "forbid", "infinity")
_OTHER_NAMES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "e4m3fn": "e4m3"}
_AP_WORDS = {
    "AP_TRN": "floor",
    "AP_TRN_ZERO": "toward_zero",
    "AP_RND": "half_up",
    "AP_RND_CONV": "half_even",
    "AP_RND_INF": "half_away",
    "AP_SAT": "saturate",
    "AP_WRAP": "wrap",
}
_FORMS = (
    "Q5.3, UQ0.8 or ap_fixed<8,5> for fixed point, fp32 fp16 bf16 e4m3 e5m2 or float(5,10) for floats, "
    "int8@0.0471 or uint8@0.1:128 for affine integers, decimal(3) for decimal digits"
)


def parse(text: str | Format) -> Format:
    """The format that a text names; a format is handed back as it is.

    `Q5.3 UQ0.8 ap_fixed<8,5> ap_ufixed<8,0,AP_RND,AP_SAT> fp32 fp16 bf16 e4m3 e5m2 float(5,10) int8@0.0471
    uint8@0.1:128 decimal(3)`, each with `:rounding` and `:overflow` behind it where they are not half_even and
    saturate; so `ap_fixed<8,5>` is Q5.3, half_even and saturated, and a tool's own AP_TRN, AP_WRAP must be written
    out.  `parse(str(f)) == f`, and `f.describe()` says what was understood.  Raises FormatError for what is
    not known or can be read two ways.
    """
    if isinstance(text, Format):
        return text
    if not isinstance(text, str):
        raise FormatError(f"{text!r} is not a format: write {_FORMS}")
    head, *rest = text.replace(" ", "").split(":")
    for pattern, build in _READERS:
        found = re.fullmatch(pattern, head)
        if found:
            return build(found, rest, text)
    raise FormatError(_why_not(head, text))


def _words(rest: list[str], text: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for word in rest:
        kind = "rounding" if word in ROUNDINGS else "overflow"
        if word not in ROUNDINGS + _OVERFLOWS:
            known = f"rounding is {', '.join(ROUNDINGS)}; overflow is {', '.join(_OVERFLOWS)}"
            raise FormatError(f"the word {word!r} in format {text!r} is not known: {known}")
        if kind in words:
            raise FormatError(f"format {text!r} says its {kind} twice, {words[kind]} and {word}: keep one")
        words[kind] = word
    return words


def _fixed(found: re.Match, rest: list[str], text: str) -> Fixed:
    unsigned, integer_bits, fraction_bits = found.groups()
    return Fixed(int(integer_bits), int(fraction_bits), not unsigned, **_words(rest, text))


def _ap_fixed(found: re.Match, rest: list[str], text: str) -> Fixed:
    unsigned, width, integer_bits, modes = found.groups()
    named = [mode for mode in (modes or "").split(",") if mode]
    unknown = [mode for mode in named if mode not in _AP_WORDS]
    if unknown:
        raise FormatError(f"the mode {unknown[0]!r} in format {text!r} is not known: use {', '.join(_AP_WORDS)}")
    words = _words([_AP_WORDS[mode] for mode in named] + rest, text)
    return Fixed(int(integer_bits), int(width) - int(integer_bits), not unsigned, **words)


def _named_float(found: re.Match, rest: list[str], text: str) -> Float:
    name = found.group()
    return Float(*NAMED[_OTHER_NAMES.get(name, name)], **_words(rest, text))


def _float(found: re.Match, rest: list[str], text: str) -> Float:
    exponent_bits, fraction_bits, finite = found.groups()
    return Float(int(exponent_bits), int(fraction_bits), bool(finite), **_words(rest, text))


def _affine(found: re.Match, rest: list[str], text: str) -> Affine:
    unsigned, bits, scale = found.groups()
    zero_point = int(rest.pop(0)) if rest and re.fullmatch(r"[+-]?\d+", rest[0]) else 0
    try:
        number = float(Fraction(scale))
    except (ValueError, ZeroDivisionError, OverflowError):
        message = f"the scale {scale!r} in format {text!r} is not a number: write int8@0.0471 or int8@1/256"
        raise FormatError(message) from None
    return Affine(int(bits), number, zero_point, not unsigned, **_words(rest, text))


def _decimal(found: re.Match, rest: list[str], text: str) -> Decimal:
    words = _words(rest, text)
    if "overflow" in words:
        raise FormatError(f"format {text!r} says {words['overflow']}, but decimal numbers have no ends: leave it out")
    return Decimal(int(found.group(1)), **words)


def _why_not(head: str, text: str) -> str:
    bare = re.fullmatch(r"(U?)Q(\d{1,3})", head)
    if bare:
        sign, bits = bare.group(1), int(bare.group(2))
        whole = 0 if sign else 1
        fraction = f"{sign}Q{whole}.{bits} for {bits} fraction bits"
        return f"format {text!r} can be read two ways: write {fraction}, or {sign}Q{bits}.0 for {bits} integer bits"
    if re.fullmatch(r"u?int\d+", head):
        return f"format {text!r} has no scale: write {head}@0.0471 for steps of 0.0471, or {head}@1 for whole numbers"
    if head.lower().startswith("fixed"):
        return f"format {text!r} can be read two ways: write Q5.3 for 5 integer bits with the sign and 3 fraction bits"
    return f"format {text!r} is not known: write {_FORMS}"


_READERS = (
    (r"(U?)Q(-?\d{1,4})\.(-?\d{1,4})", _fixed),
    (r"ap_(u?)fixed<(\d{1,4}),(-?\d{1,4})((?:,\w+)*)>", _ap_fixed),
    ("|".join([*NAMED, *_OTHER_NAMES]), _named_float),
    (r"float\((\d{1,3}),(\d{1,3})(,finite)?\)", _float),
    (r"(u?)int(\d{1,3})@(.+)", _affine),
    (r"decimal\((\d{1,3})\)", _decimal),
)
