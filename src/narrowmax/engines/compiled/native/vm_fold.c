/* Folds whose body is drawn, and scans: a body is run on vectors of one value for each row.
 *
 * What a fold needs beside its body's instructions, in order:
 *     0 for one after the other, 1 for a tree; ways; rate it comes from; rate it goes to (enum Place:
 *     PLACE_CARRIED, PLACE_CHUNK or PLACE_ROW); values k; slot of the flags (-1: all present); slot of the body's flag (-1)
 *     k slots of what comes in, k of what goes out, 2k of the body's arguments, k of its results
 * and a scan:
 *     state values k; inputs m; slot of the flags (-1); slot of the body's flag (-1)
 *     k constants to start from, m slots that come in, k each for before, at, after (-1 where unused),
 *     k + m of the body's arguments, k of its results
 */
#include "machine.h"

#include <string.h>

struct Body {
    struct Machine *m;
    const struct Step *step;
    const int64_t *argument, *result;
    int values, flag;
    ptrdiff_t lanes;
};

static size_t size_of(const struct Machine *m, int64_t slot) { return type_size(m->program->slot[slot].type); }

/* The body on `count` values. */
static void run_body(const struct Body *b, ptrdiff_t count) {
    const struct Instruction *i = b->m->program->instruction + b->step->first;
    for (const struct Instruction *end = i + b->step->count; i < end; i++) run_flat(b->m, i, 0, count);
}

/* dst = flag ? yes : no */
static void choose(char *dst, const uint8_t *flag, const char *yes, const char *no, size_t size, ptrdiff_t count) {
    switch (size) {
#define CASE(T)                                                                                           \
    case sizeof(T):                                                                                       \
        for (ptrdiff_t i = 0; i < count; i++) ((T *)dst)[i] = flag[i] ? ((const T *)yes)[i] : ((const T *)no)[i]; \
        break;
        CASE(uint8_t) CASE(uint16_t) CASE(uint32_t) CASE(uint64_t) CASE(uint128)
#undef CASE
    }
}

/* A partial result: k vectors, and where there is one (NULL: everywhere). */
struct Part {
    const char *value[MOST_CARRIED];
    const uint8_t *here;
};

/* Where the results of `count` combinations go. */
struct Room {
    char *value[MOST_CARRIED];
    uint8_t *here, *both;
};

/* a and b into `to`: the body where both are, the one that is elsewhere. */
static void combine(const struct Body *b, const struct Part *x, const struct Part *y, const struct Room *to,
                    ptrdiff_t count) {
    char **base = b->m->base;
    for (int j = 0; j < b->values; j++) {
        base[b->argument[j]] = (char *)x->value[j];
        base[b->argument[b->values + j]] = (char *)y->value[j];
        base[b->result[j]] = to->value[j];
    }
    if (!x->here) {
        run_body(b, count);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++) to->both[i] = x->here[i] & y->here[i];
    if (b->flag >= 0) base[b->flag] = (char *)to->both;
    run_body(b, count);
    for (int j = 0; j < b->values; j++) {
        size_t size = size_of(b->m, b->result[j]);
        choose(to->value[j], to->both, to->value[j], x->value[j], size, count);
        for (ptrdiff_t i = 0; i < count; i++) to->here[i] = x->here[i] | to->both[i];
        choose(to->value[j], to->here, to->value[j], y->value[j], size, count);
    }
    for (ptrdiff_t i = 0; i < count; i++) to->here[i] = x->here[i] | y->here[i];
}

struct Fold {
    struct Body body;
    const int64_t *in, *out;
    int tree, ways, flags;
    char *memory;
};

static void *taken(char **memory, size_t bytes) {
    void *found = *memory;
    *memory += aligned(bytes);
    return found;
}

static struct Room room(const struct Body *b, char **memory, ptrdiff_t count) {
    struct Room r;
    for (int j = 0; j < b->values; j++) r.value[j] = taken(memory, (size_t)count * size_of(b->m, b->result[j]));
    r.here = taken(memory, (size_t)count);
    r.both = taken(memory, (size_t)count);
    return r;
}

static struct Part part_of(const struct Room *r, int values, int masked) {
    struct Part p = {.here = masked ? r->here : NULL};
    for (int j = 0; j < values; j++) p.value[j] = r->value[j];
    return p;
}

static struct Part item(const struct Fold *f, ptrdiff_t position) {
    const struct Machine *m = f->body.m;
    ptrdiff_t at = position * f->body.lanes;
    struct Part p = {.here = f->flags < 0 ? NULL : (const uint8_t *)m->base[f->flags] + at};
    for (int j = 0; j < f->body.values; j++) p.value[j] = m->base[f->in[j]] + (size_t)at * size_of(m, f->in[j]);
    return p;
}

