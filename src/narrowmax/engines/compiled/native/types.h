/* The integer types in which wires are held, and the few words that every file here shares. */
#ifndef NARROWMAX_TYPES_H
#define NARROWMAX_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef __int128 int128;
typedef unsigned __int128 uint128;

/* In the order of engines/compiled/types.py. */
enum Type { U8, I8, U16, I16, U32, I32, I64, I128, TYPES };

static inline size_t type_size(int type) {
    static const unsigned char sizes[TYPES] = {1, 1, 2, 2, 4, 4, 8, 16};
    return sizes[type];
}

#endif
