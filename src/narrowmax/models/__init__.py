"""Networks and their data: what reaches their softmaxes, designs inside them, their accuracy.

A name is imported when it is first used: reading a file of logits needs no PyTorch.
"""

from __future__ import annotations

from narrowmax.models.lazily import named

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
__getattr__ = named(__name__, _HOMES)
