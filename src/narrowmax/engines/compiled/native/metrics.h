/* What the output codes of one tile of rows are worth beside exact softmax.
 *
 * A tile here has WIDE rows in the layout LANES: element i of row r at i * WIDE + r.  Rows of padding
 * are computed like others and ignored by whoever reads the results.  Definitions stand in
 * narrowmax/metrics.py.  Counts and sums of codes are exact; the largest error is within 2**-23 of the
 * float64 one, sums of errors within 2**-19 of themselves (and 2**-23), KL within 2e-6 of 1 + KL, NLL and
 * row sums within 1e-13 of their size.
 */
#ifndef NARROWMAX_METRICS_H
#define NARROWMAX_METRICS_H

#include "types.h"

#define WIDE 64
#define CHUNK 128 /* entries whose sums are kept in narrow words: a byte holds each count */
#define SHORT 32 /* entries whose sums are kept in single precision */
#define STEP 8   /* elements from one entry of the tails to the next */

enum Metric { TOP = 1, SUMS = 2, ZEROS = 4, ERRORS = 8, KL = 16, NLL = 32 }; /* KL and NLL take SUMS */

/* Exact softmax of a tile, (n, WIDE); of an entry that stands for several elements, the sum over them.
 * if_zero: what an output of 0 adds to KL: floor - p log floor, or p - p log p where p < floor.
 * The tails, (ceil(n / STEP) + 1, WIDE), are sums and the maximum from element k * STEP on: where all
 * outputs are 0 from there on, which is most of a row sorted by its values, no element is looked at. */
struct Exact {
    const float *p, *if_zero, *tail_p, *tail_if_zero, *tail_most;
};

/* The elements of a row with equal input codes as one entry, (n, WIDE) each, n the most entries of a row. */
struct Lists {
    const uint16_t *count;         /* how many elements an entry stands for; 0: padding */
    const float *least, *greatest; /* of their p */
    const float *members;          /* p of all elements, those of one entry side by side */
    const uint32_t *first;         /* where an entry's members begin */
};

/* The output codes of a tile.  value = (code - zero) * scale, no code lies below zero, and an absent
 * element or entry has the code zero, p = 0 and if_zero = 0. */
struct Judged {
    int type; /* of codes: neither I64 nor I128, and no code of U32 beyond 2**31 - 1 */
    int32_t zero;
    double scale;
    ptrdiff_t n;
    const void *codes; /* (n, WIDE) */
    const struct Exact *exact;
    const struct Lists *lists; /* NULL: an entry is an element; otherwise codes are U8 or U16, and zero is 0 */
};

/* One value for each row of a tile. */
struct Tally {
    int32_t top[WIDE];      /* the largest code - zero */
    int32_t winners[WIDE];  /* how many elements have it, where it is not 0 */
    int32_t nonzeros[WIDE]; /* how many codes are not zero */
    int64_t sum[WIDE];      /* of code - zero */
    float max_error[WIDE];
    double sum_error[WIDE];
    double divergence[WIDE]; /* the sum of -p log q where q > 0 and of if_zero where q = 0 */
};

/* What is known of a tile's rows whatever the design, (WIDE) each. */
struct Known {
    const int32_t *label;           /* its place among the entries; -1: it takes no part; NULL: there are none */
    const int32_t *winner;          /* the place of exact softmax's winner where it wins alone; -1 */
    const int32_t *rivals;          /* elements that are not masked */
    const int32_t *present;         /* those of them whose value is finite */
    const double *negative_entropy; /* sum of p log p - p */
    const double *hidden;           /* what the floor hides of the label's exact NLL */
    const uint8_t *float_right;     /* exact softmax alone names the label */
    const int64_t *number;          /* of the row among all */
    double floor;
};

/* The metrics of narrowmax.metrics.compare, one value a row. */
struct Verdict {
    uint8_t agree[WIDE], tied[WIDE], right[WIDE];
    int32_t zeros[WIDE];
    double max_error[WIDE], sum_error[WIDE], kl[WIDE], row_sum_error[WIDE], nll[WIDE];
};

/* Sums over tiles, most of them still one a lane; `worst` is the first row of the largest error. */
struct Totals {
    int64_t agree, tied, right, lost, won, zeros;
    int64_t worst[WIDE];
    double max_error[WIDE], sum_error[WIDE], kl[WIDE], nll[WIDE], row_sum_error[WIDE], most_row_sum_error[WIDE];
};

struct MetricKernels {
    /* Counts what is asked for in `metrics`, an OR of enum Metric; the rest of the tally is 0. */
    void (*measure)(const struct Judged *, unsigned metrics, struct Tally *);
    /* From the tally to the metrics; the rest of the verdict is left alone. */
    void (*conclude)(const struct Judged *, const struct Known *, const struct Tally *, unsigned metrics,
                     struct Verdict *);
    /* Adds the first `rows` rows of a tile.  Totals begin as zeros, and `worst` as INT64_MAX. */
    void (*add)(const struct Verdict *, const struct Known *, unsigned metrics, int rows, struct Totals *);
};

#endif
