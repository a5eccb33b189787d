/* The loops for whatever processor the compiler targets. */
#define ISA base
#include "kernels_all.h"