/* Items first, first + ways, ... one after the other; `rooms` are two to work in. */
static struct Part one_after_another(const struct Fold *f, ptrdiff_t first, ptrdiff_t end, const struct Room *rooms) {
    struct Part found = item(f, first);
    int turn = 0;
    for (ptrdiff_t p = first + f->ways; p < end; p += f->ways, turn ^= 1) {
        struct Part next = item(f, p);
        combine(&f->body, &found, &next, &rooms[turn], f->body.lanes);
        found = part_of(&rooms[turn], f->body.values, f->flags >= 0);
    }
    return found;
}

/* Every way one after the other, then the ways. */
static struct Part interleaved(struct Fold *f, ptrdiff_t first, ptrdiff_t end) {
    char *memory = f->memory;
    struct Room rooms[6]; /* for the first way, for the others, for what they make together: two each */
    struct Part found = {0};
    for (int i = 0; i < 6; i++) rooms[i] = room(&f->body, &memory, f->body.lanes);
    for (ptrdiff_t way = 0; way < f->ways && first + way < end; way++) {
        struct Part next = one_after_another(f, first + way, end, rooms + (way ? 2 : 0));
        struct Room *to = &rooms[4 + way % 2];
        if (way == 0) {
            found = next;
            continue;
        }
        combine(&f->body, &found, &next, to, f->body.lanes);
        found = part_of(to, f->body.values, f->flags >= 0);
    }
    return found;
}

/* `count` pairs of neighbours of one level into the next. */
static void pairs(const struct Fold *f, const struct Part *level, const struct Room *next, const struct Room *pair,
                  ptrdiff_t from, ptrdiff_t count) {
    const struct Body *b = &f->body;
    ptrdiff_t lanes = b->lanes;
    struct Part x = {0}, y = {0};
    struct Room to = *next;
    for (int j = 0; j < b->values; j++) {
        size_t size = size_of(b->m, b->result[j]), bytes = (size_t)lanes * size;
        const char *src = level->value[j] + (size_t)(2 * from) * bytes;
        for (ptrdiff_t p = 0; p < count; p++) {
            memcpy(pair[0].value[j] + (size_t)p * bytes, src + (size_t)(2 * p) * bytes, bytes);
            memcpy(pair[1].value[j] + (size_t)p * bytes, src + (size_t)(2 * p + 1) * bytes, bytes);
        }
        x.value[j] = pair[0].value[j], y.value[j] = pair[1].value[j];
        to.value[j] += (size_t)from * bytes;
    }
    to.here += from * lanes;
    if (level->here) {
        for (ptrdiff_t p = 0; p < count; p++) {
            memcpy(pair[0].here + p * lanes, level->here + 2 * (from + p) * lanes, (size_t)lanes);
            memcpy(pair[1].here + p * lanes, level->here + (2 * (from + p) + 1) * lanes, (size_t)lanes);
        }
        x.here = pair[0].here, y.here = pair[1].here;
    }
    combine(b, &x, &y, &to, count * lanes);
}

static void pass_on(const struct Fold *f, const struct Part *level, const struct Room *next, ptrdiff_t last) {
    ptrdiff_t lanes = f->body.lanes;
    for (int j = 0; j < f->body.values; j++) {
        size_t bytes = (size_t)lanes * size_of(f->body.m, f->body.result[j]);
        memcpy(next->value[j] + (size_t)(last / 2) * bytes, level->value[j] + (size_t)last * bytes, bytes);
    }
    if (level->here) memcpy(next->here + last / 2 * lanes, level->here + last * lanes, (size_t)lanes);
}

static struct Part tree(struct Fold *f, ptrdiff_t first, ptrdiff_t end) {
    char *memory = f->memory;
    ptrdiff_t lanes = f->body.lanes, most = STRIP / lanes, count = end - first;
    struct Room pair[2] = {room(&f->body, &memory, STRIP), room(&f->body, &memory, STRIP)};
    struct Room level[2] = {room(&f->body, &memory, (count + 1) * lanes), room(&f->body, &memory, (count + 1) * lanes)};
    struct Part found = item(f, first);
    for (int turn = 0; count > 1; count = (count + 1) / 2, turn ^= 1) {
        for (ptrdiff_t from = 0; from < count / 2; from += most)
            pairs(f, &found, &level[turn], pair, from, count / 2 - from < most ? count / 2 - from : most);
        if (count % 2) pass_on(f, &found, &level[turn], count - 1);
        found = part_of(&level[turn], f->body.values, f->flags >= 0);
    }
    return found;
}

