"""Standard output and standard error, whatever their encoding can say."""

from __future__ import annotations

import codecs
import sys

from narrowmax import store


def prepare() -> None:
    """What a stream cannot encode is printed as ?, and stops nothing: signs such as ±, and names that are no text."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def as_json(record: dict) -> str:
    """A record as one line of JSON that standard output can carry whole."""
    return store.dumps(record, ascii=not _is_utf8(sys.stdout))


def _is_utf8(stream) -> bool:
    try:
        return codecs.lookup(stream.encoding).name == "utf-8"
    except (AttributeError, LookupError, TypeError):
        return False
