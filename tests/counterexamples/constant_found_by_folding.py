"""A wire whose range is one integer lost its rate, and could not be summed."""

INPUT, OUTPUT, MAX_N, CHUNK, ABSENT = "Q4.0", "Q8.0", 4, None, 0
CODES, PRESENT = [1, 2, 3, 4], [True, False, True, True]
EXPECTED = [3, 0, 3, 3]
GRAPH = """
return total((r.x < 100) + 0) + 0 * r.x
"""
