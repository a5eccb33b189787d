"""The one mechanism that sees every softmax of an unmodified Keras model, on any backend.

All that is public in Keras ends in a few functions of `keras.src.backend.nn`, looked up when they are
called.  While anybody listens these are replaced (`functions`), and so is the call of a layer, which
keeps, in each thread, the layers that are running: a softmax is known by the path of calls to it.

What was traced before (`tf.function`, `jax.jit`) is not used while somebody listens, and what is traced
then is not used afterwards.  Shapes that Keras works out on made-up values are not counted.

Listeners (a measurement, a replacement) may be nested in any order; all that measure see every
call, the innermost replacement that wants a call serves it.  Nothing is left behind at the end.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import ExitStack

import keras

from narrowmax.errors import NetworkError
from narrowmax.models.keras import backends
from narrowmax.models.sites import NETWORK, OUTSIDE, Site


class Tensors:
    """Something known of tensors, forgotten when they are: they may have no hash, and take no attributes."""

    def __init__(self):
        self._known: dict[int, tuple[weakref.ref, object]] = {}

    def put(self, tensor: object, value: object) -> None:
        """Remember `value`, unless something is known already."""
        if self.get(tensor) is None:
            key, known = id(tensor), self._known
            known[key] = (weakref.ref(tensor, lambda _: known.pop(key, None)), value)

    def get(self, tensor: object) -> object | None:
        """What is known of `tensor`."""
        found = self._known.get(id(tensor))
        return found[1] if found is not None and found[0]() is tensor else None


class _Running(threading.local):
    """The layers and operations now running in this thread, outermost first."""

    def __init__(self):
        self.frames: list = []
        self.judged: list = []  # what losses were given, outermost first


running = _Running()


class Listener:
    """A network under watch; a measurement and a replacement are the two kinds.

    A context manager; entering it a second time while it is active raises RuntimeError.
    """

    watches = False
    eager = False  # whether its network runs eagerly, so that nothing need be traced anew, which takes long on JAX

    def __init__(self, network: keras.layers.Layer):
        if not isinstance(network, keras.layers.Layer):
            raise NetworkError(
                f"a Keras layer is needed to see its softmaxes, not a {type(network).__name__}; give a keras.Model"
            )
        self.network = network
        self._home: int | None = None
        self._left: ExitStack | None = None
        self._traced: dict = {}
        self._makers = Tensors()

    def __enter__(self):
        from narrowmax.models.keras import functions

        if self._home is not None:
            raise RuntimeError("this context is active already; make a second one to nest them")
        with ExitStack() as entered:
            entered.enter_context(functions.listened(self))
            if not self.eager:
                entered.enter_context(backends.bridge().traced_anew(self._traced))
            self._home = threading.get_ident()
            self._left = entered.pop_all()
        return self

    def __exit__(self, kind, error, trace) -> None:
        try:
            backends.bridge().flush()
        finally:
            left, self._left, self._home = self._left, None, None
            self._makers = Tensors()
            left.close()

    def wants(self, site: Site) -> bool:
        """Whether it puts something in the place of this softmax."""
        return False

    def begin(self, layer: keras.layers.Layer, training: bool) -> None:
        """A layer is called; training: whether the call says so."""

    def end(self, layer: keras.layers.Layer) -> None:
        """The call of a layer is over."""

    def weight(self, variable: keras.Variable) -> object | None:
        """What layers that run now are to compute with in the place of a variable's value; None: its value."""
        return None

    def passed(self, layer: keras.layers.Layer, output: object) -> object:
        """What goes on in the place of a layer's output."""
        return output

    def felt(self, site: Site, x):
        """What reaches a softmax, replaced or not, in the place of `x`."""
        return x

    def same(self, x: object, other: object) -> None:
        """`other` was made of `x` by who listens: it is known as that is."""
        made_by = self._makers.get(x)
        if made_by is not None:
            self._makers.put(other, made_by)

    @property
    def active(self) -> bool:
        """Whether the block is running."""
        return self._home is not None

    @property
    def inside(self) -> bool:
        """Whether the network is running in this thread."""
        return any(frame is self.network for frame in running.frames)

    @property
    def here(self) -> bool:
        """Whether calls in this thread, now, are this listener's business."""
        return self._home == threading.get_ident() or self.inside

    def caller(self, x: object) -> str:
        """The name of the layer that calls a softmax on `x` now; outside of the network, of the one that made `x`."""
        if self.inside:
            return self._path()
        made_by = (self._makers.get(one) for one in (x, *reversed(running.judged)))
        return next(filter(None, made_by), OUTSIDE)

    def note(self, output: object) -> None:
        """Remember that the layer now running made a tensor; the innermost layer that returned it counts."""
        if self.active and self.inside and keras.ops.is_tensor(output):
            self._makers.put(output, self._path())

    def _path(self) -> str:
        """Names of the layers from the network to the call; a softmax layer inside an attention is the attention."""
        start = max(place for place, frame in enumerate(running.frames) if frame is self.network)
        frames = running.frames[start:]
        if len(frames) > 2 and isinstance(frames[-1], keras.layers.Softmax) and attends(frames[-2]):
            frames = frames[:-1]
        return "/".join(frame.name for frame in frames[1:]) or NETWORK


def attends(frame: object) -> bool:
    """Whether a layer is an attention: by its name, or that of its class."""
    return "att" in frame.name.lower() or "att" in type(frame).__name__.lower()
