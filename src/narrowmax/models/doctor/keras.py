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
from narrowmax.models.doctor.findings import named
from narrowmax.models.keras import backends
from narrowmax.models.keras.callbacks import present
from narrowmax.models.keras.interception import Listener
from narrowmax.models.sites import NETWORK, OUTSIDE, Site

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
        self._reached: dict[str, bool] = {}  # variable -> whether a gradient other than 0 ever came
        self._steps = 0
        self._rounded: tuple[str, str] | None = None
        self._before: dict[str, np.ndarray] = {}

    def see(self, site: Site, x, axis: int, mask, causal: bool, heads: int | None) -> None:
        """Count one softmax, when its values are there."""

        def count(x, mask=None):
            signs.softmax(self.ledger, site, x, axis, present(x, mask, causal))

        backends.bridge().told(x, count, *([] if mask is None else [mask]))

    def __enter__(self):
        super().__enter__()
        self._before = {one.path: ops.convert_to_numpy(one) for one in self.network.trainable_variables}
        with ExitStack() as patches:
            for owner, name, wrapper in _wrappers(self):
                patches.enter_context(_replaced(owner, name, wrapper))
            self._patches = patches.pop_all()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._patches.close()
        super().__exit__(kind, error, trace)
        self._judge_gradients()
        self._judge_steps()
        self._before = {}

    def _judge_gradients(self) -> None:
        frozen = [path for path, reached in self._reached.items() if not reached]
        if not frozen:
            return
        if self._rounded is not None:
            where, function = self._rounded
            self.ledger.add("rounding-blocks-gradient", where, function=function, arrived=0, frozen=named(frozen))
        elif len(frozen) < len(self._reached):
            said = f"no gradient reaches {len(frozen)} of {len(self._reached)} variables ({named(frozen)})"
            self.ledger.add("does-not-learn", frozen[0].rpartition("/")[0] or NETWORK, said=said)

    def _judge_steps(self) -> None:
        now = {one.path: ops.convert_to_numpy(one) for one in self.network.trainable_variables}
        moved = [path for path in now if path in self._before and not np.array_equal(now[path], self._before[path])]
        if self._steps and self._before and not moved and any(self._reached.values()):
            said = f"no variable changed in {self._steps} steps of the optimiser"
            self.ledger.add("does-not-learn", NETWORK, said=said)

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
        """Count one step of an optimiser."""
        own = {one.path for one in self.network.trainable_variables}
        self._steps += 1
        for gradient, variable in zip(gradients, variables, strict=True):
            if variable.path in own:
                self._reached.setdefault(variable.path, False)
                if gradient is not None:
                    backends.bridge().told(ops.any(ops.not_equal(gradient, 0)), partial(self._reach, variable.path))

    def _reach(self, path: str, other: np.ndarray) -> None:
        self._reached[path] = self._reached[path] or bool(other)


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
