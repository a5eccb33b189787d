"""Values to NumPy and back on JAX, traced or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from narrowmax.models.keras.callbacks import wide


def spellings() -> list[tuple[object, str, bool]]:
    """`(owner, name, whether it gives logs)` of JAX's own softmaxes."""
    return [(jax.nn, "softmax", False), (jax.nn, "log_softmax", True)]


@contextmanager
def traced_anew(clones: dict) -> Iterator[None]:
    """What `jax.jit` has traced before is not used inside, nor afterwards what was traced inside.

    clones: kept by the caller, so that a second block of the same listeners traces nothing again
    """
    context = _context()
    if context is None:
        jax.clear_caches()
    try:
        with context(clones.setdefault("token", _Token())) if context else _nothing():
            yield
    finally:
        if context is None:
            jax.clear_caches()


class _Token:
    """Who listens, as a part of the key of JAX's caches."""


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@lru_cache
def _context():
    """A part of the key of all of JAX's caches that is ours; None where JAX has no such thing yet."""
    make = getattr(jax, "make_user_context", None)
    return make(None) if make else None


def flush() -> None:
    """Wait until all that was told has been heard."""
    jax.effects_barrier()


def plain(x) -> np.ndarray | None:
    """The values of an array as NumPy; None inside a trace."""
    return None if isinstance(x, jax.core.Tracer) else wide(x)


def told(x, function: Callable[..., None], *more) -> None:
    """Call `function` with the values of arrays, now or whenever the traced code is run."""
    given = [_wide(one) for one in (x, *more)]
    if any(isinstance(one, jax.core.Tracer) for one in given):
        jax.debug.callback(lambda *arrays: function(*map(np.asarray, arrays)), *given)
    else:
        function(*map(np.asarray, given))


def through(x, forward: Callable[..., np.ndarray], backward: Callable[..., np.ndarray], *more):
    """`forward(x, *more)` on NumPy, with the gradient `backward(g, x, *more)` by `x`; in the shape and dtype of `x`."""

    @jax.custom_vjp
    def served(x, *more):
        return _numpy(forward, x, x, *more)

    def kept(x, *more):
        return served(x, *more), (x, *more)

    def gradient(saved, g):
        return (_numpy(backward, saved[0], g, *saved), *[None] * len(more))

    served.defvjp(kept, gradient)
    x = jnp.asarray(x)
    return served(_wide(x), *more).astype(x.dtype)


def scores(query, key):
    """(batch, queries, heads, d), (batch, keys, heads, d) -> (batch, heads, queries, keys), at least float32."""
    wide = jnp.promote_types(query.dtype, jnp.float32)
    return jnp.einsum("BTNH,BSNH->BNTS", query, key, preferred_element_type=wide)


def _numpy(function: Callable[..., np.ndarray], like, *given):
    """What `function` makes of arrays, in the shape and dtype of `like`."""
    if not any(isinstance(one, jax.core.Tracer) for one in given):
        return jnp.asarray(function(*map(np.asarray, given)))
    shape = jax.ShapeDtypeStruct(like.shape, like.dtype)
    return jax.pure_callback(lambda *arrays: function(*map(np.asarray, arrays)), shape, *given)


def _wide(x):
    x = jnp.asarray(x)
    return x.astype(jnp.float32) if x.dtype in (jnp.float16, jnp.bfloat16) else x
