/* Vectors of the instruction set at hand, and the few operations on them that plain C spells badly. */
#define NM_LEVEL_base 0
#define NM_LEVEL_avx2 2
#define NM_LEVEL_avx512 3
#define NM_LEVEL NM_JOIN(NM_LEVEL, ISA)

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <math.h>
#include <string.h>

#if NM_LEVEL == 3
#define VECTOR 64
#define MM(op) _mm512_##op
#elif NM_LEVEL == 2
#define VECTOR 32
#define MM(op) _mm256_##op
#else
#define VECTOR 16
#define MM(op) _mm_##op
#endif
#define FLOATS (VECTOR / 4)
#define INLINE static inline __attribute__((always_inline))

typedef float Floats __attribute__((vector_size(VECTOR)));
typedef int32_t Ints __attribute__((vector_size(VECTOR)));
typedef uint32_t Unsigned __attribute__((vector_size(VECTOR)));
typedef uint8_t Bytes __attribute__((vector_size(VECTOR)));
typedef uint16_t Words __attribute__((vector_size(VECTOR)));
typedef uint8_t FewBytes __attribute__((vector_size(FLOATS)));      /* as many as Ints has */
typedef uint16_t FewWords __attribute__((vector_size(2 * FLOATS))); /* as many as Ints has */

#define LOADED(type, address) ({ type v_; memcpy(&v_, (address), sizeof v_); v_; })
#define STORED(address, value) ({ __typeof__(value) v_ = (value); memcpy((address), &v_, sizeof v_); })

INLINE Floats NM(all)(float value) { return (Floats){0} + value; }

/* a * b + c, rounded once where that is as quick. */
INLINE Floats NM(fused)(Floats a, Floats b, Floats c) {
#if NM_LEVEL >= 2
    return (Floats)MM(fmadd_ps)(a, b, c);
#else
    return a * b + c;
#endif
}

INLINE Floats NM(larger)(Floats a, Floats b) {
#if defined(__x86_64__)
    return (Floats)MM(max_ps)(a, b);
#else
    Ints more = a > b;
    return (Floats)(((Ints)a & more) | ((Ints)b & ~more));
#endif
}

INLINE Floats NM(magnitude)(Floats a) { return (Floats)((Ints)a & 0x7fffffff); }

/* The larger of two, and `count` raised by 1 where two are equal, for each type of codes. */
#define DEFINE_COMPARISONS(NAME, VEC, UNITS, LARGER)                                         \
    INLINE VEC NM(larger_##NAME)(VEC a, VEC b) { return LARGER; }                                   \
    INLINE VEC NM(raised_##NAME)(VEC count, VEC a, VEC b) { return RAISED(VEC, UNITS, count, a, b); }
#if NM_LEVEL == 3
#define RAISED(VEC, UNITS, count, a, b)                                                                      \
    (VEC) _mm512_mask_sub_epi##UNITS((__m512i)count, _mm512_cmpeq_epi##UNITS##_mask((__m512i)a, (__m512i)b), \
                                     (__m512i)count, _mm512_set1_epi##UNITS(-1))
#else
#define RAISED(VEC, UNITS, count, a, b) count - (VEC)(a == b)
#endif
#define SELECTED(VEC) ((a & (VEC)(a > b)) | (b & ~(VEC)(a > b)))
#if NM_LEVEL == 3
#define WHOLE(a) ((__m512i)(a))
#define LARGER_U8 (Bytes) MM(max_epu8)(WHOLE(a), WHOLE(b))
#define LARGER_U16 (Words) MM(max_epu16)(WHOLE(a), WHOLE(b))
#define LARGER_I32 (Ints) MM(max_epi32)(WHOLE(a), WHOLE(b))
#elif NM_LEVEL == 2
#define WHOLE(a) ((__m256i)(a))
#define LARGER_U8 (Bytes) MM(max_epu8)(WHOLE(a), WHOLE(b))
#define LARGER_U16 (Words) MM(max_epu16)(WHOLE(a), WHOLE(b))
#define LARGER_I32 (Ints) MM(max_epi32)(WHOLE(a), WHOLE(b))
#elif defined(__x86_64__)
#define WHOLE(a) ((__m128i)(a))
#define LARGER_U8 (Bytes) MM(max_epu8)(WHOLE(a), WHOLE(b))
#define LARGER_U16 a + (Words)MM(subs_epu16)(WHOLE(b), WHOLE(a))
#define LARGER_I32 SELECTED(Ints)
#else
#define LARGER_U8 SELECTED(Bytes)
#define LARGER_U16 SELECTED(Words)
#define LARGER_I32 SELECTED(Ints)
#endif
DEFINE_COMPARISONS(u8, Bytes, 8, LARGER_U8)
DEFINE_COMPARISONS(u16, Words, 16, LARGER_U16)
DEFINE_COMPARISONS(i32, Ints, 32, LARGER_I32)

enum { SMALL = TYPES }; /* the type of bytes below 32 */

/* As many codes as Ints holds, from an array of U8, SMALL, U16 or I32. */
INLINE Ints NM(widened)(const void *codes, int type, ptrdiff_t at) {
    if (type == SMALL) type = U8;
#if NM_LEVEL == 3
    if (type == U8) return (Ints)_mm512_cvtepu8_epi32(LOADED(__m128i, (const uint8_t *)codes + at));
    if (type == U16) return (Ints)_mm512_cvtepu16_epi32(LOADED(__m256i, (const uint16_t *)codes + at));
#elif NM_LEVEL == 2
    if (type == U8) return (Ints)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)((const uint8_t *)codes + at)));
    if (type == U16) return (Ints)_mm256_cvtepu16_epi32(LOADED(__m128i, (const uint16_t *)codes + at));
