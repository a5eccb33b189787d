"""Values to NumPy and back on TensorFlow, in eager code and in graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from narrowmax.errors import DataError
from narrowmax.models.keras.callbacks import wide

_Function = type(tf.function(lambda: None))
_made_before = _Function.__call__
_clones: list[dict[int, tuple[object, object]]] = []  # of those who listen, innermost last


def spellings() -> list[tuple[object, str, bool]]:
    """`(owner, name, whether it gives logs)` of TensorFlow's own softmaxes."""
    return [(tf.nn, "softmax", False), (tf.nn, "log_softmax", True)]


@contextmanager
def traced_anew(clones: dict) -> Iterator[None]:
    """What `tf.function` has traced before is not used inside, nor afterwards what was traced inside.

    clones: kept by the caller, so that a second block of the same listeners traces nothing again
    """
    if not _clones:
        _Function.__call__ = _call
    _clones.append(clones)
    try:
        yield
    finally:
        _clones.pop()
        if not _clones:
            _Function.__call__ = _made_before


def _call(function, *args, **kwargs):
    clones = _clones[-1] if _clones else {}
    if id(function) not in clones and not any(function is made for _, made in clones.values()):
        made = function._clone(None)
        made._jit_compile = None if function._jit_compile is None else False  # XLA calls nobody back
        clones[id(function)] = (function, made)
    return _made_before(clones.get(id(function), (None, function))[1], *args, **kwargs)


def flush() -> None:
    """Wait until all that was told has been heard: TensorFlow does not run ahead."""


def plain(x) -> np.ndarray | None:
    """The values of a tensor as NumPy; None inside a graph."""
    return wide(x.numpy()) if hasattr(x, "numpy") and tf.executing_eagerly() else None


def told(x, function: Callable[..., None], *more) -> None:
    """Call `function` with the values of tensors, now or whenever the graph is run."""
    given = [_wide(tf.stop_gradient(tf.convert_to_tensor(one))) for one in (x, *more)]
    if tf.executing_eagerly():
        function(*(one.numpy() for one in given))
    else:
        tf.numpy_function(function, given, [], stateful=True)


def through(x, forward: Callable[..., np.ndarray], backward: Callable[..., np.ndarray], *more):
    """`forward(x, *more)` on NumPy, with the gradient `backward(g, x, *more)` by `x`; in the shape and dtype of `x`."""

    @tf.custom_gradient
    def served(x):
        def gradient(g):
            return _once(_numpy(backward, x, _wide(g), x, *more))

        return _numpy(forward, x, x, *more), gradient

    x = tf.convert_to_tensor(x)
    return tf.cast(served(_wide(x)), x.dtype)


def scores(query, key):
    """(batch, queries, heads, d), (batch, keys, heads, d) -> (batch, heads, queries, keys), at least float32."""
    return _wide(tf.einsum("BTNH,BSNH->BNTS", query, key))


@tf.custom_gradient
def _once(dx):
    def again(g):
        raise DataError("the softmax of a design has no second derivative; take no gradient of its gradient")

    return tf.identity(dx), again


def _numpy(function: Callable[..., np.ndarray], like, *given):
    """What `function` makes of arrays, in the shape and dtype of `like`."""
    if tf.executing_eagerly():
        return tf.convert_to_tensor(function(*(one.numpy() for one in given)))
    got = tf.numpy_function(function, list(given), like.dtype, stateful=True)
    got.set_shape(like.shape)
    return got


def _wide(x):
    return tf.cast(x, tf.float32) if x.dtype in (tf.float16, tf.bfloat16) else x
