/* A table of things, whose places are tried one after the other. */
#include "memo.h"

struct Remembered {
    const void *thing; /* NULL: a free place */
    uintptr_t more;
    int number;
};

enum { LEAST_PLACES = 16 };

static struct Remembered *home_of(const struct Memo *m, const void *thing, uintptr_t more) {
    uint64_t at = ((uint64_t)(uintptr_t)thing ^ (uint64_t)more * 0xff51afd7ed558ccdu) * 0x9e3779b97f4a7c15u >> 32;
    for (;; at++) {
        struct Remembered *place = &m->place[at & (uint64_t)(m->places - 1)];
        if (!place->thing || (place->thing == thing && place->more == more)) return place;
    }
}

static void set_places(struct Memo *m, int places) {
    m->places = places, m->place = FRESH(m->making, struct Remembered, places);
}

struct Memo memo_for(struct Making *making, int count) {
    struct Memo m = {.making = making};
    int places = LEAST_PLACES;
    while (places < 2 * count) places *= 2;
    set_places(&m, places);
    return m;
}

static void make_room(struct Memo *m) {
    struct Memo before = *m;
    if (m->places > 1 << 28) give_up(m->making, NO_ROOM); /* twice as many are more than an int counts */
    set_places(m, 2 * m->places);
    for (int i = 0; i < before.places; i++)
        if (before.place[i].thing) *home_of(m, before.place[i].thing, before.place[i].more) = before.place[i];
}

int *number_of(struct Memo *m, const void *thing, uintptr_t more) {
    if (2 * m->count > m->places) make_room(m);
    struct Remembered *found = home_of(m, thing, more);
    if (!found->thing) {
        *found = (struct Remembered){thing, more, -1};
        m->count++;
    }
    return &found->number;
}
