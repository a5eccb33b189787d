"""Pickles of arrays, read without running anything of them.

A pickle is a program.  The CIFAR files in their "python" layout are pickles, so they are read here by a machine that
knows their few instructions, whose only functions are stand-ins that keep what they are given.  Nothing of NumPy's or
of anybody's is called while a file is read; arrays of bytes are then made from what the stand-ins kept.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path
from typing import ClassVar

import numpy as np

from narrowmax.errors import DataError

LARGEST_BYTES = 1 << 30

# What files of arrays, lists, texts and numbers are written with, by Python 2 and 3; nothing that allocates by a
# number in the file, calls a constructor by name, or reaches outside it.
_INSTRUCTIONS = frozenset(
    "PROTO FRAME STOP MARK POP MEMOIZE PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET NONE NEWTRUE NEWFALSE INT BININT "
    "BININT1 BININT2 LONG LONG1 STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 UNICODE BINUNICODE "
    "SHORT_BINUNICODE BINUNICODE8 EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT "
    "DICT SETITEM SETITEMS GLOBAL STACK_GLOBAL REDUCE BUILD".split()
)


class _Type:
    """Stands for `numpy.dtype(name, ...)`."""

    def __init__(self, name: object = None, *_: object):
        self.name = name

    def __setstate__(self, state: object) -> None:
        """Byte order and fields, which bytes have none of."""


class _Array:
    """Stands for an array: what `ndarray.__setstate__` would be given."""

    state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


def _made(*_: object) -> _Array:
    return _Array()


def _encoded(text: object, encoding: object = "latin1") -> bytes:
    """How Python 3 writes bytes for Python 2."""
    if not isinstance(text, str) or _text(encoding) != "latin1":
        raise pickle.UnpicklingError
    return text.encode("latin1")


def _text(value: object) -> object:
    return value.decode("latin1") if isinstance(value, bytes) else value


_STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _made,
    ("numpy._core.multiarray", "_reconstruct"): _made,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encoded,
}


class _Tuple(tuple):
    """A tuple that is no key of a dict: the hash of one that is deep, or holds itself many times over, has no end."""

    __hash__ = None


class _Reader(pickle._Unpickler):  # the one in Python: its memo is a dict, so that no index in a file is a size
    dispatch: ClassVar = dict(pickle._Unpickler.dispatch)

    def __init__(self, content: bytes):
        super().__init__(io.BytesIO(content), encoding="bytes")
        self._left = len(content)  # to be encoded: no text of a file is encoded twice

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError
        return self._encoded if name == "encode" else _STAND_INS[module, name]

    def _encoded(self, text: object, *encoding: object) -> bytes:
        self._left -= len(text)
        if self._left < 0:
            raise pickle.UnpicklingError
        return _encoded(text, *encoding)

    def _built(self) -> None:
        if not isinstance(self.stack[-2], (_Type, _Array)):  # others would be changed for all files
            raise pickle.UnpicklingError
        self.load_build()

    dispatch[pickle.BUILD[0]] = _built


def _tupled(load):
    def loaded(reader: _Reader) -> None:
        load(reader)
        reader.stack[-1] = _Tuple(reader.stack[-1])

    return loaded


for _code in (pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3):
    _Reader.dispatch[_code[0]] = _tupled(_Reader.dispatch[_code[0]])


def read(path: Path) -> dict[str, object]:
    """The dict of a pickle: texts, numbers, lists, and arrays of bytes (uint8).

    Raises DataError for a file that holds anything else, is damaged, or is larger than LARGEST_BYTES.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise DataError(f"{path.name} takes {path.stat().st_size:,} bytes, more than the {LARGEST_BYTES:,} allowed")
    content = path.read_bytes()
    _check(path, content)
    try:
        found = _Reader(content).load()
    except Exception:  # whatever a made-up file provokes in the machine: it is no file of arrays
        raise _refused(path) from None
    if not isinstance(found, dict):
        raise _refused(path)
    return {str(_text(name)): _plain(path, value) for name, value in found.items()}


def _check(path: Path, content: bytes) -> None:
    """Every instruction is known before the first is followed."""
    try:
        unknown = {code.name for code, _, _ in pickletools.genops(content)} - _INSTRUCTIONS
    except Exception:
        raise _refused(path) from None
    if unknown:
        raise _refused(path)


def _refused(path: Path) -> DataError:
    return DataError(
        f"{path.name} is a pickle of something else than arrays, lists and texts, or damaged; it was not run: give the "
        "files as they are published, the binary layout, or .npz"
    )


def _plain(path: Path, value: object) -> object:
    if isinstance(value, _Type):
        raise _refused(path)
    return _array(path, value) if isinstance(value, _Array) else value


def _array(path: Path, stood: _Array) -> np.ndarray:
    """The array that a stand-in was given: (version, shape, dtype, is column-major, bytes)."""
    state = stood.state
    if not isinstance(state, tuple) or len(state) != 5:
        raise _refused(path)
    _, shape, kind, by_column, content = state
    sides = isinstance(shape, tuple) and all(type(side) is int and side >= 0 for side in shape)
    known = isinstance(kind, _Type) and _text(kind.name) in ("u1", "|u1")
    if not sides or not known or not isinstance(content, bytes):
        raise _refused(path)
    values = np.frombuffer(content, np.uint8)
    if values.size != int(np.prod([*shape, 1], dtype=object)):
        raise _refused(path)
    try:
        return values.reshape(shape, order="F" if by_column else "C")
    except (ValueError, OverflowError):  # too many sides, or one too long beside one of 0
        raise _refused(path) from None
