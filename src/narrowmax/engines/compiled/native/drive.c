/* Many rows through one program, tile by tile. */
#include "drive.h"
#include "machine.h"

/* A tile has 64 rows, more where they are short: instructions then work on as many values at a time as pay; fewer
 * where they are long: then all that a tile needs lies in the second cache. */
enum { TILE = 4096, LEAST_ROWS = 64, MOST_ROWS = 512, LONG = 1536, BLOCK = 512 };

ptrdiff_t tile_rows(ptrdiff_t n) {
    ptrdiff_t rows = TILE / n / LEAST_ROWS * LEAST_ROWS, least = n < LONG ? LEAST_ROWS : LEAST_ROWS / 2;
    return rows < least ? least : rows > MOST_ROWS ? MOST_ROWS : rows;
}

static const unsigned char kind_of_type[TYPES] = {KIND_U8,  KIND_I8,  KIND_U16, KIND_I16,
                                                  KIND_U32, KIND_I32, KIND_I64, KINDS};

/* Memory of one tile's arrays. */
struct Buffers {
    char *read, *x, *out, *turned;
    uint8_t *present;
    ptrdiff_t block; /* elements of a row that are turned at a time */
    ptrdiff_t pitch; /* elements from row to row of `read` and `turned` */
};

/* Rows that lie a power of two apart collide in the cache: they are copied to lie otherwise, a block at a time, which stays
 * in the nearest cache. */
static void set_pitch(struct Buffers *b, ptrdiff_t n) {
    int collide = n >= 256 && n % 256 < 64;
    b->block = collide && n > BLOCK ? BLOCK : n;
    b->pitch = collide ? b->block + 64 : n;
}

static int buffers(const struct Drive *d, struct Workspace *w, ptrdiff_t rows, struct Buffers *b) {
    size_t elements = (size_t)(rows * d->n), size = type_size(d->program->x_type);
    size_t out_size = type_size(d->program->out_type);
    set_pitch(b, d->n);
    size_t turned = aligned((size_t)(rows * b->pitch) * out_size), out = aligned(elements * out_size);
    size_t read = aligned((size_t)(rows * b->pitch) * size), x = aligned(elements * size);
    char *memory = workspace_memory(w, 2, read + x + out + turned + aligned(elements));
    if (!memory) return 0;
    b->read = memory, b->x = b->read + read, b->out = b->x + x, b->turned = b->out + out;
    b->present = (uint8_t *)b->turned + turned;
    return 1;
}

/* Values to codes.  Meanwhile most of the next tile is fetched, as the steps of the program fetch the rest: see vm.c. */
static int quantise(const struct Drive *d, const char *from, ptrdiff_t count, char *to, struct Tile *t) {
    int type = d->program->x_type, found = 0;
    size_t in_size = kind_size(d->in_kind), size = type_size(type);
    for (ptrdiff_t at = 0; at < count; at += STRIP) {
        ptrdiff_t some = count - at < STRIP ? count - at : STRIP, bytes = some * (ptrdiff_t)in_size * 5 / 8;
        found |= d->kernels->move->quantise(from + (size_t)at * in_size, d->in_kind, some, to + (size_t)at * size, type,
                                            d->quantiser);
        const char *end = t->ahead_end - t->ahead < bytes ? t->ahead_end : t->ahead + bytes;
        for (; t->ahead < end; t->ahead += LINE) __builtin_prefetch(t->ahead, 0, 2);
    }
    return found;
}

