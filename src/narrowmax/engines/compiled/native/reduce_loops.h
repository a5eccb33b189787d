/* Sums and extremes over the elements of each row: `outer` positions of `inner` rows.
 *
 * Accumulators of 64 or 32 rows stay in registers while all positions pass; sums of narrow words are gathered in
 * words of 16 bits first, as many as cannot overflow. */
#define SUM_STEP(acc, v) ((acc) + (v))
#define LARGEST_STEP(acc, v) ((v) > (acc) ? (v) : (acc))
#define SMALLEST_STEP(acc, v) ((v) < (acc) ? (v) : (acc))

/* A is an unsigned type for sums, which wrap only where nothing is present; the element's for extremes. */
#define REDUCE(NAME, STEP, S, A)                                                                            \
    static void NM(reduce_##NAME)(void *restrict vacc, const void *vsrc, ptrdiff_t outer, ptrdiff_t inner) { \
        A *restrict acc = vacc;                                                                             \
        const S *src = vsrc;                                                                                \
        for (ptrdiff_t p = 0; p < outer; p++)                                                               \
            for (ptrdiff_t l = 0; l < inner; l++) acc[l] = (A)STEP(acc[l], (A)src[p * inner + l]);          \
    }

/* Sums of words of type S in accumulators of type A, by way of PART in runs of MOST positions. */
#define SUM_BY_PARTS(NAME, S, A, PART, MOST)                                                                          \
    static inline __attribute__((always_inline)) void NM(group_##NAME)(A *restrict acc, const S *src, ptrdiff_t outer, \
                                                                       ptrdiff_t inner, const int rows) {             \
        enum { LANES = VECTOR_BYTES / sizeof(PART) };                                                                 \
        typedef VECTOR_OF(PART, LANES) Part;                                                                          \
        typedef VECTOR_OF(S, LANES) From;                                                                             \
        for (ptrdiff_t first = 0; first < outer; first += MOST) {                                                     \
            ptrdiff_t end = outer - first < MOST ? outer : first + MOST;                                              \
            Part part[64 / LANES] = {{0}};                                                                            \
            for (ptrdiff_t p = first; p < end; p++)                                                                   \
                for (int k = 0; k < rows / LANES; k++)                                                                \
                    part[k] += __builtin_convertvector(*(const From *)(src + p * inner + k * LANES), Part);           \
            for (int k = 0; k < rows / LANES; k++)                                                                    \
                for (int j = 0; j < LANES; j++) acc[k * LANES + j] += (A)part[k][j];                                  \
        }                                                                                                             \
    }                                                                                                                 \
    static void NM(reduce_##NAME)(void *restrict vacc, const void *vsrc, ptrdiff_t outer, ptrdiff_t inner) {          \
        A *restrict acc = vacc;                                                                                       \
        const S *src = vsrc;                                                                                          \
        ptrdiff_t l = 0;                                                                                              \
        for (; l + 64 <= inner; l += 64) NM(group_##NAME)(acc + l, src + l, outer, inner, 64);                        \
        for (; l + 32 <= inner; l += 32) NM(group_##NAME)(acc + l, src + l, outer, inner, 32);                        \
        for (ptrdiff_t p = 0; p < outer; p++)                                                                         \
            for (ptrdiff_t r = l; r < inner; r++) acc[r] = (A)(acc[r] + (A)src[p * inner + r]);                       \
    }

/* Sums of words of 16 bits in words of 32: in pairs, a lane's sum with its neighbour's above it, and the neighbour's alone.
 * That is less work than widening each; it holds as many as a lane's sum holds. */
#define SUM_OF_PAIRS(NAME, A)                                                                                         \
    static inline __attribute__((always_inline)) void NM(group_##NAME)(A *restrict acc, const uint16_t *src,          \
                                                                       ptrdiff_t outer, ptrdiff_t inner, const int rows) { \
        enum { LANES = VECTOR_BYTES / sizeof(uint32_t), MOST = 4096 };                                                \
        typedef VECTOR_OF(uint32_t, LANES) Part;                                                                      \
        for (ptrdiff_t first = 0; first < outer; first += MOST) {                                                     \
            ptrdiff_t end = outer - first < MOST ? outer : first + MOST;                                              \
            Part both[32 / LANES] = {{0}}, odd[32 / LANES] = {{0}};                                                   \
            for (ptrdiff_t p = first; p < end; p++)                                                                   \
                for (int k = 0; k < rows / 2 / LANES; k++) {                                                          \
                    const Part pair = *(const Part *)(src + p * inner + 2 * k * LANES);                               \
                    both[k] += pair, odd[k] += pair >> 16;                                                            \
                }                                                                                                     \
            for (int k = 0; k < rows / 2 / LANES; k++)                                                                \
                for (int j = 0; j < LANES; j++) {                                                                     \
                    acc[2 * (k * LANES + j)] += (A)(both[k][j] - (odd[k][j] << 16));                                  \
                    acc[2 * (k * LANES + j) + 1] += (A)odd[k][j];                                                     \
                }                                                                                                     \
        }                                                                                                             \
    }                                                                                                                 \
    static void NM(reduce_##NAME)(void *restrict vacc, const void *vsrc, ptrdiff_t outer, ptrdiff_t inner) {          \
        A *restrict acc = vacc;                                                                                       \
        const uint16_t *src = vsrc;                                                                                   \
        ptrdiff_t l = 0;                                                                                              \
        for (; l + 64 <= inner; l += 64) NM(group_##NAME)(acc + l, src + l, outer, inner, 64);                        \
        for (; l + 32 <= inner; l += 32) NM(group_##NAME)(acc + l, src + l, outer, inner, 32);                        \
        for (ptrdiff_t p = 0; p < outer; p++)                                                                         \
            for (ptrdiff_t r = l; r < inner; r++) acc[r] = (A)(acc[r] + (A)src[p * inner + r]);                       \
    }

#define EXTREMES(TYPE, S)                          \
    REDUCE(LARGEST_##TYPE, LARGEST_STEP, S, S)     \
    REDUCE(SMALLEST_##TYPE, SMALLEST_STEP, S, S)
EXTREMES(U8, uint8_t)
EXTREMES(I8, int8_t)
EXTREMES(U16, uint16_t)
EXTREMES(I16, int16_t)
EXTREMES(U32, uint32_t)
EXTREMES(I32, int32_t)
EXTREMES(I64, int64_t)
EXTREMES(I128, int128)

#define NARROW_SUMS(TYPE, S)                       \
    REDUCE(SUM_##TYPE##_1, SUM_STEP, S, uint8_t)   \
    REDUCE(SUM_##TYPE##_16, SUM_STEP, S, uint128)
#define WIDE_SUMS(TYPE, S)                         \
    NARROW_SUMS(TYPE, S)                           \
    REDUCE(SUM_##TYPE##_2, SUM_STEP, S, uint16_t)  \
    REDUCE(SUM_##TYPE##_4, SUM_STEP, S, uint32_t)  \
    REDUCE(SUM_##TYPE##_8, SUM_STEP, S, uint64_t)
NARROW_SUMS(U8, uint8_t)
SUM_BY_PARTS(SUM_U8_2, uint8_t, uint16_t, uint16_t, 256)
SUM_BY_PARTS(SUM_U8_4, uint8_t, uint32_t, uint16_t, 256)
SUM_BY_PARTS(SUM_U8_8, uint8_t, uint64_t, uint16_t, 256)
NARROW_SUMS(U16, uint16_t)
SUM_BY_PARTS(SUM_U16_2, uint16_t, uint16_t, uint16_t, 4096)
SUM_OF_PAIRS(SUM_U16_4, uint32_t)
SUM_OF_PAIRS(SUM_U16_8, uint64_t)
WIDE_SUMS(I8, int8_t)
WIDE_SUMS(I16, int16_t)
WIDE_SUMS(U32, uint32_t)
WIDE_SUMS(I32, int32_t)
WIDE_SUMS(I64, int64_t)
WIDE_SUMS(I128, int128)

#define SUMS(TYPE)                                                                                        \
    [TYPE] = {[U8] = NM(reduce_SUM_##TYPE##_1),  [I8] = NM(reduce_SUM_##TYPE##_1),                        \
              [U16] = NM(reduce_SUM_##TYPE##_2), [I16] = NM(reduce_SUM_##TYPE##_2),                       \
              [U32] = NM(reduce_SUM_##TYPE##_4), [I32] = NM(reduce_SUM_##TYPE##_4),                       \
              [I64] = NM(reduce_SUM_##TYPE##_8), [I128] = NM(reduce_SUM_##TYPE##_16)},
#define EXTREME(NAME, TYPE) [TYPE] = {[TYPE] = NM(reduce_##NAME##_##TYPE)},
#define REDUCTION_TABLE                                                                                   \
    {[SUM] = {SUMS(U8) SUMS(I8) SUMS(U16) SUMS(I16) SUMS(U32) SUMS(I32) SUMS(I64) SUMS(I128)},            \
     [LARGEST] = {EXTREME(LARGEST, U8) EXTREME(LARGEST, I8) EXTREME(LARGEST, U16) EXTREME(LARGEST, I16)   \
                  EXTREME(LARGEST, U32) EXTREME(LARGEST, I32) EXTREME(LARGEST, I64) EXTREME(LARGEST, I128)}, \
     [SMALLEST] = {EXTREME(SMALLEST, U8) EXTREME(SMALLEST, I8) EXTREME(SMALLEST, U16) EXTREME(SMALLEST, I16) \
                   EXTREME(SMALLEST, U32) EXTREME(SMALLEST, I32) EXTREME(SMALLEST, I64) EXTREME(SMALLEST, I128)}}
