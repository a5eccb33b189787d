"""The position of the largest element, the first of equals: what softmax costs beyond comparing.

    output = the least i with x[i] = max(x)

drawn as the largest of the words (x, complement of the position), so that one comparison
decides both the value and the order of equals.

Source: the classifier's decision itself; no publication was the first, so there is no year.

Published: nothing; comparators in a fold.

Knobs: the input's widths.  The output has no fraction bits, and is as wide as the positions need.

Limits: rows of up to 2**bits - 1 elements for an output of that many bits: the code with all bits
set says that nothing is present.

Order: the first of equals wins; proven by comparison with NumPy's argmax on all rows of three 3-bit codes.

Hazards: it gives no probability.  As a softmax it is a row with a single 1, which loses nothing in
top-1 (but that quantised inputs can tie) and everything in likelihood.

Oracle: NumPy's argmax of the quantised row.
"""

from __future__ import annotations

from narrowmax.architectures.parameters import KNOB, FixedFormat, input_format
from narrowmax.architectures.record import architecture
from narrowmax.datapath import Row, Wire, fit, largest
from narrowmax.formats import Fixed


@architecture(
    input_format(),
    FixedFormat(
        name="output", default="UQ16.0", source=KNOB, integer=range(1, 25), fraction=range(1), signs=(False,),
        doc="the position of the largest element; all bits set where nothing is present",
    ),
    absent=lambda parameters: parameters["output"].highest_code,
)  # fmt: skip
def argmax(row: Row, input: Fixed, output: Fixed) -> Wire:
    nothing = output.highest_code
    position = fit(row.position, 0, nothing - 1, "forbid")
    word = (row.x.at_point(0) << output.bits) + (nothing - position)
    return (nothing - largest(word.named("word")).low_bits(output.bits)).named("index")
