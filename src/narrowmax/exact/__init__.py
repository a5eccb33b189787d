"""Correctly rounded real functions, of which no bit comes from the machine's libm.

`tabulate` makes tables of integers, `table` the same as arrays; `exp` and `exp2` work on arrays with a stated
error, `between` gives float64 on both sides; a `Function` encloses a real function between rationals.
"""

from narrowmax.exact.arrays import LEAST, RELATIVE_ERROR, exp, exp2
from narrowmax.exact.functions import FUNCTIONS, Function
from narrowmax.exact.tables import Ratios, between, round_rational, rounded, table, tabulate

__all__ = [
    "FUNCTIONS", "Function", "LEAST", "RELATIVE_ERROR", "Ratios", "between", "exp", "exp2", "round_rational", "rounded",
    "table", "tabulate",
]  # fmt: skip
