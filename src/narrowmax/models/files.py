"""Reading logits from files of others: sizes and shapes are checked first, nothing is executed."""

from __future__ import annotations

import csv
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.stored import NAMES, checked
from narrowmax.models.task import Logits

LARGEST_BYTES = 1 << 31
"""Of one array, and of a text file: what is taken into memory at most."""


def read_logits(path: str | Path) -> Logits:
    """The logits in a `.npz`, `.npy` or `.csv` file (`.parquet`, `.safetensors` with their libraries).

    npz, safetensors: arrays `logits` (..., n), optional `labels mask groups epoch`, others are not
        read; or the integer form `logits_q`, with `scale` and optional `zero_point`:
        logits = scale * (logits_q - zero_point)
    npy: one array of logits
    csv, parquet: a column for each logit in order, optional columns named label (or target), group and epoch
        A first row of a csv is its header where a cell is no number, or where it counts 0, 1, 2, ...; a column
        that counts the rows is refused

    Raises DataError in one sentence for anything that is not such a file: NaN or +inf, nothing in it,
    ragged rows, labels of another length or out of range, no logits, pickles, truncation.
    """
    path = Path(path)
    return checked(path.name, _arrays(path))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise DataError(f"{path.name} is not a file of logits that can be read; give one of {' '.join(_READERS)}")
    return _opened(path, _READERS[suffix], "logits")


def _opened(path: Path, reader: Callable[[Path], dict[str, np.ndarray]], what: str) -> dict[str, np.ndarray]:
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path.name} is empty; give a file with {what} in it")
        return reader(path)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; give the path of a file of {what}") from None
    except OSError as error:
        raise DataError(f"{path.name} could not be read: {error.strerror or error}") from None


def _broken(path: Path) -> DataError:
    return DataError(f"{path.name} is damaged or cut short and cannot be read; make it again")


def _check_size(path: Path, what: str, size: int) -> None:
    if size > LARGEST_BYTES:
        raise DataError(
            f"{what} in {path.name} takes {size:,} bytes, more than the {LARGEST_BYTES:,} allowed; split the file"
        )


# NumPy's own formats.


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """All arrays of a `.npz` file, numbers alone, by name.  Raises DataError as `read_logits`."""
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise DataError(f"{path.name} is no file of named arrays; save the inputs with numpy.savez as FILE.npz")
    return _opened(path, partial(_npz, wanted=None), "arrays")


def _npz(path: Path, wanted: Collection[str] | None = NAMES) -> dict[str, np.ndarray]:
    """wanted: names of the arrays to read, None for all"""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist()]
            if len(set(names)) < len(names) or not all(name.endswith(".npy") for name in names):
                raise DataError(f"{path.name} does not hold NumPy arrays alone; save it again with numpy.savez")
            found = {
                info.filename.removesuffix(".npy"): _member(path, archive, info, wanted) for info in archive.infolist()
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error):
        raise _broken(path) from None
    return {name: array for name, array in found.items() if array is not None}


def _member(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, wanted: Collection[str] | None
) -> np.ndarray | None:
    """One array; None for one whose name means nothing here, of which only the header is read."""
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as stream:
        return _array(path, name, stream, info.file_size, wanted=wanted is None or name in wanted)


