"""How a torch network is trained with the loop of a task."""

from __future__ import annotations

import io
import pickle

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from narrowmax.models import probabilities
from narrowmax.models.networks import array, logits_in
from narrowmax.models.pytorch import forward
from narrowmax.models.training.context import TorchTraining
from narrowmax.models.training.labels import classes
from narrowmax.models.training.loop import Schedule, TrainingLoop
from narrowmax.models.training.record import Precision

_STATE = "torch"


class TorchTrainer:
    """See `running.Trainer`."""

    def __init__(self, network: nn.Module, loop: TrainingLoop, precision: Precision, seed: int, epochs: int):
        self.network, self.loop = network, loop
        self.optimiser = loop.optimiser(network)
        self.schedule = Schedule(loop, self.optimiser, epochs)
        self._watch = probabilities.Watch()
        self.training = TorchTraining(network, self.optimiser, precision, seed)

    def step(self, inputs: object, labels: object) -> np.ndarray | None:
        """See `running.Trainer`."""
        self.network.train()
        output = forward(self.network, inputs)
        logits = logits_in(output)
        rows = array(logits) if isinstance(logits, Tensor) else np.empty(0)
        if not np.isfinite(rows).all():
            return None
        classes(labels, rows.shape)  # a loss would refuse wrong ones in words of its own, or stop the whole device
        if self.loop.loss is None and self.schedule.steps == 0:  # cross-entropy has a softmax of its own
            self._watch.see(rows)
            self._watch.refuse("the network that is trained")
        loss = _cross_entropy(logits, labels) if self.loop.loss is None else self.loop.loss(output, labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return rows if torch.isfinite(loss) else None

    def end_epoch(self) -> None:
        """Step the schedule."""
        self.schedule.step()

    def state(self) -> dict[str, np.ndarray]:
        """See `running.Trainer`; one array, the bytes of `torch.save`."""
        parts = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.steps,
            "training": self.training.state(),
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        }
        file = io.BytesIO()
        torch.save(parts, file)
        return {_STATE: np.frombuffer(file.getvalue(), np.uint8)}

    def resume(self, state: dict[str, np.ndarray]) -> bool:
        """See `running.Trainer`.  Only tensors and plain values are read; of anything else nothing is run."""
        try:
            parts = torch.load(io.BytesIO(state[_STATE].tobytes()), weights_only=True)
        except (KeyError, RuntimeError, EOFError, pickle.UnpicklingError):
            return False
        self.schedule.resume(parts["schedule"])  # before the optimiser, whose rates it sets
        self.network.load_state_dict(parts["network"])
        self.optimiser.load_state_dict(parts["optimiser"])
        self.training.resume(parts["training"])
        torch.set_rng_state(parts["random"])
        if parts["random_gpu"]:
            torch.cuda.set_rng_state_all(parts["random_gpu"])
        return True


def _cross_entropy(logits: Tensor, labels: object) -> Tensor:
    return F.cross_entropy(logits, torch.as_tensor(labels, device=logits.device))
