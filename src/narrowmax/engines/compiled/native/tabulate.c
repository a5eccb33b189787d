/* The values of a chain for each of its anchor's, by the loops that would run it, strip by strip.
 *
 * Words of 32 bits serve where every node's range fits them, else of 64.  Beyond its range a node holds anything: that is
 * where an assertion fails, and nothing is looked up there.
 */
#include "finish.h"
#include "program.h"

enum { WORDS = 256 }; /* of a strip */

/* One loop over a strip; or the entries of a table, or those of another chain's table. */
struct Call {
    Flat *loop; /* NULL: none, but a table or entries */
    void *to;
    const void *a, *b, *c;
    int64_t imm;
    const struct Table *table;
    const int64_t *entries;
};

struct Evaluation {
    struct Making *making;
    const struct FlatKernels *loops;
    struct Node *const *chain;
    int count, type;
    const struct Node *anchor;
    ptrdiff_t values, words; /* of the anchor; of a strip */
    char *anchors, *strips;
    struct Call *call;
    int calls;
};

static char *new_strip(struct Evaluation *v) { return unset(v->making, (size_t)v->words * type_size(v->type)); }

static void fill(const struct Evaluation *v, char *strip, int64_t first, int64_t step) {
    if (v->type == I32)
        for (ptrdiff_t i = 0; i < v->words; i++) ((int32_t *)strip)[i] = (int32_t)(first + step * i);
    else
        for (ptrdiff_t i = 0; i < v->words; i++) ((int64_t *)strip)[i] = first + step * i;
}

static const char *filled(struct Evaluation *v, int128 value) {
    char *strip = new_strip(v);
    fill(v, strip, (int64_t)value, 0);
    return strip;
}

static char *strip_at(const struct Evaluation *v, int place) {
    return v->strips + (size_t)place * (size_t)v->words * type_size(v->type);
}

/* Where a node's values lie; the chain is in the order of its nodes' numbers. */
static const char *strip_of(const struct Evaluation *v, const struct Node *n) {
    if (n == v->anchor) return v->anchors;
    int low = 0, high = v->count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (v->chain[middle]->index < n->index)
            low = middle + 1;
        else
            high = middle;
    }
    return strip_at(v, low);
}

/* -- from nodes to calls -------------------------------------------------------------------------- */

static void call(struct Evaluation *v, int operation, void *to, const void *a, const void *b, const void *c, int64_t imm) {
    v->call[v->calls++] = (struct Call){v->loops->flat[operation][v->type], to, a, b, c, imm, NULL, NULL};
}

static void call_table(struct Evaluation *v, void *to, const void *index, const struct Table *table) {
    v->call[v->calls++] = (struct Call){.to = to, .a = index, .table = table};
}

static void call_entries(struct Evaluation *v, void *to, const struct Entries *e) {
    v->call[v->calls++] = (struct Call){.to = to, .entries = e->by_anchor};
}

static int64_t at_most(int128 number, int64_t most) { return number < most ? (int64_t)number : most; }

static int division_of(const struct Node *n) {
    int128 most = n->is.args[0]->hi + n->is.args[1]->hi;
    return most < 1 << 24 ? DIVIDE_SMALL : most < (int128)1 << 53 ? DIVIDE_FLOAT : DIVIDE;
}

static void plan_leading_zeros(struct Evaluation *v, const struct Node *n, char *to, const char *a) {
    char *length = new_strip(v);
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
        case LOOKUP: call_table(v, to, arg[0], n->is.object); break;
        case ENTRIES: call_entries(v, to, n->is.object); break;
        default: call(v, v->type == I32 ? CAST4 : CAST8, to, arg[0], NULL, NULL, 0); /* KNOWN: chains hold nothing else */
    }
}

/* -- from calls to values ------------------------------------------------------------------------- */

/* An index may be anything where an assertion fails. */
static void look_up(const struct Call *c, int type, ptrdiff_t count) {
    const struct Table *t = c->table;
#define GATHER(T)                                                                     \
    for (ptrdiff_t i = 0; i < count; i++) {                                           \
        T at = ((const T *)c->a)[i];                                                  \
        ((T *)c->to)[i] = (T)t->low[at < 0 ? 0 : at < t->count ? at : t->count - 1];  \
    }
    if (type == I32)
        GATHER(int32_t)
    else
        GATHER(int64_t)
#undef GATHER
}

static void run_strip(const struct Evaluation *v, ptrdiff_t from, ptrdiff_t count) {
    Flat *narrowed = v->loops->flat[v->type == I32 ? CAST4 : CAST8][I64];
    for (const struct Call *c = v->call, *end = c + v->calls; c < end; c++) {
        if (c->table)
            look_up(c, v->type, count);
        else if (c->entries)
            narrowed(c->to, c->entries + from, NULL, NULL, 0, count);
        else
            c->loop(c->to, c->a, c->b, c->c, c->imm, count);
    }
}

static int fits_32(const struct Node *n) { return n->lo >= INT32_MIN && n->hi <= INT32_MAX; }

static int word_type(struct Node *const *chain, int count, const struct Node *anchor) {
    for (int i = 0; i < count; i++)
        if (!fits_32(chain[i])) return I64;
    return fits_32(anchor) ? I32 : I64;
}

/* Where values of a strip still differ from the last of all; -1: nowhere. */
static ptrdiff_t last_change(const int64_t *found, ptrdiff_t from, ptrdiff_t end, int64_t last) {
    while (end > from && found[end - 1] == last) end--;
    return end - 1 < from ? -1 : end - 1;
}

/* From the last strip to the first: where the values stop changing is known early. */
static int64_t *run_all(const struct Evaluation *v, int most) {
    int64_t *found = unset(v->making, (size_t)v->values * sizeof *found);
    int is_known = 0;
    for (ptrdiff_t from = (v->values - 1) / v->words * v->words; from >= 0; from -= v->words) {
        ptrdiff_t end = from + v->words < v->values ? from + v->words : v->values;
        fill(v, v->anchors, (int64_t)v->anchor->lo + from, 1);
        run_strip(v, from, end - from);
        v->loops->flat[CAST8][v->type](found + from, strip_at(v, v->count - 1), NULL, NULL, 0, end - from);
        ptrdiff_t change = is_known ? -1 : last_change(found, from, end, found[v->values - 1]);
        if (change < 0) continue;
        is_known = 1;
        if (change + 2 > most) return NULL;
    }
    return found;
}

int64_t *tabulated(struct Graph *g, struct Node *const *chain, int count, const struct Node *anchor, int most,
                   const struct FlatKernels *loops) {
    struct Evaluation v = {.making = g->making, .loops = loops, .chain = chain, .count = count, .anchor = anchor};
    v.type = word_type(chain, count, anchor);
    v.values = (ptrdiff_t)(anchor->hi - anchor->lo) + 1;
    v.words = v.values < WORDS ? v.values : WORDS;
    v.anchors = new_strip(&v);
    v.strips = unset(g->making, (size_t)count * (size_t)v.words * type_size(v.type));
    v.call = FRESH(g->making, struct Call, 2 * count);
    for (int i = 0; i < count; i++) plan(&v, chain[i], strip_at(&v, i));
    return run_all(&v, most);
}
