"""`narrowmax study`: the whole job for one source, and its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from narrowmax import hardware, models, report, store, tools
from narrowmax.designs import Design
from narrowmax.designs import design as designed
from narrowmax.errors import ClaimRefused, DesignError
from narrowmax.hardware.folders import build
from narrowmax.hardware.subjects import MANIFEST
from narrowmax.study import choosing, comparing, sweeping
from narrowmax.study.circuits import ELEMENTS
from narrowmax.study.narrowing import found_for, layout
from narrowmax.study.sources import Source
from narrowmax.study.work import Work

RECORD, PAGE, RTL = "record.json", "report.html", "rtl"
UNLABELLED = "the source has no labels, so no accuracy can be judged"
COST_TARGETS = ("gates", "xc7")


@dataclass(frozen=True)
class Asked:
    """What was asked for; `settings` are lanes, max_n, period_ns and target."""

    architectures: Sequence[Design]
    tolerance: Mapping[str, float]
    confidence: float
    seed: int
    settings: Mapping


def study(
    load: Callable[[], Source], out: Path, work: Work, *, architectures: Sequence[Design] = (),
    tolerance: Mapping[str, float], confidence: float, lanes: int = 1, max_n: int | None = None,
    period_ns: float = 10.0, target: str = "gates", seed: int = 0,
) -> dict:  # fmt: skip
    """Everything for one source; the record, which `out` holds too, with its page and `rtl/`.

    load: gives the source (a network may be trained by it)
    out: a folder; `report.html`, `record.json` and `rtl/` in it are replaced, at the end and each whole
    architectures: designs to start from; the one that is cheapest when narrowed is taken (all of the
        catalogue unless given)

    A part that the data cannot carry is null in the record, with the reason.
    Raises StoreError where `out` cannot be written, ToolMissing for a program that is needed, and what the other
    commands raise.
    """
    _check(out)
    if target not in hardware.TARGETS:
        raise DesignError(f"target is {target!r}; it is one of {', '.join(hardware.TARGETS)}")
    with work.step("load"):
        source = load()
        n = source.n
    settings = {"lanes": lanes, "max_n": max_n or n, "period_ns": period_ns, "target": target}
    asked = Asked(architectures or choosing.candidates(), tolerance, confidence, seed, settings)
    record = _record(source, asked, out, work)
    with work.step("write"):
        _write(record, out)
    return record


def _check(out: Path) -> None:
    """What would stop the job at its end stops it now."""
    store.check_folder(out / RTL, owned_by=MANIFEST)
    for program in (tools.compiler, tools.verilator, tools.yosys):
        program()


def _record(source: Source, asked: Asked, out: Path, work: Work) -> dict:
    with work.step("measure"):
        measured = models.measured(source.thing)
    parts = {
        "source": source.text,
        "task": _task(source),
        "seeds": {"search": asked.seed, "verification": asked.seed},
        "settings": {**asked.settings, "tolerance": dict(asked.tolerance), "confidence": asked.confidence},
        "measure": {"softmaxes": measured},
        **_swept(source, asked, work, _reach(measured)),
    }
    narrowed, seen = _narrowed(source, asked, work)
    parts |= narrowed
    chosen = designed(parts["narrow"]["design"]) if parts["narrow"] else asked.architectures[0]
    parts |= {"compare": _compared(source, asked, work, chosen, seen), "hardware": _hardware(chosen, asked, work)}
    return work.record("study", **parts, limits=_limits(source))


def _reach(measured: list[dict]) -> float:
    """The largest absolute value that reached the softmaxes at last."""
    last = max((one["epoch"] or 0 for one in measured), default=0)
    return max(one["within_for"]["1"] for one in measured if (one["epoch"] or 0) == last)


def _task(source: Source) -> dict:
    thing = source.thing
    about = {
        "name": thing.name,
        "title": getattr(thing, "title", "") or None,
        "network": type(thing.network).__name__ if hasattr(thing, "network") else None,
        "n": source.n,
    }
    if not source.labelled:
        return {**about, "samples": {"judgement": 0}, "metrics": [], "float": {}}
    evaluator = source.evaluator
    samples = {
        "train": getattr(thing, "trained", None),
        "selection": len(evaluator.selection),
        "judgement": len(evaluator.judgement),
    }
    outcomes = evaluator.float_outcomes(evaluator.judgement)
    return {
        **about,
        "samples": samples,
        "digest": evaluator.digest,
        "metrics": list(evaluator.metrics),
        "float": {metric: float(values.mean()) for metric, values in outcomes.items()},
    }


def _swept(source: Source, asked: Asked, work: Work, reach: float) -> dict:
    if not source.labelled:
        return {"formats_sweep": None, "formats_sweep_reason": UNLABELLED}
    with work.step("formats"):
        return {"formats_sweep": sweeping.sweep(source, work, reach, asked.confidence)}


def _narrowed(source: Source, asked: Asked, work: Work) -> tuple[dict, list[Design]]:
    """The part `narrow`, and the designs met on the way that a comparison should show."""
    if not source.labelled:
        return {"narrow": None, "narrow_reason": UNLABELLED}, []
    try:
        with work.step("choose"):
            claim = (asked.settings, asked.tolerance, asked.confidence, asked.seed)
            found = choosing.choose(source, asked.architectures, work, *claim)
        met = [one["design"] for one in found if one["design"] is not None]
        with work.step("narrow"):
            narrowed = found_for(source, choosing.first(found), work, *claim).record()
    except ClaimRefused as error:
        return {"narrow": None, "narrow_reason": str(error)}, []
    told = [{"architecture": one["start"].architecture, "design": one["design"] and one["design"].text,
             "objective": one["cost"] and one["cost"]["objective"], "reason": one["reason"]} for one in found]  # fmt: skip
    return {"narrow": {**narrowed, "chosen_among": told}}, met


def _compared(source: Source, asked: Asked, work: Work, chosen: Design, met: list[Design]) -> dict:
    """The whole catalogue, where narrowing began, what it met, and what it chose."""
    from narrowmax.designs import catalogue

    every = dict.fromkeys([chosen, *met, *asked.architectures, *map(designed, catalogue())])
    with work.step("compare"):
        return {"rows": [comparing.row(source, one, work, asked.confidence, asked.settings) for one in every]}


def _hardware(chosen: Design, asked: Asked, work: Work) -> dict:
    made = layout(asked.settings)
    with work.step("verify"):
        verified = work.remember(
            "verification",
            [chosen.text, made, asked.seed, ELEMENTS],
            lambda: hardware.verify(
                chosen, elements=ELEMENTS, seed=asked.seed, progress=work.tell, cache=work.store, **made
            ),
        )
    with work.step("cost"):
        costs = {target: _cost(chosen, target, made, work) for target in COST_TARGETS}
    built = {key: verified[key] for key in ("latency_cycles", "initiation_interval")}
    return {
        "design": chosen.text,
        "lanes": made["lanes"],
        "max_n": made["max_n"],
        "build": built,
        **_diagram(chosen, made),
        "verify": verified,
        "cost": costs,
    }


def _cost(design: Design, target: str, made: Mapping, work: Work) -> dict:
    work.tell(f"cost on {target}")
    return hardware.cost(design, target, cache=work.store, **made).record()


def _diagram(chosen: Design, made: Mapping) -> dict:
    return {"diagram": None, "diagram_reason": "not drawn"}


def _limits(source: Source) -> list[str]:
    notes = getattr(source.thing, "notes", "")
    return [notes] if notes else []


def _write(record: dict, out: Path) -> None:
    """The folder's three parts; what needs most disk is written first, the record that vouches for them last."""
    made = record["hardware"]
    built = build(
        made["design"], out / RTL, **{key: record["settings"][key] for key in ("lanes", "max_n", "period_ns")}
    )
    made["build"] = {key: built[key] for key in ("files", "latency_cycles", "initiation_interval")}
    text = report.html(store.plain(record))
    with store.atomic_write(out / PAGE, "w") as file:
        file.write(text)
    store.dump(out / RECORD, record)


def verdict(record: Mapping) -> int:
    """1 where the answer is no: nothing could be claimed though there were labels, or hardware and simulation differ."""
    refused = record["narrow"] is None and record["narrow_reason"] != UNLABELLED
    return 1 if refused or record["hardware"]["verify"]["mismatches"] else 0
