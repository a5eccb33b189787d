"""A block of Keras code under examination, on any backend: calls, `fit`, `train_on_batch`, losses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from functools import partial, wraps

import keras
import numpy as np
from keras import ops
from keras.src.optimizers.base_optimizer import BaseOptimizer

from narrowmax.models.doctor import signs
from narrowmax.models.doctor.examination import Examination
from narrowmax.models.keras import backends
from narrowmax.models.keras.callbacks import present
from narrowmax.models.keras.interception import Listener
from narrowmax.models.sites import OUTSIDE, Site

_ROUNDINGS = ("round", "floor", "ceil", "trunc", "rint")
_CLIPPINGS = ("clip", "clip_by_value", "clamp", "maximum")
_LOSSES = ("categorical_crossentropy", "sparse_categorical_crossentropy")


class KerasExamination(Examination, Listener):
    """Made by `narrowmax.models.doctor.doctor`."""

    watches = True

    def __init__(self, network: keras.layers.Layer):
        Listener.__init__(self, network)
        Examination.__init__(self)
        self._patches: ExitStack | None = None
        self._trained: dict[str, str] = {}  # variable that an optimiser was given -> its layer
        self._rounded: tuple[str, str] | None = None

    def see(self, site: Site, x, axis: int, mask, causal: bool, heads: int | None) -> None:
        """Count one softmax, when its values are there."""

        def count(x, mask=None):
            signs.softmax(self.ledger, site, x, axis, present(x, mask, causal))

        backends.bridge().told(x, count, *([] if mask is None else [mask]))

    def __enter__(self):
        super().__enter__()
        self.progress.begin(self._values())
        with ExitStack() as patches:
            for owner, name, wrapper in _wrappers(self):
                patches.enter_context(_replaced(owner, name, wrapper))
            self._patches = patches.pop_all()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._patches.close()
        super().__exit__(kind, error, trace)
        self.progress.judge(self.ledger, self._trained, self._values(), self._rounded)

    def _values(self) -> dict[str, np.ndarray]:
        return {one.path: backends.array(one) for one in self.network.trainable_variables}

    def rounded(self, function: str, before, after, unit: float) -> None:
        """Count a rounding."""
        where, dtype = self.caller(before), keras.backend.standardize_dtype(before.dtype)
        self._rounded = self._rounded or (where, function)
        if dtype in signs.SIGNIFICAND_BITS:
            count = lambda before, after: signs.rounding(self.ledger, where, function, dtype, before, after, unit)  # noqa: E731
            backends.bridge().told(before, count, after)

    def clipped(self, function: str, before, after) -> None:
        """Count what became of masked cells."""
        count = partial(signs.clipping, self.ledger, self.caller(before), function)
        backends.bridge().told(before, count, after)

    def judged(self, function: str, output, from_logits: bool, axis: int) -> None:
        """Count what a loss was given."""
        where = self.caller(output)
        where = "the loss" if where == OUTSIDE else where
        if not from_logits:
            count = partial(_probabilities, self.ledger, where, f"{function}(from_logits=False)", axis)
            backends.bridge().told(output, count)
        elif _behind_softmax(output):  # a loss that is a softmax of its own is seen as every other
            site = Site(where, "classifier", f"{function}(from_logits=True)")
            backends.bridge().told(output, lambda x: signs.softmax(self.ledger, site, x, axis, None))

    def applied(self, gradients: list, variables: list) -> None:
        """Count one step of an optimiser, whenever it is taken: a traced step is taken often."""
        own = {one.path for one in self.network.trainable_variables}
        told = backends.bridge().told
        told(ops.zeros(()), self._stepped)
        for gradient, variable in zip(gradients, variables, strict=True):
            if variable.path in own:
                self._trained[variable.path] = variable.path.rpartition("/")[0]
                self.progress.awaits(variable.path)
                if gradient is not None:
                    told(ops.any(ops.not_equal(gradient, 0)), partial(self.progress.came, variable.path))

    def _stepped(self, _) -> None:
        self.progress.steps += 1


def _probabilities(ledger, where: str, function: str, axis: int, rows: np.ndarray) -> None:
    signs.probabilities(ledger, where, function, rows, axis, log=False)


def _behind_softmax(output) -> bool:
    """Whether TensorFlow's losses go back behind the softmax that made `output`, and only warn."""
    if not hasattr(backends.lower(), "_get_logits"):
        return False
    made_by = None if hasattr(output, "numpy") else getattr(getattr(output, "op", None), "type", None)
    return hasattr(output, "_keras_logits") or made_by == "Softmax"


@contextmanager
def _replaced(owner: object, name: str, wrapper: Callable):
    original = vars(owner)[name]
    setattr(owner, name, wraps(original)(wrapper(original)))
    try:
        yield
    finally:
        setattr(owner, name, original)


def _wrappers(seen: KerasExamination) -> list[tuple[object, str, Callable]]:
    """`(owner, name, wrapper)` of what is watched beside softmaxes."""
    inside = _Inside()
    made = [(BaseOptimizer, "apply", partial(_applying, seen))]
    made += [(backends.lower(), name, partial(_losing, seen, name)) for name in _LOSSES]
    for owner, label in _owners():
        for name in (*_ROUNDINGS, *_CLIPPINGS):
            if name in vars(owner):
                made.append((owner, name, partial(_quantising, seen, inside, f"{label}.{name}", name)))
    return made


def _owners() -> list[tuple[object, str]]:
    """Where roundings are called: Keras' own functions by backend, and the backend's."""
    from keras.src import backend

    found = [(backend.numpy, "keras.ops")]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return [*found, (tf, "tf"), (tf.math, "tf.math")]
    if keras.backend.backend() == "jax":
        import jax.numpy as jnp

        return [*found, (jnp, "jnp")]
    import torch

    return [*found, (torch, "torch")]


class _Inside:
    busy = False  # whether a function that is watched is running: what it calls is the same rounding


def _quantising(seen: KerasExamination, inside: _Inside, label: str, name: str, original: Callable) -> Callable:
    def call(x, *args, **kwargs):
        if inside.busy or not seen.here or not ops.is_tensor(x) or backends.symbolic():
            return original(x, *args, **kwargs)
        inside.busy = True
        try:
            out = original(x, *args, **kwargs)
        finally:
            inside.busy = False
        if name in _ROUNDINGS:
            decimals = kwargs.get("decimals", args[0] if args and isinstance(args[0], int) else 0)
            seen.rounded(label, x, out, 10.0**-decimals)
        if out.shape == x.shape:
            seen.clipped(label, x, out)
        return out

    return call


def _losing(seen: KerasExamination, name: str, original: Callable) -> Callable:
    def call(target, output, from_logits=False, axis=-1):
        if seen.here and not backends.symbolic():
            seen.judged(name, output, from_logits, axis)
        return original(target, output, from_logits=from_logits, axis=axis)

    return call


def _applying(seen: KerasExamination, original: Callable) -> Callable:
    def call(optimiser, grads, trainable_variables=None):
        variables = optimiser._trainable_variables if trainable_variables is None else trainable_variables
        if seen.here:
            seen.applied(list(grads), list(variables))
        return original(optimiser, grads, trainable_variables)

    return call
