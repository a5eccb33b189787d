/* Chains that depend on one wire of 16 bits or fewer become one table, where that is less work.
 *
 * An element's wire with a single *anchor*, the wire that alone determines it, is a function of at most 65,536
 * integers.  Where such a wire is needed outside its chain, its values are tabulated if looking them up costs less than
 * computing them.  A table ends where its values stop changing.
 */
#include "finish.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST_TABLE = 1 << 16, BYTE_TABLE = 256, LONG_CHAIN = 64 };
#define SAFE ((int128)1 << 62) /* chains are computed in int64 */

static int is_pointwise(const struct Node *n) { return n->is.kind >= PLUS && n->is.kind <= LOOKUP; }

static int is_countable(const struct Node *n) {
    return (uint128)n->hi - (uint128)n->lo < LARGEST_TABLE && -SAFE < n->lo && n->hi < SAFE;
}

/* The one wire that determines this one of an element: itself where there is no other; constants have none. */
static struct Node *anchor_of(struct Node *n) {
    struct Node *found = NULL;
    for (int i = 0; i < n->is.count; i++) {
        struct Node *anchor = n->is.args[i]->anchor;
        if (!anchor || anchor == found) continue;
        if (found) return n;
        found = anchor;
    }
    return found && found->rate == OF_ELEMENTS && is_countable(found) ? found : n;
}

/* -- what things cost ----------------------------------------------------------------------------- */

/* Of a table in words of a type: small ones lie in registers; others are gathered from memory. */
static double lookup_cost(int entries, const struct Node *n, const struct Node *index) {
    int width = (int)type_size(n->type);
    if (width > 2) return 16;
    if (entries <= BYTE_TABLE && type_size(index->type) == 1) return 2 * width;
    double cost = 4 + entries / 64.0;
    return width == 2 && cost < 16 ? cost : 16;
}

/* What an operation costs beside an addition of as many bytes: measured in the rough. */
static int times_of(enum Operation kind) {
    switch (kind) {
        case TIMES: case SHIFT_RIGHT_BY: case SHIFT_LEFT_BY: return 2;
        case QUOTIENT_OF: return 16;
        case LEADING_ZEROS: return 4;
        case NORMALISED: return 8;
        case KNOWN: return 0;
        default: return 1;
    }
}

/* Work of one node: bytes of an element times what the operation costs. */
static double cost_of(const struct Node *n) {
    if (is_constant(n)) return 0;
    if (n->is.kind == ENTRIES) return lookup_cost(((const struct Entries *)n->is.object)->count, n, n->is.args[0]);
    if (n->is.kind == LOOKUP) return lookup_cost(((const struct Table *)n->is.object)->count, n, n->is.args[0]);
    size_t widest = type_size(n->type);
    for (int i = 0; i < n->is.count; i++)
        if (type_size(n->is.args[i]->type) > widest) widest = type_size(n->is.args[i]->type);
    return (double)widest * times_of(n->is.kind);
}

/* -- chains --------------------------------------------------------------------------------------- */

static int by_index(const void *a, const void *b) {
    const struct Node *one = *(struct Node *const *)a, *other = *(struct Node *const *)b;
    return (one->index > other->index) - (one->index < other->index);
}

static void in_order(struct Chain *c) {
    if (c->count) qsort(c->node, (size_t)c->count, sizeof *c->node, by_index);
}

/* Puts a node at the end, with a mark by which it is known to be there. */
static void append(struct Graph *g, struct Chain *c, struct Node *n, int mark) {
    c->node = grown(g->making, c->node, c->count, &c->room, sizeof *c->node);
    c->node[c->count++] = n, n->leaves = mark;
}

/* What lies between an anchor and a node, that included, operands first.  Marks of nodes met are taken off at the end. */
static void find_chain(struct Graph *g, struct Chain *c, struct Node *node) {
    c->count = 0;
    append(g, c, node, -1);
    for (int i = 0; i < c->count; i++) {
        const struct Expression *e = &c->node[i]->is;
        for (int j = 0; j < e->count && e->kind != ENTRIES; j++) {
            struct Node *a = e->args[j];
            if (a != node->anchor && a->leaves >= 0) append(g, c, a, -1);
        }
    }
    for (int i = 0; i < c->count; i++) c->node[i]->leaves = 0;
    in_order(c);
}

