from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from narrowmax.cli import run


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code and its two outputs."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> dict:
        """Standard output, which must be one strict JSON object and nothing else."""

        def refuse(word):
            raise AssertionError(f"{word} is not strict JSON")

        made = json.loads(self.out, parse_constant=refuse)
        assert isinstance(made, dict) and made["schema"].startswith("narrowmax/")
        return made


@pytest.fixture
def narrowmax(capsys, monkeypatch, tmp_path):
    """The program, called in an empty folder as from a shell."""
    monkeypatch.chdir(tmp_path)

    def call(*words) -> Said:
        code = run([str(word) for word in words])
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """Logits of 1,500 rows that are mostly right, and their labels."""
    random = np.random.default_rng(7)
    labels = random.integers(0, 10, 1500)
    logits = random.normal(0, 2, (1500, 10)).astype(np.float32)
    logits[np.arange(1500), labels] += 8
    return {"logits": logits, "labels": labels}


@pytest.fixture
def file(tmp_path, arrays):
    """The same in a file."""
    np.savez(tmp_path / "logits.npz", **arrays)
    return "logits.npz"
