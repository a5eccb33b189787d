"""Correctly rounded real functions, of which no bit comes from the machine's libm.

`tabulate` makes tables of integers; `exp` and `exp2` work on arrays with a stated error; a `Function` encloses
a real function between rationals.
"""

from narrowmax.exact.arrays import LEAST, RELATIVE_ERROR, exp, exp2
from narrowmax.exact.functions import FUNCTIONS, Function
from narrowmax.exact.tables import round_rational, rounded, tabulate

__all__ = ["tabulate", "rounded", "round_rational", "Function", "FUNCTIONS", "exp", "exp2", "RELATIVE_ERROR", "LEAST"]
