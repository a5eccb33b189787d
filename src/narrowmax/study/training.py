"""The same training with different number formats in it, side by side, and beside float."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from types import CellType

import numpy as np

from narrowmax.errors import DataError, SourceError
from narrowmax.models import Task, catalogue, opening, resolve
from narrowmax.models.frameworks import framework_of
from narrowmax.models.outcomes import BESIDE, CEILINGS
from narrowmax.models.training import Precision, diagnose, precision_of, read, train
from narrowmax.models.training.loop import TrainingLoop
from narrowmax.search import compare_outcomes
from narrowmax.store import Store, digest
from narrowmax.study.work import Work

SEEDS = 3
CONFIDENCE = 0.95
USUAL = (
    "autocast=bf16",
    "softmax=ideal(input=Q5.3, output=UQ1.8)",
    "weights=Q2.6, activations=Q4.4",
    "weights=Q2.6, updates=Q2.6",
    "weights=Q2.6, updates=Q2.6:stochastic",
    "gradients=Q1.8",
)
"""The rows where none is asked for: half precision, a narrow softmax, narrow inference, and training in 8 bits."""


def load(source: str, work: Work, trust: bool = False, data: Path | None = None) -> Task:
    """The task to train that a SOURCE names; built-in ones before their training.

    data: the samples of a Keras network in a file, see `opening.open_training`
    Raises SourceError for what names none, DataError for a task that does not say how it is trained.
    """
    if source not in catalogue.NAMES and opening.is_network(source):
        return opening.open_training(source, data, trust)
    if data is not None:
        raise SourceError(f"{source} brings its own data; --data is for a Keras network in a file")
    if source in catalogue.NAMES:
        return catalogue.untrained(source)
    task = resolve(source, trust=trust, progress=work.tell, store=work.store)
    if not isinstance(task, Task):
        raise SourceError(f"{source} holds logits, which cannot be trained; give a task, as ./file.py:function")
    if not isinstance(task.training, TrainingLoop):
        raise DataError(
            f"the task of {source} does not say how it is trained; give it "
            "training=narrowmax.TrainingLoop(batches, optimiser)"
        )
    return task


def rows_of(
    texts: Iterable[str] = (), softmaxes: Iterable[str] = (), knobs: dict[str, object] | None = None
) -> list[Precision]:
    """What to train with, beside float: a row for each text, and one for each softmax with the other knobs.

    knobs without any softmax are a row of their own; where nothing is asked for, the rows are USUAL.
    Raises what `precision_of` and `read` raise.
    """
    knobs = {name: value for name, value in (knobs or {}).items() if value is not None}
    with_softmax = [precision_of(softmax=one, **knobs) for one in softmaxes]
    alone = [precision_of(**knobs)] if knobs and not with_softmax else []
    asked = [*map(read, texts), *with_softmax, *alone]
    return list(dict.fromkeys(asked or map(read, USUAL)))


def compare(
    source: str,
    task: Task,
    rows: Iterable[Precision],
    work: Work,
    epochs: int | None = None,
    seeds: int = SEEDS,
    confidence: float = CONFIDENCE,
) -> dict:
    """The record of `narrowmax train`: `rows`, the first of them float, and `epochs` of each row and seed.

    seeds: how many, each with its own weights and order of samples, the same in every row
    Each training that is finished is kept, and of one that is not its state after each epoch, so that an interrupted
    comparison goes on from there.
    """
    precisions = [Precision(), *(row for row in rows if row != Precision())]
    count = epochs or task.training.epochs
    with work.step("train"):
        runs = [[_run(task, row, seed, count, work) for seed in range(1, seeds + 1)] for row in precisions]
    found = [_row(task, row, of, runs[0], confidence) for row, of in zip(precisions, runs, strict=True)]
    settings = {"epochs": count, "seeds": seeds, "confidence": confidence}
    told = {"name": task.name, "title": task.title, "trained": task.trained, "held_out": _samples(runs)}
    told["framework"] = framework_of(task.network).version()
    flat = [
        {"row": place, "precision": row.text, "seed": seed, **epoch}
        for place, (row, of) in enumerate(zip(precisions, runs, strict=True))
        for seed, run in enumerate(of, 1)
        for epoch in run["epochs"]
    ]
    return work.record("train", source=source, task=told, settings=settings, rows=found, epochs=flat)


def _placed(row: Precision, task: Task) -> Precision:
    """Its softmax where the task's is judged, unless it says another place."""
    return replace(row, where=task.where) if row.softmax is not None and row.where == "*" else row


