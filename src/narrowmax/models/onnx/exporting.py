"""`export`: a number format at the inputs of softmaxes, written into an ONNX file as standard operators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from narrowmax.errors import DataError, DesignError
from narrowmax.formats import Fixed, Float, Format
from narrowmax.models.masks import MASKED_BELOW
from narrowmax.models.onnx.network import OnnxNetwork
from narrowmax.models.onnx.packages import needed
from narrowmax.models.onnx.preparing import QUANTISED, is_softmax
from narrowmax.models.onnx.steps import SoftmaxStep, shape_of
from narrowmax.models.onnx.walking import nodes_of
from narrowmax.models.sites import Site, chooses, nothing_replaced
from narrowmax.store import atomic_write

_SCOPES = "pkg.torch.onnx.name_scopes"
_ROUNDINGS = {"half_even": "Round", "floor": "Floor"}
_CASTS = {"fp16": ("FLOAT16", 11), "bf16": ("BFLOAT16", 13), "e4m3": ("FLOAT8E4M3FN", 19), "e5m2": ("FLOAT8E5M2", 19)}
"""What a format is called in ONNX, and the first opset whose Cast takes it."""
_EXACT_BITS = 24  # of float32


def export(network: OnnxNetwork, design, path: str | Path, where: str | Callable[[Site], bool] = "*") -> list[Site]:
    """Write the file of `network` with the input format of `design` before its softmaxes; those that got it.

    The file needs nothing but onnxruntime.  Inputs are rounded bit for bit as the design rounds them, masked
    elements (-inf, below -9000) take no part; the softmax itself is onnxruntime's, in float32.

    design: `ideal(input=F)`, its output fp32: F fixed point of up to 24 bits, rounded half_even or floor and
        saturated, or fp16, bf16, e4m3 or e5m2, half_even and saturated
    where: as in `replace`

    Raises DesignError for a design that standard operators do not compute exactly, DataError where nothing is
    chosen or a softmax is not of float32, StoreError where `path` cannot be written.
    """
    onnx = needed("onnx")
    writer, known, chosen, passed = _writer(design), network.known(), [], set()
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if opset < writer.opset:
        raise DesignError(
            f"{design.input} needs opset {writer.opset}, and {network.name} is of {opset}; export it anew"
        )
    nodes, about = [], iter(network.softmaxes)
    for node in model.graph.node:
        inside = [next(about) for inner in nodes_of([node]) if is_softmax(inner)]
        site = _site(known, node, inside[0]) if is_softmax(node) else None
        if site is not None and chooses(where, site):
            chosen.append(site)
            nodes += writer.around(network.name, known, node, inside[0])
        else:
            passed |= {one.name for one in inside}
            nodes.append(node)
    if not chosen:
        raise DataError(
            nothing_replaced(where, passed) if passed else f"{network.name} has no softmax; give a network with one"
        )
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _save(model, path)
    return chosen


def _site(known: dict, node, about) -> Site:
    value = known.get(node.input[0])
    shape = shape_of(value) if value is not None else None
    return SoftmaxStep.site_of(about, len(shape or ()))


def _save(model, path: str | Path) -> None:
    """Without what exporters note of the machine they ran on."""
    for node in nodes_of(model.graph.node):
        kept = [entry for entry in node.metadata_props if entry.key == _SCOPES]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    with atomic_write(path) as file:
        file.write(model.SerializeToString())


def _writer(design) -> _Writer:
    """Raises DesignError for what standard operators do not compute bit for bit."""
    if design.has_hardware or str(design.output) != "fp32":
        raise DesignError(
            f"{design.text} is more than a number format before a softmax; a file can hold ideal(input=...) with its "
            "output fp32, others run with replace"
        )
    form = design.input
    if isinstance(form, Fixed) and _is_exact(form):
        return _Writer(form, 11)
    if isinstance(form, Float) and str(form) in _CASTS:
        return _Writer(form, _CASTS[str(form)][1])
    raise DesignError(
        f"standard operators do not round to {form} bit for bit; give fixed point of up to {_EXACT_BITS} bits "
        f"(half_even or floor, saturated) or one of {', '.join(_CASTS)}, or use replace"
    )


def _is_exact(form: Fixed) -> bool:
    return (
        form.bits <= _EXACT_BITS
        and 0 <= form.fraction_bits <= 100
        and form.rounding in _ROUNDINGS
        and form.overflow == "saturate"
    )


class _Writer:
    """Writes the nodes of one format; opset: the first that has them."""

    def __init__(self, form: Format, opset: int):
        self._form, self.opset = form, opset

    def around(self, network: str, known: dict, node, about) -> list:
        """`node` with its input rounded, masked elements left out of it and 0 (of logs: -inf) behind it."""
        self._check(network, known, node, about)
        x, y = node.input[0], node.output[0]
        name = lambda what: f"{y}/{what}"  # noqa: E731
        made = needed("onnx.helper").make_node
        rounded = self._rounded(x, name)
        hidden = [
            self._constant(name("limit"), np.float32(MASKED_BELOW)),
            self._constant(name("none"), np.float32(-np.inf)),
            self._constant(name("nothing"), np.float32(-np.inf if about.log else 0)),
            made("Less", [x, name("limit")], [name("masked")]),
            made("Where", [name("masked"), name("none"), name("rounded")], [name("scores")]),
        ]
        node.input[0], node.output[0] = name("scores"), name("weights")
        last = made("Where", [name("masked"), name("nothing"), name("weights")], [y])
        return [*rounded, *hidden, node, last]

    def _check(self, network: str, known: dict, node, about) -> None:
        value = known.get(node.input[0])
        kind = value.type.tensor_type.elem_type if value is not None else 0
        if node.op_type == QUANTISED or kind != needed("onnx").TensorProto.FLOAT:
            raise DataError(
                f"the softmax {about.name} of {network} is not known to be of float32, so its format cannot be "
                "written down; use replace"
            )

    def _rounded(self, x: str, name: Callable[[str], str]) -> list:
        made = needed("onnx.helper").make_node
        low, high = (np.float32(float(end)) for end in (self._form.lowest, self._form.highest))
        if isinstance(self._form, Float):
            kind = getattr(needed("onnx").TensorProto, _CASTS[str(self._form)][0])
            back = needed("onnx").TensorProto.FLOAT
            return [
                self._constant(name("low"), low),
                self._constant(name("high"), high),
                made("Clip", [x, name("low"), name("high")], [name("clipped")]),
                made("Cast", [name("clipped")], [name("narrow")], to=kind),
                made("Cast", [name("narrow")], [name("rounded")], to=back),
            ]
        scale = np.float32(2.0**self._form.fraction_bits)
        return [
            self._constant(name("scale"), scale),
            self._constant(name("step"), np.float32(1 / scale)),
            self._constant(name("low"), low * scale),
            self._constant(name("high"), high * scale),
            made("Mul", [x, name("scale")], [name("scaled")]),
            made(_ROUNDINGS[self._form.rounding], [name("scaled")], [name("whole")]),
            made("Clip", [name("whole"), name("low"), name("high")], [name("code")]),
            made("Mul", [name("code"), name("step")], [name("rounded")]),
        ]

    def _constant(self, name: str, number: np.float32):
        tensor = needed("onnx.numpy_helper").from_array(np.asarray(number, np.float32), name)
        return needed("onnx.helper").make_node("Constant", [], [name], value=tensor)
