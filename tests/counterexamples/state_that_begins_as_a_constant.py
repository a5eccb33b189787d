"""A step was drawn with the start alone as its range, and s + 1 became the constant 6."""

INPUT, OUTPUT, MAX_N, CHUNK, ABSENT = "Q4.0", "Q8.0", 5, 1, None
CODES, PRESENT = [1, 2, 3, 4, 5], None
EXPECTED = [10, 10, 10, 10, 10]
GRAPH = """
before, at, after = scan(lambda s, c: s + 1, total(r.x, to=Rate.CHUNK), start=5)
return after + 0 * r.x
"""
