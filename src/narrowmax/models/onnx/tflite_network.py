"""`TfliteNetwork`: a network in a TFLite file, run by the interpreter of ai-edge-litert."""

from __future__ import annotations

import copy
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from narrowmax.errors import DataError
from narrowmax.formats import Affine
from narrowmax.models.onnx import naming, steps
from narrowmax.models.onnx.inputs import Declared, fed
from narrowmax.models.onnx.listening import Listened
from narrowmax.models.onnx.preparing import Softmax
from narrowmax.models.onnx.tflite_file import packed, read, schema
from narrowmax.models.onnx.tflite_steps import Part, TfliteSoftmax, quantisation, real, tried
from narrowmax.models.sites import Site

_KEEPING = ("RESHAPE", "QUANTIZE", "DEQUANTIZE")
_PRODUCTS = ("BATCH_MATMUL", "FULLY_CONNECTED")
_FUNCTIONS = {"SOFTMAX": "softmax", "LOG_SOFTMAX": "log_softmax"}


class TfliteNetwork(Listened):
    """A network in a TFLite file, run operator by operator on TFLite's own kernels.

        network = TfliteNetwork("model.tflite")
        probabilities = network(images)          # the first output as real values, a NumPy array
        codes = network.run(images)              # all outputs by name, as in the file

    A file for one sample is run once for each.  Integer inputs take codes (integers) or real values (floats), which
    are quantised by the tensor's scale.  The interpreter's delegates are left out: they round in their own ways.

    start: names of tensors that are given in the place of the file's inputs, to run what comes after them alone
    Raises DataError for a file that is no such network, ToolMissing without ai-edge-litert.
    """

    def __init__(self, path: str | Path, start: Sequence[str] | None = None):
        super().__init__()
        self.name, self.threads = Path(path).name, None
        self.classifier: Site | None = None
        self._model = read(path)
        self._graph = self._model.subgraphs[0]
        self._given = [int(at) for at in self._graph.inputs] if start is None else self._places(start)
        self._take([int(at) for at in self._graph.outputs])
        self._check()

    def _places(self, names: Sequence[str]) -> list[int]:
        made = [int(at) for operator in self._graph.operators for at in operator.outputs]
        known = {_text(self._graph.tensors[at].name): at for at in reversed(made)}
        if wrong := [name for name in names if name not in known]:
            raise DataError(f"{self.name} has no tensor {wrong[0]!r}; give the names of tensors that it computes")
        return [known[name] for name in names]

    def _take(self, outputs: list[int]) -> None:
        self._outputs = outputs
        self.inputs = [_declared(self.name, self._graph.tensors[at]) for at in self._given]
        self.outputs = [_text(self._graph.tensors[at].name) for at in outputs]
        self._operators = _needed(self._graph, outputs, set(self._given))
        found = [one for one in self._operators if self._code(one) in _FUNCTIONS]
        self.softmaxes = self._described(found)
        self._about = dict(zip(map(id, found), self.softmaxes, strict=True))
        self._plans: dict[bool, list] = {}

    def _check(self) -> None:
        """Raises DataError for a file that an interpreter refuses, or that brings one down."""
        tried(self.name, packed(self._model))

    def __call__(self, *args, **named) -> np.ndarray:
        """The first output for one batch as real values; inputs as in `run`."""
        first = next(iter(self.run(*args, **named).values()))
        return real(first, quantisation(self._graph.tensors[self._outputs[0]]))

    def run(self, *args, **named) -> dict[str, np.ndarray]:
        """All outputs by name as they are in the file.

        Inputs are a dict of arrays by name, arrays by place, or arrays by keyword.  Raises DataError for inputs
        that the network does not take.
        """
        given = list(fed(self.name, self.inputs, self._coded(args), self._coded_by_name(named)).values())
        many, fixed = len(given[0]), len_of(self._graph.tensors[self._given[0]])
        if fixed == many:
            return self._once(given)
        if fixed != 1 or any(len(array) != many for array in given):
            raise DataError(f"{self.name} takes {fixed} samples at once and was given {many}; give as many")
        found = [self._once([array[at : at + 1] for array in given]) for at in range(many)]
        return {name: np.concatenate([one[name] for one in found]) for name in self.outputs}

    def _once(self, given: list[np.ndarray]) -> dict[str, np.ndarray]:
        values = dict(zip(self._given, given, strict=True))
        steps.run(self._planned(self.listened_to), values, self.offering, self.threads, self._outputs)
        return {name: values[at] for name, at in zip(self.outputs, self._outputs, strict=True)}

    def of_logits(self) -> TfliteNetwork:
        """The network without the softmax that makes its first output, whose input it gives; itself without one."""
        makers = {int(at): operator for operator in self._operators for at in operator.outputs}
        operator = makers.get(self._outputs[0])
        while operator is not None and self._code(operator) in _KEEPING:
            operator = makers.get(int(operator.inputs[0]))
        if operator is None or self._code(operator) not in _FUNCTIONS:
            return self
        if (getattr(operator.builtinOptions, "beta", 1.0) or 1.0) != 1:
            raise DataError(
                f"the last softmax of {self.name} multiplies its input by beta = {operator.builtinOptions.beta:g}, so "
                "that is not its logits; convert the network with beta = 1"
            )
        about = self._about[id(operator)]
        kept = copy.deepcopy(self)
        kept.classifier = Site(about.name, "classifier", about.function)
        kept._take([int(operator.inputs[0])])
        return kept

    @property
    def stored(self) -> Affine | None:
        """The integers that the first output stands as; None for floats."""
        tensor = self._graph.tensors[self._outputs[0]]
        scale, dtype = quantisation(tensor), _dtype(tensor)
        if scale is None or dtype.kind not in "iu":
            return None
        return Affine(8 * dtype.itemsize, *scale, signed=dtype.kind == "i")

    def digest(self) -> bytes:
        """SHA-256 of the network: operators, weights and outputs."""
        return hashlib.sha256(packed(self._model) + repr(self._outputs).encode()).digest()

    def __repr__(self) -> str:
        return f"TfliteNetwork({self.name!r}: {len(self._operators)} operators, {len(self.softmaxes)} softmaxes)"

    # From operators to a plan.

    def _code(self, operator) -> str:
        code = self._model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        return _names().get(number, "")

    def _described(self, found: list) -> list[Softmax]:
        names = [naming.layer_in(_text(self._graph.tensors[one.outputs[0]].name)) for one in found]
        names = [name if names.count(name) == 1 else f"{name}.{at}" for at, name in enumerate(names)]
        attending = self._attending()
        return [
            Softmax(name, _FUNCTIONS[code], code == "LOG_SOFTMAX", int(one.outputs[0]) in attending, -1, False)
            for name, one, code in ((name, one, self._code(one)) for name, one in zip(names, found, strict=True))
        ]

    def _attending(self) -> set[int]:
        """Tensors that go into a product of two computed ones, as the weights of an attention do."""
        computed = {int(at) for operator in self._operators for at in operator.outputs} | set(self._given)
        found: set[int] = set()
        for operator in reversed(self._operators):
            code, read = self._code(operator), [int(at) for at in operator.inputs]
            if code in _PRODUCTS and all(at in computed for at in read[:2]):
                found.update(read[:2])
            elif code in _KEEPING and found.intersection(int(at) for at in operator.outputs):
                found.add(read[0])
        return found

    def _planned(self, cut: bool) -> list:
        """The steps: the whole in one, or cut at each softmax."""
        if cut not in self._plans:
            self._plans[cut] = list(self._steps(cut))
        return self._plans[cut]

    def _steps(self, cut: bool):
        runs: list[list] = [[]]
        for operator in self._operators:
            if cut and id(operator) in self._about:
                runs += [[operator], []]
            else:
                runs[-1].append(operator)
        later = self._read_later(runs)
        for at, operators in enumerate(runs):
            if at % 2:
                yield TfliteSoftmax(self._model, operators[0], self._about[id(operators[0])])
            elif operators:
                yield self._part(operators, later[at])

    def _read_later(self, runs: list[list]) -> list[set[int]]:
        later = [set(self._outputs)]
        for operators in reversed(runs[1:]):
            later.append(later[-1] | {int(at) for operator in operators for at in operator.inputs})
        return later[::-1]

    def _part(self, operators: list, later: set[int]) -> Part:
        made = {int(at) for operator in operators for at in operator.outputs}
        computed = {int(at) for operator in self._operators for at in operator.outputs} | set(self._given)
        read = {int(at) for operator in operators for at in operator.inputs}
        if any(self._graph.tensors[at].isVariable for at in (read | made) - {-1}):
            raise DataError(f"{self.name} keeps a state from call to call; convert the network without it")
        return Part(self._model, operators, sorted((read & computed) - made), sorted(made & later))

    # Inputs.

    def _coded(self, args: tuple) -> tuple:
        if len(args) == 1 and isinstance(args[0], dict):
            return (self._coded_by_name(args[0]),)
        return (
            tuple(_codes(one, at, self._graph) for one, at in zip(args, self._given, strict=False))
            + args[len(self._given) :]
        )

    def _coded_by_name(self, named) -> dict:
        places = dict(zip([one.name for one in self.inputs], self._given, strict=True))
        return {name: _codes(x, places[name], self._graph) if name in places else x for name, x in named.items()}


