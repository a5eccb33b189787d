"""A Keras model under examination: a copy of it, and a step of training."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from copy import deepcopy

import keras
import numpy as np

from narrowmax.errors import NetworkError
from narrowmax.models.keras import backends
from narrowmax.models.keras.networks import Logits, forward


def copied(network: keras.layers.Layer) -> keras.layers.Layer:
    """Another network of the same layers and weights.  Raises NetworkError where its class does not say how."""
    if not isinstance(network, (keras.Sequential, keras.Model)):
        return deepcopy(network)
    try:
        copy = keras.models.clone_model(network)
        _take_over(network, copy, lambda layer: True)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise NetworkError(
            f"the Keras model {network.name} cannot be copied, for {type(network).__name__} does not say how it is "
            "made; give the class get_config, or the training loop a network, a function that makes one"
        ) from error
    if network.compiled:
        copy.compile_from_config(network.get_compile_config())
    return copy


def anew(network: keras.Model) -> keras.Model:
    """Another network of the same layers, with new weights where it learns.

    What was frozen, and what has no weights to train but a state (an adapted Normalization), stays as it is.
    """
    made = keras.models.clone_model(network)
    _take_over(network, made, lambda layer: not layer.trainable_variables)
    return made


def _take_over(network: keras.Model, other: keras.Model, takes: Callable[[keras.layers.Layer], bool]) -> None:
    """Give the layers of a copy the variables of its model's, as a file would: some work out more of them."""
    for own, made in zip(network._flatten_layers(), other._flatten_layers(), strict=True):
        if takes(own):
            own.save_own_variables(stored := {})  # the variables themselves; on JAX a step gives their arrays away
            made.load_own_variables({name: backends.array(one) for name, one in stored.items()})


def learn(network: keras.Model, inputs: object, labels: object | None) -> np.ndarray:
    """The output for one batch, logits where there are; where there are labels, one step of training on it.

    A model that was not compiled is trained on the cross-entropy of what it gives.
    """
    output = forward(network, inputs)
    if labels is not None:
        if not network.compiled:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not isinstance(output, Logits))
            network.compile(optimizer=keras.optimizers.SGD(1e-3), loss=loss)
        given = inputs if isinstance(inputs, Mapping) else list(inputs) if isinstance(inputs, tuple) else inputs
        network.train_on_batch(given, labels)
    return output


def doctor(network: keras.layers.Layer):
    """See `narrowmax.models.doctor`."""
    from narrowmax.models.doctor.keras import KerasExamination

    return KerasExamination(network)


def described(network: keras.Model) -> str:
    """Its layers, for a digest; names that Keras counts up are told by the order they come in."""
    try:
        text = network.to_json()
    except NotImplementedError:  # of a class that does not say how it is made
        return type(network).__qualname__
    names = {name: str(n) for n, name in enumerate(dict.fromkeys(re.findall(r'"name": "([^"]*)"', text)))}
    return re.sub('"([^"]*)"', lambda found: names.get(found[1], found[1]), text)


def version() -> str:
    """What it runs in."""
    backend = keras.backend.backend()
    return f"Keras {keras.__version__} on {backend} {importlib.import_module(backend).__version__}"


def precision(network: keras.Model, optimiser, precision, seed: int):
    """See `narrowmax.models.training`."""
    from narrowmax.models.keras.training import KerasTraining

    return KerasTraining(network, optimiser, precision, seed)


def trainer(network: keras.Model, loop, precision, seed: int, epochs: int):
    """See `narrowmax.models.keras.task_training`."""
    from narrowmax.models.keras.task_training import KerasTrainer

    return KerasTrainer(network, loop, precision, seed, epochs)


def seeded(seed: int, threads: int | None = None):
    """See `narrowmax.models.keras.task_training`."""
    from narrowmax.models.keras.task_training import seeded

    return seeded(seed, threads)
