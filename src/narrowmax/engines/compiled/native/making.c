/* Memory that is given back all at once, and the one way out. */
#include "making.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 1 << 15, ALIGNED = 16 };

struct Block {
    _Alignas(ALIGNED) struct Block *before;
};

void give_up(struct Making *m, enum Reason reason) { longjmp(m->out, (int)reason); }

/* Blocks double, so that there are few of them however much is wanted. */
static void new_block(struct Making *m, size_t bytes) {
    m->bytes = m->bytes ? 2 * m->bytes : FIRST_BLOCK;
    if (m->bytes < bytes + sizeof(struct Block)) m->bytes = bytes + sizeof(struct Block);
    struct Block *b = malloc(m->bytes);
    if (!b) give_up(m, NO_ROOM);
    b->before = m->blocks;
    m->blocks = b;
    m->next = (char *)(b + 1);
    m->end = (char *)b + m->bytes;
}

void *unset(struct Making *m, size_t bytes) {
    bytes = (bytes + ALIGNED - 1) & ~(size_t)(ALIGNED - 1);
    if ((size_t)(m->end - m->next) < bytes) new_block(m, bytes);
    void *found = m->next;
    m->next += bytes;
    return found;
}

void *fresh(struct Making *m, size_t bytes) { return memset(unset(m, bytes), 0, bytes); }

void *grown(struct Making *m, void *array, int count, int *room, size_t size) {
    if (count < *room) return array;
    if (count >= 1 << 28) give_up(m, NO_ROOM); /* twice as many are more than an int counts */
    *room = count ? 2 * count : 16;
    void *found = fresh(m, (size_t)*room * size);
    if (count) memcpy(found, array, (size_t)count * size);
    return found;
}

struct Mark making_mark(const struct Making *m) { return (struct Mark){m->blocks, m->next, m->end, m->bytes}; }

void making_back(struct Making *m, struct Mark to) {
    while (m->blocks != to.blocks) {
        struct Block *before = m->blocks->before;
        free(m->blocks);
        m->blocks = before;
    }
    m->next = to.next, m->end = to.end, m->bytes = to.bytes;
}

void making_end(struct Making *m) { making_back(m, (struct Mark){0}); }
