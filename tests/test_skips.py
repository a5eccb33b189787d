"""An unexpected skip fails the run; an expected one is printed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def run_a_test(folder: Path, body: str, *options: str) -> subprocess.CompletedProcess:
    """Run one test file beside a copy of this folder's conftest in `folder`, which has no shared data beside it."""
    home = folder / "project" / "tests"
    home.mkdir(parents=True)
    shutil.copy(TESTS / "conftest.py", home)
    (home / "test_one.py").write_text(f"import pytest\n\n{body}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(home)]
    return subprocess.run(command, capture_output=True, text=True, cwd=home)


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_unexpected_skip_fails_the_run(tmp_path, options):
    done = run_a_test(tmp_path, "def test():\n    pytest.skip('no time')", *options)
    assert done.returncode == 1
    assert "ERROR: skipped for a reason that tests/conftest.py does not excuse: no time (1 tests" in done.stdout


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_skip_for_absent_data_passes_and_is_printed(tmp_path, options):
    done = run_a_test(tmp_path, "def test(shared_data):\n    pass", *options)
    assert done.returncode == 0, done.stdout
    assert "skipped: ../shared/data is absent (1 tests" in done.stdout


def test_skip_for_data_that_is_there_fails_the_run(tmp_path):
    (tmp_path / "shared" / "data" / "logits").mkdir(parents=True)
    done = run_a_test(tmp_path, "def test():\n    pytest.skip('../shared/data/logits is absent')")
    assert done.returncode == 1


def test_skip_of_a_whole_module_is_seen(tmp_path):
    done = run_a_test(tmp_path, "pytest.skip('not today', allow_module_level=True)\ndef test():\n    pass")
    assert done.returncode != 0
    assert "does not excuse: not today" in done.stdout
