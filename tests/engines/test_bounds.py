"""Bounds: the table of wires, worst-case errors that no row exceeds, budgets, assertions, limits."""

# ruff: noqa: E501, B023  (cases stand one to a line, and their lambdas are called at once)

from fractions import Fraction
from itertools import product

import pytest
from tests.datapath.drawings import drawn

from narrowmax.datapath import Rate, Table, fit, fold, largest, round_off, scan, total
from narrowmax.engines import bounds, interpret
from narrowmax.errors import RangeError

EXP = Table("exp", tuple(round(16 / 2**k) for k in range(6)), 4, "2**-k", "nearest", lambda k: Fraction(1, 2**k))


def quotient(r):
    """A small softmax in base 2."""
    d = (largest(r.x) - r.x).minimum(5).named("d")
    e = d.lookup(EXP).named("e")
    s = total(e).known(16, 64, "the largest contributes 1").named("s")
    return e.extend(8).divide(s, 0).at_point(4).named("p")


class TestWires:
    def test_the_table_of_wires(self):
        rows = bounds.wires(drawn(quotient, input="Q3.0", output="UQ5.4"))
        table = {r.name: r for r in rows}
        assert [r.name for r in rows if not r.name.startswith("w")] == ["x", "d", "e", "s", "p"]
        e = table["e"]
        assert (e.rate, e.lo, e.hi, e.bits, e.point, e.format) == ("element", 0, 16, 5, 4, "UQ1.4")
        assert (e.least, e.greatest) == (0, 1)
        assert e.sentence == "2**-k at d, from a table of 6 entries"
        assert e.error == (Fraction(-1, 2), 0) and e.error_text == "-0.5 to 0 last bits"
        assert table["d"].error_text == "exact" and table["x"].format == "Q3.0"
        assert table["d"].sentence.endswith(" and 5")

    def test_constants_are_values_in_sentences_and_no_rows(self):
        rows = bounds.wires(drawn(lambda r: (r.x + 300).named("y")))
        assert [(r.name, r.sentence) for r in rows] == [("x", "the code of the element"), ("y", "x plus 300")]

    @pytest.mark.parametrize(
        "reach, point, text",
        [((-8, 7), 3, "Q1.3"), ((0, 255), 0, "UQ8.0"), ((0, 3), 5, "UQ-3.5"), ((0, 3), -2, "UQ4.-2")],
    )
    def test_formats(self, reach, point, text):
        from tests.datapath.drawings import free

        from narrowmax.datapath import Drawing

        assert bounds.format_of(free(Drawing(), reach, point=point)[0]) == text

    @pytest.mark.parametrize("error, text", [
        ((Fraction(0), Fraction(0)), "exact"), ((Fraction(-1, 3), Fraction(1, 3)), "-0.334 to +0.334 last bits"),
        ((Fraction(-5), Fraction(1, 10**9)), "-5 to +0.001 last bits"), (None, "measured, not bounded"),
    ])  # fmt: skip
    def test_errors_in_words_never_promise_too_much(self, error, text):
        assert bounds.WireBound("w", "row", 0, 1, 1, 0, "UQ1.0", "a wire", error).error_text == text


def true_values(datapath, codes):
    """Every wire without rounding: rationals, tables replaced by their functions, shifts and divisions exact."""
    values = {}
    for wire in datapath.wires:
        count = len(codes) if wire.rate is Rate.ELEMENT else 1
        found = []
        for i in range(count):
            operands = [
                values[a][i if a.rate is Rate.ELEMENT else 0]
                for a in wire.args
                if type(wire.op).__name__ != "FoldOutput"
            ]
            name = type(wire.op).__name__
            if name == "Source":
                found.append(Fraction(codes[i]))
            elif name == "FoldOutput":
                elements = values[wire.args[0]]
                found.append(sum(elements) if "sum" in wire.op.sentence("a") else max(elements))
            elif name == "Lookup":
                found.append(wire.op.table.function(int(operands[0])) * Fraction(2) ** wire.op.table.point)
            elif name == "ShiftRight":
                found.append(operands[0] / 2**wire.op.amount)
            elif name == "ShiftLeft":
                found.append(operands[0] * 2**wire.op.amount)
            elif name == "Divide":
                found.append(operands[0] / operands[1])
            else:
                simple = {"Add": sum, "Subtract": lambda o: o[0] - o[1], "Multiply": lambda o: o[0] * o[1], "Minimum": min,
                          "Maximum": max, "Known": lambda o: o[0], "Constant": lambda o: Fraction(wire.op.value)}  # fmt: skip
                found.append(simple[name](operands))
        values[wire] = found
    return values


