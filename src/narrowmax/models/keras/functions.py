"""Every public way to call a softmax in Keras, and what it means."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps

import keras
from keras import ops

from narrowmax.models.keras import backends
from narrowmax.models.keras.interception import Listener, Tensors, attends, running
from narrowmax.models.sites import Site

_listeners: tuple[Listener, ...] = ()
_lock = threading.Lock()
_before: list[tuple[object, str, object]] = []  # what was replaced, while anybody listens
_served = Tensors()  # outputs of designs, which have no logits to go back to
_reached = Tensors()  # of outputs of softmaxes, what reached them


class _Inside(threading.local):
    busy = False  # whether a function of Keras that was seen is running: what it calls is the same softmax
    again = False  # whether what was seen is computed a second time, for a gradient


_inside = _Inside()


@contextmanager
def listened(listener: Listener) -> Iterator[None]:
    """Let `listener` hear of every softmax inside."""
    global _listeners
    with _lock:
        if not _listeners:
            _replace_all()
        _listeners = (*_listeners, listener)
    try:
        yield
    finally:
        with _lock:
            _listeners = tuple(other for other in _listeners if other is not listener)
            if not _listeners:
                _restore_all()


def _replace_all() -> None:
    lower = backends.lower()
    made = [
        (keras.layers.Layer, "__call__", _called),
        (keras.layers.Layer, "stateless_call", _called),  # which is how JAX trains
        (keras.Operation, "__call__", _framed_operation),
        (keras.losses.Loss, "__call__", _judging),
        (keras.layers.Softmax, "call", _softmax_layer),
        (backends.core(), "remat", _rematerialised),
        (backends.variable(), "_maybe_autocast", _read),
        (lower, "softmax", partial(_softmax, log=False)),
        (lower, "log_softmax", partial(_softmax, log=True)),
        (lower, "categorical_crossentropy", partial(_cross_entropy, sparse=False)),
        (lower, "sparse_categorical_crossentropy", partial(_cross_entropy, sparse=True)),
        (lower, "dot_product_attention", _attention),
        *((owner, name, partial(_direct, log=log)) for owner, name, log in backends.bridge().spellings()),
    ]
    if hasattr(lower, "_get_logits"):  # TensorFlow's losses go back behind a softmax
        made.append((lower, "_get_logits", _logits))
    for owner, name, wrapper in made:
        original = vars(owner)[name]
        _before.append((owner, name, original))
        setattr(owner, name, wraps(original)(wrapper(original)))


def _restore_all() -> None:
    while _before:
        owner, name, original = _before.pop()
        setattr(owner, name, original)


def _offer(x, axis: int, function: str, *, log=False, mask=None, causal=False, heads=None, rows=None):
    """Show a softmax to all who listen; the output of the one that replaces it, or None.

    rows: makes what reaches the softmax out of `x`, only called where somebody wants it
    """
    if _inside.busy or backends.symbolic():
        return None
    kind = "attention" if function == "scaled_dot_product_attention" or _attention_calls() else "classifier"
    sites = [(one, Site(one.caller(x), kind, function)) for one in _listeners if one.here]
    replacing = next((pair for pair in reversed(sites) if pair[0].wants(pair[1])), None)
    watching = [pair for pair in sites if pair[0].watches and not _inside.again]
    if replacing is None and not watching:
        return None
    with _quietly():
        x = rows() if rows else x
        for listener, site in watching:
            listener.see(site, x, axis, mask, causal, heads)
        return None if replacing is None else replacing[0].serve(replacing[1], x, axis, mask, causal, log)


def _felt(x, function: str):
    """What reaches a softmax, with whatever is to happen to it and to its gradient before that; see `Listener.felt`."""
    if _inside.busy or backends.symbolic():
        return x
    kind = "attention" if _attention_calls() else "classifier"
    for listener in _listeners:
        if listener.here:
            found = listener.felt(Site(listener.caller(x), kind, function), x)
            for other in _listeners if found is not x else ():
                other.same(x, found)
            x = found
    return x


def eagerly() -> bool:
    """Whether somebody listens whose network runs eagerly."""
    return any(listener.eager for listener in _listeners)


def made_by_softmax(x) -> bool:
    """Whether a tensor is what a softmax gave, while somebody listens."""
    return _reached.get(x) is not None


@contextmanager
def _quietly() -> Iterator[None]:
    """What is called inside is no softmax of its own."""
    before, _inside.busy = _inside.busy, True
    try:
        yield
    finally:
        _inside.busy = before


def _attention_calls() -> bool:
    """Whether the layer that is running is an attention, or a softmax inside of one."""
    frames = running.frames
    if frames and isinstance(frames[-1], (keras.layers.Softmax, keras.layers.Activation)):
        frames = frames[-2:]
        return any(map(attends, frames))
    return bool(frames) and attends(frames[-1])


def _framed(original: Callable) -> Callable:
    def call(layer, *args, **kwargs):
        running.frames.append(layer)
        try:
            output = original(layer, *args, **kwargs)
            for listener in _listeners:
                listener.note(output[0] if isinstance(output, tuple) else output)
            return output
        finally:
            running.frames.pop()

    return call


def _called(original: Callable) -> Callable:
    """The call of a layer: who listens may have something done to its weights and to what it gives."""
    stateless = original.__name__ == "stateless_call"

    def changed(layer, *args, **kwargs):
        for listener in _listeners:
            listener.begin(layer, kwargs.get("training") is True)
        try:
            output = original(layer, *args, **kwargs)
            first = output[0] if stateless else output  # of values of variables
            for listener in _listeners:
                first = listener.passed(layer, first)
            return (first, *output[1:]) if stateless else first
        finally:
            for listener in _listeners:
                listener.end(layer)

    return _framed(wraps(original)(changed))


def _read(original: Callable) -> Callable:
    """The value of a variable, in the layers that are running."""

    def call(variable, value):
        for listener in _listeners:
            found = listener.weight(variable)
            value = value if found is None else found
        return original(variable, value)

    return call


def _rematerialised(original: Callable) -> Callable:
    """Layers that are computed again in the backward pass are under the same names then, and not seen twice."""

    def remat(function):
        def call(*args, **kwargs):
            frames, calls = list(running.frames), []

            @wraps(function)
            def once_more(*args, **kwargs):
                before = running.frames, _inside.again
                running.frames, _inside.again = list(frames), bool(calls)
                calls.append(True)
                try:
                    return function(*args, **kwargs)
                finally:
                    running.frames, _inside.again = before

            return original(once_more)(*args, **kwargs)

        return call

    return remat


def _framed_operation(original: Callable) -> Callable:
    """Operations in a functional graph, such as `ops.softmax`, have names too; a layer calls itself as one."""
    framed = _framed(original)

    def call(operation, *args, **kwargs):
        is_layer = isinstance(operation, keras.layers.Layer)
        return (original if is_layer else framed)(operation, *args, **kwargs)

    return call


def _judging(original: Callable) -> Callable:
    """A loss may cast what it is given, and so make another tensor of it."""

    def call(loss, y_true, y_pred, *args, **kwargs):
        running.judged.append(y_pred)
        try:
            return original(loss, y_true, y_pred, *args, **kwargs)
        finally:
            running.judged.pop()

    return call


def _softmax(original: Callable, log: bool) -> Callable:
    name = "log_softmax" if log else "softmax"

    def call(x, axis=-1):
        x = _felt(ops.convert_to_tensor(x), name)
        flat = ops.reshape(x, (-1,)) if axis is None else x
        place = -1 if axis is None else axis if axis < 0 else axis - len(x.shape)
        heads = _heads(x) if place == -1 else None
        got = _offer(flat, place, name, log=log, heads=heads)
        if got is None:
            with _quietly():
                got = original(x, axis)
        else:
            got = ops.reshape(got, ops.shape(x)) if axis is None else got
            _served.put(got, True)
        if not _inside.busy and not backends.symbolic():
            _reached.put(got, x)
        return got

    return call


def _heads(x) -> int | None:
    """How many heads scores (batch, heads, queries, keys) have."""
    return x.shape[-3] if _attention_calls() and len(x.shape) >= 4 else None


def _direct(original: Callable, log: bool) -> Callable:
    """The backend's own softmax, called by a layer past Keras."""
    keras_own = _softmax(lambda x, axis: original(x, axis), log)

    def call(x=None, *args, **kwargs):
        plain = {"logits", "input", "dim", "axis", "name", "_stacklevel"}.issuperset(kwargs)
        x = kwargs.get("logits", kwargs.get("input")) if x is None else x
        axis = args[0] if args else kwargs.get("axis", kwargs.get("dim"))
        if _inside.busy or not plain or len(args) > 1 or not ops.is_tensor(x):
            given = (x, *args) if not {"logits", "input"} & kwargs.keys() else args
            return original(*given, **kwargs)
        return keras_own(x, -1 if axis is None else axis)

    return call


