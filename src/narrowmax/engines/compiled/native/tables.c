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

/* Entry i of words, cut to a type, into a table. */
static void write_words(void *table, const int64_t *words, int count, int type) {
    switch (type_size(type)) {
#define CASE(T)                                                              \
    case sizeof(T):                                                          \
        for (int i = 0; i < count; i++) ((T *)table)[i] = (T)words[i];       \
        break;
        CASE(uint8_t) CASE(uint16_t) CASE(uint32_t) CASE(uint64_t) CASE(int128)
#undef CASE
    }
}

int slot_of_words(struct Assembler *out, const int64_t *words, int count, int type) {
    int slot = table_slot(out, count, count, type);
    write_words(out->program->slot[slot].fixed, words, count, type);
    return slot;
}

/* A table with at least its own entries, zeros behind them. */
int slot_of_table(struct Assembler *out, const struct Table *t, int entries, int type) {
    int slot = table_slot(out, entries, t->count, type);
    void *table = out->program->slot[slot].fixed;
    write_words(table, t->low, t->count, type);
    if (type == I128 && t->high)
        for (int i = 0; i < t->count; i++) ((uint128 *)table)[i] = (uint128)(uint64_t)t->high[i] << 64 | (uint64_t)t->low[i];
    return slot;
}
