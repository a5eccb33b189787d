/* What becomes of a graph before it is lowered. */
#ifndef NARROWMAX_FINISH_H
#define NARROWMAX_FINISH_H

#include "graph.h"

/* finish.c: replaces every end of a unit that is recognised. */
void finish(struct Graph *, const struct Roots *);

/* scale.c: a node that is `inner`, limited to `most`; whether it has become one instruction. */
int finish_scale(struct Graph *, struct Node *, struct Node *inner, int128 most);

/* Nodes in some order. */
struct Chain {
    struct Node **node;
    int count, room;
};

/* collapse.c: finds of each node the one wire that determines it, its anchor, and whether it is needed by what has
 * another; those that are.  Replaces chains by tables where that is cheaper. */
struct Chain find_chains(struct Graph *, const struct Roots *);
void collapse(struct Graph *, const struct Roots *, const struct FlatKernels *);

/* A value for each of an anchor's; anything, for one of the anchor's that never occurs. */
struct Values {
    void *words;     /* NULL: there are too many */
    int type, count; /* I32 or I64; as many as the anchor has */
    int last;        /* from this one on all are equal */
};

/* tabulate.c: the values of a chain's last node, unless more than `most` of them come before they stop changing. */
struct Values tabulated(struct Graph *, const struct Chain *, const struct Node *anchor, int most,
                        const struct FlatKernels *);

/* Whether a node is of the row or constant, and never negative. */
static inline int is_slow(const struct Node *n) { return n->rate <= OF_ROWS && n->lo >= 0; }

/* The types that finishing loops read and give. */
static inline int is_finishable(int type) { return type == U8 || type == U16 || type == U32; }

/* The operand and the amount of a shift by a constant; the node itself and 0 where it is none. */
static inline struct Node *shifted_by(struct Node *n, enum Operation kind, int128 *amount) {
    *amount = n->is.kind == kind ? n->is.number[0] : 0;
    return n->is.kind == kind ? n->is.args[0] : n;
}

#endif
