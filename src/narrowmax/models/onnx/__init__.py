"""Networks in ONNX and TFLite files: measured, and with designs in them.

    network = OnnxNetwork("model.onnx")
    with nm.measure(network) as seen:
        network({"input": images})

A name is imported when it is first used; onnx, onnxruntime and ai-edge-litert when a file is opened.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "OnnxNetwork": "network",
    "TfliteNetwork": "tflite_network",
    "export": "exporting",
    "measure": "framework",
    "replace": "framework",
    "is_network": "framework",
    "evaluating": "framework",
    "forward": "framework",
    "weights": "framework",
    "classify": "framework",
    "copied": "framework",
    "doctor": "framework",
    "learn": "framework",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"narrowmax.models.onnx has no {name!r}; it has {', '.join(sorted(_HOMES))}")
    found = getattr(import_module(f"narrowmax.models.onnx.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
