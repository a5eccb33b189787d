/* Tables: entry[index], for an index of one byte (256 entries) or two (`imm` entries, the index below that). */
#if defined(__AVX512VBMI__)
#include <immintrin.h>
#endif

#define PLAIN_LOOKUP(NAME, INDEX, ENTRY)                                                                              \
    static void NM(NAME)(void *restrict dst, const void *va, const void *vb, const void *vc, int64_t imm,             \
                         ptrdiff_t count) {                                                                           \
        ENTRY *restrict d = dst;                                                                                      \
        const INDEX *a = va;                                                                                          \
        const ENTRY *table = vb;                                                                                      \
        (void)vc, (void)imm;                                                                                          \
        for (ptrdiff_t i = 0; i < count; i++) d[i] = table[a[i]];                                                     \
    }

PLAIN_LOOKUP(LOOKUP4_U8, uint8_t, uint32_t)
PLAIN_LOOKUP(LOOKUP8_U8, uint8_t, uint64_t)
PLAIN_LOOKUP(LOOKUP16_U8, uint8_t, uint128)
PLAIN_LOOKUP(LOOKUP1_U16, uint16_t, uint8_t)
PLAIN_LOOKUP(LOOKUP4_U16, uint16_t, uint32_t)
PLAIN_LOOKUP(LOOKUP8_U16, uint16_t, uint64_t)
PLAIN_LOOKUP(LOOKUP16_U16, uint16_t, uint128)

#if !defined(__AVX512VBMI__)
PLAIN_LOOKUP(LOOKUP1_U8, uint8_t, uint8_t)
PLAIN_LOOKUP(LOOKUP2_U8, uint8_t, uint16_t)
PLAIN_LOOKUP(LOOKUP2_U16, uint16_t, uint16_t)
#else
PLAIN_LOOKUP(plain1_U8, uint8_t, uint8_t)
PLAIN_LOOKUP(plain2_U8, uint8_t, uint16_t)
PLAIN_LOOKUP(plain2_U16, uint16_t, uint16_t)

/* 256 bytes in four registers. */
struct NM(Bytes) {
    __m512i part[4];
};

/* Half of the work where the upper half is nothing but zeros, as of most exponentials. */
static inline __attribute__((always_inline)) __m512i NM(pick_bytes)(const struct NM(Bytes) * t, __m512i index, const int halved) {
    if (halved)
        return _mm512_maskz_permutex2var_epi8(~_mm512_movepi8_mask(index), t->part[0], index, t->part[1]);
    __m512i low = _mm512_permutex2var_epi8(t->part[0], index, t->part[1]);
    __m512i high = _mm512_permutex2var_epi8(t->part[2], index, t->part[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
}

static int NM(is_zero)(const uint8_t *bytes, int count) {
    __m512i any = _mm512_setzero_si512();
    for (int k = 0; k < count; k += 64) any = _mm512_or_si512(any, _mm512_loadu_si512(bytes + k));
    return !_mm512_test_epi64_mask(any, any);
}

static inline __attribute__((always_inline)) void NM(bytes_of_bytes)(uint8_t *restrict d, const uint8_t *a, ptrdiff_t count,
                                                                     const struct NM(Bytes) * t, const int halved) {
    for (ptrdiff_t i = 0; i < count; i += 64)
        _mm512_storeu_si512(d + i, NM(pick_bytes)(t, _mm512_loadu_si512(a + i), halved));
}

static void NM(LOOKUP1_U8)(void *restrict dst, const void *va, const void *vb, const void *vc, int64_t imm,
                           ptrdiff_t count) {
    struct NM(Bytes) t;
    const uint8_t *a = va;
    uint8_t *d = dst;
    ptrdiff_t whole = count / 64 * 64;
    for (int k = 0; k < 4; k++) t.part[k] = _mm512_loadu_si512((const uint8_t *)vb + 64 * k);
    if (NM(is_zero)((const uint8_t *)vb + 128, 128))
        NM(bytes_of_bytes)(d, a, whole, &t, 1);
    else
        NM(bytes_of_bytes)(d, a, whole, &t, 0);
    NM(plain1_U8)(d + whole, a + whole, vb, vc, imm, count - whole);
}

static inline __attribute__((always_inline)) void NM(words_of_bytes)(uint16_t *restrict d, const uint8_t *a, ptrdiff_t count,
                                                                     const struct NM(Bytes) * low,
                                                                     const struct NM(Bytes) * high, const int halved) {
    /* unpacking works within 128-bit parts: the index is brought into the order that it undoes */
    const __m512i spread = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    for (ptrdiff_t i = 0; i < count; i += 64) {
        __m512i index = _mm512_permutexvar_epi64(spread, _mm512_loadu_si512(a + i));
        __m512i l = NM(pick_bytes)(low, index, halved), h = NM(pick_bytes)(high, index, halved);
        _mm512_storeu_si512(d + i, _mm512_unpacklo_epi8(l, h));
        _mm512_storeu_si512(d + i + 32, _mm512_unpackhi_epi8(l, h));
    }
}

/* Entries of two bytes as two tables of bytes, so that a register looks up 64 at once. */
static void NM(LOOKUP2_U8)(void *restrict dst, const void *va, const void *vb, const void *vc, int64_t imm,
                           ptrdiff_t count) {
    struct NM(Bytes) low, high;
    const uint8_t *a = va;
    uint16_t *d = dst;
    ptrdiff_t whole = count / 64 * 64;
    for (int k = 0; k < 4; k++) {
        __m512i even = _mm512_loadu_si512((const uint8_t *)vb + 128 * k);
        __m512i odd = _mm512_loadu_si512((const uint8_t *)vb + 128 * k + 64);
        low.part[k] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi16_epi8(even)),
                                         _mm512_cvtepi16_epi8(odd), 1);
        high.part[k] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi16_epi8(_mm512_srli_epi16(even, 8))),
                                          _mm512_cvtepi16_epi8(_mm512_srli_epi16(odd, 8)), 1);
    }
    if (NM(is_zero)((const uint8_t *)vb + 256, 256))
        NM(words_of_bytes)(d, a, whole, &low, &high, 1);
    else
        NM(words_of_bytes)(d, a, whole, &low, &high, 0);
    NM(plain2_U8)(d + whole, a + whole, vb, vc, imm, count - whole);
}

