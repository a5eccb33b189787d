"""Nodes of an ONNX model, those inside other nodes included, and what they read."""

from __future__ import annotations

from collections.abc import Iterator


def nodes(model) -> Iterator:
    """Every node of a model, those inside other nodes and functions included."""
    yield from nodes_of(model.graph.node)
    for function in model.functions:
        yield from nodes_of(function.node)


def nodes_of(some) -> Iterator:
    """Every node of `some`, each followed by those inside it."""
    for node in some:
        yield node
        for graph in graphs_in(node):
            yield from nodes_of(graph.node)


def graphs_in(node) -> Iterator:
    """The graphs that a node holds: branches of If, bodies of Loop and Scan."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def attributes(node) -> dict[str, object]:
    """The attributes of a node, by name, as Python values."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def read_by(node) -> set[str]:
    """Names of all that a node reads, by the graphs inside it too."""
    found = {name for name in node.input if name}
    return found.union(*(read_from_outside(graph) for graph in graphs_in(node)))


def read_from_outside(graph) -> set[str]:
    """Names of what a graph inside a node takes from the graph around it."""
    own = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    own |= {sparse.values.name for sparse in graph.sparse_initializer}
    found: set[str] = set()
    for node in graph.node:
        found |= read_by(node) - own
        own |= set(node.output)
    return found | {value.name for value in graph.output if value.name not in own}
