"""What the README says is so: its example runs, its table is what the code prints, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from narrowmax.store import load

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/index.md")]


def results_module():
    spec = importlib.util.spec_from_file_location("results", ROOT / "docs" / "results.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_example_runs_and_is_short(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 20
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_table_is_what_the_code_prints():
    results = results_module()
    assert results.placed(README, results.table(load(results.RESULTS))) == README


def test_table_that_was_changed_by_hand_is_seen():
    results = results_module()
    drawn = results.table(load(results.RESULTS))
    changed = README.replace(drawn, drawn.replace("samples that judged it", "samples"))
    assert changed != README
    assert results.placed(changed, drawn) == README


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_somewhere(document):
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_commands_of_make_are_there():
    makefile = (ROOT / "Makefile").read_text()
    text = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)[`\s]", text)) | set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE))
    assert named >= {"study", "test", "readme", "lock"}
    assert [target for target in named if not re.search(rf"^{target}( [a-z-]+)*:", makefile, re.MULTILINE)] == []
