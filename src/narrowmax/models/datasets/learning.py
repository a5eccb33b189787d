"""How networks are trained on data that a person points to: on the CPU, from a seed, and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from narrowmax.models.datasets.forms import Form
from narrowmax.models.measurement import Measurement
from narrowmax.models.measuring import measure
from narrowmax.models.training.loop import TrainingLoop
from narrowmax.store import Store, digest

OBSERVED = 256
"""Samples of selection whose softmaxes are measured as training goes on."""
_RECORDED = 10  # times, besides before the first epoch


@dataclass(frozen=True)
class Lesson:
    """What a network is taught.

    make: the network before training
    inputs, labels: tensors with a sample a row, as they are stored; labels may be -100 where nothing is judged
    prepare: `(stored inputs, whether to vary them at random) -> what the network is called with`
    training, selection: index arrays
    """

    make: Callable[[], nn.Module]
    inputs: Tensor
    labels: Tensor
    prepare: Callable[[Tensor, bool], Tensor]
    training: np.ndarray
    selection: np.ndarray


def taught(
    form: Form, lesson: Lesson, progress: Callable[[str], None] | None = None, store: Store | None = None
) -> tuple[nn.Module, list[dict]]:
    """`(network in evaluation mode, statistics of its softmaxes by epoch)`, from the cache or trained now.

    Raises StoreError where the cache cannot be written.
    """
    store = store or Store()
    inputs = (form.name, form.settings, _sources(), torch.__version__, lesson.inputs, lesson.labels, lesson.training)
    weights_key, epochs_key = Store.key("data-weights", *inputs), Store.key("data-epochs", *inputs)
    weights, epochs = store.get_arrays(weights_key), store.get(epochs_key)
    if weights is None or epochs is None:
        network, epochs = _trained(form, lesson, progress or (lambda line: None))
        store.put_arrays(weights_key, {name: value.numpy() for name, value in network.state_dict().items()})
        store.put(epochs_key, epochs)
    else:
        network = _seeded(lesson, form.settings.seed)
        network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return network.eval(), epochs


def loop(form: Form, lesson: Lesson) -> TrainingLoop:
    """The same training for `narrowmax train`: each epoch a new order of the part trained on, varied at random."""
    settings = form.settings
    return TrainingLoop(
        partial(_epoch, lesson, settings.batch),
        lambda network: torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=0.05),
        network=partial(_seeded, lesson),
        loss=_loss,
        schedule=lambda made, epochs: torch.optim.lr_scheduler.CosineAnnealingLR(made, epochs),
        epochs=settings.epochs,
    )


def _seeded(lesson: Lesson, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return lesson.make()


def _epoch(lesson: Lesson, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    chosen = torch.from_numpy(lesson.training)
    for part in chosen[torch.randperm(len(chosen))].split(batch):
        yield lesson.prepare(lesson.inputs[part], True), lesson.labels[part]


def _sources() -> str:
    """A digest of the code that decides what is trained and measured."""
    here = Path(__file__).parent
    names = ("learning.py", "networks.py", "pictures.py", "text.py", "making.py", "../digits_networks.py")
    return digest([(here / name).read_bytes() for name in names])


def _trained(form: Form, lesson: Lesson, progress: Callable[[str], None]) -> tuple[nn.Module, list[dict]]:
    """On one thread with a seed of its own, so that the same machine trains the same network, whatever its load.

    Nothing is chosen on the way: no early stop, no best epoch.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(form.settings.seed)
            return _run(form, lesson, progress)
    finally:
        torch.set_num_threads(threads)


def _run(form: Form, lesson: Lesson, progress: Callable[[str], None]) -> tuple[nn.Module, list[dict]]:
    network, settings = lesson.make(), form.settings
    steps = settings.epochs * -(-len(lesson.training) // settings.batch)
    optimiser = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=0.05)
    # Ten at least: OneCycleLR divides by the length of its warm-up less one.
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, total_steps=max(steps, 10))
    seen, recorded = measure(network), max(1, settings.epochs // _RECORDED)
    _observe(network, lesson, seen, 0)
    for epoch in range(1, settings.epochs + 1):
        network.train()
        losses = []
        for inputs, labels in _epoch(lesson, settings.batch):
            loss = _loss(network(inputs), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        if epoch % recorded == 0 or epoch == settings.epochs:
            _observe(network, lesson, seen, epoch)
        progress(f"training {form.name}: epoch {epoch} of {settings.epochs}, loss {np.mean(losses):.3f}")
    return network, seen.softmaxes()


def _loss(output: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(output.flatten(0, -2), labels.flatten())


def _observe(network: nn.Module, lesson: Lesson, seen: Measurement, epoch: int) -> None:
    """Statistics on samples of selection, the classifier's softmax included."""
    network.eval()
    seen.epoch = epoch
    chosen = lesson.inputs[torch.from_numpy(lesson.selection[:OBSERVED])]
    with torch.no_grad(), seen:
        F.softmax(network(lesson.prepare(chosen, False)), dim=-1)
