/* What the making of a program stands on: memory that is given back all at once, and one way out where it ends early.
 *
 * Everything between a drawing and its program lies in an arena.  Whatever goes wrong leaves by `give_up`, from any
 * depth, to whoever began; so nothing on the way has to look after what others hold.
 */
#ifndef NARROWMAX_MAKING_H
#define NARROWMAX_MAKING_H

#include <setjmp.h>

#include "types.h"

enum Reason {
    MADE,
    NO_ROOM,  /* no memory */
    TOO_WIDE, /* a value needs more than 127 bits and a sign */
    RAISED,   /* a Python error is set */
};

struct Making {
    jmp_buf out; /* set by whoever begins */
    struct Block *blocks;
    char *next, *end; /* what is left of the newest block */
    size_t bytes;     /* of that block */
};

_Noreturn void give_up(struct Making *, enum Reason);

/* Memory until `making_end`: as it is, or zeroed. */
void *unset(struct Making *, size_t bytes);
void *fresh(struct Making *, size_t bytes);
#define FRESH(making, T, count) ((T *)fresh(making, sizeof(T) * (size_t)(count)))

/* An array of `count` things with room for one more: itself, or one of twice the size with the same in it. */
void *grown(struct Making *, void *array, int count, int *room, size_t size);

void making_end(struct Making *);

/* What was taken since a mark is given back alone. */
struct Mark {
    struct Block *blocks;
    char *next, *end;
    size_t bytes;
};

struct Mark making_mark(const struct Making *);
void making_back(struct Making *, struct Mark);

/* Ends early where a signal's handler raised, as that of Ctrl-C does: for whatever may take long; make.c. */
void heed(struct Making *);

#endif
