"""What all tests share: a cache of their own, steady Hypothesis settings and random numbers, and no silent skips."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import shutil
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

# Never a person's own cache.  `make` sets it too, so that tests and study share what they train.
os.environ.setdefault("NARROWMAX_CACHE", str(ROOT / ".cache"))

# What the main environment has; TensorFlow and JAX are tested in an environment of their own, by `make test-keras`.
os.environ.setdefault("KERAS_BACKEND", "torch")

# No deadline and no complaint of slow drawing: the cores are shared.  The same examples on every run, so that a failure
# can be repeated.
SLOW = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile(
    "narrowmax", deadline=None, derandomize=True, print_blob=True, suppress_health_check=SLOW
)
hypothesis.settings.load_profile("narrowmax")

_skips: dict[str, list[str]] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item) -> None:
    """Random numbers that nobody has seeded are the same on every run; torch would begin with others each time.

    Nor is anything printed for the width of the terminal in which the tests run.
    """
    os.environ.pop("COLUMNS", None)
    random.seed(0)
    np.random.seed(0)
    if (torch := sys.modules.get("torch")) is not None and hasattr(torch, "manual_seed"):
        torch.manual_seed(0)


def _data_is_absent(match: re.Match) -> bool:
    return not (SHARED_DATA / (match["path"] or "").strip("/.")).exists()


def _program_is_absent(match: re.Match) -> bool:
    names = {"iverilog": ("iverilog", "vvp"), "chromium": ("chromium", "chromium-browser", "google-chrome")}
    found = [shutil.which(name) is not None for name in names[match["program"].lower()]]
    return not (all(found) if match["program"] == "iverilog" else any(found))


def _extension_is_absent(match: re.Match) -> bool:
    names = {"engine": "narrowmax.engines.compiled._native", "counting of rows": "narrowmax.rows._native"}
    return importlib.util.find_spec(names[match["what"]]) is None and not os.environ.get("CI")


# A test may be skipped only for what is known here: the words its reason must hold, and whether what it says is so.
KNOWN = (
    (re.compile(r"shared/data(?P<path>/[\w./-]*)?"), _data_is_absent),
    (re.compile(r"(?P<program>iverilog|chromium)", re.IGNORECASE), _program_is_absent),
    (re.compile(r"the compiled (?P<what>engine|counting of rows) is not built"), _extension_is_absent),
    (re.compile(r"not on (?P<system>win32|darwin)"), lambda match: sys.platform == match["system"]),
)


def is_expected(reason: str) -> bool:
    """Whether a test may be skipped for `reason`: it names a known absence, and that is one here and now."""
    return any(absent(match) for pattern, absent in KNOWN if (match := pattern.search(reason)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder `../shared/data` of real logits, or a skip that says it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is absent")
    return SHARED_DATA


def _note_skip(report) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _skips.setdefault(reason.removeprefix("Skipped: "), []).append(report.nodeid)


def pytest_runtest_logreport(report) -> None:
    _note_skip(report)


def pytest_collectreport(report) -> None:
    _note_skip(report)


def pytest_sessionfinish(session, exitstatus) -> None:
    if exitstatus == pytest.ExitCode.OK and not all(map(is_expected, _skips)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter) -> None:
    for reason, tests in sorted(_skips.items()):
        unknown = "ERROR: skipped for a reason that tests/conftest.py does not excuse"
        word = "skipped" if is_expected(reason) else unknown
        terminalreporter.write_line(f"{word}: {reason} ({len(tests)} tests, such as {tests[0]})")
