/* The values of a chain for each of its anchor's, by the loops that would run it, strip by strip.
 *
 * Words of 32 bits serve where every node's range fits them, else of 64.  Beyond its range a node holds anything: that is
 * where an assertion fails, and nothing is looked up there.
 */
#include "finish.h"
#include "program.h"

#include <string.h>

enum { WORDS = 256 }; /* of a strip */

/* One loop over a strip; or the entries of another chain's table. */
struct Call {
    Flat *loop;
    void *to;
    const void *a, *b, *c;
    int64_t imm;
    const char *entries; /* NULL: none; each strip has those of its values, */
    size_t entry;        /* of so many bytes each */
};

struct Evaluation {
    struct Making *making;
    const struct FlatKernels *loops;
    const struct Chain *chain;
    int type;
    const struct Node *anchor;
    ptrdiff_t values, words; /* of the anchor; of a strip */
    char *anchors, *strips;
    struct Call *call;
    int calls, room;
};

static char *new_strip(struct Evaluation *v, int type) { return unset(v->making, (size_t)v->words * type_size(type)); }

static void fill(const struct Evaluation *v, char *strip, int64_t first, int64_t step) {
    if (v->type == I32)
        for (ptrdiff_t i = 0; i < v->words; i++) ((int32_t *)strip)[i] = (int32_t)(first + step * i);
    else
        for (ptrdiff_t i = 0; i < v->words; i++) ((int64_t *)strip)[i] = first + step * i;
}

static const char *filled(struct Evaluation *v, int128 value) {
    char *strip = new_strip(v, v->type);
    fill(v, strip, (int64_t)value, 0);
    return strip;
}

static char *strip_at(const struct Evaluation *v, int place) {
    return v->strips + (size_t)place * (size_t)v->words * type_size(v->type);
}

/* Where a node's values lie; the chain is in the order of its nodes' numbers. */
static const char *strip_of(const struct Evaluation *v, const struct Node *n) {
    if (n == v->anchor) return v->anchors;
    int low = 0, high = v->chain->count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (v->chain->node[middle]->index < n->index)
            low = middle + 1;
        else
            high = middle;
    }
    return strip_at(v, low);
}

/* -- from nodes to calls -------------------------------------------------------------------------- */

static void add(struct Evaluation *v, struct Call c) {
    v->call = grown(v->making, v->call, v->calls, &v->room, sizeof c);
    v->call[v->calls++] = c;
}

static void call_in(struct Evaluation *v, int type, int operation, void *to, const void *a, const void *b, const void *c,
                    int64_t imm) {
    add(v, (struct Call){v->loops->flat[operation][type], to, a, b, c, imm, NULL, 0});
}

static void call(struct Evaluation *v, int operation, void *to, const void *a, const void *b, const void *c, int64_t imm) {
    call_in(v, v->type, operation, to, a, b, c, imm);
}

/* The cast to words of the chain. */
static int own_cast(const struct Evaluation *v) { return v->type == I32 ? CAST4 : CAST8; }

/* An index may be anything where an assertion fails. */
static void plan_table(struct Evaluation *v, void *to, const void *index, const struct Table *table) {
    char *index16 = new_strip(v, U16), *last = new_strip(v, U16), *place = new_strip(v, U16);
    char *entry = v->type == I64 ? to : new_strip(v, I64);
    for (ptrdiff_t i = 0; i < v->words; i++) ((uint16_t *)last)[i] = (uint16_t)(table->count - 1);
    call(v, CAST2, index16, index, NULL, NULL, 0);
    call_in(v, U16, MIN, place, index16, last, NULL, 0);
    call_in(v, U16, LOOKUP8, entry, place, table->low, NULL, table->count);
    if (v->type != I64) call_in(v, I64, own_cast(v), to, entry, NULL, NULL, 0);
}

static void plan_entries(struct Evaluation *v, void *to, const struct Entries *e) {
    add(v, (struct Call){.loop = v->loops->flat[own_cast(v)][e->type], .to = to, .entries = e->by_anchor,
                         .entry = type_size(e->type)});
}

static int64_t at_most(int128 number, int64_t most) { return number < most ? (int64_t)number : most; }

static int division_of(const struct Node *n) {
    int128 most = n->is.args[0]->hi + n->is.args[1]->hi;
    return most < 1 << 24 ? DIVIDE_SMALL : most < (int128)1 << 53 ? DIVIDE_FLOAT : DIVIDE;
}

static void plan_leading_zeros(struct Evaluation *v, const struct Node *n, char *to, const char *a) {
    char *length = new_strip(v, v->type);
    call(v, BIT_LENGTH, length, a, NULL, NULL, 0);
    call(v, SUB, to, filled(v, n->is.number[0]), length, NULL, 0);
}

static void plan_low_bits(struct Evaluation *v, const struct Node *n, char *to, const char *a) {
    call(v, AND, to, a, filled(v, ((int64_t)1 << at_most(n->is.number[0], 62)) - 1), NULL, 0);
}

