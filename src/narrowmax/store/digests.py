"""Digests of content: equal for equal content, in every process, on every machine.

Every kind of value is written with its name and its length before its bytes, so that no two
different values can run together into the same digest.
"""

from __future__ import annotations

import dataclasses
import hashlib
import struct
from collections.abc import Iterator, Mapping
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

_HEX_DIGITS = 40  # 160 bits
_MADE = {".pyc", ".pyo", ".so", ".pyd"}  # by Python and by compilers, from the source beside them


def digest(*things: object) -> str:
    """Forty hexadecimal digits that name the content of `things`.

    Takes None, bool, int, float, str, bytes, Fraction, enums, NumPy scalars and arrays, torch
    tensors on the CPU, and tuples, lists, sets, mappings and dataclasses of them.  The order of a
    mapping or set does not matter; a tuple and a list of the same things are the same.

    Raises TypeError for anything else, whose content it could not know.
    """
    hasher = hashlib.sha256()
    for chunk in _encoded(things):
        hasher.update(chunk)
    return hasher.hexdigest()[:_HEX_DIGITS]


@lru_cache
def code_digest(*rooms: str) -> str:
    """A digest of narrowmax's own source, Python and C, in the named rooms (all of them unless given).

    Part of a cache's key wherever the cached result depends on how the code computes.
    Raises ValueError for a room that does not exist.
    """
    package = Path(__file__).parent.parent
    sources = [source for room in rooms or ("",) for source in _sources(package, room)]
    return digest([(source.relative_to(package).as_posix(), source.read_bytes()) for source in sources])


def _sources(package: Path, room: str) -> list[Path]:
    place = package / room
    files = sorted(place.rglob("*.*")) if place.is_dir() else [place.with_suffix(".py")]
    # what Python compiles another process may be writing this very moment, under a name that is soon gone
    files = [file for file in files if "__pycache__" not in file.relative_to(package).parts]
    sources = [file for file in files if file.is_file() and file.suffix not in _MADE]
    if not sources:
        raise ValueError(f"narrowmax has no room {room!r} to take a digest of")
    return sources


def _tagged(kind: str, body: bytes) -> Iterator[bytes]:
    yield f"{kind}:{len(body)}:".encode()
    yield body


def _encoded(thing: object) -> Iterator[bytes]:
    for kinds, encode in _ENCODERS:
        if isinstance(thing, kinds):
            return encode(thing)
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return _dataclass(thing)
    if hasattr(thing, "detach") and hasattr(thing, "numpy"):  # a torch tensor, without importing torch
        return _array(thing.detach().numpy())
    raise TypeError(f"a digest of a {type(thing).__name__} is not defined; pass its content instead")


def _sequence(things) -> Iterator[bytes]:
    things = list(things)
    yield f"seq:{len(things)}:".encode()
    for thing in things:
        yield from _encoded(thing)


def _unordered(kind: str, parts: list[bytes]) -> Iterator[bytes]:
    yield f"{kind}:{len(parts)}:".encode()
    yield from sorted(parts)


def _mapping(thing: Mapping) -> Iterator[bytes]:
    return _unordered("map", [b"".join(_encoded(pair)) for pair in thing.items()])


def _set(thing) -> Iterator[bytes]:
    return _unordered("set", [b"".join(_encoded(item)) for item in thing])


def _dataclass(thing) -> Iterator[bytes]:
    yield from _tagged("class", type(thing).__qualname__.encode())
    fields = {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}
    yield from _mapping(fields)


def _enum(thing: Enum) -> Iterator[bytes]:
    return _tagged("enum", f"{type(thing).__qualname__}.{thing.name}".encode())


def _array(thing: np.ndarray) -> Iterator[bytes]:
    if thing.dtype.hasobject:
        raise TypeError("a digest of an array of Python objects is not defined; give it a plain dtype")
    little = thing.astype(thing.dtype.newbyteorder("<"), order="C", copy=False)
    yield from _tagged("array", f"{little.dtype.str}{little.shape}".encode())
    yield memoryview(little.reshape(-1)).cast("B") if little.size else b""


_ENCODERS = (
    (type(None), lambda thing: _tagged("none", b"")),
    (Enum, _enum),
    ((bool, np.bool_), lambda thing: _tagged("bool", b"1" if thing else b"0")),
    ((int, np.integer), lambda thing: _tagged("int", str(int(thing)).encode())),
    ((float, np.floating), lambda thing: _tagged("float", struct.pack("<d", thing))),
    (str, lambda thing: _tagged("str", thing.encode("utf-8", "surrogatepass"))),
    ((bytes, bytearray), lambda thing: _tagged("bytes", bytes(thing))),
    (Fraction, lambda thing: _tagged("fraction", str(thing).encode())),
    (np.ndarray, _array),
    ((tuple, list), _sequence),
    ((set, frozenset), _set),
    (Mapping, _mapping),
)
