"""The traps of a source's network or logits."""

from __future__ import annotations

from narrowmax.models.doctor import examining
from narrowmax.models.doctor.findings import as_dicts
from narrowmax.study.sources import Source
from narrowmax.study.work import Work


def doctor(source: Source, work: Work) -> dict:
    """The record of `narrowmax doctor`: `findings`, none for a clean network; `samples` looked at."""
    with work.step("examine"):
        findings, samples = examining.examine(source.thing)
    return work.record("doctor", source=source.text, samples=samples, findings=as_dicts(findings))
