"""Standard output and standard error, whatever their encoding can say."""

from __future__ import annotations

import codecs
import os
import shutil
import sys

from narrowmax import store


def prepare() -> None:
    """What a stream cannot encode is printed as ?, and stops nothing: signs such as ±, and names that are no text."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def width() -> int | None:
    """Characters of a line of the terminal, or as COLUMNS says; None where neither is there, as in a pipe."""
    if os.environ.get("COLUMNS") or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def as_json(record: dict) -> str:
    """A record as one line of JSON that standard output can carry whole."""
    return store.dumps(record, ascii=not _is_utf8(sys.stdout))


def _is_utf8(stream) -> bool:
    try:
        return codecs.lookup(stream.encoding).name == "utf-8"
    except (AttributeError, LookupError, TypeError):
        return False
