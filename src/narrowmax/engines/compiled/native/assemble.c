/* Slots, steps and instructions of one program. */
#include "lowering.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_HELD = 64 };

/* A slot that always holds an integer, as it is cut to a width. */
struct Held {
    int128 value;
    int width; /* 0: a free place */
    int slot;
};

struct Assembler *assembler_new(struct Making *m, struct Program *p) {
    struct Assembler *out = FRESH(m, struct Assembler, 1);
    out->making = m, out->program = p;
    out->places = FIRST_HELD, out->held = FRESH(m, struct Held, out->places);
    return out;
}

/* -- slots ---------------------------------------------------------------------------------------- */

static struct Slot *append(struct Assembler *out, struct Slot slot) {
    struct Program *p = out->program;
    if (p->slots == out->room) {
        int room = out->room ? 2 * out->room : 64;
        struct Slot *longer = realloc(p->slot, (size_t)room * sizeof *longer);
        if (!longer) give_up(out->making, NO_ROOM);
        p->slot = longer, out->room = room;
    }
    p->slot[p->slots] = slot;
    return &p->slot[p->slots++];
}

static int64_t taken(ptrdiff_t *size, int type) {
    int64_t at = *size;
    *size += (ptrdiff_t)type_size(type);
    return at;
}

int new_slot(struct Assembler *out, int place, int type) {
    struct Program *p = out->program;
    struct Slot s = {.place = place, .type = type};
    if (place == PLACE_CARRIED) s.value = taken(&p->carried_bytes, type);
    if (place == PLACE_CHUNK) s.value = taken(&p->chunk_bytes, type);
    if (place == PLACE_ROW) s.value = taken(&p->row_bytes, type);
    append(out, s);
    return p->slots - 1;
}

int pinned_slot(struct Assembler *out, int type) {
    append(out, (struct Slot){.place = PLACE_TEMPORARY, .type = type, .pinned = 1});
    return out->program->slots - 1;
}

static void *filled(struct Making *m, int type, int128 value) {
    size_t size = type_size(type), bytes = STRIP * size;
    char *strip = malloc(bytes);
    if (!strip) give_up(m, NO_ROOM);
    memcpy(strip, &value, size); /* little endian, as every machine this is built for */
    for (size_t done = size; done < bytes; done *= 2) memcpy(strip + done, strip, done);
    return strip;
}

static struct Held *place_held(struct Held *held, int places, int128 value, size_t width) {
    uint64_t at = ((uint64_t)value ^ (uint64_t)((uint128)value >> 64)) * 0x9e3779b97f4a7c15u + width;
    for (at ^= at >> 32;; at++) {
        struct Held *h = &held[at & (uint64_t)(places - 1)];
        if (!h->width || (h->value == value && (size_t)h->width == width)) return h;
    }
}

static void make_room(struct Assembler *out) {
    struct Held *longer = FRESH(out->making, struct Held, 2 * out->places);
    for (int i = 0; i < out->places; i++) {
        const struct Held *h = &out->held[i];
        if (h->width) *place_held(longer, 2 * out->places, h->value, (size_t)h->width) = *h;
    }
    out->held = longer, out->places *= 2;
}

int held_slot(struct Assembler *out, int128 value, size_t width) {
    if (2 * out->count >= out->places) make_room(out);
    struct Held *h = place_held(out->held, out->places, value, width);
    if (!h->width) {
        int type = unsigned_of(width);
        struct Slot *s = append(out, (struct Slot){.place = PLACE_CONSTANT, .type = type});
        s->fixed = filled(out->making, type, value);
        *h = (struct Held){value, (int)width, out->program->slots - 1};
        out->count++;
    }
    return h->slot;
}

/* -- steps ---------------------------------------------------------------------------------------- */

struct Draft *new_draft(struct Assembler *out, int stage, int order, int kind) {
    struct Draft *d = FRESH(out->making, struct Draft, 1);
    d->stage = stage, d->order = order, d->kind = kind;
    return d;
}

void emit_instruction(struct Assembler *out, struct Draft *d, struct Instruction i) {
    d->instruction = grown(out->making, d->instruction, d->count, &d->room, sizeof i);
    d->instruction[d->count++] = i;
}

static int in_order(const void *a, const void *b) {
    const struct Draft *one = *(struct Draft *const *)a, *other = *(struct Draft *const *)b;
    int stages = (one->stage > other->stage) - (one->stage < other->stage);
    return stages ? stages : (one->order > other->order) - (one->order < other->order);
}

static void count_all(struct Assembler *out, size_t *instructions, size_t *mores) {
    for (int i = 0; i < out->drafts; i++) {
        *instructions += (size_t)out->draft[i]->count;
        *mores += (size_t)out->draft[i]->mores;
    }
}

/* No array is of no bytes: where nothing is copied, nothing is null either. */
static void make_steps(struct Assembler *out) {
    struct Program *p = out->program;
    size_t instructions = 0, mores = 0;
    count_all(out, &instructions, &mores);
    p->step = calloc((size_t)out->drafts + 1, sizeof *p->step);
    p->instruction = calloc(instructions + 1, sizeof *p->instruction);
    p->more = calloc(mores + 1, sizeof *p->more);
    if (!p->step || !p->instruction || !p->more) give_up(out->making, NO_ROOM);
}

void assemble(struct Assembler *out) {
    struct Program *p = out->program;
    int64_t *more;
    qsort(out->draft, (size_t)out->drafts, sizeof *out->draft, in_order);
    make_steps(out);
    more = p->more;
    for (int i = 0; i < out->drafts; i++) {
        const struct Draft *d = out->draft[i];
        p->step[p->steps++] = (struct Step){d->kind, p->instructions, d->count, d->mores, more};
        if (d->count) memcpy(p->instruction + p->instructions, d->instruction, (size_t)d->count * sizeof *d->instruction);
        if (d->mores) memcpy(more, d->more, (size_t)d->mores * sizeof *more);
        p->instructions += d->count, more += d->mores;
    }
}