def _run(task: Task, row: Precision, seed: int, epochs: int, work: Work) -> dict:
    inputs = [row.text, seed, epochs, _digest(task, seed)]
    unfinished = _Unfinished(work.store, work.key("train-unfinished", inputs))
    found = work.remember("train", inputs, lambda: _trained(task, row, seed, epochs, work, unfinished))
    unfinished.remove()
    return found


def _trained(task: Task, row: Precision, seed: int, epochs: int, work: Work, unfinished: _Unfinished) -> dict:
    told = lambda line: work.tell(f"train: {line}")  # noqa: E731
    found = train(task, row, epochs=epochs, seed=seed, progress=told, unfinished=unfinished)
    kept = None if found.outcomes is None else {name: values.tolist() for name, values in found.outcomes.items()}
    return {"epochs": found.epochs, "outcomes": kept, "seconds": round(unfinished.seconds(), 2)}


class _Unfinished:
    """The state of one training in the store, and the seconds that it took up to now, interruptions left out."""

    def __init__(self, store: Store, key: str):
        self._store, self._key = store, key
        self._before, self._started = 0.0, monotonic()

    def seconds(self) -> float:
        return self._before + monotonic() - self._started

    def load(self) -> dict[str, np.ndarray] | None:
        """See `running.Unfinished`."""
        state = self._store.unfinished_arrays(self._key)
        self._before = 0.0 if state is None else float(state.pop("seconds", 0.0))
        return state

    def save(self, state: dict[str, np.ndarray]) -> None:
        """See `running.Unfinished`."""
        self._store.put_arrays(self._key, {**state, "seconds": np.array(self.seconds())})

    def remove(self) -> None:
        """The training is over."""
        self._store.remove_arrays(self._key)


def _digest(task: Task, seed: int) -> str:
    """Of the data, of the network as it begins, and of the files of the functions that train it."""
    loop, framework = task.training, framework_of(task.network)
    with framework.seeded(seed):
        network = task.network if loop.network is None else loop.network(seed)
        begins = list(framework.weights(network).values())
        data = [list(task.pairs()), list(loop.pairs())]
    parts = (loop.batches, loop.optimiser, loop.loss, loop.schedule, task.metric)
    of = (framework.version(), framework.described(network), begins)
    return digest(*of, data, [_code(part) for part in parts], task.threads)


def _code(part: object) -> list:
    """What a function, or what a user gave in the place of one, does: its file, its name and its plain settings."""
    if isinstance(part, partial):
        return [_code(part.func), _plain(part.args), _plain(part.keywords)]
    if isinstance(part, str) or not callable(part):
        return [part if isinstance(part, str) else None]  # batches that are no function are in the data
    function = inspect.unwrap(part)
    kind = function if inspect.isroutine(function) or inspect.isclass(function) else type(function)
    try:
        file = Path(inspect.getsourcefile(kind)).read_bytes()
    except (TypeError, OSError):
        file = None
    return [kind.__module__, kind.__qualname__, file, _settings(function)]


def _settings(function: object) -> object:
    """What a function holds of its surroundings, or an object of its own: of a loss its weights, say."""
    if inspect.ismethod(function):
        return [_settings(function.__func__), _settings(function.__self__)]
    if hasattr(function, "get_config") and not inspect.isclass(function):
        return _plain(function.get_config())
    if inspect.isfunction(function):
        cells = [cell.cell_contents for cell in function.__closure__ or () if cell != CellType()]
        return _plain([function.__defaults__, function.__kwdefaults__, cells])
    return None if inspect.isclass(function) else _plain(getattr(function, "__dict__", {}))


