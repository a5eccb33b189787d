"""A masked first chunk leaves the state at its start, which lies outside what the step can give."""

INPUT, OUTPUT, MAX_N, CHUNK, ABSENT = "Q4.0", "Q8.0", 4, 2, 0
CODES, PRESENT = [7, 7, -3, 2], [False, False, True, True]
EXPECTED = [0, 0, 2, 2]
GRAPH = """
before, at, after = scan(lambda m, c: m.maximum(c).maximum(-5), largest(r.x, to=Rate.CHUNK), start=-100)
return at + 0 * r.x
"""
