"""The packages that ONNX and TFLite files need, imported when used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from narrowmax.errors import ToolMissing

_PIP = {"onnx": "onnx", "onnxruntime": "onnxruntime", "ai_edge_litert": "ai-edge-litert", "flatbuffers": "flatbuffers"}


def needed(module: str) -> ModuleType:
    """The module of that name.  Raises ToolMissing, with the command that installs it."""
    package = module.split(".")[0]
    try:
        return import_module(module)
    except ImportError:
        raise ToolMissing(
            f"the package {_PIP[package]} was not found, and networks in such files need it; "
            f"run pip install {_PIP[package]}"
        ) from None