#elif defined(__x86_64__)
    __m128i nothing = _mm_setzero_si128();
    if (type == U8) {
        __m128i few = _mm_cvtsi32_si128(LOADED(int32_t, (const uint8_t *)codes + at));
        return (Ints)_mm_unpacklo_epi16(_mm_unpacklo_epi8(few, nothing), nothing);
    }
    if (type == U16)
        return (Ints)_mm_unpacklo_epi16(_mm_loadl_epi64((const void *)((const uint16_t *)codes + at)), nothing);
#else
    if (type == U8) return __builtin_convertvector(LOADED(FewBytes, (const uint8_t *)codes + at), Ints);
    if (type == U16) return __builtin_convertvector(LOADED(FewWords, (const uint16_t *)codes + at), Ints);
#endif
    return LOADED(Ints, (const int32_t *)codes + at);
}

/* sum + a * b where flag is not 0, otherwise sum + *c. */
INLINE Floats NM(plus_product_or)(Floats sum, Ints flag, Floats a, Floats b, const float *c) {
#if NM_LEVEL == 3
    __mmask16 some = _mm512_test_epi32_mask((__m512i)flag, (__m512i)flag);
    if (some == 0xffff) return NM(fused)(a, b, sum); /* where there are no zeros, c need not be fetched */
    return sum + (Floats)_mm512_mask_mul_ps(_mm512_loadu_ps(c), some, a, b);
#else
    Ints none = flag == 0, other = LOADED(Ints, c);
    return sum + (Floats)((other & none) | ((Ints)(a * b) & ~none));
#endif
}

INLINE int NM(some)(Ints flags) {
#if NM_LEVEL == 3
    return _mm512_test_epi32_mask((__m512i)flags, (__m512i)flags) != 0;
#elif defined(__x86_64__)
    return MM(movemask_ps)((__typeof__(MM(setzero_ps)()))flags) != 0;
#else
    int32_t any = 0;
    for (int k = 0; k < FLOATS; k++) any |= flags[k];
    return any != 0;
#endif
}

/* What `surprise` needs to know of a scale. */
struct NM(Logarithms) {
    Floats scale;
#if NM_LEVEL == 3
    Floats of_small[2], of_bytes[2];
#endif
};

#if NM_LEVEL == 3
#include "metric_tables.h"

INLINE Floats NM(found)(const void *table, Ints place) { /* of 32 floats, by the last five bits of the place */
    return (Floats)_mm512_permutex2var_ps(_mm512_loadu_ps(table), (__m512i)place, _mm512_loadu_ps((float *)table + 16));
}
#endif

static struct NM(Logarithms) NM(logarithms)(double scale, int needed) {
    struct NM(Logarithms) known = {.scale = NM(all)((float)scale)};
    if (!needed) return known;
#if NM_LEVEL == 3
    double log_of_scale = log(scale);
    float small[32], bytes[32];
    for (int k = 0; k < 32; k++) small[k] = (float)(LOGS_OF_SMALL[k] - log_of_scale);
    for (int k = 0; k < 32; k++) bytes[k] = (float)(LOGS_OF_BYTES[k] - log_of_scale);
    memcpy(known.of_small, small, sizeof small);
    memcpy(known.of_bytes, bytes, sizeof bytes);
#endif
    return known;
}

/* The negative natural logarithm of a positive normal number, within 1e-6 of a unit or of its size; of 0 anything. */
INLINE Floats NM(negative_log)(Floats x) {
#if NM_LEVEL == 3 /* -ln(1 + r) for |r| <= 1/65 */
    Floats exponent = (Floats)_mm512_getexp_ps(x), m = (Floats)_mm512_getmant_ps(x, 0, 0);
    Ints place = (Ints)m >> 18;
    Floats r = NM(fused)(m, NM(found)(INVERSES, place), NM(all)(-1.0f));
    Floats sum = NM(fused)(r, NM(all)(0.5f), NM(all)(-1.0000592f));
    return NM(fused)(exponent, NM(all)(-0.69314718f), NM(fused)(r, sum, NM(found)(LOGS, place)));
#else
    static const float c[] = {0.0104840966f, -0.0174141936f, 0.0258622151f, -0.0489289910f,
                              0.0988048911f, -0.2222453952f, 0.6666657329f};
    Floats exponent = __builtin_convertvector((Ints)((Ints)x >> 23) - 127, Floats);
    Floats t = (Floats)(((Ints)x & 0x7fffff) | 0x3f800000) - 1.5f, sum = NM(all)(-c[0]);
    for (int k = 1; k < 7; k++) sum = NM(fused)(sum, t, NM(all)(-c[k]));
    return NM(fused)(exponent, NM(all)(-0.69314718f), NM(fused)(sum, t, NM(all)(-0.4054653049f)));
#endif
}

/* The negative logarithm of number * scale, code being the number as a float; of 0 anything. */
INLINE Floats NM(surprise)(const struct NM(Logarithms) *known, Ints number, Floats code, int type) {
#if NM_LEVEL == 3
    if (type == SMALL) return NM(found)(known->of_small, number);
    if (type == U8) { /* -ln(1 + r) for |r| <= 1/9 */
        Ints place = (Ints)code >> 21;
        Floats r = NM(fused)(NM(found)(INVERSES_OF_BYTES, place), code, NM(all)(-1.0f));
        Floats sum = NM(fused)(r, NM(all)(0.2534359097f), NM(all)(-0.3364210725f));
        sum = NM(fused)(r, sum, NM(all)(0.4999832213f));
        sum = NM(fused)(r, sum, NM(all)(-0.9999906421f));
        return NM(fused)(r, sum, NM(found)(known->of_bytes, place));
    }
#endif
    (void)type, (void)number;
    return NM(negative_log)(code * known->scale);
}
