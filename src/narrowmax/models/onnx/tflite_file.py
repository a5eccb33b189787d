"""TFLite files of others: read as data, written out again before any interpreter sees them."""

from __future__ import annotations

from pathlib import Path

from narrowmax.errors import DataError
from narrowmax.models.onnx.packages import needed

LARGEST_BYTES = (1 << 31) - 1
IDENTIFIER = b"TFL3"
_MOST = 1 << 20  # tensors and operators of a file
_SCHEMA = "ai_edge_litert.schema_py_generated"


def schema():
    """The classes of a TFLite file.  Raises ToolMissing without ai-edge-litert and flatbuffers."""
    needed("flatbuffers")
    needed("ai_edge_litert")
    return needed(_SCHEMA)


def read(path: str | Path):
    """The model in a TFLite file, a `ModelT`.

    Raises DataError for anything that is no such file: truncated, hostile, without one graph or with references to
    tensors that it does not have; ToolMissing without ai-edge-litert.
    """
    path = Path(path)
    content = _content(path)
    kinds = schema()
    if content[4:8] != IDENTIFIER:
        raise _broken(path.name)
    try:
        model = kinds.ModelT.InitFromPackedBuf(bytearray(content), 0)
        _check(model)
        return model
    except DataError:
        raise
    except Exception:  # offsets that lead nowhere, in every way there is
        raise _broken(path.name) from None


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise DataError(f"{path.name} takes {size:,} bytes, more than the {LARGEST_BYTES:,} that can be run")
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; give the path of a TFLite file") from None
    except OSError as error:
        raise DataError(f"{path.name} could not be read: {error.strerror or error}") from None


def _broken(name: str) -> DataError:
    return DataError(f"{name} is damaged, cut short or no TFLite file; convert it again")


def _check(model) -> None:
    """Raises ValueError where a reference leads to nothing."""
    for graph in model.subgraphs:
        if not len(graph.tensors) <= _MOST or not len(graph.operators) <= _MOST:
            raise ValueError
        for tensor in graph.tensors:
            _within([tensor.buffer], len(model.buffers))
        for operator in graph.operators:
            operator.inputs, operator.outputs = _list(operator.inputs), _list(operator.outputs)
            _within([operator.opcodeIndex], len(model.operatorCodes))
            _within([at for at in [*operator.inputs, *operator.outputs] if at != -1], len(graph.tensors))
        _within([*_list(graph.inputs), *_list(graph.outputs)], len(graph.tensors))
    if not model.subgraphs or not len(model.subgraphs[0].outputs):
        raise ValueError


def _within(indices: list[int], many: int) -> None:
    if any(not 0 <= at < many for at in indices):
        raise ValueError


def _list(indices) -> list[int]:
    return [] if indices is None else [int(at) for at in indices]


def part(model, operators: list, inputs: list[int], outputs: list[int]) -> bytes:
    """A file of some operators of the first graph alone, with the constants that they read."""
    kinds = schema()
    graph = model.subgraphs[0]
    made, own = kinds.ModelT(), kinds.SubGraphT()
    read = {at for operator in operators for at in [*_list(operator.inputs), *_list(operator.outputs)]}
    kept = {graph.tensors[at].buffer for at in read if at != -1} | {0}
    empty = kinds.BufferT()
    made.version, made.operatorCodes, made.description = model.version, model.operatorCodes, "part"
    made.buffers = [buffer if at in kept else empty for at, buffer in enumerate(model.buffers)]
    if len(model.subgraphs) > 1:  # branches and bodies, which read constants of their own
        made.buffers = list(model.buffers)
    own.tensors, own.operators, own.inputs, own.outputs = graph.tensors, operators, inputs, outputs
    made.subgraphs = [own, *model.subgraphs[1:]]
    return packed(made)


def packed(model) -> bytes:
    """A model as the bytes of a file."""
    builder = needed("flatbuffers").Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())
