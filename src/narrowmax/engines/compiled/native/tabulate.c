/* The values of a chain for each of its anchor's, by the loops that would run it, strip by strip.
 *
 * A node lies in words of 32 bits where its range fits them, else of 64, and is computed in the longest words of it and
 * its operands.  Beyond its range a node holds anything: that is where an assertion fails, and nothing is looked up there.
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
    const struct Node *anchor;
    ptrdiff_t values, words; /* of the anchor; of a strip */
    char *anchors, **strip;  /* strip: of each node of the chain */
    struct Call *call;
    int calls, room;
};

static int words_of(const struct Node *n) { return n->lo >= INT32_MIN && n->hi <= INT32_MAX ? I32 : I64; }

static char *new_strip(struct Evaluation *v, int type) { return unset(v->making, (size_t)v->words * type_size(type)); }

static void fill(const struct Evaluation *v, int type, char *strip, int64_t first, int64_t step) {
    if (type == I32)
        for (ptrdiff_t i = 0; i < v->words; i++) ((int32_t *)strip)[i] = (int32_t)(first + step * i);
    else
        for (ptrdiff_t i = 0; i < v->words; i++) ((int64_t *)strip)[i] = first + step * i;
}

static char *filled(struct Evaluation *v, int type, int128 value) {
    char *strip = new_strip(v, type);
    fill(v, type, strip, (int64_t)value, 0);
    return strip;
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
    return v->strip[low];
}

/* -- from nodes to calls -------------------------------------------------------------------------- */

static void add(struct Evaluation *v, struct Call c) {
    v->call = grown(v->making, v->call, v->calls, &v->room, sizeof c);
    v->call[v->calls++] = c;
}

static void call(struct Evaluation *v, int type, int operation, void *to, const void *a, const void *b, const void *c,
                 int64_t imm) {
    add(v, (struct Call){v->loops->flat[operation][type], to, a, b, c, imm, NULL, 0});
}

static int cast_for(int type) { return type == I32 ? CAST4 : CAST8; }

/* A node's values in words of a type. */
static const char *in_words(struct Evaluation *v, const struct Node *n, int type) {
    const char *own = strip_of(v, n);
    if (words_of(n) == type) return own;
    if (is_constant(n)) return filled(v, type, n->lo);
    char *strip = new_strip(v, type);
    call(v, words_of(n), cast_for(type), strip, own, NULL, NULL, 0);
    return strip;
}

/* An index may be anything where an assertion fails. */
static void plan_table(struct Evaluation *v, const struct Node *n, char *to) {
    const struct Table *table = n->is.object;
    char *index = new_strip(v, U16), *last = new_strip(v, U16), *place = new_strip(v, U16);
    char *entry = words_of(n) == I64 ? to : new_strip(v, I64);
    for (ptrdiff_t i = 0; i < v->words; i++) ((uint16_t *)last)[i] = (uint16_t)(table->count - 1);
    call(v, words_of(n->is.args[0]), CAST2, index, strip_of(v, n->is.args[0]), NULL, NULL, 0);
    call(v, U16, MIN, place, index, last, NULL, 0);
    call(v, U16, LOOKUP8, entry, place, table->low, NULL, table->count);
    if (entry != to) call(v, I64, CAST4, to, entry, NULL, NULL, 0);
}

static void plan_entries(struct Evaluation *v, const struct Node *n, char *to) {
    const struct Entries *e = n->is.object;
    add(v, (struct Call){.loop = v->loops->flat[cast_for(words_of(n))][e->type], .to = to, .entries = e->by_anchor,
                         .entry = type_size(e->type)});
}

static int64_t at_most(int128 number, int64_t most) { return number < most ? (int64_t)number : most; }

static int division_of(const struct Node *n) {
    int128 most = n->is.args[0]->hi + n->is.args[1]->hi;
    return most < 1 << 24 ? DIVIDE_SMALL : most < (int128)1 << 53 ? DIVIDE_FLOAT : DIVIDE;
}

static void plan_leading_zeros(struct Evaluation *v, const struct Node *n, int type, char *to, const char *a) {
    char *length = new_strip(v, type);
    call(v, type, BIT_LENGTH, length, a, NULL, NULL, 0);
    call(v, type, SUB, to, filled(v, type, n->is.number[0]), length, NULL, 0);
}

static void plan_low_bits(struct Evaluation *v, const struct Node *n, int type, char *to, const char *a) {
    call(v, type, AND, to, a, filled(v, type, ((int64_t)1 << at_most(n->is.number[0], 62)) - 1), NULL, 0);
}

