"""Networks of Transformers from a folder: weights are data, and code that comes with them runs only if trusted."""

from __future__ import annotations

import json
from pathlib import Path

from narrowmax.errors import DataError, SourceError, ToolMissing

CONFIG = "config.json"
_LONGEST = 1 << 24  # bytes of a config
_WEIGHTS = ("*.safetensors", "*.bin")


def load(folder: Path, trust: bool = False):
    """The network of a Transformers checkpoint, in evaluation mode, of the class that its config names.

    Nothing is fetched.  Weights are read from `.safetensors`, or from `.bin` files as plain tensors, never as
    pickled objects.  Raises SourceError for code that is not trusted, DataError for a folder that is no
    checkpoint, ToolMissing without transformers.
    """
    config = _config(folder)
    if "auto_map" in config and not trust:
        raise SourceError(f"{folder} comes with code, which runs only if you trust it; read it, then add --trust")
    if not any(True for pattern in _WEIGHTS for _ in folder.glob(pattern)):
        raise DataError(f"{folder.name} holds no weights; give a folder with a .safetensors or .bin file in it")
    kind = _class(folder, config)
    try:
        network, told = kind.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust, weights_only=True, output_loading_info=True
        )
    except Exception as error:  # whatever the reader of a checkpoint from others stumbles over
        said = " ".join(str(error).split())[:200].rstrip(".")
        raise DataError(
            f"the checkpoint {folder.name} could not be loaded ({said}); save it again with save_pretrained"
        ) from None
    if missing := sorted(told["missing_keys"]):
        raise DataError(
            f"the checkpoint {folder.name} holds no {missing[0]}, which would be random; give the one of the whole "
            f"{kind.__name__}, or name the class that was saved in architectures of its {CONFIG}"
        )
    return network.eval()


def _config(folder: Path) -> dict:
    path = folder / CONFIG
    try:
        if path.stat().st_size > _LONGEST:
            raise DataError(f"{path} is larger than the {_LONGEST:,} bytes allowed; give a checkpoint of Transformers")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise DataError(f"{path} could not be read; give the folder of a checkpoint of Transformers") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} is no configuration; give the folder of a checkpoint of Transformers")
    return found


def _class(folder: Path, config: dict):
    """The class of the network: the first of `architectures`, or, with trusted code, the first of `auto_map`."""
    try:
        import transformers
    except ImportError:
        raise ToolMissing("Transformers was not found, and checkpoints need it; run pip install transformers") from None
    if automatic := [name for name in config.get("auto_map", ()) if name.startswith("AutoModel")]:
        return getattr(transformers, automatic[0])
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names else None
    kind = getattr(transformers, name, None) if isinstance(name, str) else None
    if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)):
        raise DataError(
            f"{folder.name} is of architecture {name!r}, which Transformers {transformers.__version__} does not have; "
            "give one that it has, or save the checkpoint with its newest version"
        )
    return kind
