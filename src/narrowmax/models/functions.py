"""Every public way to call a softmax in PyTorch, and what it means."""

from __future__ import annotations

import inspect
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._ops import HigherOrderOperator
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack, _pop_mode, _push_mode

from narrowmax.errors import DataError
from narrowmax.models import attention, compiling, foreign, kinds, losses, operators, workspace
from narrowmax.models.interception import Listener, thread
from narrowmax.models.sites import OUTSIDE, Site

_ORDINARY = {types.BuiltinFunctionType, types.FunctionType, types.MethodDescriptorType, types.MethodWrapperType}
"""Kinds of nearly all functions that a network calls: no operators of a higher order, which is slow to ask."""

_KERNELS = (
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_attention_math",
    "_flash_attention_forward",
    "_efficient_attention_forward",
    "_native_multi_head_attention",
    "_transformer_encoder_layer_fwd",
)
"""What scaled_dot_product_attention and the Transformer's fast path call inside, where a network calls it itself."""

_listeners: tuple[Listener, ...] = ()
_lock = threading.Lock()


def listen(listener: Listener) -> None:
    """Let `listener` hear of every softmax from now on, in this thread and in its network's hooks."""
    global _listeners
    with _lock:
        _listeners = (*_listeners, listener)
        compiling.set_uncompiled(bool(_listeners))
        thread.here.listeners += 1
    if thread.here.mode is None:
        thread.here.mode = _Mode().__enter__()


def ignore(listener: Listener) -> None:
    """The end of `listen`.  In another thread: there the mode stays on, and does nothing, until a block ends there."""
    global _listeners
    with _lock:
        _listeners = tuple(other for other in _listeners if other is not listener)
        compiling.set_uncompiled(bool(_listeners))
        listener._home.listeners -= 1
    here = thread.here
    if here is listener._home and here.listeners == 0:
        here.mode.__exit__(None, None, None)
        here.mode = None
        workspace.give_back()


def mode_where_missing() -> TorchFunctionMode | None:
    """A mode, entered, where none of ours is on: in another thread, or in a backward pass.

    PyTorch takes a mode off while it handles a call, and `backward` is one.
    """
    if any(isinstance(mode, _Mode) for mode in _get_current_function_mode_stack()):
        return None
    return _Mode().__enter__()


class _Mode(TorchFunctionMode):
    def __exit__(self, kind, error, trace) -> None:
        """Take it off, wherever it is: what was opened later may end later too."""
        above = []
        while torch._C._len_torch_function_stack() and (top := _pop_mode()) is not self:
            above.append(top)
        for mode in reversed(above):
            _push_mode(mode)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        handler = HANDLERS.get(func)
        if handler is None and type(func) not in _ORDINARY and isinstance(func, HigherOrderOperator):
            handler = _of_higher_order
        if handler is None or not any(listener.here for listener in _listeners):
            return func(*args, **kwargs)
        return handler(self, func, args, kwargs)


def _offer(
    site_of: Callable[[Listener], Site], rows: Callable[[], tuple], log: bool, heads: int | None
) -> Tensor | None:
    """Show a softmax to all who listen; the output of the one that replaces it, or None.

    rows: makes `(x, axis, mask)`, only called where somebody wants them
    """
    sites = [pair for pair in _sites(site_of) if not _left_alone(*pair)]
    again = torch._C._current_graph_task_id() != -1  # recomputed in a backward pass: seen before
    watching = [] if again else [pair for pair in sites if pair[0].watches]
    for listener, _ in sites:
        listener.heard = True
    replacing = next((pair for pair in reversed(sites) if pair[0].wants(pair[1])), None)
    if replacing is None and not watching:
        return None
    with torch.set_grad_enabled(torch.is_grad_enabled() and replacing is not None):
        x, axis, mask = rows()
    for listener, site in watching:
        listener.see(site, x.detach(), axis, mask, heads)
    return None if replacing is None else replacing[0].serve(replacing[1], x, axis, mask, log)


def _sites(site_of: Callable[[Listener], Site]) -> Iterator[tuple[Listener, Site]]:
    return ((listener, site_of(listener)) for listener in _listeners if listener.here)


def _left_alone(listener: Listener, site: Site) -> bool:
    """Whether a softmax is another network's."""
    if site.name != OUTSIDE or not foreign.is_of_another(listener.network):
        return False
    listener.left_alone = True
    return True


def _softmax(log: bool, signature: str) -> Callable:
    bind = _binder(signature)
    name = "log_softmax" if log else "softmax"

    def handler(mode, func, args, kwargs):
        given = bind(*args, **kwargs)
        x, dim, out = given["x"], given.get("dim"), given.get("out")
        _refuse_nested(x)
        axis = F._get_softmax_dim(name, x.dim(), 3) if dim is None else dim
        upcast = given.get("half_to_float") or attention.upcast(x)
        dtype = given.get("dtype") or (torch.float32 if upcast else x.dtype)
        source = x.to(dtype)
        running = thread.here.heads
        heads = x.shape[-3] if running is None and kinds.is_attention_shaped(x, axis) else running
        site = lambda listener: _site(listener, x, axis, name, running)  # noqa: E731
        mask = given.get("mask")
        taking_part = (lambda: attention.hidden(source)) if mask is None else (lambda: mask.expand(x.shape))
        got = _offer(site, lambda: (source, axis, taking_part()), log, heads)
        if got is None:
            return func(*args, **kwargs)
        return got if out is None else _written(got, out)

    return handler


def _written(x: Tensor, out: Tensor) -> Tensor:
    return (out if out.shape == x.shape else out.resize_(x.shape)).copy_(x)


