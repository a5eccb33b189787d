"""Networks in ONNX and TFLite files: measured, and with designs in them.

    network = OnnxNetwork("model.onnx")
    with nm.measure(network) as seen:
        network({"input": images})

A name is imported when it is first used; onnx, onnxruntime and ai-edge-litert when a file is opened.
"""

from __future__ import annotations

from narrowmax.models.lazily import named

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
__getattr__ = named(__name__, _HOMES)
