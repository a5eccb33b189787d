"""A graph as a plan: sessions cut at each softmax, so that anything can be done between them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from narrowmax.errors import DataError
from narrowmax.models.onnx.branching import IfStep, LoopStep
from narrowmax.models.onnx.packages import needed
from narrowmax.models.onnx.preparing import QUANTISED, Softmax, is_softmax
from narrowmax.models.onnx.steps import QuantisedStep, Segment, SoftmaxStep, Values, ort_value, run
from narrowmax.models.onnx.walking import graphs_in, nodes_of, read_by

_RANDOM = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli"}


@dataclass(frozen=True)
class Plan:
    """Steps in order; `outputs` are there once all have run, `constants` are outputs that no node makes."""

    steps: list
    outputs: list[str]
    constants: dict

    @property
    def reads(self) -> set[str]:
        """What it takes from around it."""
        made: set[str] = set()
        found: set[str] = set()
        for step in self.steps:
            found |= step.reads - made
            made |= set(step.outputs if hasattr(step, "outputs") else [step.output])
        return (found | (set(self.outputs) - made)) - set(self.constants)

    def run(self, values: Values, offer, threads: int | None) -> Values:
        """The outputs; `values` holds the inputs and is used up."""
        values.update({name: ort_value(array) for name, array in self.constants.items()})
        run(self.steps, values, offer, threads, self.outputs)
        return values


class Cutter:
    """Makes plans of a prepared model; `softmaxes` are its softmaxes in the order of the nodes."""

    def __init__(self, model, softmaxes: list[Softmax]):
        onnx = needed("onnx")
        self._graph = model.graph
        found = [node for node in nodes_of(model.graph.node) if is_softmax(node)]
        self._about = {id(node): about for node, about in zip(found, softmaxes, strict=True)}
        self._nodes = found  # kept, since they are known by their identity
        self._empty = onnx.ModelProto(ir_version=model.ir_version)
        self._empty.opset_import.extend(model.opset_import)
        self._empty.graph.name = "part"
        self._empty.graph.input.extend(model.graph.input)
        self._shapes = shapes(model)

    def plan(self, outputs: list[str]) -> Plan:
        """The plan that gives `outputs`, values of the outermost graph."""
        return self._plan(self._graph, outputs, {})

    def _plan(self, graph, outputs: list[str], around: dict) -> Plan:
        constants = around | {tensor.name: tensor for tensor in graph.initializer}
        nodes = nodes_for(graph, outputs)
        fixed = [node for node in _fixed(nodes, set(constants)) if not self._is_cut(node)]
        levels, cut = self._levels([node for node in nodes if not any(node is other for other in fixed)])
        read_apart = set(outputs).union(*(read_by(node) for some in cut.values() for node in some))
        if apart := _cone(fixed, read_apart):
            levels[0] = [*apart, *levels.get(0, ())]
        read_later = _readers(levels, cut, outputs)
        steps = []
        for level in range(max([*levels, *cut], default=-1) + 1):
            if own := levels.get(level):
                wanted = [name for node in own for name in node.output if name and name in read_later[level]]
                steps.append(Segment(self._empty, _with_cone(own, fixed), wanted, constants, self._shapes))
            steps += [self._step(node, constants) for node in cut.get(level, ())]
        to_array = needed("onnx.numpy_helper").to_array
        read = set(outputs).union(*(step.reads for step in steps))
        return Plan(steps, outputs, {name: to_array(constants[name]) for name in read if name in constants})

    def _levels(self, nodes: list) -> tuple[dict[int, list], dict[int, list]]:
        """Nodes by how many cuts lie before them: those that run together, and those that are cut out."""
        level_of: dict[str, int] = {}
        together, cut = defaultdict(list), defaultdict(list)
        for node in nodes:
            level = max((level_of.get(name, 0) for name in read_by(node)), default=0)
            apart = self._is_cut(node)
            (cut if apart else together)[level].append(node)
            level_of.update(dict.fromkeys(node.output, level + 1 if apart else level))
        return together, cut

    def _is_cut(self, node) -> bool:
        return is_softmax(node) or any(is_softmax(inner) for inner in nodes_of([node]))

    def _step(self, node, constants: dict):
        if is_softmax(node):
            kind = QuantisedStep if node.op_type == QUANTISED else SoftmaxStep
            return kind(self._empty, node, self._about[id(node)], constants, self._shapes)
        plans = [
            (graph, self._plan(graph, [value.name for value in graph.output], constants)) for graph in graphs_in(node)
        ]
        if node.op_type == "If":
            return IfStep(node, dict(zip([a.name for a in node.attribute if a.HasField("g")], plans, strict=True)))
        if node.op_type == "Loop":
            return LoopStep(node, *plans[0])
        inside = next(self._about[id(inner)].name for inner in nodes_of([node]) if is_softmax(inner))
        raise DataError(
            f"the softmax {inside} is inside of a {node.op_type} node, which cannot be cut; export the network with "
            "that loop unrolled"
        )


def nodes_for(graph, outputs: list[str]) -> list:
    """The nodes that `outputs` depend on, in order."""
    wanted, found = set(outputs), []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            found.append(node)
            wanted |= read_by(node)
    return found[::-1]


def _fixed(nodes: list, constants: set[str]) -> list:
    """Nodes that give the same on every run, in order: constants, and what is computed of them alone."""
    known, found = set(constants), []
    for node in nodes:
        if (
            node.op_type not in _RANDOM
            and not any(graphs_in(node))
            and all(name in known for name in node.input if name)
        ):
            found.append(node)
            known.update(node.output)
    return found


def _cone(fixed: list, read: set[str]) -> list:
    """Those of `fixed` that `read` depends on, in order."""
    wanted, found = set(read), []
    for node in reversed(fixed):
        if wanted.intersection(node.output):
            found.append(node)
            wanted.update(node.input)
    return found[::-1]


def _with_cone(own: list, fixed: list) -> list:
    """`own`, with copies of the fixed nodes that they read: a part is optimised well if it knows its constants."""
    made = {name for node in own for name in node.output}
    cone = _cone(fixed, set().union(*(read_by(node) for node in own)) - made)
    return [node for node in cone if not made.intersection(node.output)] + own


def _readers(levels: dict, cut: dict, outputs: list[str]) -> dict[int, set[str]]:
    """By level, the names that are read after the nodes that run together there."""
    found, later = {}, set(outputs)
    for level in range(max([*levels, *cut], default=-1), -1, -1):
        later = later.union(*(read_by(node) for node in cut.get(level, ())))
        found[level] = later
        later = later.union(*(read_by(node) for node in levels.get(level, ())))
    return found


def shapes(model) -> dict[str, object]:
    """What is known of the types and shapes of values, by name: what the exporter says, and what follows from it."""
    onnx = needed("onnx")
    try:
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception:  # without it the parts run as well, only less well optimised
        pass
    graph = model.graph
    return {value.name: value for value in (*graph.output, *graph.input, *graph.value_info)}
