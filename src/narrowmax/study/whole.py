"""`narrowmax study`: the whole job for one source, and its folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from narrowmax import designs, hardware, models, report, store, tools
from narrowmax.designs import Design
from narrowmax.engines import sheet
from narrowmax.errors import ClaimRefused, StoreError
from narrowmax.hardware.folders import written_files
from narrowmax.study import calibrating, choosing, comparing, sweeping
from narrowmax.study.budgets import budget
from narrowmax.study.circuits import ELEMENTS
from narrowmax.study.narrowing import narrowed
from narrowmax.study.simulating import UNLABELLED
from narrowmax.study.sources import Source
from narrowmax.study.terms import Terms
from narrowmax.study.work import Work

RECORD, PAGE, RTL = "record.json", "report.html", "rtl"


def study(
    load: Callable[[], Source],
    out: Path,
    asked: Mapping[str, object],
    work: Work,
    architectures: Mapping[Design, Collection[str]] | None = None,
) -> dict:
    """Everything for one source; the record, which `out` holds too, with its page and `rtl/`.

    load: gives the source (a network may be trained by it)
    out: a folder; `report.html`, `record.json` and `rtl/` in it are replaced, at the end and each whole
    asked: fields of `Terms`; max_n is the source's n unless given
    architectures: designs to start from, of which the one is taken that is cheapest when narrowed, and the
        parameters that were given of each: scales and points of others are the source's; the whole catalogue
        unless given

    A part that the data cannot carry is null in the record, with the reason.
    Raises StoreError where `out` cannot be written, ToolMissing for a program that is needed, and what the other
    commands raise.
    """
    _check(out)
    with work.step("load"):
        source = load()
        terms = Terms.of(source, asked)
    record = _record(source, architectures or {}, terms, work)
    with work.step("write"):
        _write(record, out, terms)
    return record


def _check(out: Path) -> None:
    """What would stop the job at its end stops it now, and so do files of others in the places of its own."""
    store.check_folder(out / RTL, owned_by=written_files)
    store.check_record(out / RECORD, "study")
    store.check_file(out / PAGE)
    if (out / PAGE).exists() and not report.is_page(out / PAGE):
        raise StoreError(f"{out / PAGE} is another file, which is not overwritten; choose another folder")
    for program in (tools.compiler, tools.verilator, tools.yosys):
        program()


def _record(source: Source, named: Mapping[Design, Collection[str]], terms: Terms, work: Work) -> dict:
    with work.step("measure"):
        softmaxes = [{**one, "judged": source.judges(one)} for one in models.measured(source.thing)]
    about = {
        "source": source.text,
        "task": _task(source),
        "seeds": {"search and verification": terms.seed},
        "settings": terms.settings,
        "measure": {"softmaxes": softmaxes},
        **_swept(source, _reach(softmaxes), terms, work),
    }
    usual, asked = calibrating.catalogue(source, work), calibrating.calibrated(source, named, work, named)
    starts = asked.designs or tuple(filter(choosing.narrowable, usual.designs))
    found, met = _narrowed(source, starts, terms, work)
    chosen = designs.design(found["narrow"]["design"]) if found["narrow"] else starts[0]
    with work.step("compare"):
        every = dict.fromkeys([chosen, *met, *asked.designs, *usual.designs])
        rows = comparing.rows(source, every, terms, work, {**usual.settings, **asked.settings})
    made = _hardware(chosen, terms, work)
    return work.record(
        "study",
        **about,
        **found,
        compare={"rows": rows, "calibration": usual.reach, "error_budget": budget(source, chosen)},
        hardware=made,
        limits=_limits(source),
    )


def _reach(softmaxes: list[dict]) -> float:
    """The largest absolute value that reached, at last, the softmaxes that are judged."""
    last = max(one["epoch"] or 0 for one in softmaxes)
    reaches = [one["within_for"]["1"] for one in softmaxes if one["judged"] and (one["epoch"] or 0) == last]
    return max((reach or 0.0 for reach in reaches), default=0.0)


def _task(source: Source) -> dict:
    thing = source.thing
    about = {
        "name": thing.name,
        "title": getattr(thing, "title", None) or None,
        "network": type(thing.network).__name__ if hasattr(thing, "network") else None,
        "n": source.n,
    }
    if not source.labelled:
        return about
    evaluator = source.evaluator
    outcomes = evaluator.float_outcomes(evaluator.judgement)
    return {
        **about,
        "samples": {
            "train": getattr(thing, "trained", None),
            "selection": len(evaluator.selection),
            "judgement": len(evaluator.judgement),
        },
        "digest": evaluator.digest,
        "metrics": list(evaluator.metrics),
        "float": {metric: float(values.mean()) for metric, values in outcomes.items()},
    }


def _swept(source: Source, reach: float, terms: Terms, work: Work) -> dict:
    if not source.labelled:
        return {"formats_sweep": None, "formats_sweep_reason": UNLABELLED}
    with work.step("formats"):
        return {"formats_sweep": sweeping.sweep(source, reach, terms.confidence, work)}


def _narrowed(source: Source, starts: Sequence[Design], terms: Terms, work: Work) -> tuple[dict, list[Design]]:
    """The part `narrow`, and the designs met on the way to it."""
    if not source.labelled:
        return {"narrow": None, "narrow_reason": UNLABELLED}, []
    try:
        with work.step("choose"):
            candidates = choosing.choose(source, starts, terms, work)
        with work.step("narrow"):
            found = narrowed(source, designs.design(candidates[0]["start"]), terms, work)
    except ClaimRefused as error:
        return {"narrow": None, "narrow_reason": str(error)}, []
    met = [designs.design(one["design"]) for one in candidates if one["design"] is not None]
    return {"narrow": {**found, "chosen_among": [_contender(one) for one in candidates]}}, met


def _contender(candidate: dict) -> dict:
    kept = {key: candidate[key] for key in ("architecture", "design", "tried", "reason")}
    return {**kept, "objective": candidate["cost"] and candidate["cost"]["objective"]}


def _hardware(chosen: Design, terms: Terms, work: Work) -> dict:
    with work.step("verify"):
        verified = work.remember(
            "verification", [chosen.text, terms.layout, terms.seed, ELEMENTS], lambda: _verified(chosen, terms, work)
        )
    with work.step("cost"):
        costs = {target: _cost(chosen, target, terms, work) for target in hardware.TARGETS}
    return {
        "design": chosen.text,
        "lanes": terms.lanes,
        "max_n": terms.max_n,
        "diagram": sheet.data(chosen.datapath(terms.max_n))["diagram"],
        "verify": verified,
        "cost": costs,
    }


def _verified(chosen: Design, terms: Terms, work: Work) -> dict:
    options = {"elements": ELEMENTS, "seed": terms.seed, "progress": work.tell, "cache": work.store}
    return hardware.verify(chosen, **options, **terms.layout)


def _cost(design: Design, target: str, terms: Terms, work: Work) -> dict:
    work.tell(f"cost on {target}")
    return hardware.cost(design, target, cache=work.store, **terms.layout).record()


def _limits(source: Source) -> list[str]:
    notes = getattr(source.thing, "notes", "")
    return [notes] if notes else []


def _write(record: dict, out: Path, terms: Terms) -> None:
    """The folder's three parts, each whole; last the record, which vouches for the others."""
    built = hardware.build(record["hardware"]["design"], out / RTL, **terms.layout)
    kept = ("files", "latency_cycles", "initiation_interval")
    record["hardware"]["build"] = {key: built[key] for key in kept}
    text = report.html(store.plain(record))
    with store.atomic_write(out / PAGE, "w") as file:
        file.write(text)
    store.dump(out / RECORD, record)


def verdict(record: dict) -> int:
    """1 where the answer is no: nothing could be claimed though there are labels, or hardware and simulation differ."""
    refused = record["narrow"] is None and record["narrow_reason"] != UNLABELLED
    return 1 if refused or record["hardware"]["verify"]["mismatches"] else 0
