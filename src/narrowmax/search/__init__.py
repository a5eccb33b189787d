"""How few bits are enough: spaces of designs, statistical evidence, and the search for the narrowest."""

from narrowmax.search.claims import Claim
from narrowmax.search.evidence import Bounds, compare_outcomes, losses, needed_for_mean, needed_for_rate
from narrowmax.search.explore import Exploration
from narrowmax.search.narrowing import Narrowed, narrow
from narrowmax.search.space import Space
from narrowmax.search.trials import Trials

__all__ = [
    "Bounds",
    "Claim",
    "Exploration",
    "Narrowed",
    "Space",
    "Trials",
    "compare_outcomes",
    "losses",
    "narrow",
    "needed_for_mean",
    "needed_for_rate",
]
