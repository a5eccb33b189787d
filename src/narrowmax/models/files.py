"""Reading logits from files of others: sizes and shapes are checked first, nothing is executed."""

from __future__ import annotations

import csv
import math
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.stored import NAMES, checked
from narrowmax.models.task import Logits

LARGEST_ELEMENTS = 1 << 29
"""Elements of an array that is read at most: 2 GiB of float32."""

SUFFIXES = (".npz", ".npy", ".csv", ".parquet", ".safetensors")


def read_logits(path: str | Path) -> Logits:
    """The logits in a `.npz`, `.npy` or `.csv` file (`.parquet`, `.safetensors` with their libraries).

    npz, safetensors: arrays `logits` (..., n), optional `labels mask groups epoch`; or the integer form
        `logits_q`, with `scale` and optional `zero_point`: logits = scale * (logits_q - zero_point)
    npy: one array of logits.  csv, parquet: a column for each logit, optional columns named `label`, `group`, `epoch`

    Raises DataError in one sentence for anything that is not such a file: NaN or +inf, nothing in it,
    ragged rows, labels of another length or out of range, other arrays, pickles, truncation.
    """
    path = Path(path)
    return checked(path.name, _arrays(path))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    readers = {".npz": _npz, ".npy": _npy, ".csv": _csv, ".parquet": _parquet, ".safetensors": _safetensors}
    if path.suffix not in readers:
        raise DataError(f"{path.name} is not a file of logits that can be read; give one of {', '.join(readers)}.")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path.name} is empty; give a file with logits in it.")
        return readers[path.suffix](path)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; give the path of a file of logits.") from None
    except OSError as error:
        raise DataError(f"{path.name} could not be read: {error.strerror or error}.") from None


# NumPy's own formats.


def _npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            if len(members) != len(archive.infolist()) or not members:
                raise DataError(f"{path.name} does not hold NumPy arrays alone; save it again with numpy.savez.")
            return {info.filename[:-4]: _member(path, archive, info) for info in members}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError, struct.error):
        raise _broken(path) from None


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as stream:
        return _array(path, info.filename[:-4], stream, info.file_size)


def _npy(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as stream:
        return {"logits": _array(path, "logits", stream, path.stat().st_size)}


def _array(path: Path, name: str, stream: BinaryIO, size: int) -> np.ndarray:
    """One array, its header believed only where the bytes that follow bear it out."""
    import zlib

    try:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(stream)
        _check_header(path, name, shape, dtype, size)
        count = math.prod(shape)
        body = stream.read(count * dtype.itemsize)
    except (ValueError, EOFError, zlib.error, zipfile.BadZipFile):
        raise _broken(path) from None
    if len(body) != count * dtype.itemsize:
        raise _broken(path)
    return np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C")


def _check_header(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype, size: int) -> None:
    if dtype.hasobject:
        raise DataError(f"{path.name} holds Python objects (a pickle) in {name!r}, which are never loaded; save plain numbers.")
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise DataError(f"{name!r} in {path.name} has type {dtype}; give floats, integers or booleans of at most 64 bits.")
    if math.prod(shape) > LARGEST_ELEMENTS:
        raise DataError(f"{name!r} in {path.name} claims {math.prod(shape):,} elements, more than the {LARGEST_ELEMENTS:,} allowed; split the file.")
    if math.prod(shape) * dtype.itemsize > size:
        raise _broken(path)


def _broken(path: Path) -> DataError:
    return DataError(f"{path.name} is damaged or cut short and cannot be read; make it again.")


# Tables and others.


def _csv(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (UnicodeDecodeError, csv.Error):
        raise _broken(path) from None
    if not rows:
        raise DataError(f"{path.name} is empty; give a file with logits in it.")
    names = None if _is_number(rows[0][0]) else [name.strip() for name in rows.pop(0)]
    width = len(names or rows[0])
    for number, row in enumerate(rows, 2 if names else 1):
        if len(row) != width:
            raise DataError(f"line {number} of {path.name} has {len(row)} columns where {width} are expected; make all lines of one length.")
    return _columns(path, names or [str(k) for k in range(width)], _numbers(path, rows, width))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(path: Path, rows: list[list[str]], width: int) -> np.ndarray:
    try:
        return np.array(rows, dtype=np.float64).reshape(-1, width)
    except ValueError as error:
        raise DataError(f"{path.name} holds something that is no number ({error}); give numbers separated by commas.") from None


def _columns(path: Path, names: list[str], table: np.ndarray) -> dict[str, np.ndarray]:
    """Columns called label, group and epoch apart, the rest are logits in their order."""
    special = {"label": "labels", "labels": "labels", "group": "groups", "groups": "groups", "epoch": "epoch"}
    found = {special[name]: table[:, k] for k, name in enumerate(names) if name in special}
    for name, column in found.items():
        if not np.array_equal(column, np.round(column)):
            raise DataError(f"the {name} in {path.name} are not whole numbers; give integers.")
    integers = {name: column.astype(np.int64) for name, column in found.items()}
    return {"logits": table[:, [k for k, name in enumerate(names) if name not in special]], **integers}


def _parquet(path: Path) -> dict[str, np.ndarray]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise DataError(f"reading {path.name} needs the package pyarrow; install it, or save the logits as .npz.") from None
    try:
        file = parquet.ParquetFile(path)
        rows, names = file.metadata.num_rows, list(file.schema_arrow.names)
        if rows * len(names) > LARGEST_ELEMENTS:
            raise DataError(f"{path.name} claims {rows * len(names):,} elements, more than the {LARGEST_ELEMENTS:,} allowed; split the file.")
        table = file.read()
        return _columns(path, names, np.stack([np.asarray(table[name], np.float64) for name in names], axis=-1))
    except (ArrowException, ValueError, TypeError):
        raise _broken(path) from None


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise DataError(f"reading {path.name} needs the package safetensors; install it, or save the logits as .npz.") from None
    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError:
        raise _broken(path) from None
