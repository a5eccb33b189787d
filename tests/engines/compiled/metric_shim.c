/* The metrics of metric_loops.h for one instruction set, as plain functions for ctypes.  Compiled by test_metrics.py
 * with -DSHIM_BASE, or with -DSHIM_AVX2 or -DSHIM_AVX512 and that target's flags. */
#if defined(SHIM_AVX512)
#define ISA avx512
#elif defined(SHIM_AVX2)
#define ISA avx2
#else
#define ISA base
#endif
#include "isa.h"
#include "metrics.h"

#include "metric_loops.h"
#include "processor.h"

void measure(const struct Judged *j, unsigned metrics, struct Tally *t) { NM(metric).measure(j, metrics, t); }

void conclude(const struct Judged *j, const struct Known *known, const struct Tally *t, unsigned metrics,
              struct Verdict *v) {
    NM(metric).conclude(j, known, t, metrics, v);
}

void add(const struct Verdict *v, const struct Known *known, unsigned metrics, int rows, struct Totals *all) {
    NM(metric).add(v, known, metrics, rows, all);
}

/* 0: base alone; 1: AVX2 too; 2: and AVX-512. */
int processor(void) {
#if defined(__x86_64__)
    return processor_has_avx2() ? processor_has_avx512() ? 2 : 1 : 0;
#else
    return 0;
#endif
}
