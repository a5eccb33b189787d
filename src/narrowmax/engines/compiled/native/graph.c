/* Nodes, of which equal ones are one. */
#include "graph.h"

#include <string.h>

/* A node, and what it was made as: by that it is found again, whatever has become of it since. */
struct Made {
    struct Node *node; /* NULL: a free place */
    uint64_t hash;
    int rate;
    struct Expression as;
};

enum { FIRST_PLACES = 256, FIRST_CONSTANTS = 64 };

struct Graph *graph_new(struct Making *m) {
    struct Graph *g = FRESH(m, struct Graph, 1);
    g->making = m;
    g->places = FIRST_PLACES, g->made = FRESH(m, struct Made, g->places);
    g->constant_places = FIRST_CONSTANTS, g->constant = FRESH(m, struct Node *, g->constant_places);
    return g;
}

static uint64_t mixed(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t mixed_wide(uint64_t hash, int128 number) {
    return mixed(mixed(hash, (uint64_t)number), (uint64_t)((uint128)number >> 64));
}

/* Constants have no rate here, so the operands do not tell it. */
static uint64_t hash_of(const struct Expression *e, int rate) {
    uint64_t hash = mixed(mixed((uint64_t)e->kind, (uint64_t)e->which), (uint64_t)rate);
    for (int i = 0; i < e->count; i++) hash = mixed(hash, (uintptr_t)e->args[i]);
    return mixed(mixed_wide(mixed_wide(hash, e->number[0]), e->number[1]), (uintptr_t)e->object);
}

static int is_same(const struct Expression *a, const struct Expression *b) {
    if (a->kind != b->kind || a->which != b->which || a->count != b->count || a->object != b->object) return 0;
    if (a->number[0] != b->number[0] || a->number[1] != b->number[1]) return 0;
    return !a->count || !memcmp(a->args, b->args, (size_t)a->count * sizeof *a->args);
}

static void make_room(struct Graph *g) {
    struct Made *before = g->made;
    int places = g->places;
    g->places *= 2, g->made = FRESH(g->making, struct Made, g->places);
    for (int i = 0; i < places; i++) {
        if (!before[i].node) continue;
        uint64_t at = before[i].hash;
        while (g->made[at & (uint64_t)(g->places - 1)].node) at++;
        g->made[at & (uint64_t)(g->places - 1)] = before[i];
    }
}

static struct Node *new_node(struct Graph *g, const struct Expression *e, struct Range r, int rate, int index) {
    if (r.beyond) give_up(g->making, TOO_WIDE);
    struct Node *n = FRESH(g->making, struct Node, 1);
    n->is = *e, n->lo = r.lo, n->hi = r.hi, n->rate = rate, n->index = index;
    n->type = type_of(r.lo, r.hi);
    n->slot = n->stage = -1;
    return n;
}

struct Node *node_of(struct Graph *g, const struct Expression *e, struct Range r, int rate) {
    uint64_t hash = hash_of(e, rate), at = hash;
    if (2 * g->count >= g->places) make_room(g);
    for (;; at++) {
        struct Made *m = &g->made[at & (uint64_t)(g->places - 1)];
        if (m->node) {
            if (m->hash == hash && m->rate == rate && is_same(&m->as, e)) return m->node;
            continue;
        }
        struct Expression own = *e;
        own.args = FRESH(g->making, struct Node *, e->count);
        if (e->count) memcpy(own.args, e->args, (size_t)e->count * sizeof *own.args);
        struct Node *n = new_node(g, &own, r, rate, g->count);
        *m = (struct Made){n, hash, rate, own};
        g->node = grown(g->making, g->node, g->count, &g->room, sizeof *g->node);
        return g->node[g->count++] = n;
    }
}

struct Node *node_of_one(struct Graph *g, enum Operation kind, int128 number, struct Node *a, struct Range r, int rate) {
    struct Expression e = {.kind = kind, .count = 1, .args = &a, .number = {number, 0}};
    return node_of(g, &e, r, rate);
}

struct Node *node_of_two(struct Graph *g, enum Operation kind, struct Node *a, struct Node *b, struct Range r, int rate) {
    struct Expression e = {.kind = kind, .count = 2, .args = (struct Node *[]){a, b}};
    return node_of(g, &e, r, rate);
}

/* The place of a constant in its table, which has one more free at least. */
static struct Node **place_of(struct Graph *g, int128 value) {
    uint64_t at = mixed_wide(0, value);
    for (;; at++) {
        struct Node **place = &g->constant[at & (uint64_t)(g->constant_places - 1)];
        if (!*place || (*place)->lo == value) return place;
    }
}

static void make_room_for_constants(struct Graph *g) {
    struct Node **before = g->constant;
    int places = g->constant_places;
    g->constant_places *= 2, g->constant = FRESH(g->making, struct Node *, g->constant_places);
    for (int i = 0; i < places; i++)
        if (before[i]) *place_of(g, before[i]->lo) = before[i];
}

struct Node *constant_of(struct Graph *g, int128 value) {
    if (2 * g->constants >= g->constant_places) make_room_for_constants(g);
    struct Node **place = place_of(g, value);
    if (*place) return *place;
    struct Expression e = {.kind = CONSTANT};
    *place = new_node(g, &e, range_of(value, value), OF_CONSTANTS, -1 - g->constants++);
    (*place)->stage = 0;
    return *place;
}

struct Node *choice_of(struct Graph *g, struct Node *flag, struct Node *yes, struct Node *no) {
    struct Expression e = {.kind = CHOICE, .count = 3, .args = (struct Node *[]){flag, yes, no}};
    struct Range r = range_of(least_of(yes->lo, no->lo), most_of(yes->hi, no->hi));
    return node_of(g, &e, r, flag->rate > yes->rate ? flag->rate : yes->rate);
}

struct Roots roots_of(struct Graph *g, struct Node *const *results, int count) {
    struct Roots r = {FRESH(g->making, struct Node *, count + g->count), 0};
    for (int i = 0; i < count; i++) r.node[r.count++] = results[i];
    for (int i = 0; i < g->count; i++)
        if (g->node[i]->is.kind == CHECKED) r.node[r.count++] = g->node[i];
    return r;
}
