/* The metrics of a tile: narrow counts over CHUNK entries, then wide ones. */
#include "metric_vectors.h"

#define UPPER_FIRST (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) /* of two bytes in a word */

/* -- the largest code and how often it comes ------------------------------------------------- */
#define DEFINE_TOP(SUFFIX, CODE, VEC)                                                                  \
    static void NM(top_##SUFFIX)(const CODE *codes, ptrdiff_t n, struct Tally *t) {                    \
        CODE top[WIDE], count[WIDE];                                                                   \
        for (int l = 0; l < WIDE; l += VECTOR / sizeof(CODE)) {                                        \
            const CODE *c = codes + l;                                                                 \
            VEC most = LOADED(VEC, c), found = {0};                                                    \
            for (ptrdiff_t i = 1; i < n; i++) most = NM(larger_##SUFFIX)(most, LOADED(VEC, c + i * WIDE)); \
            for (ptrdiff_t i = 0; i < n; i++) found = NM(raised_##SUFFIX)(found, LOADED(VEC, c + i * WIDE), most); \
            STORED(top + l, most);                                                                     \
            STORED(count + l, found);                                                                  \
        }                                                                                              \
        for (int l = 0; l < WIDE; l++) {                                                               \
            int32_t c = top[l], before = t->top[l], kept = c > before ? 0 : t->winners[l];             \
            t->winners[l] = kept + (c >= before ? count[l] : 0);                                       \
            t->top[l] = c > before ? c : before;                                                       \
        }                                                                                              \
    }
DEFINE_TOP(u8, uint8_t, Bytes)
DEFINE_TOP(u16, uint16_t, Words)
DEFINE_TOP(i32, int32_t, Ints)

/* -- how many codes are not 0 ---------------------------------------------------------------- */
#define DEFINE_NONZEROS(SUFFIX, CODE, VEC)                                                                \
    static void NM(nonzeros_##SUFFIX)(const CODE *codes, ptrdiff_t n, struct Tally *t) {                  \
        CODE count[WIDE];                                                                                 \
        for (int l = 0; l < WIDE; l += VECTOR / sizeof(CODE)) {                                           \
            VEC zeros = {0};                                                                              \
            for (ptrdiff_t i = 0; i < n; i++)                                                             \
                zeros = NM(raised_##SUFFIX)(zeros, LOADED(VEC, codes + i * WIDE + l), (VEC){0});          \
            STORED(count + l, zeros);                                                                     \
        }                                                                                                 \
        for (int l = 0; l < WIDE; l++) t->nonzeros[l] += (int32_t)n - count[l];                           \
    }
DEFINE_NONZEROS(u8, uint8_t, Bytes)
DEFINE_NONZEROS(u16, uint16_t, Words)
DEFINE_NONZEROS(i32, int32_t, Ints)

/* -- sums of codes --------------------------------------------------------------------------- */
/* Two codes share a word: what the upper one adds is taken off again. */
static void NM(sum_u8)(const uint8_t *codes, ptrdiff_t n, struct Tally *t) {
    uint16_t both[WIDE / 2], upper[WIDE / 2];
    for (int l = 0; l < WIDE; l += VECTOR) {
        Words sum = {0}, sum_of_upper = {0};
        for (ptrdiff_t i = 0; i < n; i++) {
            Words c = LOADED(Words, codes + i * WIDE + l);
            sum += c;
            sum_of_upper += c >> 8;
        }
        STORED(both + l / 2, sum);
        STORED(upper + l / 2, sum_of_upper);
    }
    for (int l = 0; l < WIDE; l += 2) {
        t->sum[l + UPPER_FIRST] += (uint16_t)(both[l / 2] - (upper[l / 2] << 8));
        t->sum[l + !UPPER_FIRST] += upper[l / 2];
    }
}

static void NM(sum_u16)(const uint16_t *codes, ptrdiff_t n, struct Tally *t) {
    for (int l = 0; l < WIDE; l += FLOATS) {
        Ints sum = {0};
        for (ptrdiff_t i = 0; i < n; i++) sum += NM(widened)(codes, U16, i * WIDE + l);
        for (int k = 0; k < FLOATS; k++) t->sum[l + k] += sum[k];
    }
}

static void NM(sum_i32)(const int32_t *codes, ptrdiff_t n, struct Tally *t) {
    for (ptrdiff_t i = 0; i < n; i++)
        for (int l = 0; l < WIDE; l++) t->sum[l] += codes[i * WIDE + l];
}

/* -- errors and KL --------------------------------------------------------------------------- */
/* type, errors and kl are known when this is compiled into its callers. */
INLINE void NM(distance)(const struct Exact *x, const void *codes, int type, ptrdiff_t from, ptrdiff_t n, int errors,
                         int kl, const struct NM(Logarithms) *known, struct Tally *t) {
    float sums[WIDE], terms[WIDE];
    for (int l = 0; l < WIDE; l += FLOATS) {
        Floats most = LOADED(Floats, t->max_error + l), sum = {0}, divergence = {0};
        for (ptrdiff_t i = 0; i < n; i++) {
            ptrdiff_t at = (from + i) * WIDE + l;
            Ints number = NM(widened)(codes, type, i * WIDE + l);
            Floats p = LOADED(Floats, x->p + at), code = __builtin_convertvector(number, Floats);
            if (errors) {
                Floats error = NM(magnitude)(NM(fused)(code, known->scale, -p));
                most = NM(larger)(most, error);
                sum += error;
            }
            if (kl)
                divergence = NM(plus_product_or)(divergence, number, p, NM(surprise)(known, number, code, type),
                                                         x->if_zero + at);
        }
        STORED(sums + l, sum);
        STORED(terms + l, divergence);
        if (errors) STORED(t->max_error + l, most);
    }
    for (int l = 0; errors && l < WIDE; l++) t->sum_error[l] += sums[l];
    for (int l = 0; kl && l < WIDE; l++) t->divergence[l] += terms[l];
}

/* The entries from `from` up to `until`; their codes lie at `codes`.
 * Floats are added up over SHORT entries only, so that their rounding stays small. */
INLINE void NM(distances)(const struct Exact *x, const char *codes, int type, ptrdiff_t from, ptrdiff_t until,
                          unsigned what, const struct NM(Logarithms) *known, struct Tally *t) {
    ptrdiff_t bytes = WIDE * (type == I32 ? 4 : type == U16 ? 2 : 1);
    for (ptrdiff_t i = from; i < until; i += SHORT, codes += SHORT * bytes) {
        ptrdiff_t n = until - i < SHORT ? until - i : SHORT;
        if ((what & (ERRORS | KL)) == (ERRORS | KL))
            NM(distance)(x, codes, type, i, n, 1, 1, known, t);
        else if (what & ERRORS)
            NM(distance)(x, codes, type, i, n, 1, 0, known, t);
        else if (what & KL)
            NM(distance)(x, codes, type, i, n, 0, 1, known, t);
    }
}

/* -- counts of a chunk ----------------------------------------------------------------------- */
#define DEFINE_COUNTS(SUFFIX, CODE)                                                                          \
    static void NM(counts_##SUFFIX)(const CODE *codes, ptrdiff_t entries, unsigned what, struct Tally *t) {  \
        for (ptrdiff_t from = 0; from < entries; from += CHUNK, codes += CHUNK * WIDE) {                     \
            ptrdiff_t n = entries - from < CHUNK ? entries - from : CHUNK;                                   \
            if (what & TOP) NM(top_##SUFFIX)(codes, n, t);                                                   \
            if (what & SUMS) NM(sum_##SUFFIX)(codes, n, t);                                                  \
            if (what & ZEROS) NM(nonzeros_##SUFFIX)(codes, n, t);                                            \
        }                                                                                                    \
    }
DEFINE_COUNTS(u8, uint8_t)
DEFINE_COUNTS(u16, uint16_t)
DEFINE_COUNTS(i32, int32_t)

/* -- codes of other types -------------------------------------------------------------------- */
static void NM(shifted)(const struct Judged *j, ptrdiff_t from, ptrdiff_t count, int32_t *out) {
    switch (j->type) {
#define SHIFT(TYPE, CODE)                                                                                              \
    case TYPE:                                                                                                         \
        for (ptrdiff_t k = 0; k < count; k++) out[k] = (int32_t)((const CODE *)j->codes)[from + k] - j->zero;          \
        break;
        SHIFT(U8, uint8_t)
        SHIFT(I8, int8_t)
        SHIFT(U16, uint16_t)
        SHIFT(I16, int16_t)
        SHIFT(U32, uint32_t)
        SHIFT(I32, int32_t)
#undef SHIFT
    }
}

/* -- runs at the end of a tile --------------------------------------------------------------- */
/* How many of the first n entries there are, in whole STEPs, up to the last that has one of the `bits` in a byte. */
static ptrdiff_t NM(up_to)(const void *codes, ptrdiff_t column, ptrdiff_t n, uint8_t bits) {
    while (n > 0) {
        ptrdiff_t from = (n - 1) / STEP * STEP;
        Bytes any = {0};
        for (ptrdiff_t k = from * column; k < n * column; k += VECTOR) any |= LOADED(Bytes, (const char *)codes + k);
        uint64_t words[VECTOR / 8], found = 0;
        STORED(words, any);
        for (int k = 0; k < VECTOR / 8; k++) found |= words[k];
        if (found & (0x0101010101010101u * bits)) break;
        n = from;
    }
    return n;
}

#include "metric_lists.h"

/* -- a tile ---------------------------------------------------------------------------------- */
/* Beyond the active entries all codes are 0. */
static void NM(add_tail)(const struct Judged *j, ptrdiff_t active, unsigned what, struct Tally *t) {
    ptrdiff_t at = (active + STEP - 1) / STEP * WIDE;
    const struct Exact *x = j->exact;
    for (int l = 0; (what & ERRORS) && l < WIDE; l++) {
        float most = x->tail_most[at + l];
        t->max_error[l] = t->max_error[l] > most ? t->max_error[l] : most;
        t->sum_error[l] += x->tail_p[at + l];
    }
    for (int l = 0; (what & KL) && l < WIDE; l++) t->divergence[l] += x->tail_if_zero[at + l];
}

static void NM(measure_u8)(const struct Judged *j, ptrdiff_t active, unsigned what,
                           const struct NM(Logarithms) *known, struct Tally *t) {
    ptrdiff_t large = NM(up_to)(j->codes, WIDE, active, 0xe0);
    NM(counts_u8)(j->codes, active, what, t);
    NM(distances)(j->exact, j->codes, U8, 0, large, what, known, t);
    NM(distances)(j->exact, (const char *)j->codes + large * WIDE, SMALL, large, active, what, known, t);
}

static void NM(measure_other)(const struct Judged *j, unsigned what, const struct NM(Logarithms) *known,
                              struct Tally *t) {
    int32_t codes[SHORT * WIDE];
    for (ptrdiff_t from = 0; from < j->n; from += SHORT) {
        ptrdiff_t n = j->n - from < SHORT ? j->n - from : SHORT;
        NM(shifted)(j, from * WIDE, n * WIDE, codes);
        NM(counts_i32)(codes, n, what, t);
        NM(distances)(j->exact, (const char *)codes, I32, from, from + n, what, known, t);
    }
}

static void NM(measure)(const struct Judged *j, unsigned what, struct Tally *t) {
    const struct NM(Logarithms) known = NM(logarithms)(j->scale, what & KL);
    int narrow = !j->zero && (j->type == U8 || j->type == U16);
    ptrdiff_t active = narrow ? NM(up_to)(j->codes, WIDE * (ptrdiff_t)type_size(j->type), j->n, 0xff) : j->n;
    *t = (struct Tally){0};
    NM(add_tail)(j, active, what, t);
    if (j->lists) {
        NM(measure_lists)(j, active, what, &known, t);
    } else if (!narrow) {
        NM(measure_other)(j, what, &known, t);
    } else if (j->type == U8) {
        NM(measure_u8)(j, active, what, &known, t);
    } else {
        NM(counts_u16)(j->codes, active, what, t);
        NM(distances)(j->exact, j->codes, U16, 0, active, what, &known, t);
    }
}

#include "metric_verdicts.h"

static const struct MetricKernels NM(metric) = {NM(measure), NM(conclude), NM(add)};
