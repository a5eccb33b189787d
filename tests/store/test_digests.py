"""Digests: equal for equal content and for nothing else, the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrowmax.store import code_digest, digest, digests


@dataclass(frozen=True)
class Point:
    x: int
    y: object


@dataclass(frozen=True)
class Other:
    x: int
    y: object


class Colour(Enum):
    RED = 1


DIFFERENT = [
    (),
    (None,),
    (0,),
    (False,),
    (0.0,),
    (-0.0,),
    ("",),
    ("0",),
    (b"",),
    (Fraction(0),),
    ([],),
    ([[]],),
    ({},),
    (set(),),
    ("ab", "c"),
    ("a", "bc"),
    (["a"], "bc"),
    (["a", "bc"],),
    (np.zeros(0),),
    (np.zeros((0, 2)),),
    (np.zeros(2),),
    (np.zeros((1, 2)),),
    (np.zeros((2, 1)),),
    (np.zeros(2, np.float32),),
    (np.zeros(1, np.int64),),
    (np.zeros(8, np.int8),),
    ({"a": 1, "b": 2},),
    ({"a": 2, "b": 1},),
    ({1: "a"},),
    (Point(1, 2),),
    (Point(2, 1),),
    (Other(1, 2),),
    (Colour.RED,),
    (1,),
    (2**200,),
    (float("nan"),),
    (float("inf"),),
]


def test_different_things_have_different_digests():
    digests = [digest(*things) for things in DIFFERENT]
    assert len(set(digests)) == len(DIFFERENT)
    assert {len(text) for text in digests} == {40}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, [2]), [1, (2,)]),
        ({"a": 1, "b": {2, 3}}, {"b": {3, 2}, "a": 1}),
        (np.int8(3), 3),
        (np.float32(0.5), 0.5),
        (np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3))),
        (np.arange(6)[::2], np.array([0, 2, 4])),
        (np.arange(3, dtype=">i4"), np.arange(3, dtype="<i4")),
        (Point(1, np.arange(2)), Point(1, np.arange(2))),
    ],
)
def test_equal_content_has_an_equal_digest(one, other):
    assert digest(one) == digest(other)


lists = st.lists(st.one_of(st.text(), st.integers(), st.binary()))


@given(lists, lists)
def test_digests_are_equal_exactly_when_lists_are(one, other):
    assert (digest(one) == digest(other)) == (one == other)


def test_digest_is_the_same_in_another_process():
    program = "from narrowmax.store import digest; print(digest({'a', 'b', 'c'}, {'x': 1.5}))"
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
        assert done.stdout.strip() == digest({"a", "b", "c"}, {"x": 1.5})


def test_digest_never_changes():
    """Pinned: a change here makes every kept result unreachable."""
    assert digest("a", 1, [2.5, None]) == "11f191bf82ae704f101ddaacefe24c1767b7c502"


@pytest.mark.parametrize("thing", [object(), int, len, np.array([None])])
def test_what_has_no_known_content_is_refused(thing):
    with pytest.raises(TypeError, match=r"^a digest of an? .* is not defined; "):
        digest(thing)


def test_tensors_have_the_digest_of_their_array():
    torch = pytest.importorskip("torch")
    assert digest(torch.arange(3)) == digest(np.arange(3))


def test_code_digest_tells_rooms_apart_and_refuses_unknown_ones():
    assert code_digest("store") == code_digest("store") != code_digest("tools")
    assert code_digest("errors") != code_digest()
    with pytest.raises(ValueError, match="no room 'nowhere'"):
        code_digest("nowhere")


def test_code_digest_takes_no_notice_of_what_python_is_compiling(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "__file__", str(tmp_path / "store" / "digests.py"))
    (tmp_path / "engines" / "__pycache__").mkdir(parents=True)
    (tmp_path / "engines" / "vm.py").write_text("one")
    before = code_digest.__wrapped__("engines")
    (tmp_path / "engines" / "__pycache__" / "vm.cpython-311.pyc.139872").write_text("half")
    assert code_digest.__wrapped__("engines") == before


def test_code_digest_is_of_sources_in_any_language_and_of_nothing_made_from_them(tmp_path, monkeypatch):
    def digest_now():
        return code_digest.__wrapped__("engines")  # not the remembered one

    monkeypatch.setattr(digests, "__file__", str(tmp_path / "store" / "digests.py"))
    native = tmp_path / "engines" / "native"
    native.mkdir(parents=True)
    seen = []
    for name in ("vm.c", "vm.h", "lowering.py"):
        (native / name).write_text("one")
        seen.append(digest_now())
        (native / name).write_text("other")
        seen.append(digest_now())
    assert len(set(seen)) == len(seen)
    for name in ("_native.cpython-311-x86_64-linux-gnu.so", "_native.cp311-win_amd64.pyd", "lowering.cpython-311.pyc"):
        (native / name).write_text("made")
    assert digest_now() == seen[-1]