static size_t memory_for(const struct Fold *f, ptrdiff_t span) {
    size_t each = 0, lanes = (size_t)f->body.lanes;
    for (int j = 0; j < f->body.values; j++) each += size_of(f->body.m, f->body.result[j]);
    size_t places = f->tree ? 2 * STRIP + 2 * (size_t)(span + 1) * lanes : 6 * lanes;
    return places * (each + 2) + 6 * 64 * (size_t)(f->body.values + 2);
}

static void fold_span(struct Fold *f, ptrdiff_t first, ptrdiff_t end, ptrdiff_t to) {
    struct Part found = f->tree ? tree(f, first, end) : interleaved(f, first, end);
    for (int j = 0; j < f->body.values; j++) {
        size_t bytes = (size_t)f->body.lanes * size_of(f->body.m, f->out[j]);
        memcpy(f->body.m->base[f->out[j]] + (size_t)to * bytes, found.value[j], bytes);
    }
}

int run_fold(struct Machine *m, struct Workspace *w, const struct Step *step) {
    const int64_t *more = step->more;
    int k = (int)more[4], from_elements = more[2] == PLACE_CARRIED, to_chunks = more[3] == PLACE_CHUNK;
    struct Fold f = {.tree = (int)more[0], .ways = (int)more[1], .flags = (int)more[5], .in = more + 7, .out = more + 7 + k};
    f.body = (struct Body){m, step, more + 7 + 2 * k, more + 7 + 4 * k, k, (int)more[6], m->tile->rows};
    ptrdiff_t places = from_elements ? m->tile->n : m->chunks;
    f.memory = workspace_memory(w, 1, memory_for(&f, places));
    if (!f.memory) return NO_MEMORY;
    if (!to_chunks) {
        fold_span(&f, 0, places, 0);
        return FINE;
    }
    for (ptrdiff_t c = 0; c < m->chunks; c++) {
        ptrdiff_t first = c * m->program->chunk, end = first + m->program->chunk;
        fold_span(&f, first, end < places ? end : places, c);
    }
    return FINE;
}

/* -- scans -------------------------------------------------------------------------------------- */

static void keep(struct Machine *m, const int64_t *slots, int k, char *const *state, ptrdiff_t chunk) {
    for (int j = 0; j < k; j++) {
        if (slots[j] < 0) continue;
        size_t bytes = (size_t)m->tile->rows * size_of(m, slots[j]);
        memcpy(m->base[slots[j]] + (size_t)chunk * bytes, state[j], bytes);
    }
}

int run_scan(struct Machine *m, struct Workspace *w, const struct Step *step) {
    const int64_t *more = step->more;
    int k = (int)more[0], inputs = (int)more[1], flags = (int)more[2];
    const int64_t *start = more + 4, *in = start + k, *before = in + inputs, *at = before + k, *after = at + k;
    struct Body b = {m, step, after + k, after + 2 * k + inputs, k, (int)more[3], m->tile->rows};
    ptrdiff_t rows = m->tile->rows;
    char *memory = workspace_memory(w, 1, (size_t)(2 * k) * aligned((size_t)rows * 16)), *state[MOST_CARRIED], *next[MOST_CARRIED];
    if (!memory) return NO_MEMORY;
    for (int j = 0; j < k; j++) {
        size_t bytes = (size_t)rows * size_of(m, b.result[j]);
        state[j] = taken(&memory, bytes), next[j] = taken(&memory, bytes);
        memcpy(state[j], m->base[start[j]], bytes);
    }
    for (ptrdiff_t c = 0; c < m->chunks; c++) {
        const uint8_t *here = flags < 0 ? NULL : (const uint8_t *)m->base[flags] + c * rows;
        keep(m, before, k, state, c);
        for (int j = 0; j < k; j++) m->base[b.argument[j]] = state[j], m->base[b.result[j]] = next[j];
        for (int j = 0; j < inputs; j++)
            m->base[b.argument[k + j]] = m->base[in[j]] + (size_t)(c * rows) * size_of(m, in[j]);
        if (b.flag >= 0) m->base[b.flag] = (char *)here;
        run_body(&b, rows);
        for (int j = 0; j < k; j++) {
            if (here) choose(next[j], here, next[j], state[j], size_of(m, b.result[j]), rows);
            char *swap = state[j];
            state[j] = next[j], next[j] = swap;
        }
        keep(m, at, k, state, c);
    }
    keep(m, after, k, state, 0);
    return FINE;
}
