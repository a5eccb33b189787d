"""Designs from TOML."""

from __future__ import annotations

import re

import pytest

from narrowmax.designs import catalogue, design, read
from narrowmax.errors import DataError, DesignError

REMEDY = 'write [[design]] tables with text = "...", or with architecture = "..." and parameters'


def test_what_a_file_holds(tmp_path):
    path = tmp_path / "designs.toml"
    path.write_text(
        '[[design]]\ntext = "table_divide(input=Q5.3, exp=UQ0.8)"\n'
        '[[design]]\narchitecture = "softermax"\ninput = "Q6.2"\nchunk = 32\n'
        '[[design]]\narchitecture = "argmax"\n'
    )
    assert read(path) == (
        design("table_divide(input=Q5.3, exp=UQ0.8)"),
        design("softermax(input=Q6.2, chunk=32)"),
        design("argmax"),
    )


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", DataError, f"PATH holds nothing: {REMEDY}"),
        ("design = 3", DataError, f"PATH holds design: {REMEDY}"),
        ("a = 1\n[[design]]\ntext='argmax'", DataError, f"PATH holds a, design: {REMEDY}"),
        ("[[design]]\n", DesignError, f"design 1 of PATH: it has the keys none: {REMEDY}"),
        ("[[design]]\ntext='argmax'\nx=1", DesignError, f"design 1 of PATH: it has the keys text, x: {REMEDY}"),
        ("[[design]]\ninput='Q5.3'", DesignError, f"design 1 of PATH: it has the keys input: {REMEDY}"),
        (
            "[[design]]\ntext='argmax'\n[[design]]\narchitecture='softermx'",
            DesignError,
            f"design 2 of PATH: the architecture 'softermx' is not known: use {', '.join(catalogue())}; "
            "did you mean softermax?",
        ),
        (
            "[[design]]\narchitecture='softermax'\nchunk=1.5",
            DesignError,
            "design 1 of PATH: softermax: chunk=1.5 is not possible: chunk is one of 1, 2, 4, 8, 16, 32, 64, 128, 256, "
            "512, 1024",
        ),
        (
            "[[design]]\narchitecture='softermax'\nbase=['e']",
            DesignError,
            "design 1 of PATH: softermax: base=['e'] is not possible: base is 2 or e",
        ),
        ("[[design", DataError, r"PATH cannot be read as TOML: "),
    ],
)
def test_what_is_refused(tmp_path, content, error, message):
    path = tmp_path / "designs.toml"
    path.write_text(content)
    ending = "" if message.endswith("TOML: ") else "$"
    with pytest.raises(error, match="^" + re.escape(message).replace("PATH", re.escape(str(path))) + ending):
        read(path)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read as TOML: .*No such file"):
        read(tmp_path / "none.toml")


def test_integers_may_be_given_for_words(tmp_path):
    path = tmp_path / "designs.toml"
    path.write_text("[[design]]\narchitecture='softermax'\nbase=2\n")
    assert read(path) == (design("softermax(base=2)"),)
