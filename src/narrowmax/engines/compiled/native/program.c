/* What a program holds, given back. */
#include "program.h"

#include <stdlib.h>

void program_free(struct Program *p) {
    if (!p) return;
    for (int i = 0; i < p->slots; i++) free(p->slot[i].fixed);
    free(p->slot);
    free(p->instruction);
    free(p->step);
    free(p->more);
    free(p);
}

int program_reads(const struct Program *p, enum Place place) {
    for (int i = 0; i < p->slots; i++)
        if (p->slot[i].place == (int)place) return 1;
    return 0;
}
