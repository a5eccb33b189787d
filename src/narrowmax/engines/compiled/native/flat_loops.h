/* The loops of flat.h, one for each operation and type; the compiler makes vectors of them. */
#include "finish_loops.h"
#include "lookup_loops.h"
#include "reduce_loops.h"

/* M(type, C type, unsigned of its width, wide enough for a product) */
#define INTEGER_TYPES(M)                   \
    M(U8, uint8_t, uint8_t, uint32_t)      \
    M(I8, int8_t, uint8_t, uint32_t)       \
    M(U16, uint16_t, uint16_t, uint32_t)   \
    M(I16, int16_t, uint16_t, uint32_t)    \
    M(U32, uint32_t, uint32_t, uint32_t)   \
    M(I32, int32_t, uint32_t, uint32_t)    \
    M(I64, int64_t, uint64_t, uint64_t)    \
    M(I128, int128, uint128, uint128)

#define LOOP(NAME, T, D, ...)                                                                                        \
    static void NM(NAME)(void *restrict dst, const void *va, const void *vb, const void *vc, int64_t imm,            \
                         ptrdiff_t count) {                                                                          \
        D *restrict d = dst;                                                                                         \
        const T *a = va, *b = vb, *c = vc;                                                                           \
        (void)a, (void)b, (void)c, (void)imm;                                                                        \
        for (ptrdiff_t i = 0; i < count; i++) d[i] = (D)(__VA_ARGS__);                                               \
    }

static inline int NM(length64)(uint64_t v) { return v ? 64 - __builtin_clzll(v) : 0; }
static inline int NM(length128)(uint128 v) {
    uint64_t high = (uint64_t)(v >> 64);
    return high ? 64 + NM(length64)(high) : NM(length64)((uint64_t)v);
}
#define LENGTH(U, v) (sizeof(U) == 16 ? NM(length128)((uint128)(U)(v)) : NM(length64)((uint64_t)(U)(v)))
#define BITS(T) ((int64_t)sizeof(T) * 8)
/* A shift amount may be garbage where nothing is present, and must not be undefined even there. */
#define CAPPED(U, T, s) ((U)(s) < (U)BITS(T) ? (U)(s) : (U)(BITS(T) - 1))

/* What is left of a value shifted right beyond its width. */
#define BEYOND(T, v) ((T)-1 > (T)0 ? (T)0 : (T)((v) >> (BITS(T) - 1)))
/* What a division may take, whatever garbage stands where nothing is present. */
#define SMALL(U, v) ((int32_t)((U)(v) & (U)0xffffff))
#define MEDIUM(U, v) ((int64_t)((U)(v) & (U)0x1fffffffffffff))
#define NOT_ZERO(v) ((v) + ((v) == 0))

