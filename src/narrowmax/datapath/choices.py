"""Operations that compare and choose, and the assertion of what is known."""

from __future__ import annotations

from dataclasses import dataclass

from narrowmax.datapath.operation import Operation, comparison, log2, unrounded


@dataclass(frozen=True)
class Minimum(Operation):
    """The smaller of a and b."""

    monotone = gapless = True

    def evaluate(self, kit, a, b):
        return kit.minimum(a, b)

    def bound(self, a, b):
        return min(a[0], b[0]), min(a[1], b[1])

    def error(self, ranges, errors):
        return min(e[0] for e in errors), max(e[1] for e in errors)

    def verilog(self, width, a, b):
        return f"({comparison('<', a, b)}) ? {a.bits(width)} : {b.bits(width)}"

    def levels(self, width, *widths):
        return log2(max(widths)) + 3

    def sentence(self, a, b):
        return f"the smaller of {a} and {b}"


@dataclass(frozen=True)
class Maximum(Operation):
    """The larger of a and b."""

    monotone = gapless = True

    def evaluate(self, kit, a, b):
        return kit.maximum(a, b)

    def bound(self, a, b):
        return max(a[0], b[0]), max(a[1], b[1])

    def error(self, ranges, errors):
        return min(e[0] for e in errors), max(e[1] for e in errors)

    def verilog(self, width, a, b):
        return f"({comparison('>', a, b)}) ? {a.bits(width)} : {b.bits(width)}"

    def levels(self, width, *widths):
        return log2(max(widths)) + 3

    def sentence(self, a, b):
        return f"the larger of {a} and {b}"


@dataclass(frozen=True)
class Less(Operation):
    """1 if a < b, else 0."""

    monotone = gapless = True

    def evaluate(self, kit, a, b):
        return kit.truth(a < b)

    def bound(self, a, b):
        return int(a[1] < b[0]), int(a[0] < b[1])

    def error(self, ranges, errors):
        return unrounded(errors)

    def verilog(self, width, a, b):
        return comparison("<", a, b)

    def levels(self, width, *widths):
        return log2(max(widths)) + 2

    def sentence(self, a, b):
        return f"1 if {a} is less than {b}, else 0"


@dataclass(frozen=True)
class Equal(Operation):
    """1 if a == b, else 0."""

    gapless = True

    def evaluate(self, kit, a, b):
        return kit.truth(a == b)

    def bound(self, a, b):
        return int(a[0] == a[1] == b[0] == b[1]), int(a[0] <= b[1] and b[0] <= a[1])

    def error(self, ranges, errors):
        return unrounded(errors)

    def verilog(self, width, a, b):
        return comparison("==", a, b)

    def levels(self, width, *widths):
        return log2(max(widths)) + 2

    def sentence(self, a, b):
        return f"1 if {a} equals {b}, else 0"


@dataclass(frozen=True)
class Select(Operation):
    """a if the condition (0 or 1) is 1, else b."""

    arity = 3
    monotone = True

    def evaluate(self, kit, condition, a, b):
        return kit.where(condition, a, b)

    def bound(self, condition, a, b):
        chosen = [r for r, c in ((b, 0), (a, 1)) if condition[0] <= c <= condition[1]]
        return min(r[0] for r in chosen), max(r[1] for r in chosen)

    def error(self, ranges, errors):
        if errors[0] != (0, 0):
            return None
        chosen = [e for e, c in ((errors[2], 0), (errors[1], 1)) if ranges[0][0] <= c <= ranges[0][1]]
        return min(e[0] for e in chosen), max(e[1] for e in chosen)

    def verilog(self, width, condition, a, b):
        return f"{condition.bits(1)} ? {a.bits(width)} : {b.bits(width)}"

    def levels(self, width, *widths):
        return 2

    def sentence(self, condition, a, b):
        return f"{a} if {condition}, else {b}"


@dataclass(frozen=True)
class Known(Operation):
    """The operand, asserted to lie in lo..hi for the stated reason; `proof` says how it was shown."""

    lo: int
    hi: int
    why: str
    proof: str
    arity = 1

    def evaluate(self, kit, a):
        return a

    def bound(self, a):
        return max(a[0], self.lo), min(a[1], self.hi)

    def error(self, ranges, errors):
        return errors[0]

    def verilog(self, width, a):
        return a.bits(width)

    def levels(self, width, *widths):
        return 0

    def sentence(self, a):
        return f"{a}, known to lie in {self.lo}..{self.hi} because {self.why} ({self.proof})"
