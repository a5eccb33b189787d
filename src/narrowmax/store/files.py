"""Files and folders that appear whole or not at all.

Each is made under a temporary name beside its place and renamed when it is complete.  Whatever
stops the making, an error, an interrupt or a full disk, takes the temporary away; after a kill that
nothing survives, `sweep` finds what was left by its name.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from narrowmax.errors import NarrowmaxError, StoreError

_SUFFIX = ".narrowmax-part"
_STALE_SECONDS = 24 * 3600

Owner = str | Callable[[Path], Collection[str]]
"""The name of a file, or a function from a folder to the paths within it, with /, that may be replaced; none where
the folder is not ours."""


@contextmanager
def atomic_write(path: str | os.PathLike, mode: str = "wb", durable: bool = True) -> Iterator[IO]:
    """Yield a file to write; when the block ends well it takes the place of `path`.

    mode: "wb" for bytes, "w" for text (UTF-8, lines end in a line feed on every system)
    durable: wait for the disk, so that a power cut leaves the file or what was there before.  Without it, for
        files that whoever reads them checks, a power cut may leave a torn one; a kill never does
    The folder of `path` is made where it is missing.

    Raises StoreError where it cannot be written; `path` is then as it was.
    """
    path = Path(path)
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    with _place_beside(path) as part:
        with part.open(mode, **text) as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(part, path)
    if durable:
        sweep(path.parent, path.name)


@contextmanager
def atomic_folder(
    path: str | os.PathLike, owned_by: Owner | None = None, as_good: Callable[[Path], bool] | None = None
) -> Iterator[Path]:
    """Yield an empty folder to fill; when the block ends well it takes the place of `path`.

    owned_by: what an older folder of ours is known by; only a folder that is empty or ours is replaced, so that
        nobody's other files are lost.  A file name is enough where nobody else writes, as in a cache; elsewhere
        a function tells the files in the folder that are ours (see `Owner`): all others, such as what a simulator
        left, are there afterwards too

    Raises StoreError where it cannot be written, where `path` holds something else, or a stranger's file where
    one of ours is to be; `path` is then as it was.
    """
    path = Path(path).resolve()  # through a link: the link stays, what it points to is replaced
    _refuse_foreign(path, owned_by)
    with _place_beside(path) as part:
        part.mkdir()
        yield part
        if callable(owned_by):
            _keep_strangers(path, part, owned_by(path))
        _exchange(part, path, as_good or (lambda _: False))
    sweep(path.parent, path.name)  # only now: what a kill left may be all there was


def check_folder(path: str | os.PathLike, owned_by: Owner | None = None) -> None:
    """Refuse now what `atomic_folder` would refuse after long work: a place of other files, or one not writable.

    Raises StoreError.
    """
    path = Path(path).resolve()
    _refuse_foreign(path, owned_by)
    _refuse_unwritable(path)


def check_file(path: str | os.PathLike, inputs: Iterable[str | os.PathLike] = ()) -> None:
    """Refuse now what `atomic_write` would refuse after long work, and a file that is one of the `inputs`.

    Raises StoreError.
    """
    if os.path.isdir(path):
        raise StoreError(f"{path} is a folder where a file is to be written; choose another name")
    if any(os.path.exists(one) and os.path.exists(path) and os.path.samefile(one, path) for one in inputs):
        raise StoreError(f"{path} is read by this command and would be overwritten; choose another file to write")
    _refuse_unwritable(Path(path).resolve())


def _refuse_unwritable(path: Path) -> None:
    nearest = next(folder for folder in path.parents if folder.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        raise StoreError(f"{path} cannot be made, because {nearest} cannot be written to; choose another folder")


def sweep(folder: str | os.PathLike, name: str | None = None) -> int:
    """Remove the temporaries in `folder` (of the file `name` alone) that a killed process left more than a day ago.

    Returns their count.
    """
    pattern = "*" if name is None else f"{glob.escape(name)}.*"
    stale = [path for path in Path(folder).glob(f".{pattern}{_SUFFIX}") if _is_stale(path)]
    for path in stale:
        _remove(path)
    return len(stale)


@contextmanager
def storing(path: str | os.PathLike) -> Iterator[None]:
    """Turn an error of the disk into a StoreError that says, in a sentence, what could not be written.

    An error that names a file elsewhere, one that was read in the block, is not about `path` and passes.
    """
    try:
        yield
    except NarrowmaxError:
        raise
    except OSError as error:
        if error.errno is None or _is_elsewhere(error.filename, Path(path)):
            raise
        raise StoreError(
            f"{path} could not be written ({error.strerror}); free some space or choose another folder"
        ) from error


def _hidden_beside(path: Path) -> Path:
    """A new name, by which `sweep` knows what was left."""
    return path.parent / f".{path.name}.{secrets.token_hex(4)}{_SUFFIX}"


@contextmanager
def _place_beside(path: Path) -> Iterator[Path]:
    part = _hidden_beside(path)
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
        finally:
            _remove(part)  # renamed away by now when all went well


def _is_elsewhere(name: object, path: Path) -> bool:
    if not isinstance(name, (str, os.PathLike)):
        return False  # a write to an open file: the error has no name
    name, path = Path(name).absolute(), path.absolute()
    return not (name.is_relative_to(path.parent) or path.is_relative_to(name))


def _refuse_foreign(path: Path, owned_by: Owner | None) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        raise StoreError(f"{path} is a file where a folder is to be written; choose another name")
    stranger = _stranger_listed(path, owned_by) if callable(owned_by) else _stranger_beside(path, owned_by)
    if stranger:
        raise StoreError(
            f"{path} holds other files, such as {stranger}, which are not overwritten; "
            "choose an empty or new folder, or move them"
        )


def _stranger_listed(path: Path, files_of: Callable[[Path], Collection[str]]) -> str | None:
    """A file in a folder in which none is ours; what Python compiled is nobody's."""
    found = (one for one in _found_in(path) if one.parent.name != "__pycache__" and not _is_folder(one))
    stranger = next(found, None)
    return None if stranger is None or files_of(path) else stranger.relative_to(path).as_posix()


