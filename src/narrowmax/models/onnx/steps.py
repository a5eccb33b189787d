"""What a plan is made of: sessions of onnxruntime, and what stands between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.masks import taking_part
from narrowmax.models.onnx.packages import needed
from narrowmax.models.onnx.preparing import Softmax
from narrowmax.models.onnx.reading import first_line
from narrowmax.models.onnx.walking import read_by
from narrowmax.models.sites import Site

Values = dict[str, object]
"""What is known while a network runs: `onnxruntime.OrtValue` by name."""
Offer = Callable[..., np.ndarray | None] | None
"""`(site, x, axis, mask, heads, log)` -> probabilities in place of the softmax's own, or None; None: nobody asks."""

ROUTERS = ("gate", "router")
"""What layers are called that choose among experts."""
_SESSIONS = 8
"""For shapes that are met, at most, before one is made for any shape: shapes may follow from the values."""
_FUSIONS = ["AttentionFusion", "BiasSoftmaxFusion", "GroupQueryAttentionFusion"]
"""Optimisations that would swallow a softmax."""


def session(name: str, content: bytes, threads: int | None = None):
    """A session of onnxruntime that fuses no softmax into another operator.

    name: what messages call it.  Raises DataError for a model that onnxruntime refuses.
    """
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    try:
        return runtime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], disabled_optimizers=_FUSIONS, enable_fallback=0
        )
    except Exception as error:
        raise DataError(
            f"{name} is damaged, cut short or of operators that onnxruntime does not have ({first_line(error)}); "
            "export it again"
        ) from None


def ort_value(array: np.ndarray):
    """An array as onnxruntime takes it."""
    return needed("onnxruntime").OrtValue.ortvalue_from_numpy(np.asarray(array, order="C"))


def array_of(value) -> np.ndarray:
    """A copy of a value: `numpy()` looks into memory that may be freed with the value."""
    return np.array(value.numpy())


def run_session(made, outputs: list[str], given: Values) -> Values:
    """The outputs of a session by name.  Raises DataError where it fails."""
    try:
        return dict(zip(outputs, made.run_with_ort_values(outputs, given), strict=True))
    except Exception as error:
        raise DataError(f"onnxruntime could not run the network: {first_line(error)}; look at its inputs") from None


class Segment:
    """Consecutive nodes, run by a session that is made when the types of its inputs are known.

    model: one with the operators' versions and the network's inputs, but no nodes
    constants: every initialiser it may read, by name
    known: what is known of values, `onnx.ValueInfoProto` by name; a session is optimised by their shapes
    Where the network takes inputs of one shape only, sessions are made for the shapes that are met.
    """

    def __init__(self, model, nodes: list, outputs: list[str], constants: dict, known: dict[str, object]):
        self.nodes, self.outputs = nodes, outputs
        made = {name for node in nodes for name in node.output}
        read = set().union(*(read_by(node) for node in nodes))
        self.constants = [constants[name] for name in sorted(read - made) if name in constants]
        self.inputs = sorted(name for name in read - made if name not in constants)
        self._inside = [known[name] for name in sorted(made - set(outputs)) if name in known]
        self._model, self._shapes = model, {name: shape_of(known[name]) for name in self.inputs if name in known}
        self._fixed = all(isinstance(n, int) for value in model.graph.input for n in shape_of(value) or [None])
        self._sessions: dict[tuple, object] = {}
        self._lock = threading.Lock()

    @property
    def reads(self) -> set[str]:
        return set(self.inputs)

    def run(self, values: Values, offer: Offer, threads: int | None) -> None:
        """Put the outputs into `values`."""
        shapes = [self._shape(name, values[name]) for name in self.inputs]
        key = (threads, *(value is not None and tuple(value) for value in shapes))
        with self._lock:
            if key not in self._sessions:
                self._sessions[key] = session("a part of the network", self._content(values, shapes), threads)
        values.update(run_session(self._sessions[key], self.outputs, {name: values[name] for name in self.inputs}))

    def _content(self, values: Values, shapes: list[list]) -> bytes:
        onnx, helper = needed("onnx"), needed("onnx.helper")
        made = onnx.ModelProto()
        made.CopyFrom(self._model)
        del made.graph.input[:]
        made.graph.node.extend(self.nodes)
        made.graph.initializer.extend(self.constants)
        made.graph.value_info.extend(self._inside)
        for name, shape in zip(self.inputs, shapes, strict=True):
            made.graph.input.append(helper.make_tensor_value_info(name, values[name].element_type(), shape))
        made.graph.output.extend(onnx.ValueInfoProto(name=name) for name in self.outputs)
        return made.SerializeToString()

    def _shape(self, name: str, value) -> list:
        """Dimensions as they are known; any, where they are not those of `value`."""
        if not value.is_tensor():
            raise DataError(f"{name!r} is a {value.data_type()}, which cannot be carried past a softmax; use tensors")
        shape, known = value.shape(), self._shapes.get(name)
        if self._fixed and len(self._sessions) < _SESSIONS:
            return shape
        if known is None or len(known) != len(shape):
            return [None] * len(shape)
        fits = all(k == n for k, n in zip(known, shape, strict=True) if isinstance(k, int))
        return known if fits else [None] * len(shape)


