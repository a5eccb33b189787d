/* Which instruction sets the processor and the system can run.
 *
 * Read from the processor itself: __builtin_cpu_supports() answers "no" to everything where Zig's
 * C library of compiler helpers is linked, and is not there at all in some others.
 */
#ifndef NARROWMAX_PROCESSOR_H
#define NARROWMAX_PROCESSOR_H

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>

#define NM_BIT(n) (1u << (n))

/* The states that the system saves when it changes threads (XCR0). */
static inline uint32_t processor_saved_states(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* The processor's instructions and the system's support: AVX2, FMA, BMI, BMI2, LZCNT, POPCNT. */
static inline int processor_has_avx2(void) {
    const uint32_t basic = NM_BIT(12) | NM_BIT(23) | NM_BIT(27) | NM_BIT(28); /* FMA, POPCNT, OSXSAVE, AVX */
    const uint32_t later = NM_BIT(3) | NM_BIT(5) | NM_BIT(8);                 /* BMI, AVX2, BMI2 */
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & basic) != basic) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & later) != later) return 0;
    if (!__get_cpuid(0x80000001u, &a, &b, &c, &d) || !(c & NM_BIT(5))) return 0; /* LZCNT */
    return (processor_saved_states() & 0x06u) == 0x06u;                          /* xmm, ymm */
}

/* Beside AVX2: AVX-512 F, DQ, CD, BW, VL, VBMI. */
static inline int processor_has_avx512(void) {
    const uint32_t needed = NM_BIT(16) | NM_BIT(17) | NM_BIT(28) | NM_BIT(30) | NM_BIT(31); /* F, DQ, CD, BW, VL */
    uint32_t a, b, c, d;
    if (!processor_has_avx2()) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & needed) != needed || !(c & NM_BIT(1))) return 0; /* VBMI */
    return (processor_saved_states() & 0xE6u) == 0xE6u; /* and the masks, and all of zmm */
}

#undef NM_BIT
#endif
#endif
