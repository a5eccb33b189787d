"""The text form of designs: what is read, and what each mistake is told."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.designs import catalogue, design, text
from narrowmax.errors import DesignError, FormatError


@pytest.mark.parametrize(
    ("written", "name", "parameters"),
    [
        ("argmax", "argmax", {}),
        ("argmax()", "argmax", {}),
        (" argmax ( ) ", "argmax", {}),
        ("a(b=1)", "a", {"b": "1"}),
        ("a(b=1,)", "a", {"b": "1"}),
        ("a(b = Q5.3:floor , c=x)", "a", {"b": "Q5.3:floor", "c": "x"}),
        (
            "a(b=ap_fixed<8,5,AP_RND>, c=float(5,10))",
            "a",
            {"b": "ap_fixed<8,5,AP_RND>", "c": "float(5,10)"},
        ),
        ("a(b=uint8@0.1:128,c=[1,2])", "a", {"b": "uint8@0.1:128", "c": "[1,2]"}),
        ("a(b=1,\n  c=2)", "a", {"b": "1", "c": "2"}),
        ("a(b=x=y)", "a", {"b": "x=y"}),
    ],
)
def test_what_is_read(written, name, parameters):
    assert text.parse(written) == (name, parameters)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "'' is not a design: write it like table_divide(input=Q5.3, exp=UQ0.8)"),
        (3, "3 is not a design: write it like table_divide(input=Q5.3, exp=UQ0.8)"),
        ("a(b=1", "'a(b=1' is not a design: write it like table_divide(input=Q5.3, exp=UQ0.8)"),
        ("a(b=1) c", "'a(b=1) c' is not a design: write it like table_divide(input=Q5.3, exp=UQ0.8)"),
        ("a(b=(1)", "the design 'a(b=(1)' misses a ')': check its brackets"),
        ("a(b=1))", "the design 'a(b=1))' closes a ')' that is not open: check its brackets"),
        ("a(b=<1))", "the design 'a(b=<1))' closes a ')' that is not open: check its brackets"),
        (
            "a(Q5.3)",
            "'Q5.3' in the design 'a(Q5.3)' is not parameter=value: write it like table_divide(input=Q5.3, exp=UQ0.8)",
        ),
        (
            "a(b=,c=1)",
            "'b=' in the design 'a(b=,c=1)' is not parameter=value: write it like table_divide(input=Q5.3, exp=UQ0.8)",
        ),
        (
            "a(b=1,,c=1)",
            "'' in the design 'a(b=1,,c=1)' is not parameter=value: write it like table_divide(input=Q5.3, exp=UQ0.8)",
        ),
        ("a(b=1, b=2)", "the design 'a(b=1, b=2)' gives b twice: keep one"),
    ],
)
def test_mistakes_of_form(written, message):
    with pytest.raises(DesignError, match=f"^{re.escape(message)}$"):
        text.parse(written)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            "tabel_divide(input=Q5.3)",
            f"the architecture 'tabel_divide' is not known: use {', '.join(catalogue())}; did you mean table_divide?",
        ),
        (
            "gelu",
            f"the architecture 'gelu' is not known: use {', '.join(catalogue())}",
        ),
        (
            "table_divide(expo=UQ0.8)",
            "the parameter of table_divide 'expo' is not known: use input, exp, output; did you mean exp?",
        ),
        (
            "table_divide(input=fp16)",
            "table_divide: input=fp16 is not possible: input is fixed point such as Q5.3 with 1 to 32 integer and "
            "0 to 24 fraction bits; ideal takes any format",
        ),
        (
            "table_divide(exp=Q0.8)",
            "table_divide: exp=Q0.8 is not possible: exp is unsigned fixed point such as UQ0.8 with 0 to 1 integer and "
            "1 to 24 fraction bits, overflow saturate or forbid",
        ),
        (
            "table_divide(exp=UQ0.8:forbid)",
            "table_divide(input=Q5.3, exp=UQ0.8:forbid, output=UQ0.8:half_up) is not possible: exp(0) = 1 overflows "
            "UQ0.8:forbid, which forbids it; add an integer bit or saturate",
        ),
        (
            "table_divide(output=UQ0.8:forbid)",
            "table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8:forbid) is not possible: overflow is forbidden, but the "
            "wire in the block divide ranges over 0..256 where 0..255 is allowed; give its format more integer bits, "
            "or let it saturate",
        ),
        (
            "table_divide(input=Q8.16, exp=UQ0.16)",
            "table_divide(input=Q8.16, exp=UQ0.16, output=UQ0.8:half_up) is not possible: the table of exponentials "
            "would have up to 779,880 entries, and 65,536 are allowed; give the input or the exponentials fewer "
            "fraction bits",
        ),
        (
            "table_reciprocal(reciprocal=UQ0.8:forbid, at=edge)",
            "table_reciprocal(input=Q5.3, exp=UQ0.8, address=6, at=edge, reciprocal=UQ0.8:forbid, "
            "output=UQ0.8:half_up) "
            "is not possible: 1/1 overflows UQ0.8:forbid, which forbids it; add an integer bit or saturate",
        ),
        (
            "softermax(chunk=3)",
            "softermax: chunk=3 is not possible: chunk is one of 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024",
        ),
        ("softermax(base=10)", "softermax: base=10 is not possible: base is 2 or e"),
        ("table_reciprocal(address=13)", "table_reciprocal: address=13 is not possible: address is 0 to 12"),
        ("table_reciprocal(address=six)", "table_reciprocal: address=six is not possible: address is 0 to 12"),
        (
            "ideal(input=Q5.3:stochastic)",
            "ideal: input=Q5.3:stochastic is not possible: input is any format with a rounding other than stochastic",
        ),
        (
            "ideal(input=Q5)",
            "ideal: input: format 'Q5' can be read two ways: write Q1.5 for 5 fraction bits, or Q5.0 "
            "for 5 integer bits",
        ),
        (
            "argmax(output=Q8.0)",
            "argmax: output=Q8.0 is not possible: output is unsigned fixed point such as UQ16.0 with 1 to 24 "
            "integer and 0 fraction bits",
        ),
    ],
)
def test_mistakes_of_content(written, message):
    with pytest.raises(DesignError, match=f"^{re.escape(message)}$"):
        design(written)


def test_a_design_is_handed_back():
    found = design("argmax")
    assert design(found) is found


def test_other_spellings_of_a_format_become_the_same_design():
    assert design("table_divide(input=ap_fixed<8,5,AP_RND_CONV,AP_SAT>)") == design("table_divide(input=Q5.3)")


@given(st.text(alphabet=string.ascii_lowercase + string.digits + "=,(). <>_:@", max_size=40))
def test_any_text_is_a_design_or_a_sentence(written):
    for candidate in (written, f"table_divide({written})", f"softermax(chunk={written})"):
        try:
            assert design(design(candidate).text) == design(candidate)
        except (DesignError, FormatError) as error:
            assert "\n" not in str(error)


def test_every_default_is_a_design():
    for name in catalogue():
        assert design(name).text.startswith(f"{name}(")
