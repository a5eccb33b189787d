"""`OnnxNetwork`: a network in an ONNX file, run by onnxruntime."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.onnx.cutting import Cutter, nodes_for, shapes
from narrowmax.models.onnx.inputs import Declared, fed
from narrowmax.models.onnx.listening import Listened
from narrowmax.models.onnx.packages import needed
from narrowmax.models.onnx.preparing import is_softmax, prepared, refuse_hidden
from narrowmax.models.onnx.reading import read
from narrowmax.models.onnx.steps import array_of, ort_value, run_session, session, shape_of
from narrowmax.models.onnx.walking import nodes_of
from narrowmax.models.sites import Site

_KEEPING = (
    "Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Dropout", "QuantizeLinear", "DequantizeLinear",
)  # fmt: skip
"""What may stand between a last softmax and an output."""


class OnnxNetwork(Listened):
    """A network in an ONNX file, opset 7 to the newest that onnxruntime runs.

        network = OnnxNetwork("model.onnx")
        logits = network({"input": images})        # or network(images); the first output, a NumPy array
        outputs = network.run(images)              # all outputs by name

    `inputs` and `outputs` describe what goes in and comes out; `threads` are onnxruntime's (None: one a core);
    `softmaxes` are those that can be seen, in the order of the file.
    A network runs in parts, cut at each softmax, so that it gives the same bits whether it is measured or not;
    functions and Attention operators are written out.  What runs between two softmaxes is optimised as ever.  From
    the file run whole it differs, if at all, by float32 rounding where onnxruntime optimises across a softmax.

    Raises DataError for a file that is no such network, ToolMissing without onnx and onnxruntime.
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self.name, self.threads = Path(path).name, None
        self.classifier: Site | None = None  # the last softmax, where its input is given in the place of its output
        model = read(path)
        checked = session(self.name, model.SerializeToString())
        self._take(*prepared(model))
        if self._uncut and self._model is model:
            self._sessions[None] = checked

    def _take(self, model, softmaxes: list) -> None:
        constant = {tensor.name for tensor in model.graph.initializer}
        self._model, self.softmaxes = model, softmaxes
        self.inputs = [_declared(self.name, value) for value in model.graph.input if value.name not in constant]
        self.outputs = [value.name for value in model.graph.output]
        self._sessions: dict[int | None, object] = {}
        try:
            self._plan, self._uncut = Cutter(model, softmaxes).plan(self.outputs), ""
        except DataError as error:  # it runs whole, as long as nobody listens
            self._plan, self._uncut = None, str(error)

    def __call__(self, *args, **named) -> np.ndarray:
        """The first output for one batch: a dict of arrays by name, arrays by place, or arrays by keyword."""
        return next(iter(self.run(*args, **named).values()))

    def run(self, *args, **named) -> dict[str, np.ndarray]:
        """All outputs by name, in the file's order; inputs as in a call.

        Raises DataError for inputs that the network does not take.
        """
        values = {name: ort_value(array) for name, array in fed(self.name, self.inputs, args, named).items()}
        found = self._whole(values) if self._uncut else self._plan.run(values, self.offering, self.threads)
        return {name: array_of(found[name]) for name in self.outputs}

    def _whole(self, values: dict) -> dict:
        if self.threads not in self._sessions:
            self._sessions[self.threads] = session(self.name, self._model.SerializeToString(), self.threads)
        return run_session(self._sessions[self.threads], self.outputs, values)

    @property
    def model(self):
        """The network as an `onnx.ModelProto`, functions and Attention written out; not to be changed."""
        return self._model

    def known(self) -> dict[str, object]:
        """Types and shapes of values by name, as far as they are known without running."""
        return shapes(self._model)

    def check_seen(self) -> None:
        """Raises DataError where an operator hides a softmax, or one cannot be cut out."""
        refuse_hidden(self.name, self._model)
        if self._uncut:
            raise DataError(self._uncut)

    def of_logits(self) -> OnnxNetwork:
        """The network without the softmax that makes its first output, whose input it gives; itself without one.

        Such a softmax is named by `classifier` and applied by those who judge the logits.
        """
        producers = {name: node for node in self._model.graph.node for name in node.output}
        node = producers.get(self.outputs[0])
        while node is not None and node.op_type in _KEEPING:
            node = producers.get(node.input[0])
        if node is None or not is_softmax(node) or node.domain == "com.microsoft":
            return self
        found = [one for one in nodes_of(self._model.graph.node) if is_softmax(one)]
        about = self.softmaxes[[one.output[0] for one in found].index(node.output[0])]
        return self._without(node, about)

    def _without(self, node, about) -> OnnxNetwork:
        made = _rows_last(self.name, about, self.known().get(node.input[0]), node.input[0])
        output = made.output[0] if made else node.input[0]
        onnx, kept = needed("onnx"), copy.deepcopy(self)
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        del model.graph.node[:]
        model.graph.node.extend(nodes_for(self._model.graph, [node.input[0]]))
        model.graph.node.extend([made] if made else [])
        del model.graph.output[:]
        model.graph.output.append(onnx.ValueInfoProto(name=output))
        kept.classifier = Site(about.name, "classifier", about.function)
        kept._take(model, [other for other in self.softmaxes if other.name != about.name])
        return kept

    def digest(self) -> bytes:
        """SHA-256 of the network: operators, weights and outputs."""
        return hashlib.sha256(self._model.SerializeToString(deterministic=True)).digest()

    def __repr__(self) -> str:
        opset = next((entry.version for entry in self._model.opset_import if entry.domain in ("", "ai.onnx")), "none")
        return f"OnnxNetwork({self.name!r}: opset {opset}, {len(self.softmaxes)} softmaxes)"


def _rows_last(file: str, about, value, name: str):
    """The node that brings the axis of a softmax to the end, where rows are judged; None where it is there."""
    if about.axis == -1:
        return None
    shape = None if value is None else shape_of(value)
    if shape is None:
        raise DataError(
            f"the last softmax of {file} is along axis {about.axis} of a value of unknown shape; export the network "
            "with shapes, or run onnx.shape_inference on it"
        )
    axis, made = about.axis % len(shape), f"{name}/rows"
    if axis == len(shape) - 1:
        return None
    if about.flattened:
        return needed("onnx.helper").make_node("Flatten", [name], [made], axis=axis)
    order = [*(k for k in range(len(shape)) if k != axis), axis]
    return needed("onnx.helper").make_node("Transpose", [name], [made], perm=order)


def _declared(name: str, value) -> Declared:
    """An input as the file has it.  Raises DataError for one that is no tensor of numbers."""
    kind = value.type.tensor_type
    try:
        dtype = needed("onnx.helper").tensor_dtype_to_np_dtype(kind.elem_type)
    except (KeyError, ValueError):
        dtype = np.dtype(object)
    if dtype.kind not in "fiub":
        raise DataError(f"the input {value.name!r} of {name} is no tensor of numbers; export the network with one")
    shape = shape_of(value)
    return Declared(value.name, dtype, shape and tuple(n if isinstance(n, int) else None for n in shape))
