"""The rows of PyTorch: where and how a network runs, and what is refused."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from tests.models.cases import Inner
from tests.models.matrix import harness
from tests.models.matrix.judging import DESIGN, Hand, gone_through, judged, refused
from torch import nn
from torch.utils.checkpoint import checkpoint

import narrowmax as nm
import narrowmax.torch as nt

B, L, E, H = 2, 4, 4, 2
X = torch.linspace(-3, 3, B * L * E, dtype=torch.float64).view(B, L, E).sin()


class Block(nn.Module):
    """Attention, then a softmax: `attend(q, k, v)` and `soft(x)` are what is under test or by hand."""

    def __init__(self, attend: Callable, soft: Callable, dtype: torch.dtype = torch.float64):
        super().__init__()
        torch.manual_seed(0)
        self.qkv, self.out = nn.Linear(E, 3 * E, dtype=dtype), nn.Linear(E, E, dtype=dtype)
        self.attend, self.soft = Inner(lambda qkv: attend(*qkv)), Inner(soft)

    def forward(self, x):
        qkv = (3 * self.qkv(x)).unflatten(-1, (3, H, -1)).permute(2, 0, 3, 1, 4)
        return self.soft(4 * self.out(self.attend(qkv.unbind()).transpose(1, 2).flatten(2)))


NAMES = {"attend", "soft"}


def block(dtype: torch.dtype = torch.float64) -> nn.Module:
    return Block(F.scaled_dot_product_attention, lambda x: F.softmax(x, dim=-1), dtype)


def block_by_hand(softmax: Hand, dtype: torch.dtype = torch.float64) -> nn.Module:
    def attend(q, k, v):
        return softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)) @ v

    return Block(attend, softmax, dtype)


class Saves(nn.Module):
    """A network whose block is computed again in the backward pass."""

    def __init__(self, inner: nn.Module, reentrant: bool | None):
        super().__init__()
        self.inner, self.reentrant = inner, reentrant

    def forward(self, x):
        if self.reentrant is None:
            return self.inner(x)
        return checkpoint(self.inner, x.requires_grad_(), use_reentrant=self.reentrant)


def checkpointed(case: str, reentrant: bool) -> dict:
    softmax = Hand()
    network, hand = Saves(block(), reentrant), Saves(block_by_hand(softmax), None)
    names = {f"inner.{name}" for name in NAMES}
    return judged(case, network, hand, softmax, lambda net: net(X.clone()), names, twice=2)


def in_thread(work: Callable) -> object:
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def threaded(case: str) -> dict:
    softmax = Hand()
    return judged(case, block(), block_by_hand(softmax), softmax, lambda net: in_thread(lambda: net(X)), NAMES)


def replicated(case: str) -> dict:
    """What `nn.DataParallel` does: a replica for each part of the batch, each in a thread of its own."""

    class Parallel(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            replicas = [_replica(self.inner) for _ in x]
            runs = zip(replicas, x.split(1), strict=True)
            return torch.cat([in_thread(partial(replica, part)) for replica, part in runs])

    softmax = Hand()
    names = {f"inner.{name}" for name in NAMES}
    note = "as nn.DataParallel does it, without its GPUs"
    return judged(
        case,
        Parallel(block()),
        Parallel(block_by_hand(softmax)),
        softmax,
        lambda net: net(X),
        names,
        twice=B,
        note=note,
    )


def _replica(network: nn.Module) -> nn.Module:
    """A replica as `torch.nn.parallel.replicate` makes it, its weights still those of the network."""
    copied = network._replicate_for_data_parallel()
    copied._parameters = dict(network._parameters)
    copied._modules = {name: _replica(child) for name, child in network._modules.items()}
    return copied


def autocast(case: str, dtype: torch.dtype) -> dict:
    """Beside a reference in float32 in which what autocast rounds is rounded; with a scaler for fp16."""
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0, enabled=dtype is torch.float16)

    def scaled(net):
        with torch.autocast("cpu", dtype=dtype):
            out = net(X.float()).float()
        return scaler.scale(out) / scaler.scale(torch.ones(()))

    softmax = Hand()

    def attend(q, k, v):
        with torch.autocast("cpu", enabled=False):
            scores = (q.float() * q.shape[-1] ** -0.5) @ k.float().transpose(-2, -1)
            return (softmax(scores) @ v.float()).to(dtype)

    hand = Block(attend, lambda x: softmax(x.float()), torch.float32)
    return judged(case, block(torch.float32), hand, softmax, scaled, NAMES, tolerance=2e-2)


def compiled(case: str, before: bool, how: Callable) -> dict:
    softmax, network = Hand(), block()
    made = how(network)
    if before:
        made(X)
    note = "runs uncompiled inside the block"
    return judged(case, network, block_by_hand(softmax), softmax, lambda net: net(X), NAMES, other=made, note=note)


def _whole(network):
    return torch.compile(network, backend="aot_eager")


def _method(network):
    network.compile(backend="aot_eager")
    return network


def _layer(network):
    network.attend = torch.compile(network.attend, backend="aot_eager")
    return network


def exported(case: str, flat: bool) -> dict:
    """A program that was exported before; its parameters are its own."""
    softmax, network = Hand(), block()
    program = torch.export.export(network, (X,))
    made = program.module() if flat else torch.export.unflatten(program)
    hand = block_by_hand(softmax)
    names = {"<network>"} if flat else NAMES
    note = "names are kept by torch.export.unflatten" if flat else ""
    return judged(case, made, hand, softmax, lambda net: net(X), names, note=note)


def exported_with_design(case: str) -> dict:
    network = block()
    with nm.replace(network, DESIGN):
        wanted = gone_through(network, lambda net: net(X))
        with warnings.catch_warnings(action="ignore"):
            made = torch.export.export(network, (X,)).module()
    got = gone_through(made, lambda net: net(X))
    return harness.row(
        case,
        gradient=all(torch.equal(a, b) for a, b in zip(got[1], wanted[1], strict=True)),
        replaced=torch.equal(got[0], wanted[0]),
        note="the program holds narrowmax::softmax with the design's text, and runs where narrowmax is imported",
    )


def written_down(case: str, compile: bool) -> dict:
    """`narrowmax.torch.Softmax` in the network, compiled into one graph or not, beside a replacement."""
    torch.manual_seed(0)
    exact = nn.Sequential(nn.Linear(E, E, dtype=torch.float64), nn.Softmax(-1))
    network = nn.Sequential(exact[0], nt.Softmax(DESIGN))
    with nm.replace(exact, DESIGN):
        wanted = gone_through(exact, lambda net: net(X))
    with nm.measure(network) as seen:
        network(X)
    torch._dynamo.reset()
    made = torch.compile(network, backend="aot_eager", fullgraph=True) if compile else network
    got = gone_through(network, lambda _: made(X))
    (one,) = seen.softmaxes()
    return harness.row(
        case,
        seen=(one["rows"], one["max"]) == (B * L, exact[0](X).max().item()),
        name=one["name"] == "1",
        gradient=torch.equal(got[1][0], wanted[1][0]),
        replaced=torch.equal(got[0], wanted[0]),
        note="one graph (fullgraph=True)" if compile else "",
    )


def export_measured() -> None:
    with nm.measure(SOFT):
        torch.export.export(SOFT, (X,))


def run_of(network: nn.Module, *inputs) -> Callable[[], object]:
    def attempt():
        with nm.measure(network):
            return network(*inputs)

    return attempt


def transformed(case: str, run: Callable) -> dict:
    """Measured, but no design can be handed what has no values of its own."""

    def attempt():
        with nm.replace(SOFT, DESIGN):
            return run()

    with nm.measure(SOFT) as seen:
        run()
    (one,) = seen.softmaxes()
    right = (one["rows"], one["n"], one["max"]) == (B * L, E, X.max().item())
    return refused(case, attempt) | {"seen": right, "name": one["name"] == "<network>"}


class Soft(nn.Module):
    def forward(self, x):
        return F.softmax(x, dim=-1)


@torch.jit.script
def scripted(x):
    return x.softmax(-1)


class CallsScript(nn.Module):
    def forward(self, x):
        return scripted(x)


SOFT = Soft()


def script(case: str, make: Callable) -> dict:
    with warnings.catch_warnings(action="ignore"):
        return refused(case, run_of(make(), X))


def flex(case: str) -> dict:
    import torch._dynamo  # as an optimiser or a compiled network brings it in
    from torch.nn.attention.flex_attention import flex_attention

    q = torch.zeros(1, 1, 16, 16)
    with warnings.catch_warnings(action="ignore"):
        return refused(case, run_of(Inner(lambda q: flex_attention(q, q, q)), q))


def strictly(case: str) -> dict:
    """dynamo puts its own words around ours."""
    logging.getLogger("torch._dynamo").setLevel(logging.CRITICAL)
    try:
        with nm.measure(network := block()):
            torch.export.export(network, (X,), strict=True)
    except Exception as error:
        said = str(error).partition('DataError("')[2].partition('")')[0]
        return harness.row(case, refused=said)
    return harness.row(case, seen=False)


def by_hand(case: str) -> dict:
    network = Inner(lambda x: x.exp() / x.exp().sum(-1, keepdim=True))
    with nm.doctor(network) as seen:
        network(X)
    (finding,) = seen.findings()
    return harness.row(case, refused=f"{finding.evidence}; {finding.remedy}", note="by narrowmax doctor:")


def _nested_tensor() -> torch.Tensor:
    with warnings.catch_warnings(action="ignore"):
        return torch.nested.nested_tensor([X[0], X[1]], layout=torch.jagged)


def _kernel(q):
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, q, q)


def _gradient():
    return torch.func.grad(lambda x: SOFT(x).square().sum())(X)


RUNS = {
    "torch.utils.checkpoint": partial(checkpointed, reentrant=False),
    "torch.utils.checkpoint, reentrant": partial(checkpointed, reentrant=True),
    "another thread": threaded,
    "replicas in threads": replicated,
    "torch.autocast, bfloat16": partial(autocast, dtype=torch.bfloat16),
    "torch.autocast, float16, GradScaler": partial(autocast, dtype=torch.float16),
    "torch.compile, before": partial(compiled, before=True, how=_whole),
    "torch.compile, inside": partial(compiled, before=False, how=_whole),
    "Module.compile": partial(compiled, before=True, how=_method),
    "torch.compile of a layer": partial(compiled, before=True, how=_layer),
    "torch.export, unflattened": partial(exported, flat=False),
    "torch.export, module()": partial(exported, flat=True),
    "torch.export inside of replace": exported_with_design,
    "narrowmax.torch.Softmax": partial(written_down, compile=False),
    "narrowmax.torch.Softmax, torch.compile": partial(written_down, compile=True),
    "torch.vmap": partial(transformed, run=lambda: torch.vmap(SOFT)(X)),
    "torch.func.grad": partial(transformed, run=_gradient),
    "torch.export inside of measure": partial(refused, attempt=export_measured),
    "torch.export, strict, inside": strictly,
    "flex_attention": flex,
    "a fused kernel by its own name": partial(refused, attempt=run_of(Inner(_kernel), torch.zeros(1, 1, 16, 16))),
    "torch.jit.script": partial(script, make=lambda: torch.jit.script(Soft())),
    "torch.jit.script of a function": partial(script, make=CallsScript),
    "torch.jit.trace": partial(script, make=lambda: torch.jit.trace(Soft(), X)),
    "torch.sparse.softmax": partial(
        refused, attempt=run_of(Inner(lambda x: torch.sparse.softmax(x, 1)), X[0].to_sparse())),
    "nested tensors": lambda case: refused(case, run_of(SOFT, _nested_tensor())),
    "exp and sum by hand": by_hand,
}  # fmt: skip

CASES = {name: partial(run, name) for name, run in RUNS.items()}
