"""What the softmaxes of an ONNX graph are called, and which of them weigh the values of an attention."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from narrowmax.models.onnx.walking import graphs_in
from narrowmax.models.sites import NETWORK

_SCOPES = "pkg.torch.onnx.name_scopes"
_THROUGH = ("Cast", "CastLike", "Dropout", "Identity", "Where", "Mul", "QuantizeLinear", "DequantizeLinear", "Reshape")
_PRODUCTS = {"MatMul": (0, 1), "Einsum": (0, 1), "MatMulInteger": (0, 1), "QLinearMatMul": (0, 3)}


def layer(node) -> str:
    """The layer that a node belongs to, as its exporter knew it; its own name where none is told; "" without any."""
    for entry in node.metadata_props:
        if entry.key == _SCOPES and (found := _scope(entry.value)) is not None:
            return found or NETWORK
    return layer_in(node.name)


def layer_in(name: str) -> str:
    """The layer in an operator's path: all but its last part; a name without a path as it is."""
    parts = [part for part in name.split("/") if part]
    if len(parts) < 2:
        return NETWORK if name.startswith("/") else name
    path: list[str] = []
    for part in parts[:-1]:  # the last one is the operator; PyTorch writes /blocks/blocks.0/attn/Softmax
        if path and part.startswith(path[-1] + "."):
            path.pop()
        path.append(part)
    return ".".join(path)


def _scope(text: str) -> str | None:
    """The innermost module of PyTorch's list of scopes, which ends with the operator itself; "" is the network's own
    `forward`, None anything that is no such list."""
    try:
        scopes = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(scopes, list) or len(scopes) < 2 or not all(isinstance(scope, str) for scope in scopes):
        return None
    return scopes[-2]


def distinct(some: Iterable) -> list[str]:
    """A name for each node: its layer, with the node's own name behind it where a layer has several."""
    some = list(some)
    layers = [layer(node) or node.output[0] for node in some]
    often = Counter(layers)
    names = [
        name if often[name] == 1 else f"{name}.{_own(node) or node.output[0]}"
        for name, node in zip(layers, some, strict=True)
    ]
    again: Counter[str] = Counter()
    for at, name in enumerate(names):
        again[name] += 1
        names[at] = name if again[name] == 1 else f"{name}.{again[name]}"
    return names


def _own(node) -> str:
    return re.split(r"[/.]", node.name)[-1]


def attending(graph) -> set[str]:
    """Outputs in `graph` whose values go, as they are or masked or in another type, into a product of two
    computed matrices: what the softmax of an attention does, and a classifier's does not."""
    constant = {tensor.name for tensor in graph.initializer}
    readers = defaultdict(list)
    for node in graph.node:
        if all(name in constant for name in node.input if name) and not any(graphs_in(node)):
            constant.update(node.output)
        for place, name in enumerate(node.input):
            readers[name].append((node, place))
    found: set[str] = set()
    for node in reversed(graph.node):
        if any(_attends(reader, place, constant, found) for name in node.output for reader, place in readers[name]):
            found.update(node.output)
    return found


def _attends(reader, place: int, constant: set[str], found: set[str]) -> bool:
    if reader.op_type in _THROUGH:
        return any(name in found for name in reader.output)
    places = _PRODUCTS.get(reader.op_type, ())
    others = [reader.input[at] for at in places if at != place and at < len(reader.input)]
    return place in places and bool(others) and not any(name in constant for name in others)