def _codes(values: object, at: int, graph) -> np.ndarray:
    """Real values for an integer tensor as its codes; anything else as it is."""
    array, tensor = np.asarray(values), graph.tensors[at]
    scale, dtype = quantisation(tensor), _dtype(tensor)
    if array.dtype.kind != "f" or scale is None or dtype.kind == "f":
        return array
    return steps.codes_of(array, *scale, dtype)


def len_of(tensor) -> int:
    """Samples of one run."""
    return int(tensor.shape[0]) if len(tensor.shape) else 1


def _names() -> dict[int, str]:
    kinds = schema().BuiltinOperator
    return {number: name for name, number in vars(kinds).items() if isinstance(number, int)}


def _needed(graph, outputs: list[int], given: set[int]) -> list:
    """The operators that `outputs` depend on where `given` are known, in order."""
    wanted, found = set(outputs) - given, []
    for operator in reversed(graph.operators):
        if wanted.intersection(int(at) for at in operator.outputs):
            found.append(operator)
            wanted.update({int(at) for at in operator.inputs} - given)
    return found[::-1]


def _text(name) -> str:
    return name.decode("utf-8", "replace").split(";")[0] if isinstance(name, bytes) else str(name)


_TYPES = defaultdict(
    lambda: np.dtype(object),
    {
        "FLOAT32": np.dtype(np.float32), "FLOAT16": np.dtype(np.float16), "INT8": np.dtype(np.int8),
        "UINT8": np.dtype(np.uint8), "INT16": np.dtype(np.int16), "INT32": np.dtype(np.int32),
        "INT64": np.dtype(np.int64), "BOOL": np.dtype(bool),
    },
)  # fmt: skip


def _dtype(tensor) -> np.dtype:
    kinds = schema().TensorType
    return _TYPES[next((name for name, number in vars(kinds).items() if number == tensor.type), "")]


def _declared(name: str, tensor) -> Declared:
    """An input; a file for one sample takes any number of them.  Raises DataError for one that is no numbers."""
    dtype = _dtype(tensor)
    if dtype.hasobject:
        raise DataError(f"the input {_text(tensor.name)!r} of {name} is no tensor of numbers; convert it with one")
    shape = [int(n) for n in (tensor.shape if tensor.shape is not None else ())]
    return Declared(_text(tensor.name), dtype, tuple([None, *shape[1:]] if shape[:1] == [1] else shape))