def _npy(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as stream:
        return {"logits": _array(path, "logits", stream, path.stat().st_size)}


def _array(path: Path, name: str, stream: BinaryIO, size: int, wanted: bool = True) -> np.ndarray | None:
    """One array, its header believed only where the bytes that follow bear it out."""
    shape, fortran, dtype = _header(path, stream)
    if dtype.hasobject:
        raise DataError(
            f"{name!r} in {path.name} holds Python objects (a pickle), which are never loaded; save plain numbers"
        )
    if not wanted:
        return None
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise DataError(f"{name!r} in {path.name} has type {dtype}; give floats or integers of at most 64 bits")
    length = math.prod(shape) * dtype.itemsize
    _check_size(path, repr(name), length)
    if length > size or min(shape, default=0) < 0:
        raise _broken(path)
    body = stream.read(length)
    if len(body) != length:
        raise _broken(path)
    return np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C")


def _header(path: Path, stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        if np.lib.format.read_magic(stream) == (1, 0):
            return np.lib.format.read_array_header_1_0(stream)
        return np.lib.format.read_array_header_2_0(stream)
    except ValueError:
        raise _broken(path) from None


# Tables and others.


def _csv(path: Path) -> dict[str, np.ndarray]:
    _check_size(path, "the text", path.stat().st_size * 16)  # a row of text takes many times its length
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (UnicodeDecodeError, csv.Error):
        raise _broken(path) from None
    names = [name.strip() for name in rows.pop(0)] if rows and _is_header(rows[0]) else None
    if not rows:
        raise DataError(f"{path.name} is empty; give a file with logits in it")
    width = len(names or rows[0])
    for number, row in enumerate(rows, 2 if names else 1):
        if len(row) != width:
            raise DataError(
                f"row {number} of {path.name} has {len(row)} columns, the first has {width}; give rows of one length"
            )
    return _columns(path, names or [str(k) for k in range(width)], _numbers(path, rows))


def _is_header(cells: list[str]) -> bool:
    """Names, or the numbers of the columns, which pandas writes for those without a name."""
    counted = len(cells) > 1 and [cell.strip() for cell in cells] == [str(k) for k in range(len(cells))]
    return counted or not all(map(_is_number, cells))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(path: Path, rows: list[list[str]]) -> np.ndarray:
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError:
        wrong = next(cell for row in rows for cell in row if not _is_number(cell))
        raise DataError(f"{path.name} holds {wrong!r}, which is no number; give numbers separated by commas") from None


_COLUMNS = {
    "label": "labels", "labels": "labels", "target": "labels", "targets": "labels",
    "group": "groups", "groups": "groups", "epoch": "epoch",
}  # fmt: skip
_INDEX = re.compile(r"|unnamed: \d+|index|__index_level_\d+__")  # as pandas calls the numbers of rows
_COUNTED = 10  # rows from which a column that counts them is taken for no logits


def _columns(path: Path, names: list[str], table: np.ndarray) -> dict[str, np.ndarray]:
    """Columns called label, group and epoch apart; the rest are logits in their order."""
    names = [name.strip().lower() for name in names]
    found: dict[str, np.ndarray] = {}
    for name, column in zip(names, table.T, strict=True):
        if _counts_rows(name, column):
            raise DataError(
                f"the column {name!r} of {path.name} holds the numbers of its rows, which are no logits; "
                "save it without them (in pandas with index=False)"
            )
        if name not in _COLUMNS:
            continue
        if _COLUMNS[name] in found:
            raise DataError(f"{path.name} has two columns of {_COLUMNS[name]}; leave one of them")
        found[_COLUMNS[name]] = column
    for name, column in found.items():
        if not np.array_equal(column, np.round(column)):
            raise DataError(f"the {name} in {path.name} are not whole numbers; give integers")
    logits = table[:, [k for k, name in enumerate(names) if name not in _COLUMNS]]
    return {"logits": logits, **{name: column.astype(np.int64) for name, column in found.items()}}


def _counts_rows(name: str, column: np.ndarray) -> bool:
    counted = len(column) >= _COUNTED and np.array_equal(column, np.arange(len(column)))
    return _INDEX.fullmatch(name) is not None or (counted and name not in _COLUMNS)


def _parquet(path: Path) -> dict[str, np.ndarray]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise _needs(path, "pyarrow") from None
    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            _check_size(path, "the table", 8 * file.metadata.num_rows * len(names))
            table = file.read()
    except ArrowException:
        raise _broken(path) from None
    try:
        columns = [np.asarray(table[name], np.float64) for name in names]
    except (ValueError, TypeError):
        raise DataError(f"{path.name} holds columns that are no numbers; give numbers alone") from None
    return _columns(path, names, np.stack(columns, axis=-1))


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise _needs(path, "safetensors") from None
    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_tensor(name) for name in NAMES if name in file.keys()}
    except (SafetensorError, TypeError):
        raise _broken(path) from None


def _needs(path: Path, package: str) -> DataError:
    return DataError(f"reading {path.name} needs the package {package}; install it, or save the logits as .npz")


_READERS: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
    ".npz": _npz,
    ".npy": _npy,
    ".csv": _csv,
    ".parquet": _parquet,
    ".safetensors": _safetensors,
}
SUFFIXES = tuple(_READERS)
