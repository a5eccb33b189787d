"""A number format written into a file: plain onnxruntime gives what the design does."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from tests.models.onnx.graphs import attention, constant, model, node, normal, one_softmax, opened, value

import narrowmax as nm
from narrowmax.errors import DataError, DesignError
from narrowmax.models import Site
from narrowmax.models.onnx import OnnxNetwork, export

FORMATS = ("Q5.3", "Q3.0", "UQ4.4", "Q4.20", "Q5.3:floor", "fp16", "bf16", "e4m3", "e5m2")


def whole(path, **inputs):
    """What onnxruntime makes of a file, with all that it optimises."""
    import onnxruntime

    return onnxruntime.InferenceSession(path).run(None, inputs)[0]


def edges() -> np.ndarray:
    """float32 (rows, 16): every bfloat16 that is a number, with neighbours, and values in the middle of steps."""
    some = (np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32)
    some = some[np.isfinite(some) & (some > -9000)]
    ties = np.arange(-4096, 4096, dtype=np.float32) / 16
    found = np.concatenate([some, np.nextafter(some, np.float32(0)), np.nextafter(some, np.float32(np.inf)), ties])
    found = found[np.isfinite(found)]
    return np.resize(found, (-(-len(found) // 16), 16))


@pytest.mark.parametrize("form", FORMATS)
def test_inputs_are_rounded_bit_for_bit(tmp_path, form):
    """The rounded scores themselves, which the file is made to give as an output."""
    network = opened(tmp_path, one_softmax((2, 3), 21))
    export(network, nm.design(f"ideal(input={form})"), tmp_path / "out.onnx")
    made = onnx.load(tmp_path / "out.onnx")
    made.graph.output.append(onnx.ValueInfoProto(name="y/scores"))
    x = edges()
    import onnxruntime

    got = onnxruntime.InferenceSession(made.SerializeToString()).run(["y/scores"], {"x": x})[0]
    assert np.array_equal(got, nm.format(form).round(x))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_the_file_gives_what_the_design_does(tmp_path, form, op):
    network, x = opened(tmp_path, one_softmax((2, 3), 21, op)), normal(50, 9)
    design = nm.design(f"ideal(input={form})")
    assert export(network, design, tmp_path / "out.onnx") == [
        Site("layer", "classifier", {"Softmax": "softmax", "LogSoftmax": "log_softmax"}[op])
    ]
    with nm.replace(network, design):
        wanted = network(x)
    assert np.abs(whole(tmp_path / "out.onnx", x=x) - wanted).max() <= (2e-7 if op == "Softmax" else 3e-6)


def test_masks_take_no_part_in_a_file(tmp_path):
    network, q = opened(tmp_path, attention(masked=True)), normal(1, 2, 4, 8)
    design = nm.design("ideal(input=Q4.2)")
    assert [site.kind for site in export(network, design, tmp_path / "out.onnx", where="attention")] == ["attention"]
    mask = np.where(np.tri(4, k=-1, dtype=bool), 0, -1e9).astype(np.float32)[None, None]  # nothing for the first
    with nm.replace(network, design):
        wanted = network(q, q, q, mask)
    got = whole(tmp_path / "out.onnx", q=q, k=q, v=q, mask=mask)
    assert np.abs(got - wanted).max() <= 1e-5 and not got[..., 0, :].any()
    again = OnnxNetwork(tmp_path / "out.onnx")
    with nm.measure(again) as seen:
        again(q, q, q, mask)
    (one,) = seen.softmaxes()
    assert one["name"] == "blocks.0.attn" and -8 <= one["min"] and one["max"] <= 7.75


def test_nothing_of_the_machine_is_written(tmp_path):
    made = one_softmax((2, 3), 18)
    for key, text in (
        ("pkg.torch.onnx.stack_trace", "File /home/me"),
        ("pkg.torch.onnx.name_scopes", "['', 'head', 'softmax']"),
    ):
        made.graph.node[0].metadata_props.add(key=key, value=text)
    network = opened(tmp_path, made)
    assert [one.name for one in network.softmaxes] == ["head"]
    export(network, nm.design("ideal(input=Q5.3)"), tmp_path / "out.onnx")
    assert b"/home/me" not in (tmp_path / "out.onnx").read_bytes()
    assert [one.name for one in OnnxNetwork(tmp_path / "out.onnx").softmaxes] == ["head"]


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ("table_divide", "^table_divide.* is more than a number format before a softmax; a file can hold ideal"),
        ("ideal(output=UQ0.8)", "is more than a number format before a softmax; a file can hold ideal"),
        (
            "ideal(input=int8@0.1)",
            "^standard operators do not round to int8@0.1 bit for bit; give fixed point of up to",
        ),
        ("ideal(input=Q5.3:half_up)", "^standard operators do not round to Q5.3:half_up bit for bit"),
        ("ideal(input=Q5.3:wrap)", "^standard operators do not round to Q5.3:wrap bit for bit"),
        ("ideal(input=Q5.25)", "^standard operators do not round to Q5.25 bit for bit"),
        ("ideal(input=decimal(3))", "bit for bit"),
        ("ideal(input=e4m3)", "^e4m3 needs opset 19, and net.onnx is of 18; export it anew$"),
    ],
)
def test_designs_that_a_file_cannot_hold(tmp_path, design, message):
    network = opened(tmp_path, one_softmax((2, 3), 18))
    with pytest.raises(DesignError, match=message):
        export(network, nm.design(design), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_networks_that_a_format_cannot_be_written_into(tmp_path):
    design = nm.design("ideal(input=Q5.3)")
    network = opened(tmp_path, one_softmax((2, 3), 18))
    with pytest.raises(DataError, match="^no softmax was replaced: where='attention' chooses none of layer"):
        export(network, design, tmp_path / "out.onnx", where="attention")
    made = model([node("Softmax", ["x"], ["y"], name="soft")], [value("x", [3], 10)], [value("y", None, 10)])
    with pytest.raises(DataError, match="^the softmax soft of net.onnx is not known to be of float32"):
        export(opened(tmp_path, made), design, tmp_path / "out.onnx")
    made = model(
        [node("Add", ["x", "c"], ["y"])], [value("x", [3])], [value("y")], constants=[constant("c", normal(3))]
    )
    with pytest.raises(DataError, match="^net.onnx has no softmax; give a network with one$"):
        export(opened(tmp_path, made), design, tmp_path / "out.onnx")
