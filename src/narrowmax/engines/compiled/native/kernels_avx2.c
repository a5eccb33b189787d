/* The loops for x86-64 processors with AVX2. */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,bmi,bmi2,lzcnt,popcnt")
#endif
#define ISA avx2
#include "kernels_all.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
