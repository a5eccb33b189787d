"""Exponentials from a table, one integer division for each element.

    d = max(x) - x                    exact
    e = table[d], exp(-d) in `exp`    the table ends at its first 0, which then stands for all larger d
    sum = e added over the row        exact, grows with the row
    output = e / sum in `output`      rounded by the output's word and fitted by its overflow word

Source: the conventional unit that the papers compare with; no publication fixes its details.  The
baseline of B. Yuan, "Efficient Hardware Architecture of Softmax Layer in Deep Neural Network",
SOCC 2016, is of this kind.

Published: the structure (maximum, subtraction, table, accumulator, one division for each element).

Knobs: every width.  `exp` with an integer bit (UQ1.8) holds 1.0 as it is, without one (UQ0.8) as
the largest code.  The output's rounding costs: floor is the divider alone, half_up adds half the
divisor to the dividend and one quotient bit, half_even also a multiplier that finds ties.

Limits: rows of any length, since the sum grows with them; a difference at or beyond
(exp.fraction + 1) ln 2 has the exponential 0; an input step finer than the table can address
(65,536 entries) is refused; a row with nothing present gives 0 everywhere.

Order: monotone, unless the output wraps.  In a row a larger element never has the smaller output (proven: every
step is monotone and the divisor is common), and raising one element never lowers its own output (e/sum
cannot fall when e rises within the sum, nor when the other exponentials fall).

Hazards: with UQ0.8 the largest output is 255/256, so a row does not sum to one; many small
exponentials that round to 0 are missing from the sum, so a long flat tail loses mass.

Oracle: integer arithmetic on correctly rounded exponentials.
"""

from __future__ import annotations

from narrowmax.architectures.cores import exp_table, exponential, quotient
from narrowmax.architectures.parameters import exp_format, input_format, output_format
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire, largest, total
from narrowmax.formats import Fixed


@architecture(input_format(), exp_format(), output_format("UQ0.8:half_up"))
def table_divide(row: Row, input: Fixed, exp: Fixed, output: Fixed) -> Wire:
    d = (largest(row.x).named("top") - row.x).named("d")
    table = exp_table(input.step, input.highest_code - input.lowest_code, exp)
    e = exponential(d, table).named("e")
    sum = total(e)
    sum = sum.known(int(table.array[0]), sum.hi, "the largest element contributes exp(0)").named("sum")
    return quotient(e, sum, output).named("p")
