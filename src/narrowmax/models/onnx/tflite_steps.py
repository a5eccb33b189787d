"""What a plan of a TFLite file is made of: interpreters of its parts, and softmaxes between them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.onnx.packages import needed
from narrowmax.models.onnx.preparing import Softmax
from narrowmax.models.onnx.reading import first_line
from narrowmax.models.onnx.steps import Offer, Offering, Values, codes_of
from narrowmax.models.onnx.tflite_file import part


def interpreter(name: str, content: bytes, threads: int | None):
    """An interpreter of TFLite's own kernels, without delegates, which round in their own ways.

    name: what messages call it.  Raises DataError for a file that it refuses.
    """
    lite = needed("ai_edge_litert.interpreter")
    plain = lite.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        made = lite.Interpreter(model_content=content, num_threads=threads or 1, experimental_op_resolver_type=plain)
        made.allocate_tensors()
    except Exception as error:
        raise DataError(
            f"{name} is damaged, or of operators that TFLite does not have ({first_line(error)}); convert it again"
        ) from None
    return made


_TRIAL = """
import sys
import numpy as np
from narrowmax.errors import DataError
from narrowmax.models.onnx.tflite_steps import interpreter
try:
    made = interpreter(sys.argv[1], sys.stdin.buffer.read(), None)
    for one in made.get_input_details():
        made.set_tensor(one["index"], np.zeros(one["shape"], one["dtype"]))
    made.invoke()
except (DataError, RuntimeError, ValueError) as error:
    sys.exit(str(error))
"""
_TRIAL_SECONDS = 300


def tried(name: str, content: bytes) -> None:
    """Run a file once on zeros in a process of its own: a hostile one ends the process that reads it.

    Raises DataError where it does not run.
    """
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-P", "-c", _TRIAL, name]  # -P: nothing is imported from the current folder
    try:
        done = subprocess.run(command, input=content, capture_output=True, env=known, timeout=_TRIAL_SECONDS)
    except subprocess.TimeoutExpired:
        raise DataError(f"{name} did not run once in {_TRIAL_SECONDS} s; give a smaller network") from None
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode == 1 and said and said[-1].startswith(name):
        raise DataError(said[-1])
    if done.returncode:
        raise DataError(f"{name} is damaged and brings the interpreter down; convert it again")


class Part:
    """Consecutive operators of a TFLite graph; values are arrays by the index of their tensor."""

    def __init__(self, model, operators: list, inputs: list[int], outputs: list[int]):
        self.reads, self.outputs = set(inputs), outputs
        self._model, self._operators, self._inputs = model, operators, inputs
        self._made: dict[int | None, object] = {}
        self._lock = threading.Lock()

    def run(self, values: Values, offer: Offer, threads: int | None) -> None:
        """Put the outputs into `values`."""
        with self._lock:  # an interpreter holds the values of one run
            if threads not in self._made:
                content = part(self._model, self._operators, self._inputs, self.outputs)
                self._made[threads] = interpreter("a part of the network", content, threads)
            values.update(self._invoked(self._made[threads], values))

    def _invoked(self, made, values: Values) -> dict[int, np.ndarray]:
        places = [one["index"] for one in made.get_input_details()]
        try:
            for name, place in zip(self._inputs, places, strict=True):
                made.set_tensor(place, values[name])
            made.invoke()
        except (ValueError, RuntimeError) as error:
            raise DataError(f"TFLite could not run the network: {first_line(error)}; look at its inputs") from None
        found = [made.get_tensor(one["index"]) for one in made.get_output_details()]
        return dict(zip(self.outputs, found, strict=True))


class TfliteSoftmax(Offering):
    """A SOFTMAX or LOG_SOFTMAX of a TFLite graph, on floats or on integers of a scale and a zero point."""

    def __init__(self, model, operator, about: Softmax):
        tensors = model.subgraphs[0].tensors
        self.about, self.input, self.output = about, int(operator.inputs[0]), int(operator.outputs[0])
        self.reads = {self.input}
        self._own = Part(model, [operator], [self.input], [self.output])
        self._scales = [quantisation(tensors[at]) for at in (self.input, self.output)]
        self._beta = float(getattr(operator.builtinOptions, "beta", 1.0) or 1.0)

    def alone(self, values: Values, offer: Offer, threads: int | None) -> None:
        self._own.run(values, offer, threads)

    def real(self, values: Values) -> np.ndarray:
        """Real values, times beta where that is not 1."""
        x = real(values[self.input], self._scales[0])
        return x if self._beta == 1 else x * self._beta

    def stored(self, probabilities: np.ndarray, values: Values) -> np.ndarray:
        dtype = values[self.input].dtype
        if self._scales[1] is None:
            return probabilities.astype(dtype, copy=False)
        return codes_of(probabilities, *self._scales[1], dtype)


def quantisation(tensor) -> tuple[float, int] | None:
    """Scale and zero point of a tensor of integers; None for one of floats."""
    given = tensor.quantization
    if given is None or given.scale is None or len(given.scale) != 1:
        return None
    return float(given.scale[0]), int(given.zeroPoint[0])


def real(values: np.ndarray, scale: tuple[float, int] | None) -> np.ndarray:
    """Codes times their scale, exact in float64; floats as they are."""
    if scale is None or values.dtype.kind == "f":
        return values
    return (values.astype(np.float64) - scale[1]) * scale[0]
