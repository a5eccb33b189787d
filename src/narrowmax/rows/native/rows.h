/* What the counting of rows adds to.  Python owns all of it, as arrays of NumPy: see counts.py. */
#ifndef NARROWMAX_ROWS_H
#define NARROWMAX_ROWS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

enum {
    DROPPED_BITS = 17, /* of the 23 fraction bits of a float32: see bins.py */
    BINS = (0x7F800000 >> DROPPED_BITS) + 1,
    SIGNIFICANT = 26, /* columns of the table of digits: see limits.py */
    EXPONENTS = 256,
    POWERS = 64, /* of two, up to which a row may be long */
    CHUNK = 2048, /* elements worked on at once, in the innermost cache; rows that are longer are taken one by one */
    BATCH = 256   /* rows, at most, worked on at once */
};

/* The fields of counts.RECORD, in its order. */
struct Record {
    int64_t rows, empty_rows, not_finite, elements, masked, gap_rows, tied_rows, sampled_rows, sampled_values;
    double mean, square, low, shortest, high, longest, widest, closest;
};

/* A row of `Fits.numbers`, and of `Fits.counts`. */
struct Limits {
    double bottom, top, clip_below, clip_above, flush, lowest_weight, fraction_bits;
};

struct Fit {
    int64_t clipped, flushed, beyond;
};

struct Tables {
    struct Record *record;
    int64_t *reaches, *distances, *gaps; /* by bin */
    int64_t *digits;                     /* [EXPONENTS][SIGNIFICANT]; nothing is ever in the first row */
    const double *within;                /* R at which rows are counted */
    int64_t *inside;
    int64_t radii;
    const struct Limits *limits;
    struct Fit *fits;
    int64_t formats;
    double *mass[POWERS]; /* [BINS + 1] by the power of two up to which a row is long; NULL where none was */
};

struct Ends {
    double top, second, bottom; /* second: the largest but one, -inf where there is none */
};

/* What is known of some rows while they are counted. */
struct Work {
    void *values;             /* the elements that take part, where they are not all */
    float *weight;            /* distance from the row's maximum, then exp(-distance) */
    int32_t *bin;             /* of the distance */
    int32_t key[CHUNK];       /* place in the table of digits */
    int64_t length[BATCH];    /* of each row: 0 where it is empty, -1 where it is set aside */
    struct Ends ends[BATCH];
};

static inline int32_t bits_of(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* `bins.index`: the bin of the smallest float32 that is not below a magnitude; the sign, which 0 may have, is dropped. */
static inline int32_t bin_of(double value) {
    double magnitude = fabs(value);
    float near = (float)magnitude;
    return (bits_of(near) + (near < magnitude) + ((1 << DROPPED_BITS) - 1)) >> DROPPED_BITS;
}

/* The least power of two that is not below the length of a row, which is 1 or more. */
static inline int power_of(int64_t length) {
    return length > 1 ? 64 - __builtin_clzll((unsigned long long)length - 1) : 0;
}

/* Count rows of float or double, [rows][n], of which `present` tells the elements that take part; NULL: all.
 * times: how often everything but the ranges is counted; 0: not at all.
 * Returns how many rows were counted: fewer where there is no mass[*missing] yet for one that comes next. */
int64_t count_float(struct Tables *, struct Work *, const float *, const uint8_t *present, int64_t rows, int64_t n,
                    int64_t times, int *missing);
int64_t count_double(struct Tables *, struct Work *, const double *, const uint8_t *present, int64_t rows, int64_t n,
                     int64_t times, int *missing);

#endif