/* One operation in words of a type. */
static void plan_in(struct Evaluation *v, const struct Node *n, int type, char *to) {
    const char *arg[3] = {NULL, NULL, NULL};
    int64_t bits = 8 * (int64_t)type_size(type);
    int128 number = n->is.number[0];
    for (int i = 0; i < n->is.count; i++) arg[i] = in_words(v, n->is.args[i], type);
    switch (n->is.kind) {
        case PLUS: call(v, type, ADD, to, arg[0], arg[1], NULL, 0); break;
        case MINUS: call(v, type, SUB, to, arg[0], arg[1], NULL, 0); break;
        case TIMES: call(v, type, MUL, to, arg[0], arg[1], NULL, 0); break;
        case SHIFT_LEFT: call(v, type, SHL, to, arg[0], NULL, NULL, at_most(number, bits - 1)); break;
        case SHIFT_RIGHT: call(v, type, SHR, to, arg[0], NULL, NULL, at_most(number, bits - 1)); break;
        case SHIFT_RIGHT_BY: call(v, type, SHR_BY, to, arg[0], arg[1], NULL, 0); break;
        case SHIFT_LEFT_BY: call(v, type, SHL_BY, to, arg[0], arg[1], NULL, 0); break;
        case MINIMUM: call(v, type, MIN, to, arg[0], arg[1], NULL, 0); break;
        case MAXIMUM: call(v, type, MAX, to, arg[0], arg[1], NULL, 0); break;
        case IS_LESS: call(v, type, LESS, to, arg[0], arg[1], NULL, 0); break;
        case IS_EQUAL: call(v, type, EQUAL, to, arg[0], arg[1], NULL, 0); break;
        case CHOICE: call(v, type, SELECT, to, arg[0], arg[1], arg[2], 0); break;
        case LOW_BITS: plan_low_bits(v, n, type, to, arg[0]); break;
        case LEADING_ZEROS: plan_leading_zeros(v, n, type, to, arg[0]); break;
        case NORMALISED: call(v, type, NORMALISE, to, arg[0], NULL, NULL, at_most(number, bits)); break;
        case QUOTIENT_OF: call(v, type, division_of(n), to, arg[0], arg[1], NULL, (int64_t)number); break;
        default: call(v, type, cast_for(type), to, arg[0], NULL, NULL, 0); /* KNOWN: chains hold nothing else */
    }
}

static int longest_words(const struct Node *n) {
    for (int i = 0; i < n->is.count; i++)
        if (words_of(n->is.args[i]) == I64) return I64;
    return words_of(n);
}

static void plan(struct Evaluation *v, const struct Node *n, char *to) {
    int own = words_of(n);
    if (is_constant(n)) {
        fill(v, own, to, (int64_t)n->lo, 0);
    } else if (n->is.kind == LOOKUP) {
        plan_table(v, n, to);
    } else if (n->is.kind == ENTRIES) {
        plan_entries(v, n, to);
    } else {
        int type = longest_words(n);
        char *made = type == own ? to : new_strip(v, type);
        plan_in(v, n, type, made);
        if (type != own) call(v, type, cast_for(own), to, made, NULL, NULL, 0);
    }
}

/* -- from calls to values ------------------------------------------------------------------------- */

static void run_strip(const struct Evaluation *v, ptrdiff_t from, ptrdiff_t count) {
    for (const struct Call *c = v->call, *end = c + v->calls; c < end; c++)
        c->loop(c->to, c->entries ? c->entries + (size_t)from * c->entry : c->a, c->b, c->c, c->imm, count);
}

/* Where values stop being all equal, from the end of a strip on; -1: nowhere. */
#define LAST_CHANGE(T)                                                    {                                                                         const T *word = found->words, last = word[found->count - 1];          ptrdiff_t at = end - 1;                                               while (at >= from && word[at] == last) at--;                          return at < from ? -1 : at;                                       }
static ptrdiff_t last_change(const struct Values *found, ptrdiff_t from, ptrdiff_t end) {
    if (found->type == I32) LAST_CHANGE(int32_t)
    LAST_CHANGE(int64_t)
}

/* From the last strip to the first: where the values stop changing is known early. */
static void run_all(const struct Evaluation *v, struct Values *found, int most) {
    const char *result = v->strip[v->chain->count - 1];
    size_t size = type_size(found->type);
    int is_known = 0;
    for (ptrdiff_t from = (v->values - 1) / v->words * v->words; from >= 0; from -= v->words) {
        ptrdiff_t end = from + v->words < v->values ? from + v->words : v->values;
        heed(v->making);
        fill(v, words_of(v->anchor), v->anchors, (int64_t)v->anchor->lo + from, 1);
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
    int type = words_of(chain->node[chain->count - 1]);
    v.values = (ptrdiff_t)(anchor->hi - anchor->lo) + 1;
    v.words = v.values < WORDS ? v.values : WORDS;
    struct Mark before = making_mark(g->making);
    struct Values found = {unset(g->making, (size_t)v.values * type_size(type)), type, (int)v.values, 0};
    struct Mark kept = making_mark(g->making);
    v.anchors = new_strip(&v, words_of(anchor));
    v.strip = FRESH(g->making, char *, chain->count);
    for (int i = 0; i < chain->count; i++) {
        v.strip[i] = new_strip(&v, words_of(chain->node[i]));
        plan(&v, chain->node[i], v.strip[i]);
    }
    run_all(&v, &found, most);
    making_back(g->making, found.words ? kept : before);
    return found;
}
