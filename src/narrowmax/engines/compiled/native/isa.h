/* One source, compiled once for each instruction set: every function is named NM(name).
 *
 * kernels_base.c, kernels_avx2.c and kernels_avx512.c set ISA and the compiler's target, and include
 * the headers that hold loops.  Which of the three runs is decided when the module is loaded.
 */
#ifndef NARROWMAX_ISA_H
#define NARROWMAX_ISA_H

#define NM_JOIN_(a, b) a##_##b
#define NM_JOIN(a, b) NM_JOIN_(a, b)
#define NM(name) NM_JOIN(name, ISA)

#endif
