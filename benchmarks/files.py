"""What measuring and replacing cost in an ONNX network, beside the file run by onnxruntime: python -m benchmarks.files

CPU time of one thread, interleaved, of passes without a gradient.  The file is PyTorch's export of a network of
`benchmarks.networks` with a softmax at its end; plain is a session of onnxruntime on the whole file.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from benchmarks.common import arguments, at_most, interleaved, ratio, report, spread
from torch import Tensor, nn

import narrowmax as nm
from benchmarks import networks
from narrowmax.models.onnx import OnnxNetwork, export

MOST = 1.30
PASSES = 4  # of one measurement
MILLION = 1 << 20
OPSET = 17
FORMAT = "ideal(input=Q5.3)"


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__.splitlines()[0], argv)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        rows = [one for name, pair in chosen().items() for one in beside_plain(name, *pair, Path(folder), given)]
    report("an ONNX network, in passes of the file in onnxruntime", rows, given, ["onnx", "onnxruntime"])


def chosen() -> dict[str, tuple[nn.Module, Tensor]]:
    """Networks and a batch for each; attention written out, which is what a file holds."""
    return {name: pair for name, pair in networks.networks().items() if "fused" not in name}


def exported(network: nn.Module, x: Tensor, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = nn.Sequential(network, nn.Softmax(-1)).eval()
        torch.onnx.export(whole, (x,), path, opset_version=OPSET, dynamo=False, input_names=["x"])


def beside_plain(name: str, network: nn.Module, x: Tensor, folder: Path, given: argparse.Namespace) -> list[dict]:
    """The rows of one network."""
    path, inputs = folder / "net.onnx", {"x": x.numpy()}
    exported(network, x, path)
    file = OnnxNetwork(path)
    file.threads = 1
    export(file, nm.design(FORMAT), folder / "format.onnx")
    written, plain = session(folder / "format.onnx"), session(path)
    design = nm.design(networks.DESIGN)
    jobs = {
        "plain": partial(passes, partial(plain.run, None, inputs)),
        "run in parts": partial(passes, partial(file, inputs)),
        "measured, as it begins": partial(measured, file, inputs, None),
        "measured": partial(measured, file, inputs, begun(file, inputs)),
        f"{networks.DESIGN} in it": partial(replaced, file, inputs, design),
        f"{FORMAT} written into the file": partial(passes, partial(written.run, None, inputs)),
    }
    seconds = interleaved(jobs, given.rounds)
    return [row(name, job, seconds[job], seconds["plain"]) for job in jobs if job != "plain"]


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


def passes(run: Callable[[], object]) -> None:
    for _ in range(PASSES):
        run()


def begun(file: OnnxNetwork, inputs: dict[str, np.ndarray]):
    """A measurement that has seen a million elements of the largest softmax, beyond which not all are counted whole."""
    seen = nm.measure(file)
    while max((one["elements"] for one in seen.softmaxes()), default=0) < MILLION:
        measured(file, inputs, seen)
    return seen


def measured(file: OnnxNetwork, inputs: dict[str, np.ndarray], seen) -> None:
    """Passes that are measured, by a measurement that goes on or a new one."""
    with seen or nm.measure(file):
        passes(partial(file, inputs))


def replaced(file: OnnxNetwork, inputs: dict[str, np.ndarray], design: nm.Design) -> None:
    with nm.replace(file, design):
        passes(partial(file, inputs))


def row(name: str, job: str, own: list[float], plain: list[float]) -> dict:
    times = ratio(own, plain)
    return {
        "network": name, "what": job, "times plain": times, "goal": at_most(times, MOST) if job == "measured" else None,
        "ms": spread(own, 1e3 / PASSES), "plain, ms": spread(plain, 1e3 / PASSES),
    }  # fmt: skip


if __name__ == "__main__":
    main()
