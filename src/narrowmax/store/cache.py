"""A cache of results by the content they were made from.

An entry appears whole or not at all, so two processes may share a cache without locks and either
may be killed at any time.  Whatever cannot be read back whole counts as absent and is made again.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from narrowmax.errors import DataError
from narrowmax.store import records
from narrowmax.store.digests import digest
from narrowmax.store.files import _remove, atomic_folder, atomic_write, storing, sweep

_CONTENTS = "contents.json"  # in a stored folder: the digest of each other file
_KEY = re.compile(r"[a-z][a-z0-9-]*/[0-9a-f]{8,64}")


def cache_folder() -> Path:
    """$NARROWMAX_CACHE, else the system's place for caches, made or not."""
    if named := os.environ.get("NARROWMAX_CACHE"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or _home()) / "narrowmax" / "cache"
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / "narrowmax"
    return Path(os.environ.get("XDG_CACHE_HOME") or _home() / ".cache") / "narrowmax"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")  # as systems name the home of users who have none


class Store:
    """A cache in a folder, `cache_folder()` unless given.

    Keys come from `Store.key(kind, *inputs)`.  There are three sorts of entries, JSON values, named
    arrays and folders; a key serves one of them.

    lost: told once, in a sentence, where the folder cannot be written; results are then kept elsewhere, until the
        store is gone.  Without it that is a StoreError

    `hits` and `misses` count, by kind, what `get...` found and did not find; what this very object had
    put there itself is no hit.
    """

    def __init__(self, folder: str | os.PathLike | None = None, lost: Callable[[str], None] | None = None):
        self.folder = Path(folder) if folder is not None else cache_folder()
        self.hits: dict[str, int] = {}
        self.misses: dict[str, int] = {}
        self._own: set[str] = set()
        self._swept: set[Path] = set()
        self._lost, self._probed = lost, set()
        self._spare: tempfile.TemporaryDirectory | None = None

    def __repr__(self) -> str:
        return f"Store({str(self.folder)!r})"

    @staticmethod
    def key(kind: str, *inputs: object) -> str:
        """The key of what `kind` (a-z, 0-9, -) makes from `inputs`; see `digest` for what they may be."""
        return f"{kind}/{digest(*inputs)}"

    def get(self, key: str) -> object | None:
        """The JSON value of `key`, or None."""
        return self._counted(key, self._read(key, ".json", _value_of))

    def put(self, key: str, value: object) -> None:
        """Keep `value` (see `records.plain`; None is no value) under `key`.  Raises StoreError."""
        if value is None:
            raise ValueError("None cannot be stored: it is what `get` returns where there is nothing")
        self._write(key, ".json", f"{records.dumps(value)}\n".encode())

    def holds(self, key: str) -> bool:
        """Whether there is something under `key`, which is not read and may be damaged; counted nowhere."""
        return os.path.exists(self._path(key, ".json"))

    def get_arrays(self, key: str) -> dict[str, np.ndarray] | None:
        """The named arrays of `key`, or None."""
        return self._counted(key, self._read(key, ".npz", _arrays_of))

    def unfinished_arrays(self, key: str) -> dict[str, np.ndarray] | None:
        """As `get_arrays`, but counted nowhere: what is not finished is no result."""
        return self._read(key, ".npz", _arrays_of)

    def remove_arrays(self, key: str) -> None:
        """Remove the named arrays of `key`; it is fine if there are none."""
        _remove(self._path(key, ".npz"))

    def put_arrays(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep named arrays, of any dtype but object, under `key`.  Raises StoreError."""
        if bad := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
            raise TypeError(f"the array {bad[0]!r} holds Python objects, which are not stored")
        body = io.BytesIO()
        np.savez(body, **arrays)
        self._write(key, ".npz", body.getvalue())

    def get_folder(self, key: str) -> Path | None:
        """The folder of `key`, every file of it verified, or None.  It is for reading only."""
        path = self._path(key, "")
        return self._counted(key, path if _is_whole(path) else None)

    @contextmanager
    def new_folder(self, key: str) -> Iterator[Path]:
        """Yield an empty folder to fill; at the end of the block it becomes the folder of `key`.

        A whole one that another process has put there meanwhile is the same, may be in use, and stays.
        What is written in it may not hold its own path, which changes.  Raises StoreError.
        """
        path = self._place(key, "")
        self._own.add(key)
        with atomic_folder(path, owned_by=_CONTENTS, as_good=_is_whole) as part:
            yield part
            records.dump(part / _CONTENTS, _contents(part))

    def remember(self, kind: str, inputs: object, make: Callable[[], object]) -> object:
        """The stored JSON value of what `kind` makes from `inputs`, made and kept where there is none.

        What was just made passes through JSON too, so a first run and a second see the same.
        """
        key = self.key(kind, inputs)
        if (value := self.get(key)) is None:
            value = records.plain(make())
            self.put(key, value)
        return value

    def remember_folder(self, kind: str, inputs: object, make: Callable[[Path], None]) -> Path:
        """The stored folder of what `kind` makes from `inputs`; `make` fills a new one where there is none."""
        key = self.key(kind, inputs)
        if (path := self.get_folder(key)) is None:
            with self.new_folder(key) as part:
                make(part)
            path = self._path(key, "")
        return path

    def _path(self, key: str, suffix: str) -> Path:
        """Where an entry is, if there is one."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no key of a store; make one with Store.key")
        kept = self.folder / (key + suffix)
        if self._spare is None:
            return kept
        put = Path(self._spare.name, key + suffix)
        return kept if os.path.exists(kept) and not os.path.exists(put) else put

    def _place(self, key: str, suffix: str) -> Path:
        """Where an entry is to be put."""
        path = self._path(key, suffix)
        if self._lost is not None and self._spare is None and path.parent not in self._probed:
            self._probed.add(path.parent)
            self._probe(path.parent)
        return path if self._spare is None else Path(self._spare.name, key + suffix)

    def _probe(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            self._spare = tempfile.TemporaryDirectory(prefix="narrowmax-", ignore_cleanup_errors=True)
            self._lost(
                f"results are not kept, because {folder} could not be written ({error.strerror or error}); "
                "set NARROWMAX_CACHE to a folder that can be written"
            )

    def _counted(self, key: str, found):
        if found is None or key not in self._own:
            count = self.misses if found is None else self.hits
            kind = key.split("/")[0]
            count[kind] = count.get(kind, 0) + 1
        return found

    def _read(self, key: str, suffix: str, decode: Callable[[bytes], object]):
        try:
            return decode(self._path(key, suffix).read_bytes())
        except (OSError, DataError, zipfile.BadZipFile, EOFError, UnicodeDecodeError, _Corrupt):
            return None

    def _write(self, key: str, suffix: str, body: bytes) -> None:
        path = self._place(key, suffix)
        self._own.add(key)
        with atomic_write(path, durable=False) as file:  # a torn entry fails its sum, and is made again
            file.write(f"{_sum(body)}\n".encode())
            file.write(body)
        if path.parent not in self._swept:  # a search writes thousands of entries into one folder
            self._swept.add(path.parent)
            sweep(path.parent)

    def clear(self) -> None:
        """Remove everything that is stored.  Raises StoreError where that fails."""
        with storing(self.folder):
            for path in self.folder.glob("*") if self.folder.is_dir() else ():
                _remove(path)


class _Corrupt(Exception):
    """An entry that is not what was written."""


def _sum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _body(content: bytes) -> bytes:
    """What stands below its sum."""
    total, _, body = content.partition(b"\n")
    if total.decode() != _sum(body):
        raise _Corrupt
    return body


def _value_of(content: bytes) -> object:
    return records.loads(_body(content).decode())


def _arrays_of(content: bytes) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(_body(content)), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, KeyError) as error:
        raise _Corrupt from error


def _contents(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != _CONTENTS)
    return {file.relative_to(folder).as_posix(): _sum(file.read_bytes()) for file in files}


def _is_whole(folder: Path) -> bool:
    try:
        return records.load(folder / _CONTENTS) == _contents(folder)
    except (OSError, DataError):
        return False
