"""TFLite files: softmaxes measured and replaced, on floats and on integers, bit for bit what the file gives."""

from __future__ import annotations

import numpy as np
import pytest
from tests.models.onnx import flat

import narrowmax as nm
from narrowmax import models
from narrowmax.errors import DataError
from narrowmax.formats import Affine
from narrowmax.models import Site, resolve
from narrowmax.models.networks import logits_of
from narrowmax.models.onnx import TfliteNetwork, framework

FEATURES = "speech_features/normalizer/truediv"
DESIGNS = ("table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)", "softermax", "tflite_int8(scale=0.1)", "ita")


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "mlperf_tiny_resnet8"


@pytest.fixture(scope="module")
def quantised(folder) -> TfliteNetwork:
    return TfliteNetwork(folder / "pretrainedResnet_quant.tflite")


@pytest.fixture(scope="module")
def images(shared_data):
    with np.load(shared_data / "cifar10_images" / "cifar10_test_2000.npz") as found:
        return found["images"].astype(np.float32)[:100], found["labels"][:100].astype(np.int64)


def alone(path, images) -> np.ndarray:
    """What the interpreter itself makes of an int8 file."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    made = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    made.allocate_tensors()
    (given,), (output,) = made.get_input_details(), made.get_output_details()
    found = []
    for image in images:
        made.set_tensor(given["index"], (image[None] - 128).astype(np.int8))
        made.invoke()
        found.append(made.get_tensor(output["index"]))
    return np.concatenate(found)


def test_measured_and_replaced_by_its_own_integers_it_gives_the_same_codes(folder, quantised, images):
    x, labels = images
    wanted = alone(folder / "pretrainedResnet_quant.tflite", x)
    with nm.measure(quantised) as seen:
        assert np.array_equal(quantised.run(x)["Identity_int8"], wanted)
    (one,) = seen.softmaxes()
    assert (one["name"], one["kind"], one["rows"], one["n"]) == ("Identity_int8", "classifier", 100, 10)
    scale = float(np.float32(0.17185351))
    assert one["min"] / scale == round(one["min"] / scale) and one["min"] >= (-128 - 24) * scale
    design = nm.design(f"tflite_int8(scale={scale!r}, zero_point=24)")
    with nm.replace(quantised, design) as replaced:
        assert np.array_equal(quantised.run(x)["Identity_int8"], wanted)
    assert list(replaced.sites.values()) == [100]
    assert np.array_equal(quantised(x), (wanted.astype(float) + 128) / 256)
    assert (wanted.argmax(-1) == labels).mean() > 0.85
    with nm.replace(quantised, nm.design("ideal(input=Q5.0, output=UQ0.4)")):
        assert not np.array_equal(quantised.run(x)["Identity_int8"], wanted)


def test_codes_and_real_values_are_the_same_inputs(quantised, images):
    x = images[0][:4]
    codes = (x - 128).astype(np.int8)
    for inputs in ((codes,), ({"input_1_int8": codes},), ({"input_1_int8": x},)):
        assert np.array_equal(quantised(*inputs), quantised(x))
    assert np.array_equal(quantised(input_1_int8=codes), quantised(x))
    with pytest.raises(
        DataError, match=r"^'input_1_int8' was given as int64 \(4, 32, 32, 3\); .*takes input_1_int8 int8"
    ):
        quantised(x.astype(np.int64))
    with pytest.raises(DataError, match="is missing; pretrainedResnet_quant.tflite takes"):
        quantised()


def test_the_logits_of_a_file_are_judged(folder, quantised, images, tmp_path):
    x, labels = images
    np.savez(tmp_path / "d.npz", images=x, labels=labels)
    logits = quantised.of_logits()
    assert logits.classifier == Site("Identity_int8", "classifier", "softmax")
    steps = logits(x[:8]) / float(np.float32(0.17185351))
    assert np.array_equal(steps, np.rint(steps)) and framework.weights(logits)["sha256"].shape == (32,)
    task = resolve(str(folder / "pretrainedResnet_quant.tflite"), data=tmp_path / "d.npz")
    assert logits_of(task).stored == Affine(8, float(np.float32(0.17185351)), 24) == logits.stored
    judge = models.evaluator(task)
    assert models.accuracy(judge, indices=np.arange(100)).metrics["top1"] > 0.85
    assert repr(quantised) == "TfliteNetwork('pretrainedResnet_quant.tflite': 16 operators, 1 softmaxes)"


@pytest.fixture(scope="module")
def speech(shared_data):
    return shared_data / "kwt1_speech_commands"


@pytest.fixture(scope="module")
def spotter(speech) -> TfliteNetwork:
    """KWT-1 from its features on."""
    return TfliteNetwork(speech / "kwt1_non_stream.tflite", start=[FEATURES])


@pytest.fixture(scope="module")
def clips(speech):
    with np.load(speech / "speech_commands_v2_test_features_978.npz") as found:
        return found["features"].astype(np.float32), found["labels"]


def right(network, clips, labels) -> int:
    return sum(int(network(clip).argmax()) == label for clip, label in zip(clips, labels, strict=True))


def test_attention_in_the_middle_of_a_file(spotter, clips):
    x = clips[0][:2]
    before = [spotter(clip) for clip in x]
    with nm.measure(spotter, heads=True) as seen:
        assert all(np.array_equal(spotter(clip), one) for clip, one in zip(x, before, strict=True))
    found = seen.softmaxes()
    assert len(found) == 12 and {one["kind"] for one in found} == {"attention"}
    assert all((one["rows"], one["n"], one["head"]) == (2 * 99, 99, 0) for one in found)
    name = "kws_transformer.transformer_block_3.multi_head_self_attention_3"
    assert found[3]["name"] == name
    with nm.replace(spotter, nm.design("ideal"), where="attention") as replaced:
        exact = [spotter(clip) for clip in x]
    assert np.abs(np.subtract(exact, before)).max() <= 1e-5 and len(replaced.sites) == 12
    with nm.replace(spotter, nm.design("ideal(input=Q3.0, output=UQ0.3)"), where="*_block_3.*") as replaced:
        spotter(x[0])
    assert [site.name for site in replaced.sites] == [name]


@pytest.mark.long
def test_keyword_spotting_in_float_and_with_four_designs(spotter, clips):
    """All 978 clips of the subset."""
    spotter.threads = 2
    x, labels = clips
    assert right(spotter, x, labels) == 897  # 91.72 %
    for text in DESIGNS:
        with nm.replace(spotter, nm.design(text), where="attention"):
            assert right(spotter, x, labels) / len(labels) > 0.9, text


def test_names_of_tensors_that_are_not_there(speech):
    with pytest.raises(DataError, match="has no tensor 'features'; give the names of tensors that it computes$"):
        TfliteNetwork(speech / "kwt1_non_stream.tflite", start=["features"])


# Files that are none.


def test_what_is_no_tflite_file(folder, tmp_path):
    path, content = tmp_path / "a.tflite", (folder / "pretrainedResnet_quant.tflite").read_bytes()
    with pytest.raises(DataError, match=r"a\.tflite does not exist; give the path of a TFLite file$"):
        TfliteNetwork(path)
    for cut in (0, 3, 7, 8, 100, 1000, 50_000, len(content) - 5000):
        path.write_bytes(content[:cut])
        with pytest.raises(DataError, match=r"^a\.tflite is damaged, .*; convert it again$"):
            TfliteNetwork(path)
    with pytest.raises(DataError, match="could not be read: Is a directory$"):
        TfliteNetwork(tmp_path)


def test_references_that_lead_nowhere(folder, tmp_path):
    from narrowmax.models.onnx.tflite_file import packed, read

    def broken(change):
        model = read(folder / "pretrainedResnet_quant.tflite")
        change(model.subgraphs[0])
        (tmp_path / "a.tflite").write_bytes(packed(model))
        with pytest.raises(DataError, match=r"^a\.tflite is damaged"):
            TfliteNetwork(tmp_path / "a.tflite")

    broken(lambda graph: setattr(graph.operators[0], "inputs", [10**6]))
    broken(lambda graph: setattr(graph.operators[0], "opcodeIndex", 77))
    broken(lambda graph: setattr(graph.tensors[3], "buffer", 10**6))
    broken(lambda graph: setattr(graph, "outputs", [-1]))


def test_a_file_that_brings_the_interpreter_down_ends_a_process_of_its_own(folder, tmp_path):
    from narrowmax.models.onnx.tflite_file import packed, read

    model = read(folder / "pretrainedResnet_quant.tflite")
    for operator in model.subgraphs[0].operators:
        operator.builtinOptions, operator.builtinOptionsType = None, 0  # which its kernels read all the same
    (tmp_path / "a.tflite").write_bytes(packed(model))
    with pytest.raises(DataError, match=r"^a\.tflite is damaged(, or of operators that TFLite| and brings the interp)"):
        TfliteNetwork(tmp_path / "a.tflite")


def test_onnx_and_tflite_are_one_framework(quantised, tmp_path):
    assert framework.is_network(quantised) and framework.is_network(quantised.of_logits())


def test_nothing_is_imported_from_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("open('ran', 'w').close()")
    monkeypatch.chdir(tmp_path)
    network = flat.softmax(tmp_path)
    assert not (tmp_path / "ran").exists() and abs(network(np.zeros((2, 5))).sum() - 2) < 1e-6


def test_heads_and_threads(tmp_path):
    network, q = flat.attention(tmp_path), np.random.default_rng(0).normal(0, 1, (3, 2, 4, 8)).astype(np.float32)
    with nm.measure(network, heads=True) as seen, framework.evaluating(network, 2):
        assert network(q, q, q).shape == q.shape
    assert [(one["name"], one["head"], one["rows"]) for one in seen.softmaxes()] == [
        ("blk.attn", k, 12) for k in (0, 1)
    ]
