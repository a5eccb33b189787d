"""What `simulate` prints of metrics besides top-1."""

from __future__ import annotations

import numpy as np
import pytest

DESIGN = "ideal(input=Q3.1, output=UQ0.6)"


@pytest.fixture
def file(tmp_path):
    random = np.random.default_rng(0)
    logits, labels = random.normal(0, 3, (200, 8)).astype(np.float32), random.integers(0, 8, 200)
    np.savez(tmp_path / "rows.npz", logits=logits, labels=labels)
    np.savez(tmp_path / "bare.npz", logits=logits)
    return tmp_path / "rows.npz"


def test_a_classifier_has_its_top_5_and_its_calibration(narrowmax, file):
    printed = narrowmax("simulate", str(file), "--design", DESIGN).out
    record = narrowmax("simulate", str(file), "--design", DESIGN, "--json").record
    for name in ("top-5 lost", "NLL lost", "calibration error"):
        assert sum(line.startswith(name) for line in printed.splitlines()) == 1
    assert f"{100 * record['calibration']['float']:.2f}" in printed
    assert "perplexity" not in printed


def test_rows_without_labels_have_none(narrowmax, file):
    printed = narrowmax("simulate", str(file.with_name("bare.npz")), "--design", DESIGN).out
    assert "lost" not in printed and "calibration" not in printed


def test_a_language_model_has_a_perplexity(narrowmax, tmp_path):
    (tmp_path / "a.txt").write_text("the quick brown fox jumps over the lazy dog. " * 100)
    source = f"text-gpt(epochs=1, width=12, length=16):{tmp_path / 'a.txt'}"
    printed = narrowmax("simulate", source, "--design", DESIGN).out
    assert "perplexity" in printed and "error lost" in printed and "calibration" not in printed
