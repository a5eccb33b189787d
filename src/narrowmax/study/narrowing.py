"""The narrowest design for a source, priced by synthesis."""

from __future__ import annotations

from collections.abc import Callable

from narrowmax import hardware, search
from narrowmax.designs import Design
from narrowmax.errors import DesignError
from narrowmax.study.calibrating import Calibrated
from narrowmax.study.sources import Source
from narrowmax.study.terms import Terms
from narrowmax.study.work import Work


def narrow(source: Source, tried: Calibrated, terms: Terms, work: Work) -> dict:
    """The record of `narrowmax narrow`; see `search.narrow` for its parts and for what it raises.

    tried: the one design whose wires are narrowed
    calibrated: the parameters of it that were set for this source, for values of `calibration`; or None

    Raises DesignError for a target whose costs are no one number.
    """
    if terms.target != "gates":
        raise DesignError(f"target is {terms.target!r}; a search needs one number, which gates alone gives: use it")
    (start,) = tried.designs
    with work.step("narrow"):
        found = narrowed(source, start, terms, work)
    told = {"calibrated": tried.settings.get(start), "calibration": tried.reach}
    about = {"source": source.text, "seeds": {"search": terms.seed}}
    return work.record("narrow", **about, **found, **told, asked=terms.settings)


def narrowed(source: Source, start: Design, terms: Terms, work: Work) -> dict:
    """What `search.narrow` finds from a start, with synthesis for its costs, as plain data; made once."""
    inputs = [source.evaluator.digest, start.text, terms.settings, terms.seed]
    return work.remember("narrowed", inputs, lambda: _found(source, start, terms, work).record())


def _found(source: Source, start: Design, terms: Terms, work: Work) -> search.Narrowed:
    return search.narrow(
        source.evaluator,
        start,
        terms.tolerance,
        terms.confidence,
        cost=lambda design: hardware.cost(design, "gates", **terms.layout, cache=work.store),
        estimate=estimate(terms, work),
        progress=work.progress,
        store=work.store,
        seed=terms.seed,
    )


def estimate(terms: Terms, work: Work) -> Callable[[Design], float]:
    """The cheap prediction of the objective, from the drawing; kept, since a search asks for hundreds."""
    lanes, max_n = terms.lanes, terms.max_n
    return lambda design: work.remember(
        "estimate", [design.text, lanes, max_n], lambda: hardware.estimate(design, lanes, max_n)
    )
