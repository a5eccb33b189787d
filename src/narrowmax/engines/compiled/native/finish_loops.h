/* The end of most softmax units in one loop each: see flat.h.
 *
 * Written with vectors of the compiler's own, since it widens 16-bit arithmetic that C promotes to int.
 * Where processors cannot shift 16-bit lanes by each other, 16-bit arithmetic is done in 32 bits.
 * Products are unsigned whatever C promotes to: where nothing is present they may be of anything. */
#include <string.h>

#if defined(__AVX512BW__)
#include <immintrin.h>
#define VECTOR_BYTES 64
#define SHIFTS_WORDS 1
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#if !defined(SHIFTS_WORDS)
#define SHIFTS_WORDS 0
#endif

#define VECTOR_OF(T, LANES) __attribute__((vector_size(sizeof(T) * (LANES)), aligned(1), may_alias)) T

/* One value of SCALE_HIGH and of SCALE_HIGH_EVEN, from its whole product. */
static inline uint16_t NM(high_0)(uint32_t product, unsigned c, unsigned d, unsigned e, uint16_t most) {
    const uint16_t t = (uint16_t)((product >> 16) >> (c & 31)), found = (uint16_t)((uint16_t)(t + d) >> (e & 1));
    return found < most ? found : most;
}
static inline uint16_t NM(high_1)(uint32_t product, unsigned c, unsigned d, unsigned e, uint16_t most) {
    const uint16_t t = (uint16_t)((product >> 16) >> (c & 31)), counts = (uint16_t)((3u << (c & 31)) - 1);
    const int up = (product & 0xffff) || (product >> 16 & counts);
    (void)d, (void)e;
    const uint16_t found = (uint16_t)((uint16_t)(t + up) >> 1);
    return found < most ? found : most;
}

#if SHIFTS_WORDS
#define LIMIT(Wide, C, found, most)                                                                                  \
    found = sizeof(C) == 2   ? (Wide)_mm512_min_epu16((__m512i)(found), _mm512_set1_epi16((short)(most)))            \
            : sizeof(C) == 4 ? (Wide)_mm512_min_epu32((__m512i)(found), _mm512_set1_epi32((int)(most)))              \
                             : (Wide)_mm512_min_epu64((__m512i)(found), _mm512_set1_epi64((long long)(most)));
/* The compiler's own conversion takes vectors apart where more than half of a lane goes. */
#define STORE(To, C, D, at, found)                                                                                   \
    if (sizeof(C) == 2 * sizeof(D)) {                                                                                \
        *(To *)(at) = __builtin_convertvector(found, To);                                                            \
    } else {                                                                                                         \
        __m512i wide = (__m512i)(found);                                                                             \
        __m128i few = sizeof(C) == 4   ? _mm512_cvtepi32_epi8(wide)                                                  \
                      : sizeof(D) == 1 ? _mm512_cvtepi64_epi8(wide)                                                  \
                                       : _mm512_cvtepi64_epi16(wide);                                                \
        if (sizeof(C) == sizeof(D))                                                                                  \
            _mm512_storeu_si512(at, wide);                                                                           \
        else                                                                                                         \
            memcpy(at, &few, sizeof(To));                                                                            \
    }

/* Lanes that grow to more than twice their size as well. */
#define LOAD(Wide, From, A, C, at)                                                                                   \
    sizeof(C) <= 2 * sizeof(A) ? __builtin_convertvector(*(const From *)(at), Wide)                                  \
    : sizeof(C) == 4           ? (Wide)_mm512_cvtepu8_epi32(NM(few)(at, sizeof(From)))                               \
    : sizeof(A) == 2           ? (Wide)_mm512_cvtepu16_epi64(NM(few)(at, sizeof(From)))                              \
                               : (Wide)_mm512_cvtepu8_epi64(NM(few)(at, sizeof(From)))
static inline __m128i NM(few)(const void *at, size_t bytes) {
    __m128i few = _mm_setzero_si128();
    memcpy(&few, at, bytes < sizeof few ? bytes : sizeof few);
    return few;
}

