/* Sums and extremes over the elements of each row: `outer` positions of `inner` rows. */

/* M(src type, C type) */
#define REDUCED_TYPES(M) \
    M(U8, uint8_t) M(I8, int8_t) M(U16, uint16_t) M(I16, int16_t) M(U32, uint32_t) M(I32, int32_t) M(I64, int64_t) \
    M(I128, int128)

#define STEP_SUM(acc, v) ((acc) + (v))
#define STEP_LARGEST(acc, v) ((v) > (acc) ? (v) : (acc))
#define STEP_SMALLEST(acc, v) ((v) < (acc) ? (v) : (acc))

/* A is an unsigned type for sums, which wrap only where nothing is present; an accumulator for extremes. */
#define REDUCE(NAME, STEP, S, A)                                                                        \
    static void NM(reduce_##NAME)(void *restrict vacc, const void *vsrc, ptrdiff_t outer, ptrdiff_t inner) { \
        A *restrict acc = vacc;                                                                         \
        const S *src = vsrc;                                                                            \
        for (ptrdiff_t p = 0; p < outer; p++)                                                           \
            for (ptrdiff_t l = 0; l < inner; l++) acc[l] = (A)STEP(acc[l], (A)src[p * inner + l]);      \
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

#define SUMS(TYPE)                                                                              \
    [TYPE] = {[U8] = NM(reduce_SUM_##TYPE##_1),  [I8] = NM(reduce_SUM_##TYPE##_1),                  \
              [U16] = NM(reduce_SUM_##TYPE##_2), [I16] = NM(reduce_SUM_##TYPE##_2),                 \
              [U32] = NM(reduce_SUM_##TYPE##_4), [I32] = NM(reduce_SUM_##TYPE##_4),                 \
              [I64] = NM(reduce_SUM_##TYPE##_8), [I128] = NM(reduce_SUM_##TYPE##_16)},
#define EXTREME(NAME, TYPE) [TYPE] = {[TYPE] = NM(reduce_##NAME##_##TYPE)},
#define REDUCTION_TABLE                                                                                   \
    {[SUM] = {SUMS(U8) SUMS(I8) SUMS(U16) SUMS(I16) SUMS(U32) SUMS(I32) SUMS(I64) SUMS(I128)},            \
     [LARGEST] = {EXTREME(LARGEST, U8) EXTREME(LARGEST, I8) EXTREME(LARGEST, U16) EXTREME(LARGEST, I16)   \
                  EXTREME(LARGEST, U32) EXTREME(LARGEST, I32) EXTREME(LARGEST, I64) EXTREME(LARGEST, I128)}, \
     [SMALLEST] = {EXTREME(SMALLEST, U8) EXTREME(SMALLEST, I8) EXTREME(SMALLEST, U16) EXTREME(SMALLEST, I16) \
                   EXTREME(SMALLEST, U32) EXTREME(SMALLEST, I32) EXTREME(SMALLEST, I64) EXTREME(SMALLEST, I128)}}
