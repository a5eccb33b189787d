/* Sums and extremes over the elements of each row, in both layouts. */

/* M(src type, C type) */
#define REDUCED_TYPES(M) \
    M(U8, uint8_t) M(I8, int8_t) M(U16, uint16_t) M(I16, int16_t) M(U32, uint32_t) M(I32, int32_t) M(I64, int64_t) \
    M(I128, int128)

#define STEP_SUM(acc, v) ((acc) + (v))
#define STEP_LARGEST(acc, v) ((v) > (acc) ? (v) : (acc))
#define STEP_SMALLEST(acc, v) ((v) < (acc) ? (v) : (acc))

/* A is an unsigned type for sums, which wrap only where nothing is present; an accumulator for extremes. */
#define REDUCE(NAME, STEP, S, A)                                                                        \
    static void NM(lanes_##NAME)(void *restrict vacc, const void *vsrc, ptrdiff_t outer, ptrdiff_t inner) { \
        A *restrict acc = vacc;                                                                         \
        const S *src = vsrc;                                                                            \
        for (ptrdiff_t p = 0; p < outer; p++)                                                           \
            for (ptrdiff_t l = 0; l < inner; l++) acc[l] = (A)STEP(acc[l], (A)src[p * inner + l]);      \
    }                                                                                                   \
    static void NM(rows_##NAME)(void *restrict vacc, const void *vsrc, ptrdiff_t outer, ptrdiff_t inner) { \
        A *restrict acc = vacc;                                                                         \
        const S *src = vsrc;                                                                            \
        for (ptrdiff_t r = 0; r < outer; r++) {                                                         \
            A best = acc[r];                                                                            \
            for (ptrdiff_t i = 0; i < inner; i++) best = (A)STEP(best, (A)src[r * inner + i]);          \
            acc[r] = best;                                                                              \
        }                                                                                               \
    }

#define REDUCE_ALL(TYPE, S)                              \
    REDUCE(LARGEST_##TYPE, STEP_LARGEST, S, S)           \
    REDUCE(SMALLEST_##TYPE, STEP_SMALLEST, S, S)         \
    REDUCE(SUM_##TYPE##_1, STEP_SUM, S, uint8_t)         \
    REDUCE(SUM_##TYPE##_2, STEP_SUM, S, uint16_t)        \
    REDUCE(SUM_##TYPE##_4, STEP_SUM, S, uint32_t)        \
    REDUCE(SUM_##TYPE##_8, STEP_SUM, S, uint64_t)        \
    REDUCE(SUM_##TYPE##_16, STEP_SUM, S, uint128)
REDUCED_TYPES(REDUCE_ALL)

#define SUMS(LAYOUT, TYPE)                                                                              \
    [TYPE] = {[U8] = NM(LAYOUT##_SUM_##TYPE##_1),  [I8] = NM(LAYOUT##_SUM_##TYPE##_1),                  \
              [U16] = NM(LAYOUT##_SUM_##TYPE##_2), [I16] = NM(LAYOUT##_SUM_##TYPE##_2),                 \
              [U32] = NM(LAYOUT##_SUM_##TYPE##_4), [I32] = NM(LAYOUT##_SUM_##TYPE##_4),                 \
              [I64] = NM(LAYOUT##_SUM_##TYPE##_8), [I128] = NM(LAYOUT##_SUM_##TYPE##_16)},
#define EXTREME(LAYOUT, NAME, TYPE) [TYPE] = {[TYPE] = NM(LAYOUT##_##NAME##_##TYPE)},
#define FOR_TYPES(M, ...) \
    M(__VA_ARGS__, U8) M(__VA_ARGS__, I8) M(__VA_ARGS__, U16) M(__VA_ARGS__, I16) M(__VA_ARGS__, U32) \
    M(__VA_ARGS__, I32) M(__VA_ARGS__, I64) M(__VA_ARGS__, I128)
#define REDUCTION_TABLE(LAYOUT)                               \
    {[SUM] = {FOR_TYPES(SUMS, LAYOUT)},                       \
     [LARGEST] = {FOR_TYPES(EXTREME, LAYOUT, LARGEST)},       \
     [SMALLEST] = {FOR_TYPES(EXTREME, LAYOUT, SMALLEST)}}
