/* Many rows through one program, tile by tile. */
#include "drive.h"
#include "machine.h"

enum { LANE_ELEMENTS = 4096, ROW_ELEMENTS = 8192, LANES_LEAST = 64, LANES_MOST = 512 };

ptrdiff_t tile_rows(int layout, ptrdiff_t n) {
    if (layout == ROWS) return n < ROW_ELEMENTS ? ROW_ELEMENTS / n : 1;
    ptrdiff_t rows = LANE_ELEMENTS / n / LANES_LEAST * LANES_LEAST;
    return rows < LANES_LEAST ? LANES_LEAST : rows > LANES_MOST ? LANES_MOST : rows;
}

/* Memory of one tile's arrays. */
struct Buffers {
    char *x, *x_turned, *out, *out_turned;
    uint8_t *present;
};

static int buffers(const struct Drive *d, struct Workspace *w, ptrdiff_t rows, struct Buffers *b) {
    size_t elements = (size_t)(rows * d->n);
    size_t x = aligned(elements * type_size(d->program->x_type)), out = aligned(elements * type_size(d->program->out_type));
    char *memory = workspace_memory(w, 2, 2 * x + 2 * out + aligned(elements));
    if (!memory) return 0;
    *b = (struct Buffers){memory, memory + x, memory + 2 * x, memory + 2 * x + out, (uint8_t *)memory + 2 * (x + out)};
    return 1;
}

static int load(const struct Drive *d, const char *in, ptrdiff_t count, char *x) {
    int type = d->program->x_type, found = 0;
    size_t size = kind_size(d->in_kind);
    static const unsigned char kinds[TYPES] = {KIND_U8, KIND_I8, KIND_U16, KIND_I16, KIND_U32, KIND_I32, KIND_I64, KIND_I64};
    for (ptrdiff_t at = 0; at < count; at += STRIP) {
        ptrdiff_t k = count - at < STRIP ? count - at : STRIP;
        const char *from = in + (size_t)at * size;
        char *to = x + (size_t)at * type_size(type);
        if (d->quantiser)
            found |= d->kernels->move->quantise(from, d->in_kind, k, to, type, d->quantiser);
        else
            d->kernels->move->values(from, I64, k, to, kinds[type], 0);
    }
    return found;
}

static int same_words(int type, int kind) {
    static const unsigned char kinds[TYPES] = {KIND_U8, KIND_I8, KIND_U16, KIND_I16, KIND_U32, KIND_I32, KIND_I64, KINDS};
    return kinds[type] == kind;
}

static void one_tile(const struct Drive *d, struct Workspace *w, ptrdiff_t first, ptrdiff_t rows, struct Buffers *b,
                     struct Outcome *found) {
    const struct Program *p = d->program;
    const struct MoveKernels *move = d->kernels->move;
    ptrdiff_t n = d->n, count = rows * n, results = p->out_is_row ? rows : count;
    int lanes = d->layout == LANES, wire;
    char *out = (char *)d->out + (size_t)(p->out_is_row ? first : first * n) * kind_size(d->out_kind);
    int direct = same_words(p->out_type, d->out_kind) && (!lanes || p->out_is_row);
    struct Tile t = {.layout = d->layout, .rows = rows, .n = n, .x = b->x, .out = direct ? out : b->out};
    found->found |= load(d, (const char *)d->in + (size_t)(first * n) * kind_size(d->in_kind), count, b->x);
    if (d->present) t.present = d->present + first * n;
    if (lanes) {
        move->transpose(b->x_turned, rows, b->x, n, rows, n, (int)type_size(p->x_type));
        t.x = b->x_turned;
        if (d->present) {
            move->transpose(b->present, rows, t.present, n, rows, n, 1);
            t.present = b->present;
        }
    }
    found->fault = vm_run(p, w, d->kernels, &t, &wire);
    if (found->fault != FINE || direct) return;
    const char *codes = b->out;
    if (lanes && !p->out_is_row) {
        move->transpose(b->out_turned, n, b->out, rows, n, rows, (int)type_size(p->out_type));
        codes = b->out_turned;
    }
    found->exact &= move->values(codes, p->out_type, results, out, d->out_kind, d->fraction_bits);
}

struct Outcome drive(const struct Drive *d, struct Workspace *w, ptrdiff_t first, ptrdiff_t last) {
    struct Outcome found = {FINE, 0, 1};
    struct Buffers b;
    ptrdiff_t most = tile_rows(d->layout, d->n);
    if (most > last - first) most = last - first;
    if (!buffers(d, w, most, &b)) return (struct Outcome){NO_MEMORY, 0, 1};
    for (ptrdiff_t r = first; r < last && found.fault == FINE; r += most)
        one_tile(d, w, r, last - r < most ? last - r : most, &b, &found);
    return found;
}
