/* A program: what lower.c makes of a drawing, made once and never changed. */
#ifndef NARROWMAX_PROGRAM_H
#define NARROWMAX_PROGRAM_H

#include "flat.h"
#include "types.h"

enum { STRIP = 2048 }; /* elements that instructions work on at a time, so that a strip's values stay in L1 */

/* Where a wire is kept. */
enum Place {
    PLACE_TEMPORARY, /* of a strip: `value` becomes its offset in bytes, in strips of one byte an element */
    PLACE_CARRIED,   /* of the whole tile, from one step to a later one */
    PLACE_CHUNK,     /* one for each chunk and row */
    PLACE_ROW,       /* one for each row */
    PLACE_CONSTANT,  /* a strip of equal values */
    PLACE_TABLE,     /* entries; `value` is how many bytes they take */
    PLACE_INPUT, PLACE_PRESENT, PLACE_WEIGHT, PLACE_OUTPUT, PLACE_ROW_OUTPUT, /* the tile's own arrays */
    PLACE_BOUND,     /* an argument or result of a body, set before each of its runs */
};

struct Slot {
    int place, type;
    int pinned; /* a temporary that keeps what it holds from strip to strip */
    int64_t value;
    void *fixed; /* of constants and tables; the slot's own */
};

/* Operations beside the flat ones: with more operands, or with a notion of rows. */
enum LayoutOperation {
    FINISH = FLAT_COUNT, /* and one of enum FinishOperation; type: a's, and TYPES times that of the arithmetic */
    SPREAD = FINISH + FINISHES, /* a slower wire, repeated for each element or chunk */
    REDUCE_SUM, REDUCE_LARGEST, REDUCE_SMALLEST, /* from b, a constant */
    POSITION, LENGTH
};

struct Instruction {
    int operation, type; /* type of the operands */
    int dst, a, b, c, d, e; /* slots, -1 where there is none */
    int64_t imm;
};

enum StepKind { ELEMENTS, CHUNKS, ROW_STEP, FOLD, SCAN };

enum { MOST_CARRIED = 16 }; /* values of a fold or scan */

struct Step {
    int kind;
    int first, count;    /* instructions; of a body for folds and scans */
    int mores;
    const int64_t *more; /* of folds and scans: see vm_fold.c */
};

struct Program {
    int slots, instructions, steps;
    struct Slot *slot;
    struct Instruction *instruction;
    struct Step *step;
    int64_t *more;
    ptrdiff_t strip_bytes;   /* temporaries, for an element */
    ptrdiff_t carried_bytes; /* carried values, for an element */
    ptrdiff_t chunk_bytes, row_bytes;
    ptrdiff_t chunk, max_n;
    int x_type, out_type, out_is_row, out_slot;
};

void program_free(struct Program *);

int program_reads(const struct Program *, enum Place); /* whether it has a slot there */

int allocate(struct Program *); /* places of temporaries; 0: no memory; allocate.c */

#endif