static double work_of(const struct Chain *c) {
    double work = 0;
    for (int i = 0; i < c->count; i++) work += cost_of(c->node[i]);
    return work;
}

/* Whether a chain is a table already, its index limited perhaps. */
static int is_one_table(const struct Chain *c) {
    enum Operation seen[2];
    int count = 0;
    for (int i = 0; i < c->count; i++) {
        if (is_constant(c->node[i])) continue;
        if (count == 2) return 0;
        seen[count++] = c->node[i]->is.kind;
    }
    return (count == 1 && seen[0] == LOOKUP) || (count == 2 && seen[0] == MINIMUM && seen[1] == LOOKUP);
}

/* -- tables --------------------------------------------------------------------------------------- */

/* The entries of an anchor of one byte, by its bits: negative ones are those of 128 and more. */
static void *by_bits(struct Graph *g, const struct Node *anchor, const struct Values *v) {
    size_t size = type_size(v->type);
    char *found = fresh(g->making, BYTE_TABLE * size);
    for (int i = 0; i < v->count; i++)
        memcpy(found + (uint8_t)(anchor->lo + i) * size, (const char *)v->words + (size_t)i * size, size);
    return found;
}

/* Entries, and the node that addresses them. */
static struct Node *indexed(struct Graph *g, struct Node *anchor, const struct Values *v, struct Entries *e) {
    *e = (struct Entries){v->words, v->words, BYTE_TABLE, v->type};
    if (type_size(anchor->type) == 1) {
        e->values = by_bits(g, anchor, v);
        return anchor;
    }
    struct Node *index = anchor;
    struct Range all = range_of(0, v->count - 1), kept = range_of(0, v->last);
    if (anchor->lo) index = node_of_two(g, MINUS, anchor, constant_of(g, anchor->lo), all, OF_ELEMENTS);
    struct Node *limited = node_of_two(g, MINIMUM, index, constant_of(g, v->last), kept, OF_ELEMENTS);
    if (v->last < BYTE_TABLE) {
        size_t size = type_size(v->type);
        e->values = memcpy(fresh(g->making, BYTE_TABLE * size), v->words, (size_t)(v->last + 1) * size);
    } else {
        e->count = v->last + 1;
    }
    return limited;
}

/* Whether a table may take the node's place: what addresses it must not be the node itself. */
static int addresses_itself(const struct Node *n, const struct Node *index) {
    for (int i = 0; i < index->is.count; i++)
        if (index->is.args[i] == n) return 1;
    return n == index;
}

/* What a table costs at least, however few its entries turn out to be. */
static double least_lookup_cost(const struct Node *n) { return type_size(n->type) > 2 ? 16 : 2 * (double)type_size(n->type); }

/* The most entries with which a table of an anchor's values costs less than some work; 256 and fewer do. */
static int most_entries(const struct Node *n, const struct Node *anchor, double work) {
    if (type_size(anchor->type) == 1 || work > 16) return LARGEST_TABLE;
    int most = type_size(n->type) == 2 ? (int)(64 * (work - 4)) : 0;
    return most > BYTE_TABLE ? most : BYTE_TABLE;
}

/* What chains are found with. */
struct Collapse {
    struct Graph *graph;
    const struct FlatKernels *loops;
    struct Chain chain, joints;
};

