"""The cache: what was put comes back, and what is damaged in any way counts as absent."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from narrowmax.errors import StoreError
from narrowmax.store import Store, cache, cache_folder


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "cache")


def only_file(store: Store) -> Path:
    (path,) = [path for path in store.folder.rglob("*") if path.is_file()]
    return path


def test_value_comes_back(store):
    key = store.key("cost", "design", {"lanes": 4})
    assert store.get(key) is None
    store.put(key, {"nand2": 12, "delay_ns": float("nan")})
    assert store.get(key) == {"nand2": 12, "delay_ns": None, "delay_ns_reason": "not a number"}
    assert Store(store.folder).get(key) == store.get(key)


def test_what_is_held_is_known_without_being_counted(store):
    key = store.key("cost", 1)
    assert not store.holds(key)
    store.put(key, 5)
    assert store.holds(key) and not Store(store.folder).holds(store.key("cost", 2))
    assert store.hits == store.misses == {}


def test_key_depends_on_kind_and_inputs(store):
    assert len({store.key("a", 1), store.key("a", 2), store.key("b", 1), store.key("a", 1, 1)}) == 4


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/../b", "cost", "A/0123456789", "cost/xyz", ""])
def test_key_that_was_not_made_by_key_is_refused(store, key):
    with pytest.raises(ValueError, match="is no key of a store; make one with Store.key"):
        store.get(key)


def test_nothing_is_no_value(store):
    with pytest.raises(ValueError, match="^None cannot be stored"):
        store.put(store.key("a"), None)


def test_arrays_come_back_with_their_types(store):
    key = store.key("weights", 1)
    assert store.get_arrays(key) is None
    arrays = {"a": np.arange(6, dtype=np.int8).reshape(2, 3), "b": np.array([True]), "c": np.zeros((0, 2), np.float32)}
    store.put_arrays(key, arrays)
    back = store.get_arrays(key)
    assert {name: (a.dtype, a.shape) for name, a in back.items()} == {
        name: (a.dtype, a.shape) for name, a in arrays.items()
    }
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays)


def test_what_is_not_finished_counts_nowhere_and_is_removed(store):
    key = store.key("half", 1)
    assert store.unfinished_arrays(key) is None
    store.remove_arrays(key)
    store.put_arrays(key, {"a": np.arange(3)})
    assert store.unfinished_arrays(key)["a"].tolist() == [0, 1, 2] and not store.hits and not store.misses
    store.remove_arrays(key)
    assert store.get_arrays(key) is None and not [path for path in store.folder.rglob("*") if path.is_file()]


def test_arrays_of_objects_are_refused(store):
    with pytest.raises(TypeError, match="^the array 'a' holds Python objects, which are not stored$"):
        store.put_arrays(store.key("x"), {"a": np.array([{}])})
    assert not store.folder.exists()


def test_pickle_in_the_cache_is_never_executed(store, tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    key = store.key("weights", 1)
    for content in (np.array([Trap()], object), None):
        store.put_arrays(key, {"a": np.zeros(1)})
        if content is None:
            only_file(store).write_bytes(pickle.dumps(Trap()))
        else:
            np.savez(only_file(store), a=content)
        assert store.get_arrays(key) is None
    assert not (tmp_path / "executed").exists()


def test_a_page_that_a_power_cut_left_empty_is_seen(store):
    key = store.key("state", 1)
    store.put_arrays(key, {"a": np.zeros(474), "b": np.arange(3000.0)})
    path = only_file(store)
    whole = path.read_bytes()
    for start in range(0, len(whole), 4096):
        path.write_bytes((whole[:start] + bytes(4096) + whole[start + 4096 :])[: len(whole)])
        assert store.get_arrays(key) is None
    for at in (*range(0, len(whole), 97), *range(len(whole) - 40, len(whole))):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert store.get_arrays(key) is None
    path.write_bytes(whole)
    assert store.get_arrays(key)["b"][-1] == 2999


def test_every_damage_to_a_value_is_seen(store):
    key = store.key("cost", 1)
    store.put(key, {"nand2": 123})
    path = only_file(store)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert store.get(key) is None, at
        path.write_bytes(whole[:at])
        assert store.get(key) is None, at
    path.write_bytes(whole)
    assert store.get(key) == {"nand2": 123}


def test_damage_to_arrays_is_seen(store):
    key = store.key("weights", 1)
    store.put_arrays(key, {"a": np.arange(100)})
    path = only_file(store)
    whole = path.read_bytes()
    for at in range(0, len(whole) - 30, 7):
        path.write_bytes(whole[:at])
        assert store.get_arrays(key) is None, at
    path.write_bytes(whole.replace(np.arange(50, 60).tobytes(), np.arange(60, 70).tobytes()))
    assert store.get_arrays(key) is None


def test_folder_comes_back_and_its_damage_is_seen(store):
    key = store.key("simulator", "unit")
    assert store.get_folder(key) is None
    with store.new_folder(key) as part:
        (part / "obj").mkdir()
        (part / "obj" / "sim.so").write_bytes(b"machine code")
        (part / "note").write_text("x")
    folder = store.get_folder(key)
    assert (folder / "obj" / "sim.so").read_bytes() == b"machine code"
    (folder / "obj" / "sim.so").write_bytes(b"machine c0de")
    assert store.get_folder(key) is None
    (folder / "obj" / "sim.so").unlink()
    assert store.get_folder(key) is None
    assert store.remember_folder("simulator", ["other"], lambda part: (part / "a").touch()).is_dir()


def test_damaged_folder_is_made_again(store):
    def make(part):
        (part / "a").write_text("whole")

    folder = store.remember_folder("simulator", "unit", make)
    (folder / "a").write_text("damaged")
    assert (store.remember_folder("simulator", "unit", make) / "a").read_text() == "whole"


def test_folder_that_another_process_put_meanwhile_stays(store):
    key = store.key("simulator", "unit")
    with store.new_folder(key) as part:
        (part / "a").write_text("mine")
        with store.new_folder(key) as other:
            (other / "a").write_text("theirs")
        in_use = (store.get_folder(key) / "a").stat().st_ino
    assert (store.get_folder(key) / "a").stat().st_ino == in_use
    assert len(list((store.folder / "simulator").iterdir())) == 1


def test_failed_making_leaves_nothing(store):
    with pytest.raises(KeyboardInterrupt):
        with store.new_folder(store.key("simulator", 1)) as part:
            (part / "half").write_text("")
            raise KeyboardInterrupt
    assert list((store.folder / "simulator").iterdir()) == []


def test_remember_makes_once_and_counts(store):
    made = []

    def make():
        made.append(1)
        return {"tuple": (1, 2)}

    assert store.remember("cost", "a", make) == store.remember("cost", "a", make) == {"tuple": [1, 2]}
    assert len(made) == 1
    assert (store.hits, store.misses) == ({}, {"cost": 1})  # what it has put itself is not reused
    later = Store(store.folder)
    later.remember("cost", "a", make)
    assert (later.hits, later.misses) == ({"cost": 1}, {})


def test_cache_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    with pytest.raises(StoreError, match=r"could not be written \((File exists|Not a directory)\); free some space"):
        store.put(store.key("a"), 1)


def test_cache_that_cannot_be_written_is_told_of_once_and_work_goes_on(tmp_path):
    (tmp_path / "file").write_text("")
    told = []
    store = Store(tmp_path / "file", told.append)
    key, folder = store.key("a"), store.key("folder", 1)
    assert store.get(key) is None and told == []
    store.put(key, 1)
    store.put_arrays(store.key("b"), {"a": np.arange(3)})
    made = store.remember_folder("folder", 1, lambda part: (part / "a").write_text("whole"))
    assert store.get(key) == 1 and store.get_arrays(store.key("b"))["a"].tolist() == [0, 1, 2]
    assert store.get_folder(folder) == made and (made / "a").read_text() == "whole" and store.holds(key)
    (sentence,) = told
    assert sentence.startswith(f"results are not kept, because {tmp_path}/file/a could not be written (")
    assert sentence.endswith("; set NARROWMAX_CACHE to a folder that can be written")
    del store
    assert not made.exists()


def test_what_a_cache_that_is_only_read_holds_is_found(store, monkeypatch):
    store.put(store.key("a"), "kept")
    monkeypatch.setattr(cache.tempfile, "TemporaryFile", lambda dir: open(dir / "absent" / "b", "w"))
    later = Store(store.folder, lambda sentence: None)
    later.put(later.key("a", 2), "new")
    assert later.get(store.key("a")) == "kept" and later.get(later.key("a", 2)) == "new"
    later.put(store.key("a"), "newer")
    assert later.get(store.key("a")) == "newer" and store.get(store.key("a")) == "kept"


def test_a_user_without_a_home_has_a_folder_that_cannot_be_written(monkeypatch):
    def none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NARROWMAX_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", none)
    assert cache_folder().is_relative_to("/nonexistent")


def test_clear_removes_everything(store):
    store.put(store.key("a"), 1)
    store.clear()
    store.clear()
    assert store.get(store.key("a")) is None


def test_folder_is_named_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("NARROWMAX_CACHE", str(tmp_path / "named"))
    assert cache_folder() == Store().folder == tmp_path / "named"


def test_folder_is_the_systems_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("NARROWMAX_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "narrowmax"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "narrowmax"


def test_processes_that_put_the_same_do_no_harm(store):
    program = (
        "import sys\nfrom narrowmax.store import Store\nstore = Store(sys.argv[1]); key = store.key('race', 1)\n"
        "for i in range(200):\n    store.put(key, list(range(1000))); assert store.get(key) == list(range(1000))\n"
        "for i in range(20):\n"
        "    with store.new_folder(store.key('folder', 1)) as part: (part / 'a').write_text('same')\n"
    )
    command = [sys.executable, "-c", program, store.folder]
    racers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [racer.communicate()[1] for racer in racers] == [""] * 3
    assert store.get(store.key("race", 1)) == list(range(1000))
    assert (store.get_folder(store.key("folder", 1)) / "a").read_text() == "same"


def test_a_folder_that_cannot_be_begun_is_refused_though_another_is_whole(store, monkeypatch):
    key = store.key("folder", 1)
    with store.new_folder(key) as part:
        (part / "a").write_text("first")

    def no_space(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", lambda self, *given, **named: no_space(self))
    with pytest.raises(StoreError, match="free some space"), store.new_folder(key):
        pytest.fail("there is no folder to fill")


def test_only_the_first_entry_of_a_folder_sweeps_it(store, monkeypatch):
    swept = []
    monkeypatch.setattr(cache, "sweep", swept.append)
    for value in range(3):
        store.put(store.key("a", value), value)
    store.put(store.key("b"), 1)
    assert [folder.name for folder in swept] == ["a", "b"]
