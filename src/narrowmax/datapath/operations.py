"""The operations of the datapath language: one class each, with all its meanings.

What an operation is stands in `operation`; tables stand in `table`, folds and scans in `folds`.
Adding an operation is a class in one of the files below and its name here.
"""

from narrowmax.datapath.arithmetic import (
    Add,
    Constant,
    Divide,
    Multiply,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRight,
    ShiftRightBy,
    Subtract,
)
from narrowmax.datapath.choices import Equal, Known, Less, Maximum, Minimum, Select
from narrowmax.datapath.operation import Interval, Operation, Range
from narrowmax.datapath.words import LeadingZeros, LowBits, Normalise

ALL = (
    Constant, Add, Subtract, Multiply, ShiftLeft, ShiftRight, ShiftRightBy, ShiftLeftBy, Minimum,
    Maximum, Less, Equal, Select, LowBits, LeadingZeros, Normalise, Divide, Known,
)  # fmt: skip

__all__ = [*(c.__name__ for c in ALL), "ALL", "Operation", "Range", "Interval"]
