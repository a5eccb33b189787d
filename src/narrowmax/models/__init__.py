"""Networks and their data: what reaches their softmaxes, designs inside them, their accuracy.

A name is imported when it is first used: reading a file of logits needs no PyTorch.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "measure": "frameworks",
    "Measurement": "measurement",
    "replace": "frameworks",
    "Replacement": "replacing",
    "Site": "sites",
    "Task": "task",
    "Accuracy": "task",
    "Logits": "task",
    "tasks": "catalogue",
    "read_logits": "files",
    "resolve": "sources",
    "measured": "ranges",
    "evaluator": "evaluators",
    "accuracy": "evaluators",
    "LogitsEvaluator": "evaluators",
    "NetworkEvaluator": "networks",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"narrowmax.models has no {name!r}; it has {', '.join(sorted(_HOMES))}")
    found = getattr(import_module(f"narrowmax.models.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
