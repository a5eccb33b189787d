/* Reading a program. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

static void *filled(int type, int64_t low, int64_t high) {
    size_t size = type_size(type), bytes = STRIP * size;
    char *strip = malloc(bytes);
    int64_t value[2] = {low, high}; /* little endian, as every machine this is built for */
    if (!strip) return NULL;
    memcpy(strip, value, size);
    for (size_t done = size; done < bytes; done *= 2) memcpy(strip + done, strip, done);
    return strip;
}

static int read_slots(struct Program *p, const struct ProgramText *text) {
    for (int i = 0; i < p->slots; i++) {
        const int64_t *t = text->slot + SLOT_WORDS * i;
        struct Slot *s = &p->slot[i];
        *s = (struct Slot){(int)t[0], (int)t[1], t[0] == PLACE_TEMPORARY && t[3], t[2], NULL};
        if (s->place == PLACE_CONSTANT && !(s->fixed = filled(s->type, t[2], t[3]))) return 0;
        if (s->place == PLACE_TABLE) s->fixed = (void *)text->table[s->value];
        if (s->place == PLACE_INPUT) p->x_type = s->type;
    }
    return 1;
}

static void read_instructions(struct Program *p, const struct ProgramText *text) {
    for (int i = 0; i < p->instructions; i++) {
        const int64_t *t = text->instruction + INSTRUCTION_WORDS * i;
        p->instruction[i] = (struct Instruction){(int)t[0], (int)t[1], (int)t[2], (int)t[4], (int)t[5],
                                                 (int)t[6], (int)t[7], (int)t[8], t[3]};
    }
}

static void read_steps(struct Program *p, const struct ProgramText *text) {
    int first = 0;
    const int64_t *more = p->more;
    if (text->mores) memcpy(p->more, text->more, (size_t)text->mores * sizeof *p->more);
    for (int i = 0; i < p->steps; i++) {
        const int64_t *t = text->step + STEP_WORDS * i;
        p->step[i] = (struct Step){(int)t[0], first, (int)t[1], more};
        first += (int)t[1], more += t[2];
    }
}

static void read_meta(struct Program *p, const int64_t *meta) {
    p->carried_bytes = meta[0], p->chunk_bytes = meta[1], p->row_bytes = meta[2];
    p->chunk = meta[3], p->max_n = meta[4];
    p->out_slot = (int)meta[5];
    p->out_type = p->slot[p->out_slot].type;
    p->out_is_row = p->slot[p->out_slot].place == PLACE_ROW_OUTPUT;
}

struct Program *program_new(const struct ProgramText *text) {
    struct Program *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->slots = (int)text->slots, p->instructions = (int)text->instructions, p->steps = (int)text->steps;
    p->x_type = U8; /* of a drawing that does not look at x */
    p->slot = calloc((size_t)p->slots + 1, sizeof *p->slot);
    p->instruction = calloc((size_t)p->instructions + 1, sizeof *p->instruction);
    p->step = calloc((size_t)p->steps + 1, sizeof *p->step);
    p->more = calloc((size_t)text->mores + 1, sizeof *p->more);
    if (!p->slot || !p->instruction || !p->step || !p->more || !read_slots(p, text)) {
        program_free(p);
        return NULL;
    }
    read_instructions(p, text);
    read_steps(p, text);
    read_meta(p, text->meta);
    if (allocate(p)) return p;
    program_free(p);
    return NULL;
}

void program_free(struct Program *p) {
    if (!p) return;
    for (int i = 0; p->slot && i < p->slots; i++)
        if (p->slot[i].place == PLACE_CONSTANT) free(p->slot[i].fixed);
    free(p->slot);
    free(p->instruction);
    free(p->step);
    free(p->more);
    free(p);
}
