"""Strict JSON: what any program can read, and nothing that only Python understands.

A number that is not finite has no JSON; it becomes null, and a key beside it says why:
`{"delay_ns": nan}` is written `{"delay_ns": null, "delay_ns_reason": "not a number"}`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from narrowmax.errors import DataError, StoreError
from narrowmax.store.files import atomic_write, check_file

_SURROGATES = re.compile("[\ud800-\udfff]")  # stand for bytes that are no UTF-8
_LARGEST_FILE = 512 * 2**20  # bytes; a record is a few of them


def plain(thing: object) -> object:
    """`thing` in the types of JSON: dicts with text keys, lists, text, numbers, true, false, null.

    Text that is none, as the name of a file in another encoding, has U+FFFD for what has no character.

    Takes mappings, sequences, dataclasses, paths, NumPy scalars and arrays, and plain values.
    Raises TypeError for anything else.
    """
    return _plain(thing)[0]


def dumps(thing: object, indent: int | None = None, ascii: bool = False) -> str:
    """`thing` as strict JSON text, of ASCII alone if so asked; see `plain` for what it takes."""
    return json.dumps(plain(thing), indent=indent, allow_nan=False, ensure_ascii=ascii)


def dump(path: str | os.PathLike, thing: object, indent: int | None = 1) -> None:
    """Write `thing` to `path` as strict JSON, whole or not at all.

    Raises StoreError where it cannot be written.
    """
    text = dumps(thing, indent)
    with atomic_write(path, "w") as file:
        file.write(text + "\n")


def check_record(path: str | os.PathLike, kind: str) -> None:
    """Refuse, before any work, to write a record of a command where there is something else than one of its own.

    kind: the command, as the record's schema names it: narrowmax/KIND/1
    Raises StoreError, also where no file can be written.
    """
    check_file(path)
    if not os.path.exists(path):
        return
    try:
        found = load(path)
    except DataError:
        found = None
    schema = found.get("schema") if isinstance(found, dict) else None
    words = schema.split("/") if isinstance(schema, str) else []
    if words[:2] != ["narrowmax", kind]:
        what = f"a record of narrowmax {words[1]}" if words[:1] == ["narrowmax"] and len(words) > 1 else "another file"
        raise StoreError(f"{path} is {what}, which is not overwritten; choose another folder")


def loads(text: str, source: str = "the JSON text") -> object:
    """Read strict JSON: no NaN or Infinity, no key twice.

    source: what messages call it
    Raises DataError for text that is no such JSON.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_repeats)
    except RecursionError:
        raise DataError(f"{source} is nested too deeply to be a record") from None
    except ValueError as error:
        raise DataError(f"{source} is not valid JSON: {error}") from None


def load(path: str | os.PathLike) -> object:
    """Read a file of strict JSON.

    Raises DataError where the file is missing, too large (512 MiB) or not strict JSON.
    """
    path = Path(path)
    try:
        if (size := path.stat().st_size) > _LARGEST_FILE:
            raise DataError(f"{path} has {size} bytes, more than the {_LARGEST_FILE} that a record may have")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} could not be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not a text file") from None
    return loads(text, str(path))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} has no place in it; what is not finite is written null")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return made


def _plain(thing: object) -> tuple[object, str | None]:
    """The plain value, and why it holds a null that was a number, if it does."""
    if isinstance(thing, (np.generic, np.ndarray)):
        thing = thing.tolist()
    if isinstance(thing, str):
        return _text(thing), None
    if thing is None or isinstance(thing, (bool, int)):
        return thing, None
    if isinstance(thing, float):
        return (thing, None) if math.isfinite(thing) else (None, _reason(thing))
    if isinstance(thing, os.PathLike):
        return _text(os.fsdecode(thing)), None
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        thing = {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}
    if isinstance(thing, Mapping):
        return _object(thing), None
    if isinstance(thing, (list, tuple)):
        return _array(thing)
    raise TypeError(f"a {type(thing).__name__} has no form in JSON; write its text or its parts")


def _text(text: str) -> str:
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def _reason(number: float) -> str:
    if math.isnan(number):
        return "not a number"
    return "too large: infinity" if number > 0 else "too small: minus infinity"


def _array(things) -> tuple[list, str | None]:
    pairs = [_plain(thing) for thing in things]
    reasons = [reason for _, reason in pairs if reason]
    return [value for value, _ in pairs], ("; ".join(dict.fromkeys(reasons)) or None)


def _object(thing: Mapping) -> dict:
    made = {}
    for key, value in thing.items():
        if not isinstance(key, (str, int)) or isinstance(key, bool):
            raise TypeError(f"a key of JSON is text, not {key!r}")
        made[_text(str(key))], reason = _plain(value)
        if reason and f"{key}_reason" not in thing:
            made[f"{key}_reason"] = reason
    return made
