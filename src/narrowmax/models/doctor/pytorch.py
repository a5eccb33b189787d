"""A block of PyTorch code under examination: forward, backward, steps of an optimiser."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from narrowmax.errors import DataError
from narrowmax.models import functions
from narrowmax.models.attention import has_no_values, hidden, unwrapped
from narrowmax.models.doctor import signs
from narrowmax.models.doctor.examination import Examination
from narrowmax.models.doctor.handwritten import Handwritten
from narrowmax.models.interception import Listener
from narrowmax.models.measuring import as_array
from narrowmax.models.networks import array
from narrowmax.models.sites import NETWORK, OUTSIDE, Site

_ROUNDINGS = {"round", "floor", "ceil", "trunc", "fix"}
_CLIPPINGS = {"clamp", "clip", "clamp_min", "hardtanh", "maximum", "fake_quantize_per_tensor_affine"}
_SOFTMAXES = {"_softmax", "_log_softmax", "_safe_softmax"}


class TorchExamination(Examination, Listener):
    """Made by `narrowmax.models.doctor.doctor`."""

    watches = True
    enters_all = True

    def __init__(self, network: nn.Module):
        Listener.__init__(self, network)
        Examination.__init__(self)
        self._modes: list = []
        self._ran: set[str] = set()
        self._hidden: str | None = None

    def see(self, site: Site, x: Tensor, axis: int, mask: Tensor | None, heads: int | None) -> None:
        """Count one softmax."""
        rows, axis = as_array(x, axis)
        signs.softmax(self.ledger, site, rows, axis, None if mask is None else array(unwrapped(mask)))

    def __enter__(self):
        super().__enter__()
        for mode in (_Audit(self), _Marks(self)):
            self._modes.append(mode.__enter__())
        return self

    def __exit__(self, kind, error, trace) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(None, None, None)
        self._modes = []
        try:
            if kind is None:
                self._judge()
        finally:
            super().__exit__(kind, error, trace)

    def _judge(self) -> None:
        self._judge_training()
        if self._hidden and not self.ledger.places("softmax-unseen"):
            self.ledger.add("softmax-unseen", NETWORK, said=self._hidden)

    def _watch(self) -> None:
        super()._watch()
        self._handles.append(register_optimizer_step_post_hook(self._stepped))
        self.progress.begin(self._values())
        for name, parameter in self._trainable().items():
            came = lambda gradient, name=name: self.progress.came(name, gradient.any())  # noqa: E731
            self._handles.append(parameter.register_hook(came))

    def _refuse_hidden(self) -> None:
        try:
            super()._refuse_hidden()
        except DataError as error:
            self._hidden = str(error)

    def _trainable(self) -> dict[str, nn.Parameter]:
        return {name: one for name, one in self.network.named_parameters() if one.requires_grad}

    def _values(self) -> dict[str, np.ndarray]:
        return {name: array(one.detach().clone()) for name, one in self._trainable().items() if not one.is_meta}

    def enter(self, name: str, module: nn.Module) -> None:
        self._ran.add(name)
        super().enter(name, module)

    def _stepped(self, optimiser, args, kwargs) -> None:
        self.progress.steps += 1

    def _judge_training(self) -> None:
        layers = {name: name.rpartition(".")[0] for name in self._trainable()}
        layers = {name: layer for name, layer in layers.items() if layer in self._ran}
        rounding = next(iter(self.ledger.places("rounding-blocks-gradient")), None)
        self.progress.judge(self.ledger, layers, self._values(), rounding)

    def where(self, x: Tensor) -> str:
        """The layer that works on `x` now."""
        return self.caller(x)[0]

    def rounded(self, function: str, before: Tensor, after: Tensor, unit: float) -> None:
        """Count a rounding; a gradient that comes back to it goes no further."""
        where = self.where(before)
        dtype = str(before.dtype).removeprefix("torch.")
        signs.rounding(self.ledger, where, function, dtype, array(before), array(after), unit)
        if after.requires_grad:

            def arrived(gradient: Tensor) -> None:
                count = int(torch.count_nonzero(gradient))
                self.ledger.add("rounding-blocks-gradient", where, function=function, arrived=count)

            after.register_hook(arrived)


class _Marks(TorchFunctionMode):
    """Every call of a public function, before the mode that hears of softmaxes."""

    def __init__(self, seen: TorchExamination):
        super().__init__()
        self.seen, self.depth = seen, 0
        self.handwritten = Handwritten()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        plain = name if name.startswith("__") else name.rstrip("_")
        x = next((one for one in (*args, *kwargs.values()) if isinstance(one, Tensor)), None)
        before = x.detach().clone() if x is not None and plain in _ROUNDINGS | _CLIPPINGS else None
        self.depth += func in functions.HANDLERS
        try:
            out = func(*args, **kwargs)
        finally:
            self.depth -= func in functions.HANDLERS
        if x is not None and _has_values(out) and _has_values(x) and torch._C._current_graph_task_id() == -1:
            with torch._C.DisableTorchFunction(), torch.no_grad():
                self._look(plain, x, before, args, kwargs, out)
        return out

    def _look(self, name: str, x: Tensor, before: Tensor | None, args: tuple, kwargs: dict, out: Tensor) -> None:
        if name in _ROUNDINGS and before.is_floating_point():
            unit = 10.0 ** -kwargs.get("decimals", 0)
            self.seen.rounded(f"torch.{name}", before, out, unit)
        if name in _ROUNDINGS | _CLIPPINGS and before.is_floating_point() and hidden(before) is not None:
            signs.clipping(self.seen.ledger, self.seen.where(x), f"torch.{name}", array(before), array(out))
        if out.dtype == torch.float16:
            self._overflow(name, args, out)
        if name == "nll_loss":
            axis = 1 if x.dim() > 1 else 0
            signs.probabilities(self.seen.ledger, self._maker(x), "F.nll_loss", array(x), axis, log=True)
        if written := self.handwritten.see(name, args, kwargs, out):
            self.seen.ledger.add("softmax-unseen", self.seen.where(x), function=written, calls=1)

    def _maker(self, x: Tensor) -> str:
        where = self.seen.where(x)
        return "the loss" if where == OUTSIDE else where

    def _overflow(self, name: str, args: tuple, out: Tensor) -> None:
        """An infinity that came of finite numbers; a mask's is -inf, and is filled in."""
        given = [one for one in args if isinstance(one, Tensor)]
        if "fill" in name or "where" in name or not given:
            return
        if not torch.isfinite(out).all() and all(torch.isfinite(one).all() for one in given):
            over = int((~torch.isfinite(out)).sum())
            self.seen.ledger.add("fp16-overflow", self.seen.where(out), function=f"{name}", over=over)


def _has_values(x: object) -> bool:
    """Whether it is a tensor to be looked into: dense, and of no transform (`torch.vmap`, `torch.func`)."""
    if not isinstance(x, Tensor) or x.layout != torch.strided or has_no_values(x):
        return False
    return not torch._C._functorch.is_functorch_wrapped_tensor(x)


class _Audit(TorchDispatchMode):
    """Every operator that is run: a softmax among them that no public function called was not seen."""

    def __init__(self, seen: TorchExamination):
        super().__init__()
        self.seen = seen

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = func.__name__.partition(".")[0]
        if name in _SOFTMAXES and not self._expected() and torch._C._current_graph_task_id() == -1:
            self.seen.ledger.add("softmax-unseen", self.seen.where(args[0]), function=f"aten.{name}", calls=1)
        return out

    def _expected(self) -> bool:
        return any(isinstance(mode, _Marks) and mode.depth for mode in self.seen._modes)
