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

enum {
    WHOLE_VECTORS = 32,  /* rows: a vector of bytes */
    REPEATED = STRIP * 8 /* bytes of one value of each row, repeated for a strip */
};

/* A run of a tile's positions, of elements or of chunks. */
struct Strip {
    ptrdiff_t first, positions, at, count; /* at, count: in elements */
};

/* -- instructions that know of rows --------------------------------------------------------------- */

static void copy_rows(char *dst, const char *row, size_t bytes, ptrdiff_t times) {
    for (ptrdiff_t i = 0; i < times; i++) memcpy(dst + (size_t)i * bytes, row, bytes);
}

/* A value of each row or chunk, for each of a strip's elements.
 * What a row repeats is the same in every strip: its place is its own, and is filled once. */
static void spread(struct Machine *m, const struct Instruction *i, const struct Strip *s) {
    const struct Program *p = m->program;
    size_t bytes = type_size(i->type) * (size_t)m->tile->rows;
    char *dst = m->base[i->dst];
    const char *src = m->base[i->a];
    if (p->slot[i->a].place != PLACE_CHUNK) {
        if (s->first == 0) copy_rows(dst, src, bytes, s->positions);
        return;
    }
    for (ptrdiff_t from = s->first, end = from + s->positions; from < end;) {
        ptrdiff_t chunk = from / p->chunk, until = (chunk + 1) * p->chunk < end ? (chunk + 1) * p->chunk : end;
        copy_rows(dst + (size_t)(from - s->first) * bytes, src + (size_t)chunk * bytes, bytes, until - from);
        from = until;
    }
}

static void reduce(struct Machine *m, const struct Instruction *i, const struct Strip *s) {
    const struct Program *p = m->program;
    const struct Slot *to = &p->slot[i->dst];
    Reduce *loop = m->loops->reduce[i->operation - REDUCE_SUM][i->type][to->type];
    const char *src = m->base[i->a] + s->at * m->advance[i->a];
    ptrdiff_t rows = m->tile->rows;
    if (to->place != PLACE_CHUNK) {
        int known = m->tile->falling && i->operation == REDUCE_LARGEST && p->slot[i->a].place == PLACE_INPUT;
        if (!known || s->first == 0) loop(m->base[i->dst], src, known ? 1 : s->positions, rows);
        return;
    }
    for (ptrdiff_t from = s->first, end = from + s->positions; from < end;) {
        ptrdiff_t chunk = from / p->chunk, until = (chunk + 1) * p->chunk < end ? (chunk + 1) * p->chunk : end;
        loop(m->base[i->dst] + (size_t)(chunk * rows) * type_size(to->type),
             src + (size_t)((from - s->first) * rows) * type_size(i->type), until - from, rows);
        from = until;
    }
}

static void positions(struct Machine *m, const struct Instruction *i, const struct Strip *s) {
    size_t size = type_size(i->type);
    char *dst = m->base[i->dst] + s->at * m->advance[i->dst];
    for (ptrdiff_t k = 0; k < s->count; k++) {
        int64_t place[2] = {(s->at + k) / m->tile->rows, 0}; /* of 128 bits where max_n is beyond 64 */
        memcpy(dst + (size_t)k * size, place, size);
    }
}

static void length(struct Machine *m, const struct Instruction *i) {
    int64_t n[2] = {m->tile->n, 0};
    size_t size = type_size(i->type);
    for (ptrdiff_t r = 0; r < m->tile->rows; r++) memcpy(m->base[i->dst] + (size_t)r * size, n, size);
}

/* The values of rows repeat in lanes.  Where the rows of a tile fill no whole vectors, they are repeated first. */
static void finish(struct Machine *m, const struct Instruction *i, const struct Strip *s) {
    const int arithmetic = i->type / TYPES, given[4] = {i->b, i->c, i->d, i->e};
    ptrdiff_t rows = m->tile->rows, period = rows % WHOLE_VECTORS ? s->count : rows;
    size_t bytes = type_size(arithmetic) * (size_t)rows;
    const void *values[4];
    for (int k = 0; k < 4; k++) {
        values[k] = given[k] < 0 ? NULL : m->base[given[k]];
        if (period == rows || given[k] < 0) continue;
        copy_rows(m->repeated + k * REPEATED, values[k], bytes, s->positions);
        values[k] = m->repeated + k * REPEATED;
    }
    int from = finish_width(i->type % TYPES), by = finish_arithmetic(arithmetic);
    int to = finish_width(m->program->slot[i->dst].type);
    m->loops->finish[i->operation - FINISH][from][by][to](m->base[i->dst] + s->at * m->advance[i->dst],
                                                          m->base[i->a] + s->at * m->advance[i->a], values, i->imm,
                                                          s->count, period);
}