def _softmax_layer(original: Callable) -> Callable:
    """`Softmax` over several axes at once calls no softmax: it writes one out."""

    def call(layer, inputs, mask=None):
        axes = layer.axis if isinstance(layer.axis, (tuple, list)) and len(layer.axis) > 1 else None
        if axes is None or _inside.busy or backends.symbolic():
            return original(layer, inputs, mask=mask)
        x = inputs if mask is None else ops.where(mask, inputs, -3e4 if _half(inputs) else -1e9)
        rows, back = _last(x, axes)
        got = _offer(rows, -1, "softmax")
        if got is None:
            return original(layer, inputs, mask=mask)
        got = back(got)
        return got if mask is None else ops.where(mask, got, ops.zeros_like(got))

    return call


def _half(x) -> bool:
    return keras.backend.standardize_dtype(x.dtype) == "float16"


def _last(x, axes) -> tuple[object, Callable]:
    """`x` with some axes as one, at the end, and what takes such a tensor back."""
    axes = [axis % len(x.shape) for axis in axes]
    order = [axis for axis in range(len(x.shape)) if axis not in axes] + axes
    moved = ops.transpose(x, order)
    shape = ops.shape(moved)
    rows = ops.reshape(moved, (*shape[: -len(axes)], -1))
    return rows, lambda got: ops.transpose(ops.reshape(got, shape), [order.index(axis) for axis in range(len(order))])