/* Values or codes of `rows` rows, as codes in lanes. */
static int load(const struct Drive *d, ptrdiff_t first, ptrdiff_t rows, const struct Buffers *b, struct Tile *t) {
    const struct MoveKernels *move = d->kernels->move;
    int type = d->program->x_type, found = 0;
    size_t in_size = kind_size(d->in_kind), size = type_size(type);
    ptrdiff_t parts = b->pitch == d->n ? 1 : rows; /* all rows at once, where they touch */
    for (ptrdiff_t at = 0; at < d->n; at += b->block) {
        ptrdiff_t width = d->n - at < b->block ? d->n - at : b->block, count = width * rows / parts;
        for (ptrdiff_t r = 0; r < parts; r++) {
            const char *from = (const char *)d->in + (size_t)((first + r) * d->n + at) * in_size;
            char *to = b->read + (size_t)(r * b->pitch) * size;
            if (d->quantiser)
                found |= quantise(d, from, count, to, t);
            else
                move->values(from, I64, count, to, kind_of_type[type], 0);
        }
        move->transpose(b->x + (size_t)(at * rows) * size, rows, b->read, b->pitch, rows, width, (int)size);
    }
    return found;
}

/* Codes in lanes, as rows of what is wanted. */
static void store(const struct Drive *d, char *out, ptrdiff_t rows, const struct Buffers *b, struct Outcome *found) {
    const struct MoveKernels *move = d->kernels->move;
    int type = d->program->out_type, touch = b->pitch == d->n, same = kind_of_type[type] == d->out_kind && touch;
    size_t size = type_size(type), kind = kind_size(d->out_kind);
    ptrdiff_t parts = touch ? 1 : rows;
    for (ptrdiff_t at = 0; at < d->n; at += b->block) {
        ptrdiff_t width = d->n - at < b->block ? d->n - at : b->block, count = width * rows / parts;
        const char *from = b->out + (size_t)(at * rows) * size;
        move->transpose(same ? out : b->turned, b->pitch, from, rows, width, rows, (int)size);
        for (ptrdiff_t r = 0; !same && r < parts; r++)
            found->exact &= move->values(b->turned + (size_t)(r * b->pitch) * size, type, count,
                                         out + (size_t)(r * d->n + at) * kind, d->out_kind, d->fraction_bits);
    }
}

static void one_tile(const struct Drive *d, struct Workspace *w, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t next,
                     const struct Buffers *b, struct Outcome *found) {
    const struct Program *p = d->program;
    const struct MoveKernels *move = d->kernels->move;
    ptrdiff_t n = d->n;
    int wire;
    char *out = (char *)d->out + (size_t)(p->out_is_row ? first : first * n) * kind_size(d->out_kind);
    struct Tile t = {.rows = rows, .n = n, .x = b->x, .out = b->out};
    t.ahead = (const char *)d->in + (size_t)((first + rows) * n) * kind_size(d->in_kind);
    t.ahead_end = t.ahead + (size_t)(next * n) * kind_size(d->in_kind);
    t.written = out;
    t.written_end = out + (size_t)(p->out_is_row ? rows : rows * n) * kind_size(d->out_kind);
    found->found |= load(d, first, rows, b, &t);
    if (d->present) {
        move->transpose(b->present, rows, d->present + first * n, n, rows, n, 1);
        t.present = b->present;
    }
    found->fault = vm_run(p, w, d->kernels, &t, &wire);
    if (found->fault != FINE) return;
    if (p->out_is_row) {
        found->exact &= move->values(b->out, p->out_type, rows, out, d->out_kind, d->fraction_bits);
        return;
    }
    store(d, out, rows, b, found);
}

struct Outcome drive(const struct Drive *d, struct Workspace *w, ptrdiff_t first, ptrdiff_t last) {
    struct Outcome found = {FINE, 0, 1};
    struct Buffers b;
    ptrdiff_t most = tile_rows(d->n);
    if (first == last) return found;
    if (most > last - first) most = last - first;
    if (!buffers(d, w, most, &b)) return (struct Outcome){NO_MEMORY, 0, 1};
    for (ptrdiff_t r = first; r < last && found.fault == FINE; r += most) {
        ptrdiff_t rows = last - r < most ? last - r : most, left = last - r - rows;
        one_tile(d, w, r, rows, left < most ? left : most, &b, &found);
    }
    return found;
}