/* Arithmetic leaves the memory idle: a little of the next tile is fetched with every instruction. */
static void look_ahead(struct Machine *m) {
    const char *end = m->ahead + m->ahead_bytes < m->tile->ahead_end ? m->ahead + m->ahead_bytes : m->tile->ahead_end;
    for (; m->ahead < end; m->ahead += LINE) __builtin_prefetch(m->ahead, 0, 2);
    end = m->written + m->written_bytes < m->tile->written_end ? m->written + m->written_bytes : m->tile->written_end;
    for (; m->written < end; m->written += LINE) __builtin_prefetch(m->written, 1, 2);
}

static void run_on_strip(struct Machine *m, const struct Step *step, const struct Strip *s) {
    const struct Instruction *i = m->program->instruction + step->first;
    for (const struct Instruction *end = i + step->count; i < end; i++) {
        look_ahead(m);
        switch (i->operation) {
            case FINISH + SCALE: case FINISH + SCALE_EVEN: case FINISH + SCALE_HIGH:
            case FINISH + SCALE_HIGH_EVEN: case FINISH + QUOTIENT:
                finish(m, i, s);
                break;
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

/* Strip by strip: of elements, or of chunks, which lie as elements do in a row of as many as there are chunks. */
static void run_positions(struct Machine *m, const struct Step *step, ptrdiff_t positions) {
    ptrdiff_t rows = m->tile->rows, most = STRIP / rows;
    begin_reductions(m, step);
    for (ptrdiff_t p = 0; p < positions; p += most) {
        ptrdiff_t k = positions - p < most ? positions - p : most;
        run_on_strip(m, step, &(struct Strip){p, k, p * rows, k * rows});
    }
}

static int run_step(struct Machine *m, struct Workspace *w, const struct Step *step) {
    switch (step->kind) {
        case ELEMENTS: run_positions(m, step, m->tile->n); return FINE;
        case CHUNKS: run_positions(m, step, m->chunks); return FINE;
        case ROW_STEP: run_on_strip(m, step, &(struct Strip){0, 1, 0, m->tile->rows}); return FINE;
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
    char *memory = workspace_memory(w, 0, pointers + strip + carried + chunk + row + 4 * REPEATED);
    if (!memory) return NO_MEMORY;
    m->base = (char **)memory;
    m->advance = (unsigned char *)(m->base + p->slots);
    at.strip = memory + pointers;
    at.carried = at.strip + strip;
    at.chunk = at.carried + carried;
    at.row = at.chunk + chunk;
    m->repeated = at.row + row;
    for (int i = 0; i < p->slots; i++) place_slot(m, i, &at);
    return FINE;
}

/* Bytes to ask for with each instruction, in whole lines, so that all are by the end. */
static ptrdiff_t of_each_instruction(const struct Machine *m, ptrdiff_t bytes) {
    ptrdiff_t strips = (m->elements + STRIP - 1) / STRIP, runs = 1;
    if (bytes == 0) return 0;
    for (int i = 0; i < m->program->steps; i++)
        if (m->program->step[i].kind == ELEMENTS) runs += strips * m->program->step[i].count;
    return (bytes / runs + LINE - 1) / LINE * LINE;
}

int vm_run(const struct Program *p, struct Workspace *w, const struct Kernels *k, const struct Tile *t, int *wire) {
    struct Machine m = {.program = p, .loops = k->flat, .tile = t, .elements = t->rows * t->n};
    m.chunks = p->chunk ? (t->n + p->chunk - 1) / p->chunk : 0;
    if (place_slots(&m, w) != FINE) return NO_MEMORY;
    m.ahead = t->ahead, m.written = t->written;
    m.ahead_bytes = of_each_instruction(&m, t->ahead_end - t->ahead);
    m.written_bytes = of_each_instruction(&m, t->written_end - t->written);
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