static void plan(struct Evaluation *v, const struct Node *n, char *to) {
    const char *arg[3] = {NULL, NULL, NULL};
    int64_t bits = 8 * (int64_t)type_size(v->type);
    int128 number = n->is.number[0];
    for (int i = 0; i < n->is.count && n->is.kind != ENTRIES; i++) arg[i] = strip_of(v, n->is.args[i]);
    switch (n->is.kind) {
        case CONSTANT: fill(v, to, (int64_t)n->lo, 0); break;
        case PLUS: call(v, ADD, to, arg[0], arg[1], NULL, 0); break;
        case MINUS: call(v, SUB, to, arg[0], arg[1], NULL, 0); break;
        case TIMES: call(v, MUL, to, arg[0], arg[1], NULL, 0); break;
        case SHIFT_LEFT: call(v, SHL, to, arg[0], NULL, NULL, at_most(number, bits - 1)); break;
        case SHIFT_RIGHT: call(v, SHR, to, arg[0], NULL, NULL, at_most(number, bits - 1)); break;
        case SHIFT_RIGHT_BY: call(v, SHR_BY, to, arg[0], arg[1], NULL, 0); break;
        case SHIFT_LEFT_BY: call(v, SHL_BY, to, arg[0], arg[1], NULL, 0); break;
        case MINIMUM: call(v, MIN, to, arg[0], arg[1], NULL, 0); break;
        case MAXIMUM: call(v, MAX, to, arg[0], arg[1], NULL, 0); break;
        case IS_LESS: call(v, LESS, to, arg[0], arg[1], NULL, 0); break;
        case IS_EQUAL: call(v, EQUAL, to, arg[0], arg[1], NULL, 0); break;
        case CHOICE: call(v, SELECT, to, arg[0], arg[1], arg[2], 0); break;
        case LOW_BITS: plan_low_bits(v, n, to, arg[0]); break;
        case LEADING_ZEROS: plan_leading_zeros(v, n, to, arg[0]); break;
        case NORMALISED: call(v, NORMALISE, to, arg[0], NULL, NULL, at_most(number, bits)); break;
        case QUOTIENT_OF: call(v, division_of(n), to, arg[0], arg[1], NULL, (int64_t)number); break;
        case LOOKUP: plan_table(v, to, arg[0], n->is.object); break;
        case ENTRIES: plan_entries(v, to, n->is.object); break;
        default: call(v, own_cast(v), to, arg[0], NULL, NULL, 0); /* KNOWN: chains hold nothing else */
    }
}

/* -- from calls to values ------------------------------------------------------------------------- */

static void run_strip(const struct Evaluation *v, ptrdiff_t from, ptrdiff_t count) {
    for (const struct Call *c = v->call, *end = c + v->calls; c < end; c++)
        c->loop(c->to, c->entries ? c->entries + (size_t)from * c->entry : c->a, c->b, c->c, c->imm, count);
}

static int fits_32(const struct Node *n) { return n->lo >= INT32_MIN && n->hi <= INT32_MAX; }

static int word_type(const struct Chain *c, const struct Node *anchor) {
    for (int i = 0; i < c->count; i++)
        if (!fits_32(c->node[i])) return I64;
    return fits_32(anchor) ? I32 : I64;
}

/* Where values stop being all equal, from the end of a strip on; -1: nowhere. */
#define LAST_CHANGE(T)                                                    {                                                                         const T *word = found->words, last = word[found->count - 1];          ptrdiff_t at = end - 1;                                               while (at >= from && word[at] == last) at--;                          return at < from ? -1 : at;                                       }
static ptrdiff_t last_change(const struct Values *found, ptrdiff_t from, ptrdiff_t end) {
    if (found->type == I32) LAST_CHANGE(int32_t)
    LAST_CHANGE(int64_t)
}

/* From the last strip to the first: where the values stop changing is known early. */
static void run_all(const struct Evaluation *v, struct Values *found, int most) {
    const char *result = strip_at(v, v->chain->count - 1);
    size_t size = type_size(v->type);
    int is_known = 0;
    for (ptrdiff_t from = (v->values - 1) / v->words * v->words; from >= 0; from -= v->words) {
        ptrdiff_t end = from + v->words < v->values ? from + v->words : v->values;
        heed(v->making);
        fill(v, v->anchors, (int64_t)v->anchor->lo + from, 1);
        run_strip(v, from, end - from);
        memcpy((char *)found->words + (size_t)from * size, result, (size_t)(end - from) * size);
        ptrdiff_t change = is_known ? -1 : last_change(found, from, end);
        if (change < 0) continue;
        is_known = 1, found->last = (int)change + 1;
        if (change + 2 > most) {
            found->words = NULL;
            return;
        }
    }
}

struct Values tabulated(struct Graph *g, const struct Chain *chain, const struct Node *anchor, int most,
                        const struct FlatKernels *loops) {
    struct Evaluation v = {.making = g->making, .loops = loops, .chain = chain, .anchor = anchor};
    v.type = word_type(chain, anchor);
    v.values = (ptrdiff_t)(anchor->hi - anchor->lo) + 1;
    v.words = v.values < WORDS ? v.values : WORDS;
    struct Mark before = making_mark(g->making);
    struct Values found = {unset(g->making, (size_t)v.values * type_size(v.type)), v.type, (int)v.values, 0};
    struct Mark kept = making_mark(g->making);
    v.anchors = new_strip(&v, v.type);
    v.strips = unset(g->making, (size_t)chain->count * (size_t)v.words * type_size(v.type));
    for (int i = 0; i < chain->count; i++) plan(&v, chain->node[i], strip_at(&v, i));
    run_all(&v, &found, most);
    making_back(g->making, found.words ? kept : before);
    return found;
}