def _found_in(path: Path) -> Iterator[Path]:
    """All that is in a folder, before what is in it.  Raises StoreError for what cannot be looked into."""

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # gone meanwhile, or never there
            name = Path(error.filename).relative_to(path).as_posix()
            raise StoreError(
                f"{path} holds {name}, which cannot be read ({error.strerror}) and so not be kept; move it"
            ) from error

    for folder, folders, files in os.walk(path, onerror=refuse):
        yield from (Path(folder, name) for name in (*folders, *files))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _keep_strangers(path: Path, new: Path, ours: Collection[str]) -> None:
    """What is not ours in the folder at `path`, in the `new` one too: by a second name, so that none is ever lost."""
    made = {parent.as_posix() for name in ours for parent in PurePosixPath(name).parents}
    folders: list[tuple[Path, Path]] = []
    for found in _found_in(path):
        name = found.relative_to(path).as_posix()
        if name in ours or (_is_folder(found) and name in made):
            continue
        place = new / name
        taken = next((one for one in (place, *place.parents) if os.path.lexists(one)), new)
        if not _is_folder(taken) or (taken == place and not _is_folder(found)):
            raise StoreError(
                f"{path} holds {name}, which is not narrowmax's and stands where "
                f"{taken.relative_to(new).as_posix()} is to be written; move it"
            )
        if _is_folder(found):
            place.mkdir(parents=True, exist_ok=True)
            folders.append((found, place))
        else:
            _link(found, place)
    for found, place in reversed(folders):  # only now: a mode may forbid to write in them
        shutil.copystat(found, place)


def _link(found: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(found, place, follow_symlinks=False)
    except (OSError, NotImplementedError):  # a disk or a system without second names
        shutil.copy2(found, place, follow_symlinks=False)


def _stranger_beside(path: Path, mark: str | None) -> str | None:
    """A file in a folder without `mark`; looked at again where another process exchanges the folder meanwhile."""
    while True:
        try:
            before, names, after = path.stat(), os.listdir(path), path.stat()
        except FileNotFoundError:
            return None
        if os.path.samestat(before, after):
            return None if mark in names else min(names, default=None)


_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES)  # the last where Windows finds a folder


def _exchange(new: Path, path: Path, as_good: Callable[[Path], bool]) -> None:
    """Put `new` at `path`, keeping what is there until the very moment, however many processes do the same."""
    aside: list[Path] = []
    try:
        while not _renamed(new, path) and not as_good(path):
            aside.append(_hidden_beside(path))
            with suppress(FileNotFoundError):  # another process has just put it aside
                os.replace(path, aside[-1])
    except BaseException:
        if aside and aside[-1].exists() and not path.exists():
            os.replace(aside[-1], path)
        raise
    for old in aside:
        _remove(old)


def _renamed(new: Path, path: Path) -> bool:
    """Whether `new` could be put at `path`, where no folder may be but an empty one."""
    try:
        os.replace(new, path)
    except OSError as error:
        if error.errno not in _TAKEN or (error.errno == errno.EACCES and not os.path.lexists(path)):
            raise
        return False
    return True


def _is_stale(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > _STALE_SECONDS
    except OSError:
        return False  # gone meanwhile


def _remove(path: Path) -> None:
    """Remove a file or a folder; it is fine if there is none, or if it cannot be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        path.unlink()
    except OSError:
        pass
