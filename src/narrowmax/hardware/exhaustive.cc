// Sweeps blocks through given inputs: one 64-bit word for each block's inputs, the words that a
// block's outputs need, one clock edge a step.  The build sets OUT_WORDS and IN_WORDS.

#include <cstdint>
#include <cstring>
#include <memory>
#include "Vunit.h"
#include "stops.h"
#ifdef PLANTED
#include "Vunit_narrowmax_planted.h"
#endif

EXPORTED void nm_sweep(const uint64_t* inputs, uint64_t* outputs, int64_t steps, int64_t fault) {
    VerilatedContext context;
    context.randReset(2);
    context.randSeed(1);
    auto unit = std::make_unique<Vunit>(&context, "unit");
#ifdef PLANTED
    unit->__PVT__narrowmax_planted->chosen = uint32_t(fault);
#else
    (void)fault;
#endif
    unit->aclk = 0;
    for (int64_t step = 0; step < steps; ++step) {
        std::memcpy(&unit->in, inputs + step * IN_WORDS, IN_WORDS * 8);
        unit->eval();
        std::memcpy(outputs + step * OUT_WORDS, &unit->out, OUT_WORDS * 8);
        unit->aclk = 1;
        unit->eval();
        unit->aclk = 0;
    }
    unit->final();
}
