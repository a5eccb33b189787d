"""The one mechanism that sees every softmax of an unmodified PyTorch network.

Two things together:

* hooks on every named module keep, in each thread, the path of the module that is running, so a
  softmax is known by the layer that called it;
* a `TorchFunctionMode` sees the calls themselves: softmax in all its spellings, log_softmax,
  cross_entropy, scaled_dot_product_attention, and the composite functions that hide one.

Function modes belong to a thread, so the outermost hooked module of a thread opens the mode there
too: replicas in other threads, and recomputation during backward, are seen.  A thread with a block of
its own keeps to that.

Listeners (a measurement, a replacement) may be nested in any order; all that measure see every
call, the innermost replacement that wants a call serves it.  Nothing is left behind at the end:
no hook, no attribute on a tensor, no mode.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from narrowmax.errors import DataError
from narrowmax.models.hidden import is_scripted, refuse_hidden
from narrowmax.models.sites import NETWORK, OUTSIDE, Site

if TYPE_CHECKING:
    from torch.overrides import TorchFunctionMode
    from torch.utils.hooks import RemovableHandle

_QUIET = {
    getattr(nn, name)
    for name in (
        "Linear Conv1d Conv2d Conv3d Embedding LayerNorm RMSNorm GroupNorm BatchNorm1d BatchNorm2d BatchNorm3d "
        "ReLU GELU SiLU Sigmoid Tanh Dropout Dropout2d MaxPool1d MaxPool2d AvgPool2d AdaptiveAvgPool2d Flatten Identity"
    ).split()
}
"""Layers that call no softmax: they cost less to watch, for only what they made is noted."""


@dataclass
class _Path(threading.local):
    """The modules now running in this thread, outermost first: (name, class name)."""

    frames: list[tuple[str, str]] = field(default_factory=list)
    mode: TorchFunctionMode | None = None  # opened by the outermost frame where it was missing
    made: list[tuple[weakref.ref, tuple[str, str]]] = field(default_factory=list)  # tensors, and their layers


@dataclass(eq=False)
class Here:
    """What is open in one thread; a block that another thread ends is counted off in its own.

    listeners: how many; mode: entered for them; heads: of the multi-head attention that is running
    """

    listeners: int = 0
    mode: TorchFunctionMode | None = None
    heads: int | None = None


@dataclass
class _Thread(threading.local):
    here: Here = field(default_factory=Here)


thread = _Thread()


class Listener:
    """A network under watch; `Measurement` and `Replacement` are the two kinds.

    A context manager; entering it a second time while it is active raises RuntimeError.
    `enters_all`: whether it wants to `enter` layers that call no softmax as well
    """

    enters_all = False

    def __init__(self, network: nn.Module):
        self.network = network
        self.heard = self.ran = False  # whether a softmax was called; whether a layer gave something in its own thread
        self.left_alone = False  # whether another network called a softmax
        self._path = _Path()
        self._home: Here | None = None  # of the thread that entered it, while it is active
        self._handles: list[RemovableHandle] = []
        self._hooks: list[_Hook] = []
        self._makers = WeakTensorKeyDictionary()

    def __enter__(self):
        from narrowmax.models import functions

        if self._home is not None:
            raise RuntimeError("this context is active already; make a second one to nest them")
        self._home = thread.here
        self._path = _Path()
        try:
            self._watch()
        except BaseException:
            self._forget()
            raise
        functions.listen(self)
        return self

    def __exit__(self, kind, error, trace) -> None:
        from narrowmax.models import functions

        functions.ignore(self)
        self._close()  # where an interrupt cut a backward pass off
        self._forget()

    def _watch(self) -> None:
        self._refuse_hidden()
        for name, module in self.network.named_modules():
            if is_scripted(module):  # takes no hooks, and holds no softmax
                continue
            if type(module) in _QUIET and not self.enters_all:
                self._handles.append(module.register_forward_hook(self._hook(_Made, name, module)))
                continue
            enter, leave = self._hook(_Enter, name, module), self._hook(_Leave, name, module)
            self._handles.append(module.register_forward_pre_hook(enter, prepend=True))
            self._handles.append(module.register_forward_hook(leave, always_call=True))

    def _hook(self, kind: type[_Hook], name: str, module: nn.Module) -> _Hook:
        self._hooks.append(kind(self, name, module))
        return self._hooks[-1]

    def _refuse_hidden(self) -> None:
        refuse_hidden(self.network)

    def _forget(self) -> None:
        for handle in self._handles:
            handle.remove()
        for hook in self._hooks:
            hook.leave_copies()
        self._handles.clear()
        self._hooks.clear()
        self._makers = WeakTensorKeyDictionary()
        self._home = None

    def wants(self, site: Site) -> bool:
        """Whether it puts something in the place of this softmax."""
        return False

    @property
    def here(self) -> bool:
        """Whether calls in this thread, now, are this listener's business.

        They are in the thread that entered it, and, while its network runs, in one where nobody else listens.
        """
        here = thread.here
        return self._home is here or (here.listeners == 0 and bool(self._path.frames))

    def caller(self, x: Tensor) -> tuple[str, str]:
        """`(name, class name)` of the layer that calls a softmax on `x` now."""
        if self._path.frames:
            name, cls = self._path.frames[-1]
            return name or NETWORK, cls
        made_by = self._makers.get(x) or (self._makers.get(x._base) if x._base is not None else None)
        return made_by or (OUTSIDE, "")

    def enter(self, name: str, module: nn.Module) -> None:
        if self._home is None:
            return
        if torch.compiler.is_dynamo_compiling() and torch.compiler.is_exporting():
            raise DataError("torch.export with strict=True cannot pass here; export with strict=False")
        frames = self._path.frames
        if not frames:
            from narrowmax.models import functions

            self._path.mode = functions.mode_where_missing()
        frames.append((name, type(module).__name__))

    def leave(self, name: str, output: object) -> None:
        frames = self._path.frames
        while frames and frames.pop()[0] != name:
            pass  # frames of modules that an interrupt cut off
        if not frames:
            self._close()
        if self._home is not None:
            self._note(output, (name or NETWORK, ""))

    def _close(self) -> None:
        mode, self._path.mode = self._path.mode, None
        if mode is not None:
            mode.__exit__(None, None, None)

    def _note(self, output: object, maker: tuple[str, str]) -> None:
        """Remember which layer made a tensor; the innermost layer that returned it counts.

        It is asked for outside all layers alone, so that most, gone by then, need not be kept: that takes longer.
        """
        if isinstance(output, Tensor):
            self._path.made.append((weakref.ref(output), maker))
        if self._path.frames:
            return
        self.ran = self.ran or (output is not None and self._home is thread.here)
        made, self._path.made = self._path.made, []
        for reference, maker in made:
            if (tensor := reference()) is not None:
                tensor._fix_weakref()  # as torch asks of whoever takes a tensor from a weak reference
                self._makers.setdefault(tensor, maker)


class _Hook:
    """A hook that a copied or saved network does not drag the listener along with.

    A copy is heard of while the block is open.  What was saved holds, in its place, a function that does nothing and
    needs nothing: the end of a `nullcontext`.
    """

    def __init__(self, listener: Listener, name: str, module: nn.Module):
        self.listener, self.name = listener, name
        self._modules = weakref.WeakSet((module,))  # with its copies

    def __deepcopy__(self, memo):
        copies = [memo[id(module)] for module in self._modules if id(module) in memo]
        self._modules.update(copies)
        return self

    def __reduce__(self):
        return getattr, (nullcontext(), "__exit__")

    def leave_copies(self) -> None:
        """Take it off the copies of its module."""
        for module in list(self._modules):
            for hooks in (module._forward_pre_hooks, module._forward_hooks):
                for key in [key for key, hook in hooks.items() if hook is self]:
                    del hooks[key]
                    module._forward_hooks_always_called.pop(key, None)


class _Enter(_Hook):
    def __call__(self, module, args):
        self.listener.enter(self.name, module)


class _Made(_Hook):
    def __call__(self, module, args, output):
        if self.listener._home is not None:
            self.listener._note(output, (self.name or NETWORK, ""))


class _Leave(_Hook):
    def __call__(self, module, args, output):
        self.listener.leave(self.name, output)
