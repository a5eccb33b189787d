/* A program at work on a tile: what vm.c and vm_fold.c share. */
#ifndef NARROWMAX_MACHINE_H
#define NARROWMAX_MACHINE_H

#include "program.h"
#include "vm.h"

enum { LINE = 64 }; /* bytes that caches move at once */

struct Machine {
    const struct Program *program;
    const struct FlatKernels *loops;
    const struct Tile *tile;
    char **base;            /* of each slot: where its first element lies */
    unsigned char *advance; /* of each slot: bytes to the next element; 0 for what is not kept for the whole tile */
    char *repeated;         /* room for values of rows */
    ptrdiff_t elements, chunks;
    const char *ahead;      /* how far what will be read next was asked for */
    char *written;          /* and what will be written */
    ptrdiff_t ahead_bytes, written_bytes; /* to ask for with each instruction */
    int out_of_range;       /* set by CHECK */
};

/* Memory that grows and is kept; number 0 holds the slots, 1 what folds need, 2 the tile that comes in and goes out. */
void *workspace_memory(struct Workspace *, int number, size_t bytes);

static inline size_t aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* One instruction on `count` elements from element `at`. */
static inline void run_flat(struct Machine *m, const struct Instruction *i, ptrdiff_t at, ptrdiff_t count) {
    char *const *base = m->base;
    const unsigned char *advance = m->advance;
#define AT(slot) ((slot) < 0 ? NULL : base[slot] + at * advance[slot])
    void *dst = i->operation == CHECK ? (void *)&m->out_of_range : AT(i->dst);
    m->loops->flat[i->operation][i->type](dst, AT(i->a), AT(i->b), AT(i->c), i->imm, count);
#undef AT
}

int run_fold(struct Machine *, struct Workspace *, const struct Step *);
int run_scan(struct Machine *, struct Workspace *, const struct Step *);

#endif