#define ALWAYS static inline __attribute__((always_inline))

/* 64 << levels entries of two bytes: register pairs are permuted by six bits of the index, and blended by the others.
 * A function for each number of levels: compilers refuse one that calls itself, unless they optimise hard. */
ALWAYS __m512i NM(pick_words0)(const uint16_t *table, __m512i index, const __mmask32 *bit) {
    (void)bit;
    return _mm512_permutex2var_epi16(_mm512_loadu_si512(table), index, _mm512_loadu_si512(table + 32));
}

#define PICK_WORDS(LEVELS, HALF)                                                                           \
    ALWAYS __m512i NM(pick_words##LEVELS)(const uint16_t *table, __m512i index, const __mmask32 *bit) {    \
        __m512i low = NM(pick_words##HALF)(table, index, bit);                                             \
        __m512i high = NM(pick_words##HALF)(table + (32 << LEVELS), index, bit);                           \
        return _mm512_mask_blend_epi16(bit[HALF], low, high);                                              \
    }
PICK_WORDS(1, 0)
PICK_WORDS(2, 1)
PICK_WORDS(3, 2)

ALWAYS __m512i NM(pick_words)(const uint16_t *table, __m512i index, const __mmask32 *bit, const int levels) {
    switch (levels) {
        case 0: return NM(pick_words0)(table, index, bit);
        case 1: return NM(pick_words1)(table, index, bit);
        case 2: return NM(pick_words2)(table, index, bit);
        default: return NM(pick_words3)(table, index, bit);
    }
}

static inline __m512i NM(gather_words)(const uint16_t *table, __m512i index) {
    __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(index));
    __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(index, 1));
    low = _mm512_i32gather_epi32(low, table, 2);
    high = _mm512_i32gather_epi32(high, table, 2);
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(low)), _mm512_cvtepi32_epi16(high), 1);
}

#define GATHERED -1

ALWAYS void NM(words)(uint16_t *restrict d, const uint16_t *a, const uint16_t *table, ptrdiff_t count, const int levels) {
    for (ptrdiff_t i = 0; i < count; i += 32) {
        __m512i index = _mm512_loadu_si512(a + i);
        __mmask32 bit[3];
        for (int k = 0; k < levels; k++) bit[k] = _mm512_test_epi16_mask(index, _mm512_set1_epi16((short)(64 << k)));
        _mm512_storeu_si512(d + i, levels == GATHERED ? NM(gather_words)(table, index)
                                                      : NM(pick_words)(table, index, bit, levels));
    }
}

/* Tables of up to 512 entries are given with room for a power of two of them: see tables.c. */
static void NM(LOOKUP2_U16)(void *restrict dst, const void *va, const void *vb, const void *vc, int64_t imm,
                            ptrdiff_t count) {
    const uint16_t *a = va;
    uint16_t *d = dst;
    ptrdiff_t whole = count / 32 * 32;
    if (imm <= 64)
        NM(words)(d, a, vb, whole, 0);
    else if (imm <= 128)
        NM(words)(d, a, vb, whole, 1);
    else if (imm <= 256)
        NM(words)(d, a, vb, whole, 2);
    else if (imm <= 512)
        NM(words)(d, a, vb, whole, 3);
    else
        NM(words)(d, a, vb, whole, GATHERED);
    NM(plain2_U16)(d + whole, a + whole, vb, vc, imm, count - whole);
}
#endif
