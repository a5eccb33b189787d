"""What a fold of chunks has for nothing lies below its values, where a maximum began, cut to their type."""

INPUT, OUTPUT, MAX_N, CHUNK, ABSENT = "UQ8.0", "Q12.0", 3, 2, None
CODES, PRESENT = [31, 7, 90], None
EXPECTED = [90, 90, 90]
GRAPH = """
least = fold(lambda a, b: a.minimum(b), r.x, to=Rate.CHUNK, empty=-1)
return fold(lambda a, b: a.maximum(b), least, order="tree", to=Rate.ROW, empty=-2) + 0 * r.x
"""
