/* Running a program on one tile: steps one after the other, an element step strip by strip. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

struct Workspace {
    void *memory[3];
    size_t bytes[3];
};

struct Workspace *workspace_new(void) { return calloc(1, sizeof(struct Workspace)); }

void workspace_free(struct Workspace *w) {
    if (!w) return;
    free(w->memory[0]);
    free(w->memory[1]);
    free(w->memory[2]);
    free(w);
}

void *workspace_memory(struct Workspace *w, int number, size_t bytes) {
    if (bytes <= w->bytes[number]) return w->memory[number];
    free(w->memory[number]);
    w->bytes[number] = 0;
    w->memory[number] = aligned_alloc(64, aligned(bytes));
    if (w->memory[number]) w->bytes[number] = bytes;
    return w->memory[number];
}

/* A run of elements of a tile: `positions` of all rows from `first`, or `count` elements of whole rows or of one. */
struct Strip {
    ptrdiff_t at, count;
    ptrdiff_t first, positions; /* LANES */
    ptrdiff_t row, rows, each;  /* ROWS: rows of `each` elements, or a piece of one */
};

/* -- instructions that know the layout --------------------------------------------------------- */

static void repeat(char *dst, const char *value, size_t size, ptrdiff_t times) {
    switch (size) {
#define CASE(T)                                                        \
    case sizeof(T):                                                    \
        for (ptrdiff_t i = 0; i < times; i++) ((T *)dst)[i] = *(T *)value; \
        break;
        CASE(uint8_t) CASE(uint16_t) CASE(uint32_t) CASE(uint64_t) CASE(uint128)
#undef CASE
    }
}

static void copy_rows(char *dst, const char *row, size_t bytes, ptrdiff_t times) {
    for (ptrdiff_t i = 0; i < times; i++) memcpy(dst + (size_t)i * bytes, row, bytes);
}

/* A value of each row or chunk, for each of a strip's elements.
 * In lanes, what a row repeats is the same in every strip: its place is its own, and is filled once. */
static void spread(struct Machine *m, const struct Instruction *i, const struct Strip *s) {
    const struct Program *p = m->program;
    size_t size = type_size(i->type), bytes = size * (size_t)m->tile->rows;
    char *dst = m->base[i->dst];
    const char *src = m->base[i->a];
    if (m->tile->layout == ROWS) {
        for (ptrdiff_t r = 0; r < s->rows; r++)
            repeat(dst + (size_t)(r * s->each) * size, src + (size_t)(s->row + r) * size, size, s->each);
    } else if (p->slot[i->a].place != PLACE_CHUNK) {
        if (s->first == 0) copy_rows(dst, src, bytes, s->positions);
    } else {
        for (ptrdiff_t k = 0; k < s->positions; k++)
            memcpy(dst + (size_t)k * bytes, src + (size_t)((s->first + k) / p->chunk) * bytes, bytes);
    }
}

static void reduce(struct Machine *m, const struct Instruction *i, const struct Strip *s) {
    const struct Program *p = m->program;
    const struct Slot *to = &p->slot[i->dst];
    int kind = i->operation - REDUCE_SUM;
    size_t size = type_size(to->type);
    const char *src = m->base[i->a] + s->at * m->advance[i->a];
    char *acc = m->base[i->dst];
    if (m->tile->layout == ROWS) {
        m->loops->rows[kind][i->type][to->type](acc + (size_t)s->row * size, src, s->rows, s->each);
        return;
    }
    Reduce *loop = m->loops->lanes[kind][i->type][to->type];
    ptrdiff_t rows = m->tile->rows, step = to->place == PLACE_CHUNK ? p->chunk : s->first + s->positions;
    for (ptrdiff_t from = s->first, end = s->first + s->positions; from < end;) {
        ptrdiff_t until = (from / step + 1) * step < end ? (from / step + 1) * step : end;
        char *target = to->place == PLACE_CHUNK ? acc + (size_t)(from / step * rows) * size : acc;
        loop(target, src + (size_t)((from - s->first) * rows) * type_size(i->type), until - from, rows);
        from = until;
    }
}

