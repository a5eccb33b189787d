"""What a drawn fold of chunks has for nothing lies above its values; a minimum of the chunks began with it."""

INPUT, OUTPUT, MAX_N, CHUNK, ABSENT = "UQ8.0", "Q12.0", 3, 2, None
CODES, PRESENT = [100, 7, 110], None
EXPECTED = [107, 107, 107]
GRAPH = """
added = fold(lambda a, b: fit(a + b, 0, 255, "saturate"), r.x, order="serial", to=Rate.CHUNK, empty=300)
return fold(lambda a, b: a.minimum(b), added, order="serial", to=Rate.ROW) + 0 * r.x
"""