def shape_of(value) -> list | None:
    """Dimensions of a `ValueInfoProto`: numbers, words, or None for any; None where it has no shape."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in kind.shape.dim]


class Offering:
    """A softmax between two segments: shown to all who listen, and run as ever where nobody replaces it.

    A kind of file says how it is run (`alone`) and how its values are read and stored (`real`, `stored`).
    """

    about: Softmax
    output: object

    def run(self, values: Values, offer: Offer, threads: int | None) -> None:
        """Put the probabilities into `values`."""
        got = None if offer is None else self._offered(self.real(values), offer)
        if got is None:
            self.alone(values, offer, threads)
        else:
            values[self.output] = self.stored(got, values)

    def alone(self, values: Values, offer: Offer, threads: int | None) -> None:
        """Put the softmax's own probabilities into `values`."""
        raise NotImplementedError

    def real(self, values: Values) -> np.ndarray:
        """What reaches the softmax, as real values."""
        raise NotImplementedError

    def stored(self, probabilities: np.ndarray, values: Values) -> object:
        """Probabilities as the network carries them on."""
        raise NotImplementedError

    def _offered(self, x: np.ndarray, offer: Offer) -> np.ndarray | None:
        if not x.size:
            return None
        rows, axis = self.rows(x)
        site = self.site(x.ndim)
        heads = x.shape[-3] if site.kind == "attention" and x.ndim >= 4 and axis == -1 else None
        got = offer(site, rows, axis, taking_part(rows), heads, self.about.log)
        return None if got is None else got.reshape(x.shape)

    def rows(self, x: np.ndarray) -> tuple[np.ndarray, int]:
        """`x` and the axis of its rows, counted from the end; (rows, n) where several axes make one row."""
        axis = self.about.axis - x.ndim if self.about.axis >= 0 else self.about.axis
        if not self.about.flattened or axis == -1:
            return x, axis
        return x.reshape(int(np.prod(x.shape[:axis])), -1), -1

    def site(self, axes: int) -> Site:
        """Where it is."""
        return self.site_of(self.about, axes)

    @staticmethod
    def site_of(about: Softmax, axes: int) -> Site:
        """Where a softmax is that gets a value of so many axes; along the last of four it is an attention's."""
        last = about.name.rsplit(".", 1)[-1].lower()
        scores = axes >= 4 and about.axis in (-1, axes - 1)
        attends = about.attends or scores or "att" in last
        kind = "router" if last in ROUTERS else "attention" if attends else "classifier"
        return Site(about.name, kind, about.function)


def codes_of(probabilities: np.ndarray, scale: float, zero: float, dtype: np.dtype) -> np.ndarray:
    """The nearest codes of a quantised tensor, ties to even, saturated."""
    ends = np.iinfo(dtype)
    codes = np.rint(probabilities.astype(np.float64) / scale) + zero
    return np.clip(codes, ends.min, ends.max).astype(dtype)


class SoftmaxStep(Offering):
    """A softmax of an ONNX graph."""

    def __init__(self, model, node, about: Softmax, constants: dict, known: dict[str, object]):
        self.about = about
        self._own = Segment(model, [node], [node.output[0]], constants, known)
        self.input, self.output = node.input[0], node.output[0]
        self.reads = {*self._own.inputs, self.input}

    def alone(self, values: Values, offer: Offer, threads: int | None) -> None:
        self._own.run(values, offer, threads)

    def real(self, values: Values) -> np.ndarray:
        return values[self.input].numpy()

    def stored(self, probabilities: np.ndarray, values: Values) -> object:
        return ort_value(probabilities.astype(self.real(values).dtype, copy=False))


class QuantisedStep(SoftmaxStep):
    """com.microsoft.QLinearSoftmax: codes in and codes out, each with its scale and zero point."""

    def __init__(self, model, node, about: Softmax, constants: dict, known: dict[str, object]):
        super().__init__(model, node, about, constants, known)
        self._scales = [constants.get(name, name) for name in (*node.input[1:], *[""] * (5 - len(node.input)))]

    def real(self, values: Values) -> np.ndarray:
        """Codes times their scale, exact in float64: a product of 8 and 24 bits."""
        scale, zero = self._pair(0, values)
        return (values[self.input].numpy().astype(np.float64) - zero) * scale

    def stored(self, probabilities: np.ndarray, values: Values) -> object:
        return ort_value(codes_of(probabilities, *self._pair(2, values), values[self.input].numpy().dtype))

    def _pair(self, at: int, values: Values) -> tuple[float, float]:
        return self._number(self._scales[at], values), self._number(self._scales[at + 1], values)

    def _number(self, source, values: Values) -> float:
        if isinstance(source, str):
            return float(values[source].numpy().reshape(())) if source else 0.0
        return float(needed("onnx.numpy_helper").to_array(source).reshape(()))


def run(steps: Iterable, values: Values, offer: Offer, threads: int | None, wanted: Iterable[str]) -> None:
    """Run steps one after the other; what no later step reads and nobody wants is let go of."""
    steps = list(steps)
    kept = [set(wanted)]
    for step in reversed(steps):
        kept.append(kept[-1] | step.reads)
    for step, later in zip(steps, reversed(kept[:-1]), strict=True):
        step.run(values, offer, threads)
        for name in [name for name in values if name not in later]:
            del values[name]
