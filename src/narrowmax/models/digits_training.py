"""How the networks of the built-in tasks are trained where number formats are tried in training.

Shorter than the training that the tasks themselves come from (`digits.train`), for it is repeated for every format and
seed; and the convolutional network is trained by plain stochastic gradient descent with momentum, as hardware that
learns does it, whose updates shrink with their gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from narrowmax.models.catalogue import Recipe
from narrowmax.models.digits_data import Digits
from narrowmax.models.training.loop import TrainingLoop

EPOCHS = {"DigitsCNN": 15, "DigitsViT": 60}


def loop(recipe: Recipe, data: Digits) -> TrainingLoop:
    """The training loop of a built-in task, on `data.training` alone."""
    from narrowmax.models import digits

    return TrainingLoop(
        partial(batches, digits.tensors(data, data.training), recipe.batch),
        partial(optimiser, recipe),
        network=partial(digits.made, recipe),
        schedule=lambda made, epochs: CosineAnnealingLR(made, epochs),
        epochs=EPOCHS[recipe.network],
    )


def batches(training: tuple[Tensor, Tensor], size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """An epoch of images, moved at random, in random order."""
    from narrowmax.models import digits

    images, labels = training
    for part in torch.randperm(len(images)).split(size):
        yield digits.moved(images[part]), labels[part]


def optimiser(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    """Stochastic gradient descent with momentum; AdamW for the transformer, which does not learn without."""
    if recipe.network == "DigitsViT":
        return torch.optim.AdamW(network.parameters(), recipe.learning_rate)
    return torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