/* One lane for each value in the widest vector of C that there is.  K is the type in which the rows' values are kept. */
#define SCALE_LOOP(NAME, HIGH, EVEN, A, C, K, D)                                                                           \
    static void NM(NAME)(void *restrict dst, const void *va, const void *const *v, int64_t imm, ptrdiff_t count,     \
                         ptrdiff_t period) {                                                                         \
        enum { LANES = VECTOR_BYTES / sizeof(C) };                                                                   \
        typedef VECTOR_OF(C, LANES) Wide;                                                                            \
        typedef VECTOR_OF(K, LANES) Kept;                                                                            \
        typedef VECTOR_OF(A, LANES) From;                                                                            \
        typedef VECTOR_OF(D, LANES) To;                                                                              \
        const A *a = va;                                                                                             \
        const C most = (C)imm, bits = sizeof(C) * 8 - 1;                                                             \
        D *restrict to = dst;                                                                                        \
        const K *b = v[0], *c = v[1], *d = v[2], *e = v[3];                                                          \
        ptrdiff_t i = 0;                                                                                             \
        for (; i + LANES <= period; i += LANES) {                                                                    \
            const Wide by = __builtin_convertvector(*(const Kept *)(b + i), Wide);                                   \
            const Wide first = __builtin_convertvector(*(const Kept *)(c + i), Wide) & (C)(HIGH ? 31 : bits);        \
            const Wide add = __builtin_convertvector(*(const Kept *)(d + i), Wide);                                  \
            const Wide last = __builtin_convertvector(*(const Kept *)(e + i), Wide) & bits;                          \
            Wide counts = first;                                                                                     \
            if (HIGH) counts = (Wide)_mm512_sllv_epi16(_mm512_set1_epi16(3), (__m512i)first) - 1;                    \
            for (ptrdiff_t at = i; at < count; at += period) {                                                       \
                Wide t = LOAD(Wide, From, A, C, a + at);                                                             \
                if (HIGH && EVEN) {                                                                                  \
                    const __m512i high = _mm512_mulhi_epu16((__m512i)t, (__m512i)by), low = (__m512i)(t * by);       \
                    const __mmask32 up = _mm512_test_epi16_mask(low | (high & (__m512i)counts), _mm512_set1_epi8(-1)); \
                    const __m512i cut = _mm512_srlv_epi16(high, (__m512i)first);                                     \
                    t = (Wide)_mm512_mask_add_epi16(cut, up, cut, _mm512_set1_epi16(1));                             \
                } else if (HIGH) {                                                                                   \
                    t = (Wide)_mm512_mulhi_epu16((__m512i)t, (__m512i)by);                                           \
                    t = (Wide)_mm512_srlv_epi16((__m512i)t, (__m512i)first);                                         \
                } else {                                                                                             \
                    t = t * by >> first;                                                                             \
                }                                                                                                    \
                Wide found = t;                                                                                      \
                if (!(HIGH && EVEN)) found += add;                                                                   \
                if (EVEN && !HIGH) found += (t >> last) & 1;                                                         \
                found = found >> last;                                                                               \
                LIMIT(Wide, C, found, most)                                                                          \
                STORE(To, C, D, to + at, found)                                                                      \
            }                                                                                                        \
        }                                                                                                            \
        for (; i < period; i++)                                                                                      \
            for (ptrdiff_t at = i; at < count; at += period) {                                                       \
                if (HIGH) {                                                                                          \
                    to[at] = (D)NM(high_##EVEN)((uint32_t)a[at] * (uint32_t)b[i], c[i], d[i], e[i], (uint16_t)most); \
                    continue;                                                                                        \
                }                                                                                                    \
                C t = (C)((C)(1u * a[at] * b[i]) >> (c[i] & bits));                                                  \
                C found = (C)((C)(t + d[i] + (EVEN ? (t >> (e[i] & bits)) & 1 : 0)) >> (e[i] & bits));               \
                to[at] = (D)(found < most ? found : most);                                                           \
            }                                                                                                        \
    }
#else
/* Groups of rows whose number the compiler knows, so that it needs no rest. */
#define SCALE_LOOP(NAME, HIGH, EVEN, A, C, K, D)                                                                           \
    static inline __attribute__((always_inline)) void NM(group_##NAME)(                                              \
        D *restrict to, const A *restrict a, const K *restrict b, const K *restrict c, const K *restrict d,          \
        const K *restrict e, C most, ptrdiff_t count, ptrdiff_t period, const ptrdiff_t rows) {                      \
        const C bits = sizeof(C) * 8 - 1;                                                                            \
        for (ptrdiff_t at = 0; at < count; at += period)                                                             \
            for (ptrdiff_t i = 0; i < rows; i++) {                                                                   \
                C t = (C)((C)(1u * a[at + i] * b[i]) >>     \
                          (c[i] & bits));                                                                            \
                C found = (C)((C)(t + d[i] + (EVEN ? (t >> (e[i] & bits)) & 1 : 0)) >> (e[i] & bits));               \
                to[at + i] = (D)(found < most ? found : most);                                                       \
            }                                                                                                        \
    }                                                                                                                \
    static void NM(NAME)(void *restrict dst, const void *va, const void *const *v, int64_t imm, ptrdiff_t count,     \
                         ptrdiff_t period) {                                                                         \
        const K *b = v[0], *c = v[1], *d = v[2], *e = v[3];                                                          \
        const A *a = va;                                                                                             \
        D *to = dst;                                                                                                 \
        ptrdiff_t i = 0;                                                                                             \
        for (; i + 64 <= period; i += 64)                                                                            \
            NM(group_##NAME)(to + i, a + i, b + i, c + i, d + i, e + i, (C)imm, count - i, period, 64);              \
        for (; i + 32 <= period; i += 32)                                                                            \
            NM(group_##NAME)(to + i, a + i, b + i, c + i, d + i, e + i, (C)imm, count - i, period, 32);              \
        NM(group_##NAME)(to + i, a + i, b + i, c + i, d + i, e + i, (C)imm, count - i, period, period - i);          \
    }
#endif

#if SHIFTS_WORDS
#define WORD uint16_t
#else
#define WORD uint32_t
#endif
/* M(name, type of a, of the arithmetic, of what is kept of it, of the result) */
#define EACH_SCALE(M)                                                                                          \
    M(0_0_0, uint8_t, WORD, uint16_t, uint8_t) M(1_0_0, uint16_t, WORD, uint16_t, uint8_t)                     \
    M(0_0_1, uint8_t, WORD, uint16_t, uint16_t) M(1_0_1, uint16_t, WORD, uint16_t, uint16_t)                   \
    M(0_1_0, uint8_t, uint32_t, uint32_t, uint8_t) M(1_1_0, uint16_t, uint32_t, uint32_t, uint8_t)             \
    M(2_1_0, uint32_t, uint32_t, uint32_t, uint8_t) M(0_1_1, uint8_t, uint32_t, uint32_t, uint16_t)            \
    M(1_1_1, uint16_t, uint32_t, uint32_t, uint16_t) M(2_1_1, uint32_t, uint32_t, uint32_t, uint16_t)          \
    M(0_1_2, uint8_t, uint32_t, uint32_t, uint32_t) M(1_1_2, uint16_t, uint32_t, uint32_t, uint32_t)           \
    M(2_1_2, uint32_t, uint32_t, uint32_t, uint32_t) M(0_2_0, uint8_t, uint64_t, uint64_t, uint8_t)            \
    M(1_2_0, uint16_t, uint64_t, uint64_t, uint8_t) M(2_2_0, uint32_t, uint64_t, uint64_t, uint8_t)            \
    M(0_2_1, uint8_t, uint64_t, uint64_t, uint16_t) M(1_2_1, uint16_t, uint64_t, uint64_t, uint16_t)           \
    M(2_2_1, uint32_t, uint64_t, uint64_t, uint16_t) M(0_2_2, uint8_t, uint64_t, uint64_t, uint32_t)           \
    M(1_2_2, uint16_t, uint64_t, uint64_t, uint32_t) M(2_2_2, uint32_t, uint64_t, uint64_t, uint32_t)

#define SCALE_DOWN(NAME, A, C, K, D) SCALE_LOOP(SCALE_##NAME, 0, 0, A, C, K, D)
#define SCALE_TO_EVEN(NAME, A, C, K, D) SCALE_LOOP(SCALE_EVEN_##NAME, 0, 1, A, C, K, D)
#if SHIFTS_WORDS
#define SCALE_UP(NAME, EVEN, A, D) SCALE_LOOP(NAME, 1, EVEN, A, uint16_t, uint16_t, D)
#else
#if defined(__AVX2__)
#include <immintrin.h>
#define HIGH_WORDS(a, b) (Wide)_mm256_mulhi_epu16((__m256i)(a), (__m256i)(b))
#define LEAST_WORDS(a, b) (Wide)_mm256_min_epu16((__m256i)(a), (__m256i)(b))
#elif defined(__SSE2__)
#include <emmintrin.h>
#define HIGH_WORDS(a, b) (Wide)_mm_mulhi_epu16((__m128i)(a), (__m128i)(b))
#define LEAST_WORDS(a, b) (a) - (Wide)_mm_subs_epu16((__m128i)(a), (__m128i)(b))
#else
#define HIGH_WORDS(a, b)                                                                                             \
    __builtin_convertvector((__builtin_convertvector(a, Twice) * __builtin_convertvector(b, Twice)) >> 16, Wide)
#define LEAST_WORDS(a, b) ((a) & (Wide)((a) < (b))) | ((b) & ~(Wide)((a) < (b)))
#endif
/* Words shifted by each other without a shift: the high half of a product with a power of two; a shift by nothing keeps the
 * word.  What is added before the last shift is 1 where that is by 1, and 0 where it is by 0.
 *
 * Ties to even: t has one bit more than the result.  One is added before that bit goes, unless all bits below it are 0
 * and the result's lowest is 0 too: then it is a tie that goes down, or nothing.  Those bits of the high half are
 * `counts`, 3 * 2**c - 1: the c bits below t, and t's second. */
#define SCALE_UP(NAME, EVEN, A, D)                                                                                   \
    static void NM(NAME)(void *restrict dst, const void *va, const void *const *v, int64_t imm, ptrdiff_t count,     \
                         ptrdiff_t period) {                                                                         \
        enum { LANES = VECTOR_BYTES / 2 };                                                                           \
        typedef VECTOR_OF(uint16_t, LANES) Wide;                                                                     \
        typedef VECTOR_OF(uint32_t, LANES) Twice;                                                                    \
        typedef VECTOR_OF(A, LANES) From;                                                                            \
        typedef VECTOR_OF(D, LANES) To;                                                                              \
        const A *a = va;                                                                                             \
        D *restrict to = dst;                                                                                        \
        const uint16_t *b = v[0], *c = v[1], *d = v[2], *e = v[3], most = (uint16_t)imm;                             \
        const Wide limit = (Wide){0} + most;                                                                         \
        ptrdiff_t i = 0;                                                                                             \
        for (; i + LANES <= period; i += LANES) {                                                                    \
            const Wide by = *(const Wide *)(b + i), add = *(const Wide *)(d + i), none = {0};                        \
            const Twice shift = __builtin_convertvector(*(const Wide *)(c + i), Twice) & 31;                         \
            const Wide power = __builtin_convertvector((((Twice){0} + 0x10000u) >> shift) & 0xffff, Wide);           \
            const Wide kept = (Wide)(*(const Wide *)(c + i) == none);                                                \
            const uint16_t last = (uint16_t)(e[i] & 1);                                                             \
            const Wide counts = __builtin_convertvector(((((Twice){0} + 3u) << shift) - 1) & 0xffff, Wide);          \
            (void)add, (void)last, (void)counts;                                                                     \
            for (ptrdiff_t at = i; at < count; at += period) {                                                       \
                const Wide x = __builtin_convertvector(*(const From *)(a + at), Wide), high = HIGH_WORDS(x, by);     \
                Wide t = HIGH_WORDS(high, power) | (high & kept);                                                    \
                if (EVEN)                                                                                            \
                    t = (t + 1 + (Wide)(((x * by) | (high & counts)) == none)) >> 1;                                 \
                else                                                                                                 \
                    t = (t + add) >> last;                                                                           \
                t = LEAST_WORDS(t, limit);                                                                           \
                *(To *)(to + at) = __builtin_convertvector(t, To);                                                   \
            }                                                                                                        \
        }                                                                                                            \
        for (; i < period; i++)                                                                                      \
            for (ptrdiff_t at = i; at < count; at += period) {                                                       \
                to[at] = (D)NM(high_##EVEN)((uint32_t)a[at] * b[i], c[i], d[i], e[i], most);                         \
            }                                                                                                        \
    }
#endif
#define EACH_HIGH(NAME, EVEN)                                                                                        \
    SCALE_UP(NAME##_0_0_0, EVEN, uint8_t, uint8_t) SCALE_UP(NAME##_0_0_1, EVEN, uint8_t, uint16_t)                   \
    SCALE_UP(NAME##_1_0_0, EVEN, uint16_t, uint8_t) SCALE_UP(NAME##_1_0_1, EVEN, uint16_t, uint16_t)
EACH_HIGH(SCALE_HIGH, 0)
EACH_HIGH(SCALE_HIGH_EVEN, 1)
EACH_SCALE(SCALE_DOWN)
EACH_SCALE(SCALE_TO_EVEN)

/* (x + 1/2) / c, with x = a * 2**shift + b, lies at least 1/(2c) from every whole number.  It is made of two terms, a / c
 * * 2**shift and (b + 1/2) / c, each with three roundings at most: that of 1/c (v[1] as a float), of the product, and of
 * the sum, fused or not, while the factor 2**shift and b + 1/2 are exact.  As x < 2**21, that is off by less than
 * 2**21 / c * 3.01 * 2**-24 < 1/(2c).  Garbage, where nothing is present, is limited before it becomes an integer. */
#define NUMERATOR(A, x) ((int32_t)(sizeof(A) < 4 ? (x) : (x) & 0x1fffff))
#define QUOTIENT_ROWS(NAME, A, D)                                                                                    \
    static inline __attribute__((always_inline)) void NM(group_QUOTIENT_##NAME)(                                     \
        D *restrict to, const A *restrict a, const uint32_t *restrict b, const float *restrict share, float scale,   \
        float most, ptrdiff_t count, ptrdiff_t period, const ptrdiff_t rows) {                                       \
        float times[64], more[64];                                                                                   \
        for (ptrdiff_t i = 0; i < rows; i++) {                                                                       \
            times[i] = share[i] * scale;                                                                             \
            more[i] = ((float)(int32_t)(b[i] & 0x1fffff) + 0.5f) * share[i];                                         \
        }                                                                                                            \
        for (ptrdiff_t at = 0; at < count; at += period)                                                             \
            for (ptrdiff_t i = 0; i < rows; i++) {                                                                   \
                float found = (float)NUMERATOR(A, a[at + i]) * times[i] + more[i];                                   \
                to[at + i] = (D)(int32_t)(found < most ? found : most);                                              \
            }                                                                                                        \
    }
#if SHIFTS_WORDS
/* Four vectors of 16 rows, or one, side by side. */
#define QUOTIENT_VECTORS(NAME, A, D)                                                                                 \
    static inline __attribute__((always_inline)) void NM(vectors_QUOTIENT_##NAME)(                                   \
        D *restrict to, const A *restrict a, const uint32_t *restrict b, const float *restrict share, float scale,   \
        float most, ptrdiff_t count, ptrdiff_t period, const ptrdiff_t rows) {                                       \
        typedef VECTOR_OF(uint32_t, 16) Wide;                                                                        \
        typedef VECTOR_OF(A, 16) From;                                                                               \
        typedef VECTOR_OF(D, 16) To;                                                                                 \
        const __m512i low = _mm512_set1_epi32(0x1fffff);                                                             \
        __m512 times[4], more[4];                                                                                    \
        for (ptrdiff_t i = 0; i < rows / 16; i++) {                                                                  \
            const __m512i added = _mm512_and_si512(_mm512_loadu_si512(b + 16 * i), low);                             \
            times[i] = _mm512_loadu_ps(share + 16 * i) * scale;                                                      \
            more[i] = (_mm512_cvtepi32_ps(added) + 0.5f) * _mm512_loadu_ps(share + 16 * i);                          \
        }                                                                                                            \
        for (ptrdiff_t at = 0; at < count; at += period)                                                             \
            for (ptrdiff_t i = 0; i < rows / 16; i++) {                                                              \
                __m512i x = (__m512i)(LOAD(Wide, From, A, uint32_t, a + at + 16 * i));                               \
                if (sizeof(A) == 4) x = _mm512_and_si512(x, low);                                                    \
                __m512 found = _mm512_fmadd_ps(_mm512_cvtepi32_ps(x), times[i], more[i]);                            \
                x = _mm512_cvttps_epi32(_mm512_min_ps(found, _mm512_set1_ps(most)));                                 \
                STORE(To, uint32_t, D, to + at + 16 * i, (Wide)x)                                                    \
            }                                                                                                        \
    }
#define MANY_QUOTIENT(NAME) NM(vectors_QUOTIENT_##NAME)
#define FEW_ROWS 16
#else
#define QUOTIENT_VECTORS(NAME, A, D)
#define MANY_QUOTIENT(NAME) NM(group_QUOTIENT_##NAME)
#define FEW_ROWS 32
#endif
#define QUOTIENT_LOOP(NAME, A, D)                                                                                    \
    QUOTIENT_ROWS(NAME, A, D)                                                                                        \
    QUOTIENT_VECTORS(NAME, A, D)                                                                                     \
    static void NM(QUOTIENT_##NAME)(void *restrict dst, const void *va, const void *const *v, int64_t imm,           \
                                    ptrdiff_t count, ptrdiff_t period) {                                             \
        const float scale = (float)(1u << (*(const uint32_t *)v[2] & 31));                                           \
        const float most = (float)(imm < 0x200000 ? imm : 0x200000);                                                 \
        const uint32_t *b = v[0];                                                                                    \
        const float *share = v[1];                                                                                   \
        const A *a = va;                                                                                             \
        D *to = dst;                                                                                                 \
        ptrdiff_t i = 0;                                                                                             \
        for (; i + 64 <= period; i += 64)                                                                            \
            MANY_QUOTIENT(NAME)(to + i, a + i, b + i, share + i, scale, most, count - i, period, 64);         \
        for (; i + FEW_ROWS <= period; i += FEW_ROWS)                                                                \
            MANY_QUOTIENT(NAME)(to + i, a + i, b + i, share + i, scale, most, count - i, period, FEW_ROWS);   \
        NM(group_QUOTIENT_##NAME)(to + i, a + i, b + i, share + i, scale, most, count - i, period, period - i);      \
    }
QUOTIENT_LOOP(0_1_0, uint8_t, uint8_t)
QUOTIENT_LOOP(1_1_0, uint16_t, uint8_t)
QUOTIENT_LOOP(2_1_0, uint32_t, uint8_t)
QUOTIENT_LOOP(0_1_1, uint8_t, uint16_t)
QUOTIENT_LOOP(1_1_1, uint16_t, uint16_t)
QUOTIENT_LOOP(2_1_1, uint32_t, uint16_t)
QUOTIENT_LOOP(0_1_2, uint8_t, uint32_t)
QUOTIENT_LOOP(1_1_2, uint16_t, uint32_t)
QUOTIENT_LOOP(2_1_2, uint32_t, uint32_t)

#define THREE(NAME, A, C) {NM(NAME##_##A##_##C##_0), NM(NAME##_##A##_##C##_1), NM(NAME##_##A##_##C##_2)}
#define WORDS_OF(NAME, A) {NM(NAME##_##A##_0_0), NM(NAME##_##A##_0_1), NULL}
#define SCALE_TABLE(NAME)                                                       \
    {{WORDS_OF(NAME, 0), THREE(NAME, 0, 1), THREE(NAME, 0, 2)},                 \
     {WORDS_OF(NAME, 1), THREE(NAME, 1, 1), THREE(NAME, 1, 2)},                 \
     {{NULL, NULL, NULL}, THREE(NAME, 2, 1), THREE(NAME, 2, 2)}}
#define QUOTIENT_TABLE                                          \
    {{{NULL, NULL, NULL}, THREE(QUOTIENT, 0, 1), {NULL, NULL, NULL}}, \
     {{NULL, NULL, NULL}, THREE(QUOTIENT, 1, 1), {NULL, NULL, NULL}}, \
     {{NULL, NULL, NULL}, THREE(QUOTIENT, 2, 1), {NULL, NULL, NULL}}}
#define NONE {NULL, NULL, NULL}
#define HIGH_TABLE(NAME) {{WORDS_OF(NAME, 0), NONE, NONE}, {WORDS_OF(NAME, 1), NONE, NONE}, {NONE, NONE, NONE}}
#define FINISH_TABLE                                                                       \
    {[SCALE] = SCALE_TABLE(SCALE), [SCALE_EVEN] = SCALE_TABLE(SCALE_EVEN),                 \
     [SCALE_HIGH] = HIGH_TABLE(SCALE_HIGH), [SCALE_HIGH_EVEN] = HIGH_TABLE(SCALE_HIGH_EVEN), \
     [QUOTIENT] = QUOTIENT_TABLE}
