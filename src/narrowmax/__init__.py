"""narrowmax: how narrow a softmax can be made for a given network, and the hardware that is it.

    import narrowmax as nm

    design = nm.design("table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)")
    codes = design.simulate(logits, axis=-1)      # integer codes, bit for bit what the hardware gives
    probabilities = design(logits)                # their values
    found = nm.sweep(designs, logits, labels)     # what each of many is worth beside exact softmax

    with nm.measure(network) as seen:             # what reaches the softmaxes of a torch network
        run(network)
    with nm.replace(network, design):             # the design inside the network
        accuracy = evaluate(network)

    best = nm.narrow(task, architecture="table_divide", tolerance=0.005, confidence=0.95)
    nm.build(best.design, "rtl/"); nm.verify("rtl/"); nm.cost("rtl/")

A name is imported when it is first used, so that `import narrowmax` is quick and needs none of the
frameworks that only some of the names need.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "design": "narrowmax.designs",
    "Design": "narrowmax.designs",
    "measure": "narrowmax.models",
    "replace": "narrowmax.models",
    "doctor": "narrowmax.models.doctor",
    "Task": "narrowmax.models",
    "train": "narrowmax.models.training",
    "TrainingLoop": "narrowmax.models.training",
    "precision": "narrowmax.models.training",
    "Precision": "narrowmax.models.training",
    "sweep": "narrowmax.designs",
    "narrow": "narrowmax.search",
    "build": "narrowmax.hardware",
    "verify": "narrowmax.hardware",
    "cost": "narrowmax.hardware",
    "format": "narrowmax.formats",
    "NarrowmaxError": "narrowmax.errors",
}
_NAMES_THERE = {"format": "parse"}  # where a public name is not the name at home

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"narrowmax has no public name {name!r}; it has {', '.join(sorted(_HOMES))}")
    found = getattr(import_module(_HOMES[name]), _NAMES_THERE.get(name, name))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
