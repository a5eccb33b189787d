"""The built-in tasks `digits-cnn` and `digits-vit`: trained in seconds, kept in the cache."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from narrowmax.models import digits_networks, digits_training
from narrowmax.models.catalogue import Recipe
from narrowmax.models.digits_data import SELECTED, TRAINED, Digits, digits
from narrowmax.models.measurement import Measurement
from narrowmax.models.measuring import measure
from narrowmax.models.task import Task
from narrowmax.store import Store, digest

TURN_DEGREES, SCALE, SHIFT_PIXELS = 12.0, 0.12, 0.7
"""Training images are turned, scaled and moved at random, each up to this much either way."""

NOTES = (
    "scikit-learn's digits do not say who wrote which image, so the same hand may be in training and in judgement. "
    "Ranges are measured on the selection images."
)


def load(recipe: Recipe, progress: Callable[[str], None] | None = None, store: Store | None = None) -> Task:
    """The task of `recipe`, from the cache or trained now (seconds on one core).

    progress: called with a line of text now and then while training
    Raises StoreError where the cache cannot be written.
    """
    data, store = digits(), store or Store()
    inputs = (recipe, _sources(), torch.__version__, data.images, data.labels)
    weights_key, epochs_key = Store.key("task-weights", *inputs), Store.key("task-epochs", *inputs)
    weights, epochs = store.get_arrays(weights_key), store.get(epochs_key)
    if weights is None or epochs is None:
        network, epochs = train(recipe, data, progress)
        store.put_arrays(weights_key, {name: value.numpy() for name, value in network.state_dict().items()})
        store.put(epochs_key, epochs)
    else:
        network = made(recipe, recipe.seed)
        network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return _task(recipe, data, network.eval(), epochs)


def made(recipe: Recipe, seed: int) -> nn.Module:
    """The network before training; its random numbers are its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return getattr(digits_networks, recipe.network)()


def _sources() -> str:
    """A digest of the code that decides what is trained and measured."""
    here = Path(__file__).parent
    names = ("digits.py", "digits_data.py", "digits_networks.py")
    rows = sorted((here.parent / "rows").glob("*.py"))
    return digest([path.read_bytes() for path in (*(here / name for name in names), *rows)])


def _task(recipe: Recipe, data: Digits, network: nn.Module, epochs: list[dict]) -> Task:
    held_out = np.concatenate([data.selection, data.judgement])
    images, labels = tensors(data, held_out)
    return Task(
        network,
        [(images, labels)],
        name=recipe.name,
        title=recipe.title,
        where=recipe.where,
        selection=np.arange(SELECTED),
        judgement=np.arange(SELECTED, len(held_out)),
        trained=TRAINED,
        threads=1,
        epochs=epochs,
        notes=NOTES,
        training=digits_training.loop(recipe, data),
    )


def untrained(recipe: Recipe) -> Task:
    """The task of `recipe` with its network as it is before training: quick, and nothing is kept."""
    return _task(recipe, digits(), made(recipe, recipe.seed), [])


def tensors(data: Digits, indices: np.ndarray) -> tuple[Tensor, Tensor]:
    """Images (k, 1, 8, 8) and their labels (k,)."""
    return torch.from_numpy(data.images[indices])[:, None], torch.from_numpy(data.labels[indices])


def train(recipe: Recipe, data: Digits, progress: Callable[[str], None] | None = None) -> tuple[nn.Module, list[dict]]:
    """`(network, statistics of its softmaxes by epoch)`, trained on `data.training` alone.

    On one thread with a seed of its own, so that the same machine trains the same network, whatever
    its load.  Nothing is chosen on the way: no early stop, no best epoch.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            return _trained(recipe, data, progress or (lambda line: None))
    finally:
        torch.set_num_threads(threads)


def _trained(recipe: Recipe, data: Digits, progress: Callable[[str], None]) -> tuple[nn.Module, list[dict]]:
    network = getattr(digits_networks, recipe.network)()
    images, labels = tensors(data, data.training)
    steps = recipe.epochs * -(-len(images) // recipe.batch)
    optimiser = torch.optim.AdamW(network.parameters(), recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=steps)
    seen = measure(network)
    _observe(network, data, seen, 0)
    for epoch in range(1, recipe.epochs + 1):
        for part in torch.randperm(len(images)).split(recipe.batch):
            loss = F.cross_entropy(network(moved(images[part])), labels[part])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        if epoch % recipe.recorded == 0:
            _observe(network, data, seen, epoch)
            progress(f"training {recipe.name}: epoch {epoch} of {recipe.epochs}")
    return network, seen.softmaxes()


def moved(images: Tensor) -> Tensor:
    """Each image (batch, 1, 8, 8) turned, scaled and moved by an amount of its own; zeros come in."""
    turn, scale, right, down = 2 * torch.rand(4, len(images)) - 1
    turn, scale = turn * math.radians(TURN_DEGREES), 1 + scale * SCALE
    cos, sin, pixel = scale * turn.cos(), scale * turn.sin(), 2 / images.shape[-1]
    rows = (cos, -sin, right * SHIFT_PIXELS * pixel), (sin, cos, down * SHIFT_PIXELS * pixel)
    grid = F.affine_grid(torch.stack([torch.stack(row, -1) for row in rows], -2), images.shape, align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def _observe(network: nn.Module, data: Digits, seen: Measurement, epoch: int) -> None:
    """Statistics on the selection images, the classifier's softmax included; leaves the network in training."""
    network.eval()
    seen.epoch = epoch
    with torch.no_grad(), seen:
        F.softmax(network(tensors(data, data.selection)[0]), dim=-1)
    network.train()
