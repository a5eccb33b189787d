/* Statistics of rows of float and double. */
#include "rows.h"

static double smaller(double a, double b) { return b < a ? b : a; }
static double larger(double a, double b) { return b > a ? b : a; }

/* How many rows of length n are taken at a time, of those that are left. */
static int64_t batch(int64_t n, int64_t left) {
    int64_t fitting = n > CHUNK ? 1 : CHUNK / (n > 0 ? n : 1), most = left < BATCH ? left : BATCH;
    return fitting < most ? fitting : most;
}

/* A power of two of the rows' lengths for which there is no mass yet; -1 where there is one for each. */
static int missing_power(const struct Tables *t, const struct Work *w, int64_t rows) {
    for (int64_t r = 0; r < rows; r++)
        if (w->length[r] > 0 && !t->mass[power_of(w->length[r])]) return power_of(w->length[r]);
    return -1;
}

/* What is counted of every row. */
static void count_ranges(struct Tables *t, const struct Work *w, int64_t rows, int64_t n) {
    struct Record record = *t->record;
    for (int64_t r = 0; r < rows; r++) {
        int64_t length = w->length[r];
        record.not_finite += length < 0;
        record.empty_rows += length == 0;
        if (length < 0) continue;
        record.elements += n;
        record.masked += n - length;
        if (!length) continue;
        double top = w->ends[r].top, bottom = w->ends[r].bottom;
        double reach = larger(fabs(top), fabs(bottom));
        record.rows++;
        t->reaches[bin_of(reach)]++;
        for (int64_t k = 0; k < t->radii; k++) t->inside[k] += reach <= t->within[k];
        record.low = smaller(record.low, bottom), record.high = larger(record.high, top);
        record.shortest = smaller(record.shortest, length), record.longest = larger(record.longest, length);
        record.widest = larger(record.widest, top - bottom);
    }
    *t->record = record;
}

/* As `Counts.merge_moments`. */
static void merge_moments(struct Record *record, int64_t count, double mean, double square) {
    double before = record->sampled_values, total = before + count, delta = mean - record->mean;
    record->square += square + delta * delta * before * count / total;
    record->mean += delta * count / total;
    record->sampled_values += count;
}

/* Whether the digits at a place of their table lie on a format's grid: the contrary of `limits.finer`. */
static int digits_fit(int32_t key, const struct Limits *limits) {
    int32_t significant = key % SIGNIFICANT, exponent = key / SIGNIFICANT - 127;
    return significant <= limits->fraction_bits + 1 && exponent - significant >= limits->lowest_weight - 1;
}

/* exp(-d) of float32 distances d >= 0, to d * 2^-24 + 2e-7 of itself; 0 from 87 on, where float32 begins to lose bits.
 *
 * 2^k exp(r) with |r| <= ln(2)/2: r from ln(2) in two parts, exp(r) as a polynomial whose largest relative error was
 * made 4e-9 by least squares at Chebyshev's points.
 */
static void weigh(float *d, int64_t n) {
    const float shift = 12582912.0f; /* 1.5 * 2^23: beside it, a float32 has no place for a fraction */
    for (int64_t i = 0; i < n; i++) {
        float x = d[i] < 87.0f ? -d[i] : -87.0f;
        float k = x * 1.44269504f + shift;
        int32_t scale = (int32_t)((uint32_t)(bits_of(k) + 127) << 23);
        k -= shift;
        float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
        float p = 1.375138827e-3f;
        p = p * r + 8.368921741e-3f;
        p = p * r + 4.166953396e-2f;
        p = p * r + 1.666651842e-1f;
        p = p * r + 4.999998859e-1f;
        p = (p * r) * r + r + 1.0f;
        d[i] = d[i] < 87.0f ? p * float_of(scale) : 0.0f;
    }
}

/* Distances, masses and gaps of rows whose bins and weights are known. */
static void count_distances(struct Tables *, const struct Work *, int64_t rows, int64_t times);

enum { LANES = 16 }; /* fewer, and a compiler unrolls where it should make vectors */

#define NAME_JOIN_(name, type) name##_##type
#define NAME_JOIN(name, type) NAME_JOIN_(name, type)
#define NAME(name) NAME_JOIN(name, REAL)

#define REAL float
#define WORD int32_t
#define SIGN INT32_MIN
#define LARGEST 0x7F7FFFFF
#include "element_loops.h"
#include "count_loops.h"

#define REAL double
#define WORD int64_t
#define SIGN INT64_MIN
#define LARGEST 0x7FEFFFFFFFFFFFFF
#include "element_loops.h"
#include "count_loops.h"

static void count_gap(struct Tables *t, const struct Ends *ends, int64_t times) {
    double gap = ends->top - ends->second;
    t->record->gap_rows += times;
    t->record->tied_rows += gap == 0 ? times : 0;
    t->record->closest = larger(t->record->closest, gap);
    t->gaps[bin_of(gap)] += times;
}

static void count_distances(struct Tables *t, const struct Work *w, int64_t rows, int64_t times) {
    const float *weight = w->weight;
    const int32_t *bin = w->bin;
    for (int64_t r = 0; r < rows; r++) {
        int64_t n = w->length[r];
        if (n < 1) continue;
        double *mass = t->mass[power_of(n)], scale = times / sum_float(weight, n);
        for (int64_t i = 0; i < n; i++) {
            t->distances[bin[i]] += times;
            mass[bin[i]] += weight[i] * scale;
        }
        mass[BINS] += times;
        t->record->sampled_rows++;
        if (n > 1) count_gap(t, &w->ends[r], times);
        weight += n, bin += n;
    }
}
