"""The one place that knows what a network is written in.

A framework is a module with

    is_network(object) -> bool          whether it is one of its networks
    measure(network, *, within, formats, heads), replace(network, design, where, gradient): context managers
    evaluating(network, threads)        a context: in evaluation mode, on so many threads (None: as it is)
    forward(network, inputs)            the output for one batch: an array, a tensor, or an object with `logits`
    weights(network) -> dict            arrays by name: what the network is, for a digest
    doctor(network)                     an `Examination` of a block, see `doctor`
    copied(network)                     another network of the same weights, to be examined
    learn(network, inputs, labels)      `forward`; labels not None: their loss is taken back through the network too
    classify(rows)                      softmax of a classifier's logits, called where `measure` sees it

and one whose networks can be trained, beside these

    precision(network, optimiser, precision, seed)  a `Training`: formats in the network and its training loop
    trainer(network, loop, precision, seed, epochs) what trains it with the `TrainingLoop` of a task
    seeded(seed, threads)               a context with random numbers of its own, on so many threads
    described(network) -> str           what it is beside its weights, for a digest
    version() -> str                    what networks run in, with its version

No framework is imported for a network of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType

from narrowmax import designs
from narrowmax.errors import NetworkError
from narrowmax.models.sites import Site
from narrowmax.rows import FORMATS, WITHIN

# By the package that a network's class, or one it is derived from, comes from.  A Keras network on torch is
# a torch module too, so Keras is asked first.
_HOMES = (
    ("narrowmax.models.onnx", "narrowmax.models.onnx"),
    ("keras", "narrowmax.models.keras"),
    ("torch", "narrowmax.models.pytorch"),
)


def framework_of(network: object) -> ModuleType:
    """The framework of `network`.  Raises NetworkError for anything that is not a network."""
    homes = {kind.__module__ for kind in type(network).__mro__}
    for package, name in _HOMES:
        if any(home == package or home.startswith(package + ".") for home in homes):
            found = import_module(name)
            if found.is_network(network):
                return found
    raise NetworkError(
        f"a network is needed to see its softmaxes, not a {type(network).__name__}; give a torch module, a Keras "
        "model, or narrowmax.models.onnx.OnnxNetwork(path)"
    )


def measure(
    network: object, *, within: Iterable[float] = WITHIN, formats: Iterable[str] = FORMATS, heads: bool = False
):
    """See what reaches every softmax of `network` inside a `with` block; nothing in it changes.

        with nm.measure(network) as seen:
            run(network)
        print(seen.table())

    network: a torch module (Transformers, timm, Lightning are), a Keras model, or an `OnnxNetwork`
    within: R of the shares of rows inside +-R; formats: what to compare values with
    heads: keep the heads of an attention apart
    Raises NetworkError for anything that is not a network.  What each framework sees and does not see stands in
    its own `measure` (`narrowmax.models.pytorch`, `.keras`, `.onnx`).
    """
    return framework_of(network).measure(network, within=within, formats=formats, heads=heads)


def replace(network: object, design, where: str | Callable[[Site], bool] = "*", gradient: str = "straight-through"):
    """Put `design` in the place of softmaxes of `network` inside a `with` block.

    network: as `measure`; design: a `narrowmax.Design` or its text
    where: "attention", "sampling" (by `generate` of Transformers), "router" (choosing among experts),
        "classifier" (every other softmax, losses included), a pattern of layer names such as
        "blocks.*.attn" ("*" is all), or a function of a `Site`
    gradient: "straight-through" or "slope", see `gradients`

    Masked elements (a mask, -inf, or scores below -9000) take no part and come out 0, and so does
    a row where nothing takes part.

    Raises NetworkError for anything that is not a network, DesignError for a text that is no design, DataError for a
    `where` or a gradient that is not known, and at the end of the block when softmaxes
    ran and none was replaced (in PyTorch: when the network ran).
    """
    design = designs.design(design) if isinstance(design, str) else design
    return framework_of(network).replace(network, design, where, gradient)