static void positions(struct Machine *m, const struct Instruction *i, const struct Strip *s) {
    size_t size = type_size(i->type);
    char *dst = m->base[i->dst];
    for (ptrdiff_t k = 0; k < s->count; k++) {
        ptrdiff_t n = m->tile->n;
        int64_t place = m->tile->layout == LANES ? (s->at + k) / m->tile->rows : (s->at + k) % n;
        memcpy(dst + (size_t)k * size, &place, size);
    }
}

static void length(struct Machine *m, const struct Instruction *i) {
    int128 n = m->tile->n;
    repeat(m->base[i->dst], (const char *)&n, type_size(i->type), m->tile->rows);
}

static void run_on_strip(struct Machine *m, const struct Step *step, const struct Strip *s) {
    const struct Instruction *i = m->program->instruction + step->first;
    for (const struct Instruction *end = i + step->count; i < end; i++) {
        switch (i->operation) {
            case SPREAD: spread(m, i, s); break;
            case REDUCE_SUM: case REDUCE_LARGEST: case REDUCE_SMALLEST: reduce(m, i, s); break;
            case POSITION: positions(m, i, s); break;
            case LENGTH: length(m, i); break;
            default: run_flat(m, i, s->at, s->count);
        }
    }
}

/* -- steps -------------------------------------------------------------------------------------- */

static void fill(char *dst, const char *strip, size_t bytes, size_t most) {
    for (; bytes > most; bytes -= most, dst += most) memcpy(dst, strip, most);
    memcpy(dst, strip, bytes);
}

/* What a reduction starts from. */
static void begin_reductions(struct Machine *m, const struct Step *step) {
    const struct Program *p = m->program;
    for (int k = step->first; k < step->first + step->count; k++) {
        const struct Instruction *i = &p->instruction[k];
        if (i->operation < REDUCE_SUM || i->operation > REDUCE_SMALLEST) continue;
        size_t size = type_size(p->slot[i->dst].type);
        size_t places = (size_t)(m->tile->rows * (p->slot[i->dst].place == PLACE_CHUNK ? m->chunks : 1));
        fill(m->base[i->dst], m->base[i->b], places * size, STRIP * size);
    }
}

static void run_elements(struct Machine *m, const struct Step *step) {
    ptrdiff_t rows = m->tile->rows, n = m->tile->n;
    begin_reductions(m, step);
    if (m->tile->layout == LANES) {
        ptrdiff_t most = STRIP / rows;
        for (ptrdiff_t p = 0; p < n; p += most) {
            ptrdiff_t k = n - p < most ? n - p : most;
            run_on_strip(m, step, &(struct Strip){.at = p * rows, .count = k * rows, .first = p, .positions = k});
        }
    } else if (n <= STRIP) {
        ptrdiff_t most = STRIP / n;
        for (ptrdiff_t r = 0; r < rows; r += most) {
            ptrdiff_t k = rows - r < most ? rows - r : most;
            run_on_strip(m, step, &(struct Strip){.at = r * n, .count = k * n, .row = r, .rows = k, .each = n});
        }
    } else {
        for (ptrdiff_t r = 0; r < rows; r++)
            for (ptrdiff_t i = 0; i < n; i += STRIP) {
                ptrdiff_t k = n - i < STRIP ? n - i : STRIP;
                run_on_strip(m, step, &(struct Strip){.at = r * n + i, .count = k, .row = r, .rows = 1, .each = k});
            }
    }
}

/* Wires once a chunk lie as elements do in a row of as many as there are chunks. */
static void run_chunks(struct Machine *m, const struct Step *step) {
    ptrdiff_t rows = m->tile->rows, most = STRIP / rows;
    begin_reductions(m, step);
    for (ptrdiff_t c = 0; c < m->chunks; c += most) {
        ptrdiff_t k = m->chunks - c < most ? m->chunks - c : most;
        run_on_strip(m, step, &(struct Strip){.at = c * rows, .count = k * rows, .first = c, .positions = k});
    }
}

