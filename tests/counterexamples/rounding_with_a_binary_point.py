"""Rounding to zero and away from zero took 2**point for 1 where the wire had a binary point."""

INPUT, OUTPUT, MAX_N, CHUNK, ABSENT = "Q4.0", "Q8.0", 5, None, None
CODES, PRESENT = [-8, -7, -6, 6, 7], None
EXPECTED = [-22, -12, -12, 12, 12]
GRAPH = """
x = r.x.at_point(2)
away, zero = round_off(x, 2, "half_away"), round_off(x, 2, "toward_zero")
return away.at_point(0) + zero.at_point(0) * 10
"""
