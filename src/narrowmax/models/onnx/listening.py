"""`measure` and `replace` for networks that run as plans: ONNX and TFLite files."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable

import numpy as np

from narrowmax.models.measurement import Measurement
from narrowmax.models.sites import Choosing, Site
from narrowmax.models.surrogates import forward, refuse_gradient
from narrowmax.rows import FORMATS, WITHIN


class Listened:
    """A network that tells those who listen to it of its softmaxes."""

    def __init__(self):
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    def __deepcopy__(self, memo) -> Listened:
        """A network that nobody listens to; what is run is never changed, and shared."""
        other = copy.copy(self)
        other._listeners, other._lock = (), threading.Lock()
        return other

    def check_seen(self) -> None:
        """Raises DataError where a softmax of the network can be neither seen nor replaced."""

    @property
    def fixed(self) -> bool:
        """Whether it takes one number of samples alone."""
        return any(one.shape and one.shape[0] is not None for one in self.inputs)

    @property
    def listened_to(self) -> bool:
        return bool(self._listeners)

    @property
    def offering(self):
        """`offer`, or None where nobody listens."""
        return self.offer if self._listeners else None

    def listen(self, listener: Listener) -> None:
        """Let `listener` hear of every softmax from now on, in every thread."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def ignore(self, listener: Listener) -> None:
        """The end of `listen`."""
        with self._lock:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

    def offer(
        self, site: Site, x: np.ndarray, axis: int, mask: np.ndarray | None, heads: int | None, log: bool
    ) -> np.ndarray | None:
        """Show rows of `x` along `axis` to all who measure; what the innermost replacement makes of them, or None."""
        listeners = self._listeners
        for listener in listeners:
            if listener.watches:
                listener.see(site, x, axis, mask, heads)
        serving = next((listener for listener in reversed(listeners) if listener.wants(site)), None)
        return None if serving is None else serving.serve(site, x, axis, mask, log)


class Listener:
    """A network under watch; a context manager.  Entering it while it is active raises RuntimeError."""

    watches = False

    def __init__(self, network: Listened):
        self.network = network
        self._active = False

    def __enter__(self):
        if self._active:
            raise RuntimeError("this context is active already; make a second one to nest them")
        self.network.check_seen()
        self.network.listen(self)
        self._active = True
        return self

    def __exit__(self, kind, error, trace) -> None:
        self.network.ignore(self)
        self._active = False

    def wants(self, site: Site) -> bool:
        """Whether it puts something in the place of this softmax."""
        return False


class NetworkMeasurement(Measurement, Listener):
    """A measurement of a network in a file; made by `measure`."""

    watches = True

    def __init__(self, network: Listened, within: Iterable[float], formats: Iterable[str], heads: bool):
        Listener.__init__(self, network)
        Measurement.__init__(self, within, formats, heads)

    def see(self, site: Site, x: np.ndarray, axis: int, mask: np.ndarray | None, heads: int | None) -> None:
        """Count one call."""
        self.count(site, x, mask, axis, heads)


class Replacement(Choosing, Listener):
    """A replacement in a network in a file; made by `replace`."""

    def __init__(self, network: Listened, design, where: str | Callable[[Site], bool], gradient: str):
        Choosing.__init__(self, where)
        Listener.__init__(self, network)
        refuse_gradient(gradient)
        self.design = design

    def serve(self, site: Site, x: np.ndarray, axis: int, mask: np.ndarray | None, log: bool) -> np.ndarray:
        """The design's probabilities of `x`, or their logs."""
        self.count(site)
        return forward(self.design, x, axis, mask, log)

    def __exit__(self, kind, error, trace) -> None:
        super().__exit__(kind, error, trace)
        if kind is None:
            self.refuse_nothing()


def measure(
    network: Listened, *, within: Iterable[float] = WITHIN, formats: Iterable[str] = FORMATS, heads: bool = False
) -> NetworkMeasurement:
    """See what reaches every softmax of an ONNX or TFLite network inside a `with` block; nothing in it changes.

    within: R of the shares of rows inside +-R; formats: what to compare values with
    heads: keep the heads of an attention apart
    Seen: Softmax and LogSoftmax of every opset, inside If and Loop too, Attention, QLinearSoftmax.  Refused on
    entry, by name, with a DataError: operators that hide their softmax.  Not seen: a softmax written out as
    exponentials and a division.
    """
    return NetworkMeasurement(network, within, formats, heads)


def replace(
    network: Listened, design, where: str | Callable[[Site], bool] = "*", gradient: str = "straight-through"
) -> Replacement:
    """Put `design` in the place of softmaxes of an ONNX or TFLite network inside a `with` block.

    where: "attention", "classifier" (every other softmax), a pattern of layer names, or a function of a `Site`
    gradient: taken for the sake of one interface; a network in a file is not trained

    Masked elements (-inf, or scores below -9000) take no part and come out 0, and so does a row where
    nothing takes part.

    Raises DataError at the end of the block when softmaxes ran and none was replaced, and on entry for
    operators that hide their softmax.
    """
    return Replacement(network, design, where, gradient)
