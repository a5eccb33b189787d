/* From a graph to a program: steps, types, slots and instructions.
 *
 * Every value is kept in the narrowest integer type that holds its range.  Additions, products and left shifts are done
 * in the type of their *result*: modulo 2**bits that is exact whatever the operands' types.  Comparisons and right shifts
 * are done in a type that holds their operands.
 *
 * Steps run one after the other over a tile of rows: what folds give is known when an element step ends, and what depends
 * on it comes in a later one.
 */
#ifndef NARROWMAX_LOWERING_H
#define NARROWMAX_LOWERING_H

#include "graph.h"
#include "memo.h"
#include "program.h"

/* A step under construction. */
struct Draft {
    int stage, order; /* when it runs: by stage, and within one by order */
    int kind;         /* enum StepKind */
    struct Instruction *instruction;
    int count, room;
    int64_t *more; /* of folds and scans: see vm_fold.c */
    int mores;
};

/* Slots, tables and the steps of one program. */
struct Assembler {
    struct Making *making;
    struct Program *program; /* its slots are made here, and freed with it */
    int room;                /* for slots */
    struct Held *held;       /* a table of slots that always hold an integer */
    int count, places;
    struct Draft **draft;
    int drafts, draft_room;
};

/* -- assemble.c -- */
struct Assembler *assembler_new(struct Making *, struct Program *);
int new_slot(struct Assembler *, int place, int type);
int pinned_slot(struct Assembler *, int type); /* a temporary that keeps what it holds from strip to strip */
int held_slot(struct Assembler *, int128 value, size_t width); /* always an integer, cut to `width` bytes */
struct Draft *new_draft(struct Assembler *, int stage, int order, int kind);
void emit_instruction(struct Assembler *, struct Draft *, struct Instruction);
void assemble(struct Assembler *); /* the finished steps into the program */

/* One graph, of a datapath or of a body, into an assembler's steps. */
struct Lowering {
    struct Making *making;
    struct Assembler *out;
    const struct FlatKernels *loops;
    int inside; /* a body */
    struct Node **node; /* what the roots need, operands first */
    int count, room;
    struct Draft **step; /* as they were begun */
    int steps, step_room;
    struct Draft **at; /* by stage and order, but for groups; NULL: not begun */
    int places, place_room;
    struct Memo casts; /* slots of what values were brought to: see values.c */
    int groups; /* that were emitted */
    const struct Node *wanted;
};

/* The logarithm of a word's bytes. */
static inline int size_of_width(size_t width) { return __builtin_ctz((unsigned)width); }

/* Of words of so many bytes: the type that has no sign, or none that is needed, and the cast to them. */
static inline int unsigned_of(size_t width) {
    static const unsigned char types[] = {U8, U16, U32, I64, I128};
    return types[size_of_width(width)];
}
static inline int cast_to(size_t width) { return CAST1 + size_of_width(width); }

/* -- tables.c: entries in words of a type, with room behind them for wider loads -- */
int slot_of_entries(struct Lowering *, const struct Entries *, int type);
int slot_of_table(struct Lowering *, const struct Table *, int entries, int type);

/* -- stages.c -- */
void stage(struct Lowering *, const struct Roots *);

/* -- values.c -- */
struct Draft *step_at(struct Lowering *, int stage, int kind);
struct Draft *step_of(struct Lowering *, const struct Node *); /* where it is brought to other widths */
int step_kind(int rate);
int place_of_rate(int rate);
int place_near(const struct Lowering *, const struct Draft *); /* where something lives that only its step needs */
int value_of(struct Lowering *, struct Node *, size_t width, struct Draft *);
int own_slot(struct Lowering *, struct Node *);
int emit(struct Lowering *, struct Draft *, int operation, int type, int dst, int a, int b, int c, int64_t imm);
/* One instruction in words of `type`, its result brought to the node's own type. */
void emit_own(struct Lowering *, struct Draft *, struct Node *, int operation, int type, int a, int b, int64_t imm);

/* -- rules.c, words.c, groups.c: instructions of nodes -- */
void lower_all(struct Lowering *);
void lower_shift_right_by(struct Lowering *, struct Node *, struct Draft *);
void lower_shift_left_by(struct Lowering *, struct Node *, struct Draft *);
void lower_leading_zeros(struct Lowering *, struct Node *, struct Draft *);
void lower_low_bits(struct Lowering *, struct Node *, struct Draft *);
void lower_divide(struct Lowering *, struct Node *, struct Draft *);
void lower_lookup(struct Lowering *, struct Node *, struct Draft *);
void lower_entries(struct Lowering *, struct Node *, struct Draft *);
void lower_scaled(struct Lowering *, struct Node *, struct Draft *);
void lower_shared(struct Lowering *, struct Node *, struct Draft *);
void lower_share(struct Lowering *, struct Node *, struct Draft *);
void lower_together(struct Lowering *, struct Node *);
void lower_bound(struct Lowering *, struct Node *);

/* lower.c: the program of a drawing, whose slots are already those of `program`. */
void lower(struct Making *, const struct Drawing *, struct Program *, const struct FlatKernels *);
struct Lowering *lowering_new(struct Assembler *, struct Graph *, const struct FlatKernels *, int inside, const struct Roots *);

#endif
