"""The datapath language: integer operations on wires, from which everything else is derived."""

from narrowmax.datapath.blocks import Block, block
from narrowmax.datapath.bodies import Argument, Body
from narrowmax.datapath.folds import Fold, FoldOutput, Scan, ScanOutput, fold, largest, scan, smallest, total
from narrowmax.datapath.graph import Datapath, Row, Source, check, draw
from narrowmax.datapath.kits import ARRAYS, INTEGERS, REALS, elementwise
from narrowmax.datapath.operand import Operand, literal, width_of
from narrowmax.datapath.rounding import fit, round_off
from narrowmax.datapath.scales import Linear, Magnitude, Packed, Scientific, SignMagnitude
from narrowmax.datapath.table import Lookup, Table
from narrowmax.datapath.wire import Drawing, Rate, Wire

__all__ = [
    "ARRAYS", "INTEGERS", "Argument", "Block", "Body", "Datapath", "Drawing", "Fold", "FoldOutput", "Linear", "Lookup",
    "Magnitude", "Operand", "Packed", "REALS", "Rate", "Row", "Scan", "ScanOutput", "Scientific", "SignMagnitude",
    "Source", "Table", "Wire", "block", "check", "draw", "elementwise", "fit",
    "fold", "largest", "literal", "round_off", "scan", "smallest", "total", "width_of",
]  # fmt: skip
