"""The terms of a job: what may be lost and how surely, and how designs are laid out to be priced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from narrowmax.errors import DesignError
from narrowmax.hardware import TARGETS
from narrowmax.search.narrowing import TOLERANCES
from narrowmax.study.sources import Source


@dataclass(frozen=True)
class Terms:
    """lanes, max_n, period_ns, target: how a design is built and on what it is priced

    tolerance: by metric, what may be lost; confidence: of the claim, or of each bound; seed: of what is drawn

    Raises DesignError for an unknown target.
    """

    max_n: int
    lanes: int = 1
    period_ns: float = 10.0
    target: str = "gates"
    tolerance: Mapping[str, float] = field(default_factory=lambda: TOLERANCES)
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self):
        if self.target not in TARGETS:
            raise DesignError(f"target is {self.target!r}; it is one of {', '.join(TARGETS)}")

    @classmethod
    def of(cls, source: Source, given: Mapping[str, object]) -> Terms:
        """Those given, for a source: rows as long as its own unless said otherwise.

        Raises DesignError for shorter ones: hardware would be priced that cuts the rows that are judged.
        """
        found = cls(**{"max_n": source.n, **given})
        if found.max_n < source.n:
            raise DesignError(
                f"rows of {source.text} have {source.n:,} elements, and hardware for rows of {found.max_n:,} would cut "
                f"them: give --max-n {source.n} or more, or leave it out"
            )
        return found

    @property
    def layout(self) -> dict:
        """How a design is built, as the rooms of hardware take it."""
        return {"lanes": self.lanes, "max_n": self.max_n, "period_ns": self.period_ns}

    @property
    def settings(self) -> dict:
        """All but the seed, for a record."""
        return {
            **self.layout,
            "target": self.target,
            "tolerance": dict(self.tolerance),
            "confidence": self.confidence,
        }
