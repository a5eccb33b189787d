/* Numbers by what they are of: a pointer, or a pointer and a word. */
#ifndef NARROWMAX_MEMO_H
#define NARROWMAX_MEMO_H

#include "making.h"

struct Memo {
    struct Making *making;
    struct Remembered *place; /* NULL: nothing was remembered */
    int count, places;
};

/* For about so many. */
struct Memo memo_for(struct Making *, int count);

/* The number of a thing, until the next is asked for: -1 of a new one. */
int *number_of(struct Memo *, const void *thing, uintptr_t more);

#endif
