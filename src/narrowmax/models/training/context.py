"""Number formats in an unmodified torch network and its unmodified training loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fnmatch import fnmatchcase
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.overrides import TorchFunctionMode

from narrowmax.errors import DataError, NetworkError
from narrowmax.models.hidden import is_scripted
from narrowmax.models.training.hooks import Hook
from narrowmax.models.training.layers import DesignInTraining, Rounder, each_tensor, passed
from narrowmax.models.training.passing import Passing
from narrowmax.models.training.record import Precision
from narrowmax.models.training.recording import OUTPUT
from narrowmax.models.training.scaling import norm_of, scaling_of
from narrowmax.models.training.watching import Training
from narrowmax.models.training.weights import Weights

_AUTOCAST = {"fp16": torch.float16, "bf16": torch.bfloat16}
_WHOLE = (nn.MultiheadAttention,)  # layers that do not call those within them


class TorchTraining(Training):
    """The training of a torch module.

    Seen are `loss.backward()` and the steps of the optimiser; a loss that the loop scales itself is recorded scaled.
    From the first layer called to the step the weights are those of the forward pass, in a state dict too; what is
    loaded or otherwise written stays.  A copy is without formats.  Scores are what the network's call gives, or, where
    a loop calls something within it, what cross_entropy takes.

    Raises DataError: at a step for weights that no layer used, or gradients that `loss.backward()` did not scale;
    in backward for activations that checkpointing would round by other random numbers.
    """

    def __init__(self, network: nn.Module, optimiser: Optimizer | None, precision: Precision, seed: int):
        _refuse(network, optimiser, precision)
        precision.refuse_no_layer((name for name, _ in _layers(network)), (owner for owner, _ in _weighted(network)))
        super().__init__(network, optimiser, precision)
        self._scaling = scaling_of(precision.loss_scale)
        self._passing = Passing(precision, self._counts, Rounder(seed), self._scaling.sees_overflow)
        self._weights = Weights(dict(self._chosen_parameters()), self._passing)
        self._forward_begun = False  # since the last step

    def _enter(self, stack: ExitStack) -> None:
        if self.precision.softmax is not None:
            stack.enter_context(DesignInTraining(self.network, self._passing))
        stack.enter_context(_Backward(self))
        if self.precision.autocast is not None:
            device = next(self.network.parameters()).device.type
            # Its cache of cast weights would outlive every step of the block.
            stack.enter_context(torch.autocast(device, _AUTOCAST[self.precision.autocast], cache_enabled=False))
        self._weights.begin()
        stack.callback(self._weights.restore)
        for handle in self._hooks():
            stack.callback(handle.remove)

    def _hooks(self):
        """Every hook, set one by one."""
        yield from self._loading()
        if self.precision.activations is not None or self.precision.gradients is not None:
            chosen = {layer: name for name, layer in reversed([*_layers(self.network)]) if self._chooses(name)}
            for layer, name in chosen.items():
                yield layer.register_forward_hook(Hook(partial(self._output, name)))
        yield self.network.register_forward_pre_hook(Hook(self._begin_forward))
        yield self.network.register_forward_hook(Hook(self._watch_output))
        chosen = dict(self._chosen_parameters())
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad and parameter.is_floating_point():
                yield parameter.register_post_accumulate_grad_hook(Hook(partial(self._gradient, name, name in chosen)))
        if self.optimiser is not None:
            yield self.optimiser.register_step_pre_hook(self._begin_step)
            yield self.optimiser.register_step_post_hook(lambda *_: self._after_step())

    def _loading(self):
        """Whichever layer a loop calls first (Lightning's begins within the network) finds its weights rounded."""
        for module in self.network.modules():
            if is_scripted(module):
                continue
            yield module.register_load_state_dict_pre_hook(Hook(self._begin_load))
            if self.precision.weights is not None:
                load = self._weights.load_again if module is self.network else self._weights.load
                yield module.register_forward_pre_hook(Hook(lambda *_, load=load: load()), prepend=True)

    def _begin_load(self, module: nn.Module, state: dict, prefix: str, metadata: dict, *_: object) -> None:
        if metadata.get("assign_to_params_buffers"):
            raise DataError(
                "load_state_dict(assign=True) would put other weights in the place of those that formats act on; load "
                "without assign, or before the block"
            )
        self._weights.restore()

    def _output(self, name: str, module: nn.Module, args: tuple, output: object) -> object:
        """What a layer gives on."""
        again = torch._C._current_graph_task_id() != -1  # recomputed in a backward pass: seen before
        form = self.precision.activations
        if again and form is not None and form.rounding == "stochastic":
            raise DataError(
                f"activations={form} cannot be recomputed in the backward pass, where other random numbers would be "
                "drawn; train without gradient checkpointing, or round to nearest"
            )
        return each_tensor(lambda x: passed(self._passing, name, x, self.network.training and not again), output)

    def _gradient(self, name: str, rounds: bool, parameter: Tensor) -> None:
        """Called when the gradient of a weight is there; of a sparse one, the rows that are."""
        grad = parameter.grad.detach()
        grad = grad.coalesce() if grad.is_sparse else grad
        plain = grad.values() if grad.is_sparse else grad
        found = self._passing.gradient(name, plain, rounds, weight=True)
        if found is plain:
            return
        if grad.is_sparse:
            parameter.grad = torch.sparse_coo_tensor(
                grad.indices(), found, grad.shape, is_coalesced=True, check_invariants=False
            )
        else:
            parameter.grad.copy_(found)

    def _chooses(self, name: str) -> bool:
        return fnmatchcase(name, self.precision.layers)

    def _chosen_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """By the first of their names, where layers share them."""
        chosen = {id(parameter) for owner, parameter in _weighted(self.network) if self._chooses(owner)}
        return ((name, one) for name, one in self.network.named_parameters() if id(one) in chosen)

    def _begin_forward(self, network, args) -> None:
        self._forward_begun = True

    def _watch_output(self, network, args, output) -> None:
        logits = output if isinstance(output, Tensor) else getattr(output, "logits", None)
        if isinstance(logits, Tensor) and logits.dim() in (2, 3) and not logits.is_leaf:
            self._watch(logits)

    def _watch(self, logits: Tensor) -> None:
        if self.network.training and logits.requires_grad and logits.shape[-1] > 1:
            logits.register_hook(lambda g: self._passing.push(OUTPUT, g.detach()))

    def cross_entropy(self, call, args: tuple, kwargs: dict) -> Tensor:
        """`cross_entropy(...)`; its scores are watched where the loop calls something else than the network itself."""
        logits, args = (args[0], args[1:]) if args else (kwargs["input"], ())
        if not self._forward_begun and logits.requires_grad and logits.dim() == 2:
            logits = logits.view_as(logits)  # so that the hook is of this use of them alone
            self._watch(logits)
        return call(logits, *args, **{name: value for name, value in kwargs.items() if name != "input"})

    def backward(self, call, loss: Tensor, gradient: Tensor | None = None, *args, **kwargs):
        """`loss.backward(...)`, begun with the loss scale."""
        if self.optimiser is None and self.precision.weights is not None:
            raise DataError("weights need the optimiser in a training; give it as the second argument")
        if loss.numel() == 1:
            self._losses.append(loss.detach().float().reshape(()))
        weights = [*self.network.parameters(), *self._stepped()]
        self._scaling.backward(lambda first: call(loss, first, *args, **kwargs), loss, gradient, weights)

    def _stepped(self) -> Iterator[Tensor]:
        """What the optimiser updates."""
        return (one for group in (self.optimiser.param_groups if self.optimiser else ()) for one in group["params"])

    def _begin_step(self, optimiser, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """A closure (Lightning's steps have one) is run here: in the step its forward pass would put rounded weights
        where the network's own are to be updated."""
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)  # args begin with the optimiser
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
            args, kwargs = args[:1], {"closure": lambda: loss}
        self._before_step()
        return args, kwargs

    def _before_step(self) -> None:
        self._refuse_unused()
        self._forward_begun = False
        self._weights.restore()
        parameters = [p for p in self._stepped() if p.grad is not None]
        skipped = self._scaling.step(parameters)
        norm = norm_of(p.grad for p in parameters) if parameters else torch.zeros(())
        self._steps.append({"norm": norm, "skipped": skipped, "scale": self._scaling.scale})
        if skipped:
            for parameter in parameters:
                parameter.grad = None  # which an optimiser passes over
        self._weights.before_update()

    def _refuse_unused(self) -> None:
        due = self.precision.weights is not None and not self._weights.used
        if due and any(one.grad is not None for one in self._kept()):
            raise DataError(
                f"weights={self.precision.weights} were never put in place: no layer of the network was called, only "
                "functions of its weights; call the network, or a layer in it"
            )

    def _after_step(self) -> None:
        self._weights.after_update()

    def state(self) -> dict:
        """What the rest of the training depends on beside network and optimiser, between two epochs."""
        return {
            "own": dict(self._weights.own),
            "random": self._passing.rounder.state(),
            "scaling": self._scaling.state(),
        }

    def resume(self, state: dict) -> None:
        """Go on from a state, once network and optimiser have theirs."""
        self._weights.resume(state["own"])
        self._passing.rounder.resume(state["random"])
        self._scaling.resume(state["scaling"])

    def _trained(self) -> Iterator[str]:
        return (name for name, parameter in self.network.named_parameters() if parameter.requires_grad)

    def _kept(self) -> Iterator[Tensor]:
        return iter(self._weights.parameters.values())

    def _at_limits(self) -> float | None:
        return self._weights.at_limits()


class _Backward(TorchFunctionMode):
    """Sees `loss.backward()`, and the scores of a cross-entropy."""

    def __init__(self, training: TorchTraining):
        super().__init__()
        self.training = training

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is Tensor.backward:
            return self.training.backward(func, *args, **(kwargs or {}))
        if func is F.cross_entropy:
            return self.training.cross_entropy(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))


def _layers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """What computes, by every name that it has."""
    for name, module in network.named_modules(remove_duplicate=False):
        if isinstance(module, _WHOLE) or not any(True for _ in module.children()):
            yield name, module


def _weighted(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The floating parameters, by the name of each layer that has them."""
    for name, parameter in network.named_parameters(remove_duplicate=False):
        if parameter.is_floating_point():
            yield name.rpartition(".")[0], parameter


def _refuse(network: object, optimiser: object, precision: Precision) -> None:
    if not isinstance(network, nn.Module):
        raise NetworkError(f"a torch module is needed to train with formats in it, not a {type(network).__name__}")
    if optimiser is not None and not isinstance(optimiser, Optimizer):
        raise NetworkError(f"a torch optimiser is needed beside the network, not a {type(optimiser).__name__}")
    if isinstance(optimiser, torch.optim.LBFGS):
        raise DataError("LBFGS runs the network within its step, where weights are not rounded; use another optimiser")
    if optimiser is None and (precision.updates is not None or precision.loss_scale is not None):
        raise DataError("updates and loss_scale need the optimiser; give it as the second argument")
