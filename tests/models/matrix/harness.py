"""The matrix: case x framework -> seen, name, mask, gradient, replaced; rows run by tests, drawn into docs/networks.md.

A framework has a module here, `tests/models/matrix/NAME.py`, with

    CASES: dict[str, Callable[[], dict]]    what a case is called -> what runs it and gives its `row(...)`
    rows() -> list[dict]                    all of them, in order; `harness.rows(CASES)`

a test that `harness.check(NAME, case, CASES[case]())` holds for every case and `harness.check_cases(NAME, CASES)`,
and a command that writes its record and draws the page:

    if __name__ == "__main__":
        harness.write("keras-jax", "Keras 3 on JAX", {"keras": keras.__version__, "jax": jax.__version__}, rows())

The record, docs/matrix/NAME.json, travels with the source: where a framework is not installed, its rows are still on
the page, and the test where it is installed says whether they are so today.
"""

from __future__ import annotations

from collections.abc import Callable

from docs import networks
from docs.networks import COLUMNS

from narrowmax.store import dump, load

SCHEMA = "narrowmax/matrix/1"
KEYS = ("case", *COLUMNS, "note", "refused")


def row(
    case: str,
    *,
    seen: bool | None = None,
    name: bool | None = None,
    mask: bool | None = None,
    gradient: bool | None = None,
    replaced: bool | None = None,
    note: str = "",
    refused: str = "",
) -> dict:
    """One row; a cell is True, False, or None where there is no such question (no mask in the case).

    seen: every softmax of the case was counted once, with the values that reach it
    name: by the layer that calls it
    mask: cells that take no part were kept apart from scores
    gradient: that of a reference written by hand, for every parameter
    replaced: the output is that of the reference with the design in it
    note: what a user has to know, a few words
    refused: the message with which the case is refused, with the remedy; cells are given of what is not refused
    """
    cells = {"seen": seen, "name": name, "mask": mask, "gradient": gradient, "replaced": replaced}
    return {"case": case, **cells, "note": note, "refused": refused}


def rows(cases: dict[str, Callable[[], dict]]) -> list[dict]:
    """The row of every case, which is run."""
    return [run() for run in cases.values()]


def problems(one: dict) -> list[str]:
    """What is wrong with a row, in sentences; a row that fails, or says nothing, is wrong."""
    said = [column for column in COLUMNS if one[column] is not None]
    found = [f"{one['case']}: {column} is wrong" for column in said if one[column] is not True]
    if not said and not one["refused"]:
        found.append(f"{one['case']}: give cells, or the message that refuses the case")
    if list(one) != list(KEYS):
        found.append(f"{one['case']}: has {', '.join(one)} instead of {', '.join(KEYS)}")
    return found


def check(name: str, case: str, one: dict) -> None:
    """Asserts that nothing is wrong with a row that was run, and that the record of it is as it is now."""
    assert one["case"] == case
    assert problems(one) == []
    recorded = {other["case"]: other for other in record(name)["rows"]}
    assert recorded.get(case) == one, f"run `python -m tests.models.matrix.{name.replace('-', '_')}`"


def check_cases(name: str, cases: dict[str, Callable[[], dict]]) -> None:
    """Asserts that the record has the cases that there are, in their order."""
    assert [one["case"] for one in record(name)["rows"]] == list(cases)


def record(name: str) -> dict:
    """The record of a framework."""
    return load(networks.RECORDS / f"{name}.json")


def write(name: str, framework: str, versions: dict[str, str], found: list[dict]) -> None:
    """Write a framework's record, and draw the page with it; nothing is written where a row is wrong.

    Raises ValueError with all that is wrong.
    """
    wrong = [sentence for one in found for sentence in problems(one)]
    if wrong:
        raise ValueError("\n".join(wrong))
    networks.RECORDS.mkdir(exist_ok=True)
    dump(
        networks.RECORDS / f"{name}.json",
        {"schema": SCHEMA, "framework": framework, "versions": versions, "rows": found},
    )
    networks.write()
