"""Designs from a TOML file of `[[design]]` tables.

[[design]]
text = "table_divide(input=Q5.3, exp=UQ0.8)"

[[design]]
architecture = "softermax"
input = "Q6.2"
chunk = 16
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from narrowmax.designs import text
from narrowmax.designs.record import Design, catalogue, design, made
from narrowmax.errors import DataError, DesignError

_REMEDY = 'write [[design]] tables with text = "...", or with architecture = "..." and parameters'


def read(path: str | Path) -> tuple[Design, ...]:
    """The designs of a TOML file, in order.

    Raises DataError for a file that is not there or not TOML, DesignError for a table that is not a design.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path} cannot be read as TOML: {error}") from None
    tables = content.get("design")
    if set(content) != {"design"} or not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise DataError(f"{path} holds {', '.join(content) or 'nothing'}: {_REMEDY}")
    return tuple(_one(table, f"design {number} of {path}") for number, table in enumerate(tables, 1))


def _one(table: dict, place: str) -> Design:
    try:
        return _design(table)
    except DesignError as error:
        raise DesignError(f"{place}: {error}") from None


def _design(table: dict) -> Design:
    if set(table) == {"text"}:
        return design(table["text"])
    name = table.get("architecture")
    if not isinstance(name, str) or "text" in table:
        raise DesignError(f"it has the keys {', '.join(table) or 'none'}: {_REMEDY}")
    if name not in catalogue():
        raise text.unknown("the architecture", name, catalogue())
    return made(catalogue()[name], {key: value for key, value in table.items() if key != "architecture"})