static void run_rows(struct Machine *m, const struct Step *step) {
    run_on_strip(m, step, &(struct Strip){.count = m->tile->rows});
}

static int run_step(struct Machine *m, struct Workspace *w, const struct Step *step) {
    switch (step->kind) {
        case ELEMENTS: run_elements(m, step); return FINE;
        case CHUNKS: run_chunks(m, step); return FINE;
        case ROW_STEP: run_rows(m, step); return FINE;
        case FOLD: return run_fold(m, w, step);
        default: return run_scan(m, w, step);
    }
}

/* -- memory ------------------------------------------------------------------------------------- */

struct Regions {
    char *strip, *carried, *chunk, *row;
    size_t elements, chunks, rows; /* of each, with room to align */
};

static void place_slot(struct Machine *m, int number, const struct Regions *at) {
    const struct Slot *s = &m->program->slot[number];
    const struct Tile *t = m->tile;
    size_t offset = (size_t)s->value;
    char *base = s->fixed;
    int whole = 0; /* kept for every element, or chunk, or row */
    switch (s->place) {
        case PLACE_TEMPORARY: base = at->strip + offset * STRIP; break;
        case PLACE_CARRIED: base = at->carried + offset * at->elements, whole = 1; break;
        case PLACE_CHUNK: base = at->chunk + offset * at->chunks, whole = 1; break;
        case PLACE_ROW: base = at->row + offset * at->rows, whole = 1; break;
        case PLACE_INPUT: base = (char *)t->x, whole = 1; break;
        case PLACE_PRESENT: base = (char *)t->present, whole = 1; break;
        case PLACE_WEIGHT: base = (char *)t->weight, whole = 1; break;
        case PLACE_OUTPUT: case PLACE_ROW_OUTPUT: base = t->out, whole = 1; break;
        default: break;
    }
    m->base[number] = base;
    m->advance[number] = whole ? (unsigned char)type_size(s->type) : 0;
}

static int place_slots(struct Machine *m, struct Workspace *w) {
    const struct Program *p = m->program;
    struct Regions at = {.elements = aligned((size_t)m->elements), .chunks = aligned((size_t)(m->chunks * m->tile->rows)),
                         .rows = aligned((size_t)m->tile->rows)};
    size_t pointers = aligned((size_t)p->slots * (sizeof(char *) + 1));
    size_t strip = (size_t)p->strip_bytes * STRIP, carried = (size_t)p->carried_bytes * at.elements;
    size_t chunk = (size_t)p->chunk_bytes * at.chunks, row = (size_t)p->row_bytes * at.rows;
    char *memory = workspace_memory(w, 0, pointers + strip + carried + chunk + row);
    if (!memory) return NO_MEMORY;
    m->base = (char **)memory;
    m->advance = (unsigned char *)(m->base + p->slots);
    at.strip = memory + pointers;
    at.carried = at.strip + strip;
    at.chunk = at.carried + carried;
    at.row = at.chunk + chunk;
    for (int i = 0; i < p->slots; i++) place_slot(m, i, &at);
    return FINE;
}

int vm_run(const struct Program *p, struct Workspace *w, const struct Kernels *k, const struct Tile *t, int *wire) {
    struct Machine m = {.program = p, .loops = k->flat, .tile = t, .elements = t->rows * t->n};
    m.chunks = p->chunk ? (t->n + p->chunk - 1) / p->chunk : 0;
    if (place_slots(&m, w) != FINE) return NO_MEMORY;
    for (int i = 0; i < p->steps; i++) {
        int fault = run_step(&m, w, &p->step[i]);
        if (fault != FINE) return fault;
        if (m.out_of_range) {
            *wire = i;
            return LEFT_RANGE;
        }
    }
    return FINE;
}

int program_x_type(const struct Program *p) { return p->x_type; }
int program_out_type(const struct Program *p) { return p->out_type; }
int program_out_is_row(const struct Program *p) { return p->out_is_row; }
