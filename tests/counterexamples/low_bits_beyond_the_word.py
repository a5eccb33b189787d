"""A mask of 70 bits does not fit int64."""

INPUT, OUTPUT, MAX_N, CHUNK, ABSENT = "UQ4.0", "Q16.0", 3, None, None
CODES, PRESENT = [0, 9, 15], None
EXPECTED = [0, 9, 15]
GRAPH = """
return r.x.low_bits(70)
"""