/* Makes the node, whose chain was found, a table of its anchor's values, if that is less work. */
static void tabulate(struct Collapse *k, struct Node *n) {
    struct Graph *g = k->graph;
    struct Node *anchor = n->anchor;
    struct Chain *c = &k->chain;
    heed(g->making);
    double work = work_of(c);
    if ((uint128)anchor->hi - (uint128)anchor->lo > 255 && (work <= 4 || is_one_table(c))) return;
    if (least_lookup_cost(n) >= work) return;
    for (int i = 0; i < c->count; i++) c->node[i]->met++;
    struct Values v = tabulated(g, c, anchor, most_entries(n, anchor, work), k->loops);
    if (!v.words) return;
    struct Entries *e = FRESH(g->making, struct Entries, 1);
    struct Node *index = indexed(g, anchor, &v, e);
    if (addresses_itself(n, index) || lookup_cost(e->count, n, index) >= work) return;
    struct Node **args = FRESH(g->making, struct Node *, 1);
    *args = index;
    n->is = (struct Expression){.kind = ENTRIES, .count = 1, .args = args, .object = e};
}

/* Where more chains met than at what needs it: what lies below was evaluated again and again. */
static void find_joints(struct Collapse *k) {
    k->joints.count = 0;
    for (int i = 0; i < k->chain.count; i++) {
        const struct Node *n = k->chain.node[i];
        for (int j = 0; j < n->is.count && n->is.kind != ENTRIES; j++) {
            struct Node *a = n->is.args[j];
            int is_inner = !is_constant(a) && a != n->anchor && a->is.kind != ENTRIES && !a->leaves;
            if (is_inner && a->met > n->met) append(k->graph, &k->joints, a, 1);
        }
    }
    for (int i = 0; i < k->joints.count; i++) k->joints.node[i]->leaves = 0;
    in_order(&k->joints);
}

/* The joints of a long chain become tables first: a stem that many chains share is evaluated twice, not with each. */
static void tabulate_exit(struct Collapse *k, struct Node *n) {
    if (!n->is_safe) return;
    find_chain(k->graph, &k->chain, n);
    if (k->chain.count > LONG_CHAIN) {
        find_joints(k);
        for (int i = 0; i < k->joints.count; i++) {
            find_chain(k->graph, &k->chain, k->joints.node[i]);
            tabulate(k, k->joints.node[i]);
        }
        if (k->joints.count) find_chain(k->graph, &k->chain, n);
    }
    tabulate(k, n);
}

static int is_safe(const struct Node *n) {
    int safe = -SAFE < n->lo && n->hi < SAFE;
    for (int i = 0; i < n->is.count && n->anchor != n; i++) {
        const struct Node *a = n->is.args[i];
        safe = safe && (is_constant(a) ? -SAFE < a->lo && a->hi < SAFE : a == n->anchor || a->is_safe);
    }
    return safe;
}

static void find_anchors(struct Graph *g) {
    for (int i = 0; i < g->count; i++) {
        struct Node *n = g->node[i];
        n->anchor = n->rate == OF_ELEMENTS && is_pointwise(n) ? anchor_of(n) : n;
        n->is_safe = is_safe(n);
        n->leaves = 0;
    }
}

static void add_exit(struct Graph *g, struct Chain *exits, struct Node *n) {
    if (!n->leaves && !is_constant(n)) append(g, exits, n, 1);
}

struct Chain find_chains(struct Graph *g, const struct Roots *roots) {
    struct Chain found = {0};
    find_anchors(g);
    for (int i = 0; i < g->count; i++)
        for (int j = 0; j < g->node[i]->is.count; j++) {
            struct Node *a = g->node[i]->is.args[j];
            if (a->anchor != g->node[i]->anchor && a->anchor != a) add_exit(g, &found, a);
        }
    for (int i = 0; i < roots->count; i++)
        if (roots->node[i]->anchor != roots->node[i]) add_exit(g, &found, roots->node[i]);
    return found;
}

/* What others follow from comes first: what it becomes ends their chains. */
void collapse(struct Graph *g, const struct Roots *roots, const struct FlatKernels *loops) {
    struct Collapse k = {.graph = g, .loops = loops};
    struct Chain exits = find_chains(g, roots);
    for (int i = 0; i < exits.count; i++) exits.node[i]->leaves = 0;
    in_order(&exits);
    for (int i = 0; i < exits.count; i++) tabulate_exit(&k, exits.node[i]);
}
