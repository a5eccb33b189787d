/* Where temporaries lie in a strip: a place is used again once its value has been read for the last time. */
#include "program.h"

#include <stdlib.h>

enum Life { UNBORN, LIVING, GONE };

struct Lives {
    int *last;            /* of each slot: the step's last instruction that touches it */
    int *next;            /* of a free place: another one of that width */
    unsigned char *state; /* enum Life */
    int free[17];         /* of each width: a slot whose place is free, or -1 */
};

enum { OPERANDS = 6 };

static void operands_of(const struct Instruction *i, int slot[OPERANDS]) {
    slot[0] = i->dst, slot[1] = i->a, slot[2] = i->b, slot[3] = i->c, slot[4] = i->d, slot[5] = i->e;
}

static void find_last(const struct Program *p, const struct Step *step, struct Lives *l) {
    int slot[OPERANDS];
    for (int k = 0; k < step->count; k++) {
        operands_of(&p->instruction[step->first + k], slot);
        for (int j = 0; j < OPERANDS; j++)
            if (slot[j] >= 0) l->last[slot[j]] = k;
    }
}

/* Gives a slot its place; returns where the strip ends now. */
static ptrdiff_t settle(struct Program *p, struct Slot *s, struct Lives *l, ptrdiff_t end) {
    int width = (int)type_size(s->type), free = l->free[width];
    if (s->pinned || free < 0) {
        s->value = end;
        return end + width;
    }
    l->free[width] = l->next[free];
    s->value = p->slot[free].value;
    return end;
}

static ptrdiff_t allocate_step(struct Program *p, const struct Step *step, struct Lives *l) {
    ptrdiff_t end = 0;
    int slot[OPERANDS];
    for (int w = 0; w < 17; w++) l->free[w] = -1;
    find_last(p, step, l);
    for (int k = 0; k < step->count; k++) {
        operands_of(&p->instruction[step->first + k], slot);
        if (slot[0] >= 0 && p->slot[slot[0]].place == PLACE_TEMPORARY && l->state[slot[0]] == UNBORN) {
            end = settle(p, &p->slot[slot[0]], l, end);
            l->state[slot[0]] = LIVING;
        }
        for (int j = 0; j < OPERANDS; j++) {
            int s = slot[j];
            if (s < 0 || l->state[s] != LIVING || l->last[s] != k || p->slot[s].pinned) continue;
            int width = (int)type_size(p->slot[s].type);
            l->state[s] = GONE, l->next[s] = l->free[width], l->free[width] = s;
        }
    }
    return end;
}

int allocate(struct Program *p) {
    size_t slots = (size_t)p->slots + 1;
    struct Lives l = {calloc(slots, sizeof *l.last), calloc(slots, sizeof *l.next), calloc(slots, 1), {0}};
    int fine = l.last && l.next && l.state;
    for (int i = 0; fine && i < p->steps; i++) {
        ptrdiff_t end = allocate_step(p, &p->step[i], &l);
        if (end > p->strip_bytes) p->strip_bytes = end;
    }
    free(l.last);
    free(l.next);
    free(l.state);
    return fine;
}