class TestErrors:
    @pytest.mark.parametrize("function", [
        quotient, lambda r: (r.x * r.x) >> 3, lambda r: ((r.x >> 1) * (r.x >> 1)) - (largest(r.x) >> 1),
        lambda r: total((r.x + 4) >> 2) + 0 * r.x, lambda r: ((r.x + 5) * 7 >> 2).divide(((r.x + 5) >> 1) + 2, 0),
    ])  # fmt: skip
    def test_no_row_exceeds_them(self, function):
        d = drawn(function, input="Q3.0", output="Q20.4" if function is quotient else "Q20.0", max_n=3)
        errors = bounds.errors(d)
        assert any(e not in (None, bounds.EXACT) for e in errors.values())
        for codes in product(range(-4, 4), repeat=3):
            held, true = interpret.trace(d, codes), true_values(d, codes)
            for wire, error in errors.items():
                seen = held[wire] if isinstance(held[wire], list) else [held[wire]]
                for v, t in zip(seen, true[wire], strict=False):
                    assert error is None or error[0] <= v - t <= error[1], wire

    def test_a_rounding_block_has_the_rule_of_its_mode(self):
        d = drawn(lambda r: round_off(r.x * 3, 2, "half_even").named("y"), output="Q20.-2")
        assert bounds.errors(d)[d.output] == (Fraction(-1, 2), Fraction(1, 2))

    def test_without_a_rule_it_is_measured(self):
        d = drawn(
            lambda r: (r.x >> 1).low_bits(2) + scan(lambda s, c: s + c, total(r.x, to=Rate.CHUNK), start=0)[2], chunk=2
        )
        found = bounds.errors(d)
        assert found[d.output] is None
        assert [r.error_text for r in bounds.wires(d)][-1] == bounds.UNBOUNDED

    def test_the_budget_says_which_rounding_costs_what(self):
        d = drawn(lambda r: (r.x >> 2).named("coarse") * 3 + (r.x >> 1).named("fine"), input="Q6.0")
        assert bounds.budget(d) == [("coarse", (Fraction(-9, 4), 0)), ("fine", (Fraction(-1, 2), 0))]

    def test_a_rounding_block_is_one_line_of_the_budget(self):
        d = drawn(lambda r: round_off(r.x * 3, 2, "half_away").at_point(0), input="Q6.0")
        ((_, cost),) = bounds.budget(d)
        assert cost == (Fraction(-1, 2), Fraction(1, 2))

    def test_fitting_is_no_rounding(self):
        d = drawn(lambda r: fit(r.x * 5, -9, 9, "saturate") + 0)
        assert bounds.errors(d)[d.output] == bounds.EXACT and bounds.budget(d) == []


class TestAssertions:
    def test_they_are_listed_with_their_proof(self):
        d = drawn(quotient, input="Q3.0", output="UQ5.4")
        assert bounds.assertions(d, rows=100) == [
            bounds.Assertion("s", 16, 64, "the largest contributes 1", "proven by exhaustion")
        ]

    def sampled(self, most):
        step = lambda s, c: (s + c).known(0, most, "rows are short")  # noqa: E731
        return drawn(
            lambda r: scan(step, total(r.x, to=Rate.CHUNK), start=0)[2].named("z"), input="UQ3.0", max_n=4, chunk=2
        )

    def test_what_was_sampled_says_on_how_many_rows(self):
        d = drawn(lambda r: (r.n - r.position).known(1, 4, "within its row").named("k"))
        assert bounds.assertions(d)[0].proof == "sampled"
        assert bounds.assertions(d, rows=1234)[0].proof == "sampled on 1,234 rows"

    def test_those_inside_a_step_count(self):
        assert bounds.assertions(self.sampled(28), rows=50) == [
            bounds.Assertion("a step of z", 0, 28, "rows are short", "sampled on 50 rows")
        ]

    def test_a_false_one_is_found(self):
        with pytest.raises(RangeError, match=r"^the wire <w\d+: element .*> in a fold or scan leaves its range 0\.\.20, so what is "
                           "known of it is false$"):  # fmt: skip
            bounds.assertions(self.sampled(20), rows=2000)

    def test_a_false_one_is_found_beyond_int64(self):
        d = drawn(lambda r: ((r.n - r.position).known(2, 4, "wrong") << 70) >> 70)
        with pytest.raises(RangeError, match=r"^the wire w\d+ holds 1, outside its range 2\.\.4$"):
            bounds.assertions(d, rows=300)

    def test_sampling_is_repeatable_and_varied(self, monkeypatch):
        seen = []
        monkeypatch.setattr(bounds, "_run", lambda d, codes, present: seen.append((codes, present)))
        d = drawn(quotient, input="Q8.0", output="UQ5.4", max_n=9)
        assert bounds.sample(d, 5000) == 5000
        assert {c.shape[1] for c, _ in seen} == set(range(1, 10))
        assert any(p is None for _, p in seen) and any(p is not None for _, p in seen)
        assert sum(len(c) for c, _ in seen) == 5000
        assert any((c == c[:, :1]).all(axis=1).any() for c, _ in seen if c.shape[1] > 1)
        first = [c.tolist() for c, _ in seen]
        seen.clear()
        bounds.sample(d, 5000)
        assert [c.tolist() for c, _ in seen] == first


def test_limits():
    def chunked(r):
        return fold(lambda a, b: fit(a + b, -8, 7, "saturate"), total(r.x, to=Rate.CHUNK), order="serial") + 0 * r.x

    assert bounds.limits(drawn(chunked, max_n=1000, chunk=4)) == [
        "Rows of 1 to 1,000 elements.",
        "Input codes -8 to 7, Q4.0.",
        "Output codes -32 to 28 occur, Q16.0 holds -32768 to 32767.",
        "An absent element gives the code -32768.",
        "The widest wire is w1, 6 bits.",
        "Chunks of 4 elements are part of the arithmetic: the number of lanes must divide 4.",
        "The order of folds is part of the arithmetic: serial.",
    ]
    assert bounds.limits(drawn(lambda r: largest(r.x)))[3] == "A row with nothing present gives the code -32768."