#define ARITHMETIC(TYPE, T, U, W)                                                                              \
    LOOP(ADD_##TYPE, T, T, (W)a[i] + (W)b[i])                                                                  \
    LOOP(SUB_##TYPE, T, T, (W)a[i] - (W)b[i])                                                                  \
    LOOP(MUL_##TYPE, T, T, (W)a[i] * (W)b[i])                                                                  \
    LOOP(AND_##TYPE, T, T, a[i] & b[i])                                                                        \
    LOOP(MIN_##TYPE, T, T, a[i] < b[i] ? a[i] : b[i])                                                          \
    LOOP(MAX_##TYPE, T, T, a[i] > b[i] ? a[i] : b[i])                                                          \
    LOOP(LESS_##TYPE, T, T, a[i] < b[i])                                                                       \
    LOOP(EQUAL_##TYPE, T, T, a[i] == b[i])                                                                     \
    LOOP(SELECT_##TYPE, T, T, a[i] ? b[i] : c[i])                                                              \
    LOOP(BIT_LENGTH_##TYPE, T, T, LENGTH(U, a[i]))                                                             \
    LOOP(NORMALISE_##TYPE, T, T, NM(normalised)((uint128)(U)a[i], imm))                                        \
    LOOP(DIVIDE_##TYPE, T, T, b[i] ? (T)((U)a[i] / (U)NOT_ZERO(b[i])) : (T)imm)                                \
    LOOP(DIVIDE_SMALL_##TYPE, T, T,                                                                            \
         b[i] ? (T)(int32_t)((float)SMALL(U, a[i]) / (float)NOT_ZERO(SMALL(U, b[i]))) : (T)imm)                \
    LOOP(DIVIDE_FLOAT_##TYPE, T, T,                                                                            \
         b[i] ? (T)(int64_t)((double)MEDIUM(U, a[i]) / (double)NOT_ZERO(MEDIUM(U, b[i]))) : (T)imm)            \
    LOOP(SHARE_##TYPE, T, float, 1.0f / (float)NOT_ZERO(SMALL(U, a[i])))                                       \
    LOOP(CAST1_##TYPE, T, uint8_t, a[i])                                                                       \
    LOOP(CAST2_##TYPE, T, uint16_t, a[i])                                                                      \
    LOOP(CAST4_##TYPE, T, uint32_t, a[i])                                                                      \
    LOOP(CAST8_##TYPE, T, uint64_t, a[i])                                                                      \
    LOOP(CAST16_##TYPE, T, uint128, a[i])                                                                      \
    static void NM(CHECK_##TYPE)(void *restrict dst, const void *va, const void *vb, const void *vc, int64_t imm, \
                                 ptrdiff_t count) {                                                            \
        const T *a = va, *b = vb, *c = vc;                                                                     \
        int bad = 0;                                                                                           \
        (void)imm;                                                                                             \
        for (ptrdiff_t i = 0; i < count; i++) bad |= (a[i] < b[i]) | (a[i] > c[i]);                            \
        *(int *)dst |= bad;                                                                                    \
    }

/* The value shifted left until bit `width` - 1 is one; garbage longer than that is cut. */
static inline uint128 NM(normalised)(uint128 v, int64_t width) {
    int64_t shift = width - NM(length128)(v);
    return v == 0 ? 0 : shift >= 0 ? v << shift : v >> -shift;
}

INTEGER_TYPES(ARITHMETIC)

#define SHIFTS(TYPE, T, U, W)                                                                                        \
    LOOP(SHR_##TYPE, T, T, a[i] >> imm)                                                                              \
    LOOP(SHL_##TYPE, T, T, (U)((W)(U)a[i] << imm))                                                                   \
    LOOP(SHR_BY_##TYPE, T, T, (U)b[i] < (U)BITS(T) ? a[i] >> CAPPED(U, T, b[i]) : BEYOND(T, a[i]))                   \
    LOOP(SHL_BY_##TYPE, T, T, (U)b[i] < (U)BITS(T) ? (U)((W)(U)a[i] << CAPPED(U, T, b[i])) : (U)0)
/* Narrow words have room in 32 bits: shifted by 31, nothing of them is left but their sign. */
#define NARROW_SHIFTS(TYPE, T, U, W)                                                                                 \
    LOOP(SHR_##TYPE, T, T, (W)a[i] >> imm)                                                                           \
    LOOP(SHL_##TYPE, T, T, (uint32_t)(U)a[i] << imm)                                                                 \
    LOOP(SHR_BY_##TYPE, T, T, (W)a[i] >> ((U)b[i] < 31 ? (U)b[i] : 31))                                              \
    LOOP(SHL_BY_##TYPE, T, T, (uint32_t)(U)a[i] << ((U)b[i] < 31 ? (U)b[i] : 31))
NARROW_SHIFTS(U8, uint8_t, uint8_t, uint32_t)
NARROW_SHIFTS(I8, int8_t, uint8_t, int32_t)
SHIFTS(U32, uint32_t, uint32_t, uint32_t)
SHIFTS(I32, int32_t, uint32_t, uint32_t)
SHIFTS(I64, int64_t, uint64_t, uint64_t)
SHIFTS(I128, int128, uint128, uint128)

/* 16-bit words in vectors of their own: C would widen them to int, and with them the loops. */
#if SHIFTS_WORDS
typedef VECTOR_OF(uint16_t, 32) NM(Words);
typedef VECTOR_OF(int16_t, 32) NM(Signed);
#define WORD_SHIFT(NAME, T, V, VECTOR, SCALAR)                                                                       \
    static void NM(NAME)(void *restrict dst, const void *va, const void *vb, const void *vc, int64_t imm,            \
                         ptrdiff_t count) {                                                                          \
        T *restrict d = dst;                                                                                         \
        const T *a = va, *b = vb;                                                                                    \
        const T amount = (T)imm;                                                                                     \
        ptrdiff_t i = 0;                                                                                             \
        (void)vc, (void)b, (void)amount;                                                                             \
        for (; i + 32 <= count; i += 32) {                                                                           \
            NM(V) x = *(const NM(V) *)(a + i);                                                                       \
            *(NM(V) *)(d + i) = VECTOR;                                                                              \
        }                                                                                                            \
        for (; i < count; i++) d[i] = (T)(SCALAR);                                                                   \
    }
#define BY(V) (*(const NM(V) *)(b + i))
WORD_SHIFT(SHR_U16, uint16_t, Words, x >> amount, a[i] >> amount)
WORD_SHIFT(SHR_I16, int16_t, Signed, x >> amount, a[i] >> amount)
WORD_SHIFT(SHL_U16, uint16_t, Words, x << amount, (uint32_t)a[i] << amount)
WORD_SHIFT(SHR_BY_U16, uint16_t, Words, (x >> (BY(Words) & 15)) & (NM(Words))(BY(Words) < 16),
           b[i] < 16 ? a[i] >> b[i] : 0)
WORD_SHIFT(SHL_BY_U16, uint16_t, Words, (x << (BY(Words) & 15)) & (NM(Words))(BY(Words) < 16),
           b[i] < 16 ? (uint32_t)a[i] << b[i] : 0)
#define LEAST_15(v) (((v) & ((v) < 16)) | (15 & ~((v) < 16)))
WORD_SHIFT(SHR_BY_I16, int16_t, Signed, x >> ((NM(Signed))LEAST_15(BY(Words))),
           a[i] >> ((uint16_t)b[i] < 16 ? b[i] : 15))
#define SHL_I16_avx512 SHL_U16_avx512 /* modulo 2**16 a sign makes no difference */
#define SHL_BY_I16_avx512 SHL_BY_U16_avx512
#else
NARROW_SHIFTS(U16, uint16_t, uint16_t, uint32_t)
NARROW_SHIFTS(I16, int16_t, uint16_t, int32_t)
#endif

#define ALL_TYPES(NAME)                                                                                              \
    {NM(NAME##_U8),  NM(NAME##_I8),  NM(NAME##_U16), NM(NAME##_I16),                                                 \
     NM(NAME##_U32), NM(NAME##_I32), NM(NAME##_I64), NM(NAME##_I128)},
#define UNSIGNED_INDEX(NAME) {[U8] = NM(NAME##_U8), [U16] = NM(NAME##_U16)},

static const struct FlatKernels NM(flat) = {
    .flat = {ALL_TYPES(ADD) ALL_TYPES(SUB) ALL_TYPES(MUL) ALL_TYPES(SHL) ALL_TYPES(AND) ALL_TYPES(MIN)
             ALL_TYPES(MAX) ALL_TYPES(LESS) ALL_TYPES(EQUAL) ALL_TYPES(SELECT) ALL_TYPES(SHR) ALL_TYPES(SHR_BY)
             ALL_TYPES(SHL_BY) ALL_TYPES(BIT_LENGTH) ALL_TYPES(NORMALISE) ALL_TYPES(DIVIDE)
             ALL_TYPES(DIVIDE_SMALL) ALL_TYPES(DIVIDE_FLOAT) ALL_TYPES(SHARE) ALL_TYPES(CAST1) ALL_TYPES(CAST2)
             ALL_TYPES(CAST4) ALL_TYPES(CAST8) ALL_TYPES(CAST16) UNSIGNED_INDEX(LOOKUP1) UNSIGNED_INDEX(LOOKUP2)
             UNSIGNED_INDEX(LOOKUP4) UNSIGNED_INDEX(LOOKUP8) UNSIGNED_INDEX(LOOKUP16) ALL_TYPES(CHECK)},
    .reduce = REDUCTION_TABLE,
    .finish = FINISH_TABLE,
};
