"""Output in encodings that do not hold what is printed, and names of files that are no text."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = "import sys; from narrowmax.cli import run; sys.exit(run(sys.argv[1:]))"


def called(tmp_path, encoding: str, *words) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run([sys.executable, "-c", PROGRAM, *words], cwd=tmp_path, env=environment, capture_output=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict:
    said = called(tmp_path_factory.mktemp("utf-8"), "utf-8", "designs", "softermax", "--json")
    return json.loads(said.stdout.decode())


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_what_an_encoding_lacks_stops_nothing(tmp_path, whole, encoding):
    said = called(tmp_path, encoding, "designs", "softermax")
    assert (said.returncode, said.stderr) == (0, b"") and b"softermax" in said.stdout
    said = called(tmp_path, encoding, "designs", "softermax", "--json")
    assert json.loads(said.stdout.decode("ascii"))["architectures"] == whole["architectures"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason=f"not on {sys.platform}")
def test_a_name_that_is_no_text(tmp_path, file):
    name = b"b\xffd.npz"
    os.rename(tmp_path / file, os.fsencode(tmp_path) + b"/" + name)
    for encoding in ("utf-8", "ascii", "utf-8:surrogateescape"):
        said = called(tmp_path, encoding, "measure", name)
        assert (said.returncode, said.stderr) == (0, b"") and said.stdout
        said = called(tmp_path, encoding, "measure", name, "--json")
        assert json.loads(said.stdout.decode())["source"] == "b\ufffdd.npz"
    said = called(
        tmp_path, "utf-8", "simulate", name, "--design", "softermax", "--save", b"o\xff.npz", "--out", b"\xfe"
    )
    assert (said.returncode, said.stderr) == (0, b"")
    assert os.path.exists(os.fsencode(tmp_path) + b"/\xfe/record.json")
