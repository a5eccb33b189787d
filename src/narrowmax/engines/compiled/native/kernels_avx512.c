/* The loops for x86-64 processors with AVX-512 (F, BW, DQ, VL, CD, VBMI). */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target( \
    "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vbmi,fma,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vbmi,fma,bmi,bmi2,lzcnt,popcnt,prefer-vector-width=512")
#endif
#define ISA avx512
#include "kernels_all.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
