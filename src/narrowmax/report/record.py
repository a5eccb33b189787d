"""Reading a record and refusing, in a sentence, what is not one."""

from __future__ import annotations

import os

from pydantic import ValidationError

from narrowmax import store
from narrowmax.errors import DataError
from narrowmax.report import schema
from narrowmax.report.training_schema import TRAIN, TrainRecord

KINDS = {**schema.KINDS, TRAIN: TrainRecord}
OPTIONAL = {**schema.OPTIONAL, TRAIN: ()}

_EXPECTED = {
    "string_type": "text",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "finite_number": "a finite number",
    "greater_than_equal": "a number of 64 bits",
    "less_than": "a number of 64 bits",
    "bool_type": "true or false",
}


def load(path: str | os.PathLike) -> dict:
    """The record in the file `path`, checked.

    Raises DataError where the file cannot be read, is not strict JSON, is cut short, follows
    another schema, or lacks or mistypes something that the page is drawn from.
    """
    return check(store.load(path), str(path))


def check(record: object, source: str = "the record") -> dict:
    """`record` itself, once it is known to be one; `source` is what messages call it.

    Raises DataError.
    """
    if not isinstance(record, dict):
        raise DataError(
            f"{source} holds no record: an object with the key 'schema' is expected, as narrowmax study writes it"
        )
    kind = _kind(record, source)
    try:
        KINDS[kind].model_validate(record)
    except ValidationError as error:
        raise DataError(_sentence(error.errors()[0], source)) from None
    except RecursionError:
        raise DataError(f"{source} is nested too deeply to be a record") from None
    for part in OPTIONAL[kind]:
        _reason_given(record, part, source)
    return record


def _kind(record: dict, source: str) -> str:
    schema = record.get("schema")
    if isinstance(schema, str) and schema in KINDS:
        return schema
    words = schema.split("/") if isinstance(schema, str) else []
    if words[:1] == ["narrowmax"] and words[2:] == ["1"]:
        drawn = ", ".join(name.split("/")[1] for name in KINDS)
        raise DataError(f"{source} is a record of {_short(words[1])}, of which no page is drawn; give one of: {drawn}")
    known = " or ".join(repr(name) for name in KINDS)
    told = f"follows the schema {_short(schema)}" if "schema" in record else "names no schema"
    raise DataError(f"{source} {told}; this narrowmax draws {known}, so draw it with the narrowmax that wrote it")


def _reason_given(record: dict, part: str, source: str) -> None:
    reason = record.get(f"{part}_reason")
    if record[part] is None and not (isinstance(reason, str) and reason.strip()):
        raise DataError(f"{source}: {part} is null without a reason; a sentence is expected under {part}_reason")


def _sentence(error: dict, source: str) -> str:
    where = _place(error["loc"])
    if error["type"] == "missing":
        return f"{source} lacks {where}; it was cut short or written by another program, so make the record again"
    expected = _EXPECTED.get(error["type"]) or str(error.get("ctx", {}).get("error", error["msg"]))
    return f"{source}: {where} is {_short(error['input'])} where {expected} should stand; make the record again"


def _place(location: tuple) -> str:
    """`narrow.wires[2].format`; the names that Pydantic gives to choices of a union are left out."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        elif (step.isidentifier() and step[0].isupper()) or step in ("str", "float", "int") or "[" in step:
            continue
        else:
            text += f".{step}" if text else step
    return text


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