def _binder(signature: str) -> Callable[..., dict]:
    """A function that names arguments as `signature` does ("x dim=None ...")."""
    names = signature.split()

    def bind(*args, **kwargs):
        given = dict(zip(names, args, strict=False)) | kwargs
        for alias in ("input", "self"):
            if alias in given:
                given["x"] = given.pop(alias)
        return given

    return bind


def _site(listener: Listener, x: Tensor, axis: int, function: str, heads: int | None) -> Site:
    name, cls = listener.caller(x)
    return Site(name, kinds.kind_of(name, cls, x, axis, heads), function)


def _attention(mode, func, args, kwargs):
    given = attention.Arguments(*args, **kwargs)
    _refuse_nested(given.query)
    heads = given.query.shape[-3] if given.query.dim() >= 4 else thread.here.heads
    site = lambda listener: Site(listener.caller(given.query)[0], "attention", "scaled_dot_product_attention")  # noqa: E731
    got = _offer(site, lambda: attention.scores(given), False, heads)
    return func(*args, **kwargs) if got is None else attention.weighted(given, got)


def _cross_entropy(mode, func, args, kwargs, read=losses.Arguments):
    given = read(*args, **kwargs)
    x = given.input if attention.autocast(given.input) is None else given.input.float()
    axis = 1 if given.input.dim() > 1 else 0
    site = lambda listener: Site(listener.caller(given.input)[0], "classifier", "cross_entropy")  # noqa: E731
    masks = []

    def rows():
        masks.append(attention.hidden(x))
        return x, axis, masks[0]

    got = _offer(site, rows, True, None)
    if got is None:
        return func(*args, **kwargs)
    if masks[0] is not None:  # the loss of a masked class is infinite, which nobody overlooks
        got = got.masked_fill(~masks[0], -torch.inf)
    return losses.cross_entropy(given, got, axis)


def _of_higher_order(mode, func, args, kwargs):
    return _refused(mode, func, args, kwargs) if func.name().startswith("flex_attention") else func(*args, **kwargs)


def _refused(mode, func, args, kwargs):
    """One compiled kernel: missing its softmax in silence would be worse than an error."""
    name = func.__name__.partition(".")[0]
    raise DataError(f"{name} hides its softmax; use scaled_dot_product_attention in the network instead")


def _refuse_nested(x: Tensor) -> None:
    if x.is_nested:
        raise DataError("a softmax of a nested tensor cannot be seen; pad it, and mask what was padded")


def _refused_sparse(mode, func, args, kwargs):
    raise DataError("a softmax of a sparse tensor cannot be seen; call to_dense() on it, or mask a dense one")


def _refused_codes(mode, func, args, kwargs):
    raise DataError("a softmax of quantised tensors is one of integers and cannot be seen; dequantise before it")


def _inside(function: Callable) -> Callable:
    """A handler for a composite function: its body is run with the mode on, so that its inner calls are seen."""
    off = {name: lambda *_: False for name in vars(torch.overrides) if name.startswith("has_torch_function")}
    body = types.FunctionType(
        function.__code__,
        {**function.__globals__, **off},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    body.__kwdefaults__ = function.__kwdefaults__
    heads = _heads_of(function)

    def handler(mode, func, args, kwargs):
        with mode, _with_heads(heads(args, kwargs)):
            return body(*args, **kwargs)

    return handler


def _heads_of(function: Callable) -> Callable:
    if "num_heads" not in inspect.signature(function).parameters:
        return lambda args, kwargs: None
    signature = inspect.signature(function)
    return lambda args, kwargs: signature.bind(*args, **kwargs).arguments["num_heads"]


@contextmanager
def _with_heads(heads: int | None):
    before, thread.here.heads = thread.here.heads, heads
    try:
        yield
    finally:
        thread.here.heads = before


def _table() -> dict[Callable, Callable]:
    aten, found = torch.ops.aten, {}
    for log in (False, True):
        name = "log_softmax" if log else "softmax"
        found[getattr(F, name)] = _softmax(log, "x dim _stacklevel dtype")
        plain = _softmax(log, "x dim dtype")
        for owner in (torch, torch.Tensor, torch.special):
            found[getattr(owner, name)] = plain
        inner = _softmax(log, "x dim half_to_float")
        found |= _overloads(getattr(aten, name), plain) | _overloads(getattr(aten, f"_{name}"), inner)
        found |= {getattr(torch, f"_{name}"): inner, getattr(torch.sparse, name): _refused_sparse}
    found |= _overloads(aten._safe_softmax, _softmax(False, "x dim dtype"))
    found |= _overloads(aten.special_softmax, _softmax(False, "x dim dtype"))
    found |= _overloads(aten.special_log_softmax, _softmax(True, "x dim dtype"))
    found[F.scaled_dot_product_attention] = _attention
    found |= _overloads(aten.scaled_dot_product_attention, _attention)
    found[F.cross_entropy] = _cross_entropy
    found |= _overloads(aten.cross_entropy_loss, partial(_cross_entropy, read=losses.of_operator))
    found[operators.explicit_softmax] = _softmax(False, "x dim mask")
    found[operators.explicit_log_softmax] = _softmax(True, "x dim mask")
    found |= _overloads(torch.ops.quantized.softmax, _refused_codes)
    for kernel in _KERNELS:
        found |= _overloads(getattr(aten, kernel), _refused) if hasattr(aten, kernel) else {}
    composite = ("multi_head_attention_forward", "gumbel_softmax", "softmin", "linear_cross_entropy")
    return found | {getattr(F, name): _inside(getattr(F, name)) for name in composite if hasattr(F, name)}


def _overloads(packet, handler: Callable) -> dict[Callable, Callable]:
    return {packet: handler} | {getattr(packet, overload): handler for overload in packet.overloads()}


HANDLERS = _table()
