"""PyTorch, as `frameworks` asks for it; Transformers, timm and Lightning are torch modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn

from narrowmax.models.measuring import measure
from narrowmax.models.networks import logits_in
from narrowmax.models.replacing import replace

__all__ = [
    "classify", "copied", "described", "doctor", "evaluating", "forward", "is_network", "learn", "measure", "precision",
    "replace", "seeded", "trainer", "version", "weights",
]  # fmt: skip


def is_network(thing: object) -> bool:
    """Whether `thing` is a torch module."""
    return isinstance(thing, nn.Module)


@contextmanager
def evaluating(network: nn.Module, threads: int | None = None) -> Iterator[None]:
    """The network in evaluation mode without gradients, on so many threads; afterwards as it was."""
    training = network.training
    network.eval()
    try:
        with inferring(threads):
            yield
    finally:
        network.train(training)


@contextmanager
def inferring(threads: int | None = None) -> Iterator[None]:
    """PyTorch without gradients, on so many threads (None: as it is); afterwards as it was."""
    with _on_threads(threads), torch.no_grad():
        yield


@contextmanager
def seeded(seed: int, threads: int | None = None) -> Iterator[None]:
    """With random numbers of its own, on so many threads (None: as it is); afterwards as it was."""
    with _on_threads(threads), torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def _on_threads(threads: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def forward(network: nn.Module, inputs: object) -> object:
    """The output for one batch: a mapping holds arguments by name, a tuple those by place."""
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    if isinstance(inputs, Mapping):
        return network(**{name: _placed(value, device) for name, value in inputs.items()})
    return network(*(_placed(value, device) for value in (inputs if isinstance(inputs, tuple) else (inputs,))))


def _placed(value: object, device: torch.device) -> object:
    """Arrays as tensors where the network is; what is a tensor already stays where it is."""
    return torch.from_numpy(value).to(device) if isinstance(value, np.ndarray) else value


def weights(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, on the CPU."""
    return {name: value.cpu() for name, value in network.state_dict().items()}


def classify(rows: Tensor) -> Tensor:
    """Softmax along the last axis."""
    return torch.softmax(rows, dim=-1)


def copied(network: nn.Module) -> nn.Module:
    """Another network of the same layers and weights."""
    return deepcopy(network)


def doctor(network: nn.Module):
    """See `narrowmax.models.doctor`."""
    from narrowmax.models.doctor.pytorch import TorchExamination

    return TorchExamination(network)


def learn(network: nn.Module, inputs: object, labels: object | None) -> object:
    """The output for one batch; where there are labels, the gradient of its cross-entropy reaches the parameters."""
    with torch.set_grad_enabled(labels is not None):
        output = forward(network.eval(), inputs)
        if labels is not None:
            logits = logits_in(output)
            wanted = torch.as_tensor(labels).to(logits.device)
            nn.functional.cross_entropy(logits.flatten(0, -2), wanted.flatten()).backward()
    return output


def described(network: nn.Module) -> str:
    """Its layers, for a digest."""
    return repr(network)


def version() -> str:
    """What it runs in."""
    return f"torch {torch.__version__}"


def precision(network: nn.Module, optimiser: torch.optim.Optimizer | None, precision, seed: int):
    """See `narrowmax.models.training`."""
    from narrowmax.models.training.context import TorchTraining

    return TorchTraining(network, optimiser, precision, seed)


def trainer(network: nn.Module, loop, precision, seed: int, epochs: int):
    """See `narrowmax.models.training.trainer`."""
    from narrowmax.models.training.trainer import TorchTrainer

    return TorchTrainer(network, loop, precision, seed, epochs)
