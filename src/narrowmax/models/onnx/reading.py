"""ONNX files of others, read with care: sizes, paths and operators are checked before anything is run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from narrowmax.errors import DataError
from narrowmax.models.onnx.packages import needed
from narrowmax.models.onnx.walking import graphs_in, nodes, nodes_of

LARGEST_BYTES = (1 << 31) - 1
"""Of a file with its external data: what one protocol buffer, and so a session, can hold."""
OLDEST_OPSET = 7
"""onnxruntime runs files from this version of the operators on."""
_PACKED = {"INT4": 4, "UINT4": 4, "FLOAT4E2M1": 4, "INT2": 2, "UINT2": 2}  # bits of the types that share bytes
KNOWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview", "com.microsoft")


def read(path: str | Path):
    """The model in an ONNX file, an `onnx.ModelProto` with all its data inside; onnxruntime checks its graph.

    Data outside of the file is read from the file's own folder only.  Raises DataError in one sentence for
    anything that is not such a file: truncated, hostile, too large, of operators that nobody here knows;
    ToolMissing without onnx.
    """
    path = Path(path)
    model = _parsed(path, _content(path))
    _check_operators(path.name, model)
    _load_external(path, model)
    return model


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size == 0:
            raise DataError(f"{path.name} is empty; give an ONNX file")
        if size > LARGEST_BYTES:
            raise _too_large(path.name, size)
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; give the path of an ONNX file") from None
    except OSError as error:
        raise DataError(f"{path.name} could not be read: {error.strerror or error}") from None


def _too_large(name: str, size: int) -> DataError:
    return DataError(f"{name} takes {size:,} bytes with its data, more than the {LARGEST_BYTES:,} that can be run")


def _parsed(path: Path, content: bytes):
    model = needed("onnx").ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:  # its class moved between versions of protobuf
        raise _broken(path.name) from None
    if not model.graph.node and not model.graph.output:
        raise _broken(path.name)
    return model


def _broken(name: str, why: str = "") -> DataError:
    said = f" ({why})" if why else ""
    return DataError(f"{name} is damaged, cut short or no ONNX file{said}; export it again")


def first_line(error: Exception) -> str:
    """What an outside library says, as part of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".")[:200] if lines else type(error).__name__


def _check_operators(name: str, model) -> None:
    onnx = needed("onnx")
    newest = onnx.defs.onnx_opset_version()
    for opset in model.opset_import:
        if opset.domain in ("", "ai.onnx") and not OLDEST_OPSET <= opset.version <= newest:
            raise DataError(
                f"{name} is of opset {opset.version}, and {OLDEST_OPSET} to {newest} can be run; "
                "export it for one of these, or convert it with onnx.version_converter"
            )
    own = {(function.domain, function.name) for function in model.functions}
    _check_functions(name, model, own)
    for node in nodes(model):
        if node.domain not in KNOWN_DOMAINS and (node.domain, node.op_type) not in own:
            raise DataError(
                f"{name} needs the operator {node.domain}.{node.op_type}, which onnxruntime does not have; "
                "export it with standard operators"
            )


_MOST_NODES = 1 << 20  # with all functions written out


def _check_functions(name: str, model, own: set) -> None:
    """Functions that call functions grow as powers, and one that calls itself has no end."""
    many = dict.fromkeys(own, 1)
    for _ in range(len(own) + 1):  # no chain of calls is longer
        before = dict(many)
        for function in model.functions:
            inside = (before.get((node.domain, node.op_type), 1) for node in nodes_of(function.node))
            many[function.domain, function.name] = min(sum(inside), _MOST_NODES + 1)
        if many == before:
            break
    else:
        raise _broken(name, "its functions call each other without end")
    if sum(many.get((node.domain, node.op_type), 1) for node in nodes_of(model.graph.node)) > _MOST_NODES:
        raise DataError(
            f"{name} has more than {_MOST_NODES:,} nodes once its functions are written out; export it again"
        )


# Data that lies outside of the file.


def _load_external(path: Path, model) -> None:
    total = path.stat().st_size
    for tensor in _tensors(model):
        if tensor.data_location == tensor.EXTERNAL:
            total += _load(path, tensor)
            if total > LARGEST_BYTES:
                raise _too_large(path.name, total)


def _tensors(model) -> Iterator:
    graphs = [model.graph, *(graph for node in nodes(model) for graph in graphs_in(node))]
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in nodes(model):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)


def _load(path: Path, tensor) -> int:
    """Put the bytes of a tensor inside it; how many there were."""
    fields = {entry.key: entry.value for entry in tensor.external_data}
    source = _inside(path, tensor.name, fields.get("location", ""))
    offset, size = _number(path, tensor, fields.get("offset", "0")), _size(path, tensor)
    length = _number(path, tensor, fields.get("length", str(size)))
    if length != size or offset + length > source.stat().st_size:
        raise DataError(
            f"the data of {tensor.name!r} of {path.name} does not lie in {source.name}, which is cut short or another "
            "file; export it again"
        )
    with source.open("rb") as stream:
        stream.seek(offset)
        tensor.raw_data = stream.read(length)
    del tensor.external_data[:]
    tensor.data_location = tensor.DEFAULT
    return length


def _inside(path: Path, name: str, location: str) -> Path:
    """The file of external data, which must be a plain one in the folder of the ONNX file, links followed."""
    folder = path.resolve().parent
    try:
        source = (folder / location).resolve()
        lies_there = bool(location) and source.is_relative_to(folder) and source.is_file()
    except (OSError, ValueError, RuntimeError):
        lies_there = False
    if not lies_there:
        raise DataError(
            f"the data of {name!r} of {path.name} is said to be in {location!r}, which is no file in the same folder; "
            "put it there, or export the network into one file"
        )
    return source


def _number(path: Path, tensor, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise _broken(path.name, f"the place of {tensor.name!r} in its file is {text[:20]!r}")
    return int(text)


def _size(path: Path, tensor) -> int:
    """Bytes of a tensor as its type and shape have it."""
    helper = needed("onnx.helper")
    try:
        kind, name = helper.tensor_dtype_to_np_dtype(tensor.data_type), type(tensor).DataType.Name(tensor.data_type)
    except (KeyError, ValueError):
        raise _broken(path.name, f"{tensor.name!r} has no type") from None
    if kind.hasobject or min(tensor.dims, default=0) < 0:
        raise _broken(path.name, f"{tensor.name!r} is of type {name}, shape {list(tensor.dims)}")
    bits = _PACKED.get(name, 8 * kind.itemsize)
    return -(-math.prod(tensor.dims) * bits // 8)
