/* The end of most softmax units as one instruction: a product, shifted, rounded, limited; or a quotient.
 *
 * What is recognised is the shape of the graph, not who drew it:
 *
 *     min((((a * b) >> c) + d) >> e, most)        d may be half a step less one, and one more where bit e is set
 *     min(((a << k) + b) / c, most)
 *
 * with a of the element, everything else of the row or constant, and nothing negative.
 */
#include "finish.h"

/* Numerators whose quotient one float product decides: see finish_loops.h. */
enum { QUOTIENT_BELOW = 1 << 21, SHARED_BELOW = 1 << 24 };

/* The numerator's parts: what is shifted, of the element, and what is added, of the row. */
static int parts_of(struct Graph *g, struct Node *above, struct Node **a, struct Node **b, int128 *shift) {
    *a = above, *b = constant_of(g, 0);
    if (above->is.kind == PLUS) {
        int swapped = above->is.args[0]->rate != OF_ELEMENTS;
        *a = above->is.args[swapped], *b = above->is.args[!swapped];
    }
    *a = shifted_by(*a, SHIFT_LEFT, shift);
    return (*a)->rate == OF_ELEMENTS && is_slow(*b) && (*a)->lo >= 0;
}

static int finish_quotient(struct Graph *g, struct Node *node, struct Node *inner, int128 most) {
    if (inner->is.kind != QUOTIENT_OF) return 0;
    struct Node *above = inner->is.args[0], *below = inner->is.args[1], *a, *b;
    int128 shift;
    if (!is_slow(below) || below->lo < 1 || below->hi >= SHARED_BELOW || above->hi >= QUOTIENT_BELOW) return 0;
    if (!parts_of(g, above, &a, &b, &shift)) return 0;
    if (!is_finishable(type_of(a->lo, a->hi)) || !is_finishable(type_of(node->lo, node->hi))) return 0;
    struct Node **args = FRESH(g->making, struct Node *, 3);
    args[0] = a, args[1] = b;
    args[2] = node_of_one(g, SHARE_OF, 0, below, range_of(0, UINT32_MAX), OF_ROWS);
    node->is = (struct Expression){.kind = SHARED, .count = 3, .args = args, .number = {shift, least_of(most, UINT32_MAX)}};
    return 1;
}

/* What a minimum with a constant limits, and to what. */
static struct Node *limited(struct Node *n, int128 *most) {
    int is_limit = n->is.kind == MINIMUM && is_constant(n->is.args[1]);
    *most = is_limit ? n->is.args[1]->lo : n->hi;
    return is_limit ? n->is.args[0] : n;
}

enum { FEW = 1 << 12 };

/* Whether a table is likely to take the node's place, or that of what it is part of: one wire of few values determines it.
 * As an instruction of its own it would cut that chain in two, and what follows from it may have many more. */
static int is_left_to_tables(const struct Node *n) {
    if (!n->is_safe || n->anchor == n) return 0;
    if (type_size(n->anchor->type) == 1 && type_size(n->type) <= 2) return 1;
    return !n->leaves && (uint128)n->anchor->hi - (uint128)n->anchor->lo < FEW;
}

static int is_end(const struct Node *n) {
    enum Operation k = n->is.kind;
    int is_last = k == MINIMUM || k == SHIFT_RIGHT || k == SHIFT_RIGHT_BY || k == QUOTIENT_OF;
    return is_last && n->rate == OF_ELEMENTS && n->lo >= 0 && !is_left_to_tables(n);
}

/* From the last node back: the longest shape wins. */
void finish(struct Graph *g, const struct Roots *roots) {
    find_chains(g, roots);
    for (int i = 0; i < roots->count; i++) roots->node[i]->wanted = 1;
    for (int i = g->count - 1; i >= 0; i--) {
        struct Node *n = g->node[i];
        if (!n->wanted) continue;
        if (is_end(n)) {
            int128 most;
            struct Node *inner = limited(n, &most);
            if (!finish_scale(g, n, inner, most)) finish_quotient(g, n, inner, most);
        }
        for (int j = 0; j < n->is.count; j++) n->is.args[j]->wanted = 1;
    }
}
