/* Tables as programs hold them: entries in words of a type. */
#include "lowering.h"

#include <stdlib.h>
#include <string.h>

/* Words for so many entries, with room behind them for loads that are wider than a word, or hold a register's worth. */
static size_t room_for(int count, int type) {
    if (type == I128) return (size_t)count;
    if (count > 512) return (size_t)count + 8;
    size_t room = 64;
    while (room < (size_t)count) room *= 2;
    return room;
}

/* Room for `count` entries, of which those from `written` on are zeros. */
static int table_slot(struct Assembler *out, int count, int written, int type) {
    size_t bytes = room_for(count, type) * type_size(type), own = (size_t)written * type_size(type);
    char *memory = malloc(bytes);
    if (!memory) give_up(out->making, NO_ROOM);
    memset(memory + own, 0, bytes - own);
    int slot = new_slot(out, PLACE_TEMPORARY, type); /* until its memory is its own */
    struct Slot *s = &out->program->slot[slot];
    s->place = PLACE_TABLE, s->value = (int64_t)bytes, s->fixed = memory;
    return slot;
}

int slot_of_entries(struct Lowering *l, const struct Entries *e, int type) {
    int slot = table_slot(l->out, e->count, e->count, type);
    l->loops->flat[cast_to(type_size(type))][e->type](l->out->program->slot[slot].fixed, e->values, NULL, NULL, 0, e->count);
    return slot;
}

/* A table with at least its own entries, zeros behind them. */
int slot_of_table(struct Lowering *l, const struct Table *t, int entries, int type) {
    int slot = table_slot(l->out, entries, t->count, type);
    void *table = l->out->program->slot[slot].fixed;
    l->loops->flat[cast_to(type_size(type))][I64](table, t->low, NULL, NULL, 0, t->count);
    if (type == I128 && t->high)
        for (int i = 0; i < t->count; i++) ((uint128 *)table)[i] = (uint128)(uint64_t)t->high[i] << 64 | (uint64_t)t->low[i];
    return slot;
}