def _plain(value: object) -> object:
    """Values as they are, of everything else the kind."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return value if isinstance(value, np.ndarray) and not value.dtype.hasobject else type(value).__qualname__


def _row(task: Task, row: Precision, runs: list[dict], beside: list[dict], confidence: float) -> dict:
    last = [run["epochs"][-1] for run in runs]
    goals = [_goal(run) for run in beside]
    findings = [diagnose(row, run["epochs"], goal) for run, goal in zip(runs, goals, strict=True)]
    told = next((one for one in findings if one.stalled), findings[0])
    return {
        "precision": row.text,
        "brief": row.brief,
        "stalled": sum(one.stalled for one in findings),
        "reason": told.reason,
        "verdict": told.sentence,
        "metrics": {
            name: _spread([run["held_out"].get(name) for run in last if "held_out" in run]) for name in _names(runs)
        },
        "train": _spread([one["train"]["top1"] for one in last if one.get("train")]),
        **_losses(task, runs, beside, confidence),
        "breaks": _breaks([one for run in runs for one in run["epochs"]], last),
        "seconds": round(sum(run["seconds"] for run in runs), 1),
    }


def _goal(run: dict) -> float | None:
    """The loss that float reaches, where it did not diverge."""
    last = run["epochs"][-1]
    return None if last["diverged"] else last["train"]["nll"] if "train" in last else last["loss"]


def _names(runs: list[dict]) -> list[str]:
    outcomes = next((run["outcomes"] for run in runs if run["outcomes"] is not None), {})
    return [name for name in outcomes if name not in BESIDE]


def _spread(values: list[float]) -> dict | None:
    """Over seeds."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"mean": float(np.mean(known)), "least": min(known), "most": max(known), "seeds": len(known)}


def _losses(task: Task, runs: list[dict], beside: list[dict], confidence: float) -> dict:
    """`loss` against float by metric: each held-out sample with itself, seed by seed."""
    if any(run["outcomes"] is None for run in [*runs, *beside]):
        return {"loss": None, "loss_reason": "a training diverged, so there is nothing to compare"}
    known = {**CEILINGS, **task.ceilings}
    names = [name for name in _names(runs) if name in known or _is_rate(runs[0]["outcomes"][name])]
    ceilings = {name: known[name] for name in names if name in known}
    before, after = ({name: _over_seeds(of, name, ceilings) for name in names} for of in (beside, runs))
    units = {name: ceilings.get(name, 1.0) for name in names}
    found = compare_outcomes(before, after, confidence, units, None if task.groups is None else np.asarray(task.groups))
    averaged = [name for name in names if name not in ceilings and len(runs) > 1]
    for name in averaged:  # the share of wrong ones was compared, of which less is better
        found[name] |= {side: 1 - found[name][side] for side in ("float", "design")}
    return {"loss": found}


def _is_rate(values: list) -> bool:
    return isinstance(values[0], bool)


def _over_seeds(runs: list[dict], name: str, ceilings: dict[str, float]) -> np.ndarray:
    """(samples,) of one training its outcomes; of several each sample's mean: the share wrong, or the loss up to its
    ceiling.  A sample counts once, however often it was judged."""
    parts = np.array([run["outcomes"][name] for run in runs])
    if len(parts) == 1:
        return parts[0]
    return np.minimum(parts, ceilings[name]).mean(axis=0) if name in ceilings else (~parts).mean(axis=0)


def _breaks(epochs: list[dict], last: list[dict]) -> dict:
    """What was counted: means over all epochs and seeds, for in the last steps are often small; logits at the end."""
    worst = [max((place["beyond"] for place in one["places"]), default=None) for one in epochs]
    ends = [one["logits"] for one in last if one.get("logits")]
    return {
        "gradients_flushed": _mean([one["gradients"]["flushed"] for one in epochs]),
        "updates_small": _mean([one["updates"]["small"] for one in epochs]),
        "updates_lost": _mean([one["updates"]["lost"] for one in epochs]),
        "beyond": _mean(worst),
        "weights_flushed": _mean([one["weights"]["flushed"] for one in epochs]),
        "weights_at_limits": _mean([one["weights"]["at_limits"] for one in last]),
        "rows_without_push": _mean([(one["push"] or {"still": None})["still"] for one in epochs]),
        "gradient_norm": _mean([one["gradient_norm"] for one in epochs]),
        "logits": {"min": min(e["min"] for e in ends), "max": max(e["max"] for e in ends)} if ends else None,
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _samples(runs: list[list[dict]]) -> int | None:
    known = [run["outcomes"] for of in runs for run in of if run["outcomes"] is not None]
    return len(next(iter(known[0].values()))) if known and known[0] else None
