/* Everything that is compiled once for each instruction set. */
#include "isa.h"
#include "kernels.h"
#include "types.h"

#include "flat_loops.h"
#include "metric_loops.h"
#include "move_loops.h"

#define NM_TEXT_(name) #name
#define NM_TEXT(name) NM_TEXT_(name)
const struct Kernels NM(kernels) = {NM_TEXT(ISA), &NM(flat), &NM(move), &NM(metric)};
