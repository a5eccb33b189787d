"""Designs tried on the selection sample, each once: first on some of it, survivors on all of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from narrowmax.errors import DesignError, GraphError, RangeError
from narrowmax.search.claims import WORST, Claim, Outlook, outlook
from narrowmax.search.space import Movable, Point, Space
from narrowmax.store import Store, code_digest, digest

FIRST = 1000  # samples of the first look
# The rooms whose code an outcome depends on.
JUDGED_BY = (
    "exact", "formats", "datapath", "reference", "metrics", "architectures", "engines", "designs", "models", "search",
)  # fmt: skip
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Trial(Outlook):
    """An outlook, and how many samples it rests on; 0 where the design cannot be built."""

    samples: int


class Trials:
    """The designs of a space on an evaluator's selection sample, and their predicted costs.

    evaluator: see `narrow`
    estimate: the predicted cost of a design, in any unit, deterministic
    progress: called with ("select", designs tried, None)
    seed: which samples are looked at first
    """

    def __init__(
        self,
        evaluator,
        space: Space,
        claim: Claim,
        estimate: Callable[[Movable], float],
        store: Store | None = None,
        progress: Progress | None = None,
        seed: int = 0,
    ):
        self.evaluator, self.space, self.claim, self.estimate = evaluator, space, claim, estimate
        self.store, self.progress = store, progress
        self.seen: dict[Point, Trial] = {}
        self._costs: dict[Point, float] = {}
        rows = np.random.default_rng(seed).permutation(evaluator.selection)
        self._parts = [part for part in (rows[:FIRST], rows[FIRST:]) if len(part)]
        self._float = [evaluator.float_outcomes(part) for part in self._parts]
        self._content = digest(evaluator.digest, rows, asdict(claim), code_digest(*JUDGED_BY))

    def cost(self, point: Point) -> float:
        """The predicted cost at a point; infinite where no design can be built."""
        if point not in self._costs:
            design = self.space.design(point)
            self._costs[point] = math.inf if design is None else self._estimated(design)
        return self._costs[point]

    def _estimated(self, design: Movable) -> float:
        try:
            return float(self.estimate(design))
        except (DesignError, GraphError, RangeError):
            return math.inf

    def priced(self) -> list[Point]:
        """The points whose predicted cost is known."""
        return list(self._costs)

    def key(self, point: Point) -> tuple[float, Point]:
        """What "cheaper" compares: the predicted cost, then the knobs."""
        return self.cost(point), point

    def __getitem__(self, point: Point) -> Trial:
        """The trial at a point, made or remembered."""
        if point not in self.seen:
            self.seen[point] = self._remembered(point)
            if self.progress:
                self.progress("select", len(self.seen), None)
        return self.seen[point]

    def passes(self, point: Point, strain: float = 1.0) -> bool:
        """Whether the design at a point can be built, priced, and strains the claim no more than that."""
        return self[point].strain <= strain and math.isfinite(self.cost(point))

    def _remembered(self, point: Point) -> Trial:
        design = self.space.design(point)
        if design is None or self.store is None:
            return self._tried(design)
        made = self.store.remember("trial", [self._content, design.text], lambda: asdict(self._tried(design)))
        return Trial(**made)

    def _tried(self, design: Movable | None) -> Trial:
        if design is None:
            return Trial(WORST, False, {}, 0)
        try:
            return self._looked(design)
        except (DesignError, GraphError, RangeError):
            return Trial(WORST, False, {}, 0)

    def _looked(self, design: Movable) -> Trial:
        made = []
        for number, rows in enumerate(self._parts, 1):
            made.append(self.evaluator.outcomes(design, rows))
            view = self._view(made, number)
            if view.hopeless:
                break
        return Trial(**asdict(view), samples=sum(map(len, self._parts[:number])))

    def _view(self, made: list, parts: int) -> Outlook:
        groups = self.evaluator.groups
        if groups is not None:
            groups = np.asarray(groups)[np.concatenate(self._parts[:parts])]
        return outlook(self.claim, self._joined(self._float[:parts]), self._joined(made), groups)

    def _joined(self, parts: list) -> dict[str, np.ndarray]:
        """What is claimed of, and nothing else: some is computed only where it is asked for."""
        return {
            metric: np.concatenate([np.asarray(part[metric]) for part in parts]) for metric in self.claim.tolerances
        }
