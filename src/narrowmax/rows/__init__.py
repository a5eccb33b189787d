"""Streaming statistics of softmax rows: what reaches a softmax, in bounded memory.

    statistics = RowStatistics()
    for logits in batches:                 # (..., n) each, any n
        statistics.update(logits)
    statistics.report()["all_within"]      # {"5": 0.012, "10": 0.539, ...}

`RowStatistics` is additive: statistics of parts, merged, equal the statistics of the whole (means
and deviations to float64 rounding, everything else exactly).
"""

from narrowmax.rows.statistics import DISTANCES, FORMATS, QUANTILES, WITHIN, RowStatistics

__all__ = ["DISTANCES", "FORMATS", "QUANTILES", "WITHIN", "RowStatistics"]
