"""Files and folders that appear whole or not at all, whatever stops their making."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import nullcontext

import pytest

from narrowmax.errors import StoreError
from narrowmax.store import atomic_folder, atomic_write, check_folder, sweep


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_bytes_and_text_are_written(tmp_path):
    with atomic_write(tmp_path / "new" / "a.bin") as file:
        file.write(b"\x00\xff")
    with atomic_write(tmp_path / "new" / "a.txt", "w") as file:
        file.write("é\n")
    assert (tmp_path / "new" / "a.bin").read_bytes() == b"\x00\xff"
    assert (tmp_path / "new" / "a.txt").read_bytes() == "é\n".encode()
    assert names(tmp_path / "new") == ["a.bin", "a.txt"]


def test_file_is_replaced_only_at_the_end(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with atomic_write(path, "w") as file:
        file.write("new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_permissions_are_those_of_an_ordinary_file(tmp_path):
    (tmp_path / "ordinary").write_text("")
    with atomic_write(tmp_path / "ours"):
        pass
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "ordinary").stat().st_mode)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError("not ours"), SystemExit])
def test_what_stops_the_writing_leaves_the_old_file_alone(tmp_path, stop):
    (tmp_path / "a").write_text("old")
    with pytest.raises(stop if isinstance(stop, type) else type(stop)):
        with atomic_write(tmp_path / "a", "w") as file:
            file.write("half")
            raise stop
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_full_disk_is_one_sentence_and_leaves_nothing(tmp_path):
    with pytest.raises(StoreError) as caught:
        with atomic_write(tmp_path / "a") as file:
            file.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(caught.value) == (
        f"{tmp_path}/a could not be written (No space left on device); free some space or choose another folder"
    )
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="not on win32")
def test_the_systems_own_limit_on_a_file_is_such_an_error(tmp_path):
    program = (
        "import resource, signal, sys; sys.dont_write_bytecode = True  # or half of it would be kept\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from narrowmax.store import Store\nimport numpy\n"
        "store = Store(sys.argv[1])\n"
        "store.put_arrays(store.key('test'), {'a': numpy.zeros(10**6)})"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True)
    assert "narrowmax.errors.StoreError: " in done.stderr
    assert "could not be written (File too large); free some space" in done.stderr
    assert names(tmp_path / "test") == []


def test_error_about_a_file_elsewhere_is_not_taken_for_ours(tmp_path):
    (tmp_path / "to").mkdir()
    with pytest.raises(FileNotFoundError, match="logits"):
        with atomic_write(tmp_path / "to" / "a"):
            open(tmp_path / "from" / "logits").close()
    assert names(tmp_path / "to") == []


def test_place_that_cannot_be_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/a could not be written \((File exists|Not a directory)\); free some"):
        with atomic_write(tmp_path / "file" / "a"):
            pass


def test_folder_appears_whole(tmp_path):
    with atomic_folder(tmp_path / "rtl") as part:
        (part / "a.v").write_text("module")
        assert not (tmp_path / "rtl").exists()
    assert names(tmp_path) == ["rtl"]
    assert names(tmp_path / "rtl") == ["a.v"]


def test_own_folder_is_replaced_whole(tmp_path):
    for name in ("old.v", "new.v"):
        with atomic_folder(tmp_path / "rtl", owned_by="manifest.json") as part:
            (part / name).write_text("")
            (part / "manifest.json").write_text("")
    assert names(tmp_path / "rtl") == ["manifest.json", "new.v"]
    assert names(tmp_path) == ["rtl"]


def test_interrupt_leaves_the_old_folder_alone(tmp_path):
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "manifest.json").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        with atomic_folder(tmp_path / "rtl", owned_by="manifest.json") as part:
            (part / "half").write_text("")
            raise KeyboardInterrupt
    assert names(tmp_path / "rtl") == ["manifest.json"]
    assert names(tmp_path) == ["rtl"]


def test_folder_of_others_is_not_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError) as caught:
        with atomic_folder(tmp_path / "mine", owned_by="manifest.json"):
            raise AssertionError("not reached")
    assert str(caught.value) == (
        f"{tmp_path}/mine holds other files, such as thesis.tex, which are not overwritten; "
        "choose an empty or new folder, or move them"
    )
    assert names(tmp_path / "mine") == ["thesis.tex"]


@pytest.fixture
def ours(tmp_path):
    """A folder of ours, and the function that tells what in it is."""
    for name in ("list", "rtl/a.v", "gone/b.v"):
        (tmp_path / "built" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "built" / name).write_text("old")
    return tmp_path / "built", lambda folder: ["list", "rtl/a.v", "gone/b.v"] if (folder / "list").is_file() else []


@pytest.mark.parametrize("links", [True, False])
def test_files_of_others_in_a_folder_of_ours_stay(ours, monkeypatch, links):
    folder, owned_by = ours
    for name in ("obj_dir/Vtop.mk", "rtl/__pycache__/a.pyc", "rtl/wave.vcd", "thesis.tex"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
    (folder / "notes").mkdir(mode=0o700)
    (folder / "obj_dir").chmod(0o555)
    (folder / "rtl" / "link").symlink_to("nowhere")
    if not links:
        monkeypatch.setattr(os, "link", lambda *_, **__: os.stat(""))
    check_folder(folder, owned_by=owned_by)
    with atomic_folder(folder, owned_by=owned_by) as part:
        (part / "list").write_text("new")
    left = ["list", "notes", "obj_dir", "obj_dir/Vtop.mk", "rtl", "rtl/__pycache__", "rtl/__pycache__/a.pyc"]
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*")) == [
        *left, "rtl/link", "rtl/wave.vcd", "thesis.tex",
    ]  # fmt: skip
    assert (folder / "list").read_text() == "new" and (folder / "obj_dir/Vtop.mk").read_text() == "mine"
    assert os.readlink(folder / "rtl/link") == "nowhere" and names(folder.parent) == ["built"]
    assert [stat.S_IMODE((folder / name).stat().st_mode) for name in ("notes", "obj_dir")] == [0o700, 0o555]


def test_a_folder_of_others_that_cannot_be_read_is_refused(ours, monkeypatch):
    folder, owned_by = ours
    (folder / "waves").mkdir()
    (folder / "waves" / "mine").write_text("mine")
    scandir = os.scandir

    def forbidden(place):
        if str(place) == str(folder / "waves"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(place))
        return scandir(place)

    with pytest.raises(StoreError) as caught, atomic_folder(folder, owned_by=owned_by) as part:
        (part / "list").write_text("new")
        monkeypatch.setattr(os, "scandir", forbidden)
    monkeypatch.undo()
    assert str(caught.value) == (
        f"{folder} holds waves, which cannot be read (Permission denied) and so not be kept; move it"
    )
    assert (folder / "waves" / "mine").read_text() == "mine" and (folder / "list").read_text() == "old"


@pytest.mark.parametrize(
    ("stranger", "written"), [("bench", "bench/tb.v"), ("rtl/new.v", "rtl/new.v"), ("new/x", "new")]
)
def test_a_file_of_others_where_one_of_ours_is_to_be_is_refused(ours, stranger, written):
    folder, owned_by = ours
    (folder / stranger).parent.mkdir(exist_ok=True)
    (folder / stranger).write_text("mine")
    where = "bench" if stranger == "bench" else written
    with pytest.raises(StoreError) as caught, atomic_folder(folder, owned_by=owned_by) as part:
        (part / written).parent.mkdir(exist_ok=True)
        (part / written).write_text("new")
    found = stranger if stranger != "new/x" else "new"
    assert str(caught.value) == (
        f"{folder} holds {found}, which is not narrowmax's and stands where {where} is to be written; move it"
    )
    assert (folder / stranger).read_text() == "mine" and (folder / "list").read_text() == "old"
    assert names(folder.parent) == ["built"]


def test_files_of_others_and_none_of_ours_are_refused(ours):
    folder, owned_by = ours
    (folder / "list").unlink()
    for refusing in (check_folder, lambda *_, **given: atomic_folder(folder, **given).__enter__()):
        with pytest.raises(StoreError, match=f"^{folder} holds other files, such as (rtl/a|gone/b).v, which are not"):
            refusing(folder, owned_by=owned_by)


def test_file_where_a_folder_is_to_be_is_refused(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(StoreError, match=r"a is a file where a folder is to be written; choose another name$"):
        with atomic_folder(tmp_path / "a"):
            raise AssertionError("not reached")


@pytest.mark.skipif(sys.platform == "win32", reason="not on win32")
def test_kill_leaves_the_old_file_and_what_sweep_finds(tmp_path):
    (tmp_path / "a").write_text("old")
    program = (
        "import os, signal, sys\nfrom narrowmax.store import atomic_write\n"
        "with atomic_write(sys.argv[1]) as file:\n    file.write(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", program, tmp_path / "a"]).returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_text() == "old"
    (left,) = set(tmp_path.iterdir()) - {tmp_path / "a"}
    assert sweep(tmp_path) == 0  # another process may be writing it
    os.utime(left, (time.time() - 10**5,) * 2)
    assert sweep(tmp_path) == 1
    assert names(tmp_path) == ["a"]


def test_folder_that_could_not_be_made_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    for place in ("file", "full"):
        with pytest.raises(StoreError, match="is a file where a folder is|holds other files"):
            check_folder(tmp_path / place, owned_by="manifest.json")
    with pytest.raises(StoreError, match="cannot be made, because .*file cannot be written to; choose another folder"):
        check_folder(tmp_path / "file" / "below")


def test_folder_that_can_be_made_is_not_made_yet(tmp_path):
    check_folder(tmp_path / "new" / "deep")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "manifest.json").write_text("")
    check_folder(tmp_path / "full", owned_by="manifest.json")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_folder_that_is_exchanged_while_it_is_looked_at_is_not_foreign(tmp_path, monkeypatch):
    ours, other, listed = tmp_path / "ours", tmp_path / "other", os.listdir
    for folder in (ours, other):
        folder.mkdir()
        (folder / "contents").write_text("")

    def exchanging(path):
        monkeypatch.setattr(os, "listdir", listed)
        ours.rename(tmp_path / "old")
        other.rename(ours)
        return ["a file that is being removed"]

    monkeypatch.setattr(os, "listdir", exchanging)
    check_folder(ours, owned_by="contents")
    monkeypatch.setattr(os, "listdir", lambda path: ["a file of somebody"])
    with pytest.raises(StoreError, match="holds other files"):
        check_folder(ours, owned_by="contents")


def test_whoever_checks_a_file_need_not_wait_for_the_disk(tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(os, "fsync", waited.append)
    for durable in (True, False):
        with atomic_write(tmp_path / "made", "w", durable) as file:
            file.write("whole")
    assert (tmp_path / "made").read_text() == "whole" and len(waited) == 1


@pytest.mark.parametrize("durable", [True, False])
def test_what_a_kill_left_beside_an_output_goes_with_the_next(tmp_path, durable):
    def left():
        for name in (".out[1].0000.narrowmax-part", ".other.0000.narrowmax-part", ".out[1].1111.narrowmax-part"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "half").write_text("")
            if "1111" not in name:
                os.utime(tmp_path / name, (time.time() - 10**5,) * 2)

    left()
    with atomic_write(tmp_path / "out[1]", durable=durable):
        pass
    kept = [".other.0000.narrowmax-part", ".out[1].1111.narrowmax-part", "out[1]"]
    assert names(tmp_path) == sorted(kept if durable else [*kept, ".out[1].0000.narrowmax-part"])


def test_what_a_kill_left_beside_a_folder_goes_with_the_next_that_is_whole(tmp_path):
    left = tmp_path / ".rtl.0000.narrowmax-part"
    left.mkdir()
    os.utime(left, (time.time() - 10**5,) * 2)
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "rtl"):
        raise KeyboardInterrupt
    assert left.exists()
    with atomic_folder(tmp_path / "rtl"):
        pass
    assert names(tmp_path) == ["rtl"]


def test_a_folder_is_exchanged_however_often_another_process_is_quicker(tmp_path, monkeypatch):
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "a").write_text("old")
    quicker, replace = iter(range(3)), os.replace

    def hurried(source, target):
        replace(source, target)
        if ".rtl." in os.fspath(target) and next(quicker, None) is not None:
            (tmp_path / "rtl").mkdir()  # in the moment between the two renamings
            (tmp_path / "rtl" / "b").write_text("another's")

    monkeypatch.setattr(os, "replace", hurried)
    with atomic_folder(tmp_path / "rtl", owned_by="a") as part:
        (part / "a").write_text("new")
    assert {path.name: path.read_text() for path in (tmp_path / "rtl").iterdir()} == {"a": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["rtl"]


@pytest.mark.parametrize("there", [True, False])
def test_a_place_that_may_not_be_written_is_no_folder_to_be_put_aside(tmp_path, monkeypatch, there):
    """Windows calls it forbidden where a folder is, and everybody where nothing is."""
    if there:
        (tmp_path / "rtl").mkdir()
        (tmp_path / "rtl" / "a").write_text("old")
    replace = os.replace

    def forbidden(source, target):
        if target == tmp_path / "rtl" and (not there or target.exists()):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(source))
        replace(source, target)

    monkeypatch.setattr(os, "replace", forbidden)
    refused = nullcontext() if there else pytest.raises(StoreError, match="rtl could not be written .Permission denied")
    with refused, atomic_folder(tmp_path / "rtl", owned_by="a") as part:
        (part / "a").write_text("new")
    assert names(tmp_path) == ["rtl"] * there
    assert not there or (tmp_path / "rtl" / "a").read_text() == "new"
