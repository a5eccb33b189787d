"""Number formats in an unmodified Keras model and its training, on TensorFlow, JAX and PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase

import keras

from narrowmax.errors import DataError, NetworkError
from narrowmax.models.keras import backends
from narrowmax.models.keras.formats import DesignInTraining, Formats, NumpyRounder
from narrowmax.models.keras.stepping import Stepping
from narrowmax.models.training.grids import at_limits
from narrowmax.models.training.passing import Passing
from narrowmax.models.training.record import FIRST_SCALE, GROWTH_INTERVAL, Precision
from narrowmax.models.training.recording import OUTPUT
from narrowmax.models.training.watching import Training

POLICIES = {"fp16": "mixed_float16", "bf16": "mixed_bfloat16"}
"""What `autocast` is in Keras."""
_MADE = ("train_function", "test_function", "predict_function")  # of a model, once it was run


class KerasTraining(Training):
    """The training of a Keras model.

    Seen are `fit`, `train_on_batch`, and loops of one's own that call `optimiser.scale_loss` and `optimiser.apply`; the
    counts are of calls with training=True.  Inside the block the model runs eagerly, whatever it was compiled for.
    `autocast` is the policy mixed_float16 or mixed_bfloat16, in all layers; `loss_scale="dynamic"` is Keras' own
    LossScaleOptimizer, a number its `loss_scale_factor`.  What a softmax gives has the format of its design; scores
    that reach it inside of a layer, as in `Dense(activation="softmax")`, have that of activations.
    """

    def __init__(self, network: keras.Model, optimiser, precision: Precision, seed: int):
        optimiser = getattr(network, "optimizer", None) if optimiser is None else optimiser
        _refuse(network, optimiser, precision)
        super().__init__(network, optimiser, precision)
        self.rounder = NumpyRounder(seed)
        self._passing = Passing(precision, self._counts, self.rounder)
        self.weights = dict(named_weights(network))
        owners = {name: name.rpartition("/")[0] for name in self.weights}
        precision.refuse_no_layer(_with_outputs(network), owners.values())
        chosen = {name: one for name, one in self.weights.items() if fnmatchcase(owners[name], precision.layers)}
        self.formats = Formats(network, self._passing, chosen)

    def _enter(self, stack: ExitStack) -> None:
        precision = self.precision
        if precision.autocast is not None:
            stack.enter_context(_policy(self.network, POLICIES[precision.autocast]))
        stack.enter_context(_eagerly(self.network))
        if self.optimiser is not None:
            self.optimiser = stack.enter_context(_scaling(self.network, self.optimiser, precision.loss_scale))
            self._passing.overflows = precision.loss_scale == "dynamic"
            watched = Stepping(self.optimiser, self._passing, self.weights, self.formats.weights).watched
            stack.enter_context(watched(self._steps, self._losses))
        self._before = _iterations(self.optimiser)
        self._compiled = getattr(self.network, "optimizer", None)
        if precision.updates is not None:
            for one in self.formats.weights.values():
                one.assign(self.rounder(precision.updates, backends.array(one)))
        if precision.softmax is not None:
            self.formats.design = stack.enter_context(DesignInTraining(self.formats))
        stack.enter_context(self.formats)

    def __exit__(self, kind, error, trace) -> None:
        seen = bool(self._steps) or any(one["steps"] for one in self.epochs)
        taken = _iterations(self.optimiser) - self._before if kind is None and not seen else 0
        other = getattr(self.network, "optimizer", None) is not self._compiled
        super().__exit__(kind, error, trace)
        if taken:
            raise DataError(
                f"{taken} steps were taken by code that was traced before, where formats do not act; run the training "
                "step without jit or tf.function"
            )
        if kind is None and other:
            raise DataError(
                "the model was compiled within the block, and what followed was not seen; compile it before"
            )

    @property
    def last_loss(self) -> float:
        """Of the last step."""
        return self._losses[-1]

    def _trained(self) -> Iterator[str]:
        trained = {id(one) for one in self.network.trainable_variables}
        return (name for name, one in self.weights.items() if id(one) in trained)

    def _kept(self) -> Iterator[keras.Variable]:
        return iter(self.formats.weights.values())

    def _at_limits(self) -> float | None:
        if self.precision.reference is None:
            return None
        return at_limits(self.precision.reference, map(backends.array, self.formats.weights.values()))

    def _counted(self) -> dict:
        backends.bridge().flush()
        counted = super()._counted()
        if self.formats.ends_in in counted["push"]:
            counted["push"][OUTPUT] = counted["push"].pop(self.formats.ends_in)
        return counted


def named_weights(layer: keras.layers.Layer, path: str = "") -> Iterator[tuple[str, keras.Variable]]:
    """The floating weights of all layers, by the names of the layers on the way to them: `block/dense/kernel`.

    Those of layers with the same name are numbered: `dense/kernel (2)`.
    """
    seen, times = set(), Counter()
    for own, inner in _layers(layer, path):
        for one in inner._trainable_variables:
            if id(one) not in seen and keras.backend.is_float_dtype(one.dtype):
                seen.add(id(one))
                name = f"{own}/{one.name}" if own else one.name
                times[name] += 1
                yield name if times[name] == 1 else f"{name} ({times[name]})", one


def _layers(layer: keras.layers.Layer, path: str = "") -> Iterator[tuple[str, keras.layers.Layer]]:
    """A layer and all inside of it, by the names on the way to them."""
    yield path, layer
    for inner in layer._layers:
        yield from _layers(inner, f"{path}/{inner.name}" if path else inner.name)


def _with_outputs(network: keras.layers.Layer) -> Iterator[str]:
    """The layers whose outputs are rounded: those that compute, and not what holds them."""
    for name, layer in _layers(network):
        if not (layer._layers or isinstance(layer, keras.layers.InputLayer)):
            yield name


def _iterations(optimiser) -> int:
    """The steps that it took."""
    return 0 if optimiser is None else int(keras.ops.convert_to_numpy(optimiser.iterations))


@contextmanager
def _policy(network: keras.Model, name: str) -> Iterator[None]:
    """Every layer under a policy of mixed precision; its weights stay float32."""
    layers = list(network._flatten_layers())
    before = [layer._dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = name
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer._dtype_policy = policy


@contextmanager
def _eagerly(network: keras.Model) -> Iterator[None]:
    """Nothing that was traced before is run, and nothing is traced: what is counted is there when it is asked for."""
    if not hasattr(network, "run_eagerly"):
        yield
        return
    before = network.run_eagerly, {name: getattr(network, name) for name in _MADE}
    network.run_eagerly = True
    for name in _MADE:
        setattr(network, name, None)
    try:
        yield
    finally:
        network.run_eagerly = before[0]
        for name, made in before[1].items():
            setattr(network, name, made)


@contextmanager
def _scaling(network: keras.Model, optimiser, scale: float | str | None) -> Iterator[object]:
    """The optimiser that scales the loss so."""
    if scale == "dynamic" and not dynamic(optimiser):
        made = keras.optimizers.LossScaleOptimizer(
            optimiser, initial_scale=FIRST_SCALE, dynamic_growth_steps=GROWTH_INTERVAL
        )
        made.build(network.trainable_variables)
        network.optimizer = made
        try:
            yield made
        finally:
            network.optimizer = optimiser
    elif isinstance(scale, (int, float)):
        before, optimiser.loss_scale_factor = optimiser.loss_scale_factor, float(scale)
        try:
            yield optimiser
        finally:
            optimiser.loss_scale_factor = before
    else:
        yield optimiser


def dynamic(optimiser: object) -> bool:
    """Whether it is Keras' own that scales the loss as overflows ask for."""
    return isinstance(optimiser, keras.optimizers.LossScaleOptimizer)


def _refuse(network: keras.layers.Layer, optimiser: object, precision: Precision) -> None:
    if not network.built:
        raise NetworkError(f"the Keras model {network.name} has no weights yet; call it once on a batch, or build it")
    if optimiser is not None and not isinstance(optimiser, keras.optimizers.Optimizer):
        raise NetworkError(f"a Keras optimiser is needed beside the model, not a {type(optimiser).__name__}")
    needed = [name for name in ("weights", "updates", "loss_scale") if getattr(precision, name) is not None]
    if optimiser is None and needed:
        raise DataError(f"{' and '.join(needed)} need the optimiser; compile the model, or give it beside the model")
    scale, own = precision.loss_scale, getattr(network, "optimizer", None)
    if scale == "dynamic" and not dynamic(optimiser) and optimiser is not own:
        raise DataError(
            "a dynamic loss scale is for the optimiser that a model is compiled with; wrap this one in "
            "keras.optimizers.LossScaleOptimizer"
        )
    if scale not in (None, "dynamic") and dynamic(optimiser):
        raise DataError(
            f"the optimiser scales the loss already, so loss_scale={scale:g} cannot be; compile the model "
            "with auto_scale_loss=False"
        )
