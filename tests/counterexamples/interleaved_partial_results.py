"""Partial results combined with partial results left the range that serial and tree order reach."""

INPUT, OUTPUT, MAX_N, CHUNK, ABSENT = 'UQ1.0', 'Q32.0', 64, None, None
CODES, PRESENT = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], None
EXPECTED = [22033]  # 32 + 1 + (32 - 10) * 1000
GRAPH = """
return fold(lambda a, b: a + 1 + (b - 10).maximum(0) * 1000, r.x, order="interleaved(2)")
"""
