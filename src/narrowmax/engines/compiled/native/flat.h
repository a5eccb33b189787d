/* Arithmetic on contiguous vectors: one operation, one type, one loop. */
#ifndef NARROWMAX_FLAT_H
#define NARROWMAX_FLAT_H

#include "types.h"

/* Every operation takes vectors of its type and gives one of its type, unless said otherwise.
 * ADD to LOW_AND work modulo 2**bits, so there only the width of the type matters. */
#define FLAT_OPERATIONS(F)                                                                        \
    F(ADD) F(SUB) F(MUL) F(SHL)      /* a << imm */                                               \
    F(AND)                                                                                        \
    F(MIN) F(MAX) F(LESS) F(EQUAL)   /* 1 or 0 */                                                 \
    F(SELECT)                        /* a ? b : c */                                              \
    F(SHR)                           /* floor(a / 2**imm) */                                      \
    F(SHR_BY) F(SHL_BY)              /* by b >= 0, of the width of a; beyond the width 0 or -1 */ \
    F(BIT_LENGTH) F(NORMALISE)       /* of a >= 0; to imm bits */                                 \
    F(DIVIDE)                        /* floor(a / b), both >= 0; imm where b is 0 */              \
    F(DIVIDE_SMALL)                  /* the same for a + b < 2**24 */                             \
    F(DIVIDE_FLOAT)                  /* the same for a + b < 2**53 */                             \
    F(CAST1) F(CAST2) F(CAST4) F(CAST8) F(CAST16) /* a to that many bytes */                      \
    F(LOOKUP1) F(LOOKUP2) F(LOOKUP4) F(LOOKUP8) F(LOOKUP16) /* b[a], imm entries of that many bytes */ \
    F(CHECK)                         /* *dst |= any a outside b..c */

#define FLAT_ENUM(name) name,
enum FlatOperation { FLAT_OPERATIONS(FLAT_ENUM) FLAT_COUNT };

typedef void Flat(void *restrict dst, const void *a, const void *b, const void *c, int64_t imm, ptrdiff_t count);

/* Sums and extremes: acc[r] takes in src's elements of row r.  `acc_type` is that of the sum; extremes have src's. */
enum Reduction { SUM, LARGEST, SMALLEST, REDUCTIONS };
typedef void Reduce(void *restrict acc, const void *src, ptrdiff_t outer, ptrdiff_t inner);

struct FlatKernels {
    Flat *flat[FLAT_COUNT][TYPES];
    Reduce *lanes[REDUCTIONS][TYPES][TYPES]; /* [reduction][src][acc]; outer positions of inner lanes */
    Reduce *rows[REDUCTIONS][TYPES][TYPES];  /* outer rows of inner elements */
};

#endif