def _logits(original: Callable) -> Callable:
    """TensorFlow's losses go back behind a softmax; behind a design's there is nothing that would be the design's."""

    def call(output, from_logits, *args, **kwargs):
        if _served.get(output) is not None:
            return output, from_logits
        found, behind = original(output, from_logits, *args, **kwargs)
        felt = _reached.get(output) if behind and not from_logits else None
        return (found if felt is None else felt), behind

    return call


def _cross_entropy(original: Callable, sparse: bool) -> Callable:
    def call(target, output, from_logits=False, axis=-1):
        got = None
        if from_logits and not _known_softmax(output):
            x = output = _felt(ops.convert_to_tensor(output), "cross_entropy")
            got = _offer(x, axis if axis < 0 else axis - len(x.shape), "cross_entropy", log=True)
        if got is None:
            with _quietly():
                return original(target, output, from_logits=from_logits, axis=axis)
        return _loss(target, got, sparse, axis)

    return call


def _known_softmax(output) -> bool:
    """Whether what a loss takes for logits is the output of a softmax: TensorFlow goes back behind that one."""
    return hasattr(output, "_keras_logits") and hasattr(backends.lower(), "_get_logits")


def _loss(target, log_p, sparse: bool, axis: int):
    """Cross-entropy from logs of probabilities."""
    target = ops.convert_to_tensor(target)
    if sparse:
        if len(target.shape) == len(log_p.shape) and target.shape[axis] == 1:
            target = ops.squeeze(target, axis)
        target = ops.one_hot(ops.cast(target, "int32"), log_p.shape[axis], axis=axis, dtype=log_p.dtype)
    target = ops.cast(target, log_p.dtype)
    return -ops.sum(ops.where(target == 0, ops.zeros_like(log_p), target * log_p), axis=axis)


def _attention(original: Callable) -> Callable:
    def call(query, key, value, bias=None, mask=None, scale=None, is_causal=False, **kwargs):
        query, key, value = map(ops.convert_to_tensor, (query, key, value))
        rows = lambda: _scores(query, key, bias, scale)  # noqa: E731
        seen = None if mask is None else ops.cast(mask, "bool")
        told = {"mask": seen, "causal": is_causal, "heads": query.shape[2], "rows": rows}
        got = _offer(query, -1, "scaled_dot_product_attention", **told)
        if got is None:
            with _quietly():
                return original(query, key, value, bias=bias, mask=mask, scale=scale, is_causal=is_causal, **kwargs)
        value = _repeated(value, query)
        return ops.einsum("BNTS,BSNH->BTNH", ops.cast(got, value.dtype), value)

    return call


def _scores(query, key, bias, scale):
    """What reaches the softmax: (batch, heads, queries, keys), at least float32."""
    x = backends.bridge().scores(query, _repeated(key, query))
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    x = x * ops.cast(scale, x.dtype)
    return x if bias is None else x + ops.cast(bias, x.dtype)


def _repeated(key, query):
    """Keys or values of (batch, keys, heads, d), each for its group of the query's heads."""
    groups = query.shape[2] // key.shape[2]
    return key if groups == 1 else ops.repeat(key, groups, axis=2)
