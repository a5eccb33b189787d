// Drives a Verilated unit from buffers and watches the rules of its two AXI4-Streams.
//
// The build sets: LANES, IN_BYTES, OUT_BYTES, MAX_N, ROW_RATE (1: one beat a row), and where wanted
// PROBES (values watched) and PLANTED (the unit has faults to choose from).  One call of `nm_run` simulates a fresh unit: power-up, perhaps a row
// cut short by a reset, reset, all rows, and the quiet after the last one.
//
// A cycle: inputs change while the clock is low, outputs are read, the clock rises.

#include <cstdint>
#include <cstring>
#include <memory>
#include "Vunit.h"
#include "stops.h"
#ifdef PLANTED
#include "Vunit_narrowmax_planted.h"
#endif

enum Error {
    FINE = 0,
    HANG,              // nothing accepted or delivered for `patience` cycles
    VALID_DROPPED,     // tvalid fell before tready took the beat
    DATA_UNSTABLE,     // tdata, tkeep or tlast changed while a beat waited
    KEEP_UNSTABLE,
    LAST_UNSTABLE,
    KEEP_WRONG,
    LAST_WRONG,
    NO_INPUT,          // a row came out before its first beat went in
    AFTER_END,         // a beat came out after the last row
    VALID_IN_RESET,
    READY_IN_RESET,    // a beat offered then would be lost
    FLAG_EARLY,        // row_too_long without such a row
    FLAG_MISSING,
    COMBINATIONAL,     // an output moved with an input, between two clock edges
    ASSERTION,         // an assertion in the Verilog failed, or it stopped by itself
};

// The same fields, in the same order, as `Job` in cosimulation.py.
struct Job {
    int64_t rows;
    const int64_t* lengths;      // elements of each row, >= 1
    const uint8_t* elements;     // IN_BYTES each, little-endian, rows one after the other
    const uint8_t* present;      // one byte an element
    uint8_t* outputs;            // OUT_BYTES each; rows cut at MAX_N, or one element a row
    int64_t* accepted;           // cycle in which a row's first beat was taken
    int64_t* delivered;          // cycle in which its first output beat was first seen
    int64_t* finished;           // cycle in which its last output beat was taken
    uint64_t seed;
    int64_t stall_in, stall_out; // chance in 256 that a stall begins
    int64_t stall_length;        // longest stall, cycles
    int64_t drain_every;         // after every so many rows wait until all are out; 0 never
    int64_t ready_after_valid;   // 1: tready only once tvalid was seen
    int64_t abort_beats;         // beats taken before a reset in mid-row; -1 for none
    int64_t abort_row;           // the row with which those beats begin
    int64_t patience;            // cycles
    int64_t quiet;               // cycles watched after the last row
    int64_t strict;              // 1: look for paths from input to output
    int64_t fault;
    uint8_t* probe_values;       // PROBES x probe_room x 16 bytes
    int64_t* probe_counts;       // per probe: how many were seen
    int64_t probe_room;
    // what came of it
    int64_t cycles, rows_out, beats_in, error, error_row, error_beat, error_cycle;
};

namespace {

constexpr int IN_WIDTH = LANES * IN_BYTES, OUT_WIDTH = LANES * OUT_BYTES;

template <class Port> uint8_t* bytes(Port& port) { return reinterpret_cast<uint8_t*>(&port); }

// Sets the low `count` bits of a port and clears the others.
template <class Port> void set_low_bits(Port& port, int count) {
    std::memset(bytes(port), 0, sizeof port);
    std::memset(bytes(port), 0xff, count / 8);
    if (count % 8) bytes(port)[count / 8] = uint8_t((1 << count % 8) - 1);
}

template <class Port> bool has_low_bits(Port& port, int count) {
    Port wanted;
    set_low_bits(wanted, count);
    return !std::memcmp(&wanted, &port, sizeof port);
}

struct Random {
    uint64_t state;
    explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 0x1234567u) { next(); }
    uint64_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state * 0x2545F4914F6CDD1Du >> 16;
    }
    bool chance(int64_t of_256) { return of_256 && int64_t(next() & 255) < of_256; }
};

struct Outputs {
    uint8_t data[OUT_WIDTH];
    uint8_t keep[sizeof(Vunit::m_axis_tkeep)];
    bool valid, last;
};

struct Bench {
    Job& job;
    VerilatedContext context;
    std::unique_ptr<Vunit> unit;
    Random random;
    int64_t cycle = 0, last_progress = 0;
    // input side
    int64_t row = 0, element = 0, offset = 0, wait_in = 0;
    bool offered = false;
    // output side
    int64_t row_out = 0, beat_out = 0, wait_out = 0;
    uint8_t* out;
    bool waiting = false, fresh = true, seen_valid = false, too_long = false, was_ready = false;
    Outputs held;

    explicit Bench(Job& j) : job(j), random(j.seed), out(j.outputs) {
        context.randReset(2);
        context.randSeed(int(j.seed & 0x3fffffff) + 1);
        unit = std::make_unique<Vunit>(&context, "unit");
#ifdef PLANTED
        unit->__PVT__narrowmax_planted->chosen = uint32_t(j.fault);
#endif
    }

    bool fail(Error error, int64_t at_row, int64_t beat) {
        if (job.error == FINE) {
            job.error = error;
            job.error_row = at_row;
            job.error_beat = beat;
            job.error_cycle = cycle;
        }
        return false;
    }

    static int64_t cut(int64_t n) { return n < MAX_N ? n : MAX_N; }
    int64_t results(int64_t r) const { return ROW_RATE ? 1 : cut(job.lengths[r]); }

    void edge() {
        unit->aclk = 1;
        unit->eval();
        unit->aclk = 0;
        ++cycle;
    }

    template <class Port> void scramble(Port& port, int used) {
        uint64_t noise = random.next();
        for (int i = 0; i < used; ++i) bytes(port)[i] = uint8_t(noise >> (i % 6) * 8);
    }

    // Reset with inputs that mean nothing; tvalid stays low, as the standard asks of a master.
    bool reset(int64_t cycles) {
        unit->aresetn = 0;
        unit->s_axis_tvalid = 0;
        for (int64_t i = 0; i < cycles; ++i) {
            unit->m_axis_tready = random.next() & 1;
            unit->eval();
            edge();
            unit->eval();
            if (unit->m_axis_tvalid) return fail(VALID_IN_RESET, 0, 0);
            if (unit->s_axis_tready) return fail(READY_IN_RESET, 0, 0);
        }
        unit->aresetn = 1;
        unit->m_axis_tready = 0;
        rewind();
        narrowmax_stopped = false;  // before the reset nothing is promised
        return true;
    }

    void rewind() {
        row = element = offset = wait_in = row_out = beat_out = wait_out = 0;
        offered = waiting = seen_valid = too_long = false;
        fresh = true;
        out = job.outputs;
        last_progress = cycle;
#ifdef PROBES
        std::memset(job.probe_counts, 0, PROBES * sizeof *job.probe_counts);
#endif
    }

    int64_t beat_size() const {
        int64_t left = job.lengths[row] - element;
        return left < LANES ? left : LANES;
    }

    void offer_beat() {
        int64_t size = beat_size();
        const uint8_t* from = job.elements + (offset + element) * IN_BYTES;
        if (size == LANES) {
            std::memcpy(bytes(unit->s_axis_tdata), from, IN_WIDTH);
        } else {
            scramble(unit->s_axis_tdata, IN_WIDTH);
            std::memcpy(bytes(unit->s_axis_tdata), from, size * IN_BYTES);
        }
        set_low_bits(unit->s_axis_tkeep, int(size * IN_BYTES));
        uint64_t user = size == LANES ? 0 : random.next() << size;  // beyond the row it means nothing
        if (LANES < 64) user &= (uint64_t(1) << LANES) - 1;
        for (int64_t i = 0; i < size; ++i)
            user |= uint64_t(job.present[offset + element + i]) << i;
        std::memcpy(bytes(unit->s_axis_tuser), &user, sizeof unit->s_axis_tuser);
        unit->s_axis_tlast = element + size == job.lengths[row];
        unit->s_axis_tvalid = offered = true;
    }

    void withhold() {
        unit->s_axis_tvalid = 0;
        scramble(unit->s_axis_tdata, IN_WIDTH);
        unit->s_axis_tlast = random.next() & 1;
    }

    bool must_drain() const {
        return job.drain_every && element == 0 && row % job.drain_every == 0 && row_out < row;
    }

    void drive_input(bool more) {
        if (offered) return;  // a beat once offered stays until it is taken
        if (wait_in) --wait_in;
        else if (random.chance(job.stall_in)) wait_in = 1 + random.next() % job.stall_length;
        if (wait_in || !more || row >= job.rows || must_drain()) withhold();
        else offer_beat();
    }

    void drive_output() {
        if (wait_out) --wait_out;
        else if (random.chance(job.stall_out)) wait_out = 1 + random.next() % job.stall_length;
        unit->m_axis_tready = !wait_out && (!job.ready_after_valid || seen_valid);
    }

    void taken() {
        offered = false;
        last_progress = cycle;
        ++job.beats_in;
        if (element == 0) job.accepted[row] = cycle;
        element += beat_size();
        too_long |= element > MAX_N;
        if (element < job.lengths[row]) return;
        offset += element;
        element = 0;
        ++row;
    }

    bool begun(int64_t r) const { return r < row || (r == row && element > 0); }

    bool stable() {
        if (!unit->m_axis_tvalid) return fail(VALID_DROPPED, row_out, beat_out);
        if (std::memcmp(held.data, bytes(unit->m_axis_tdata), OUT_WIDTH)) return fail(DATA_UNSTABLE, row_out, beat_out);
        if (std::memcmp(held.keep, bytes(unit->m_axis_tkeep), sizeof held.keep)) return fail(KEEP_UNSTABLE, row_out, beat_out);
        return held.last == bool(unit->m_axis_tlast) || fail(LAST_UNSTABLE, row_out, beat_out);
    }

    void hold() {
        std::memcpy(held.data, bytes(unit->m_axis_tdata), OUT_WIDTH);
        std::memcpy(held.keep, bytes(unit->m_axis_tkeep), sizeof held.keep);
        held.valid = unit->m_axis_tvalid;
        held.last = unit->m_axis_tlast;
    }

    bool watch_output() {
        if (waiting && !stable()) return false;
        seen_valid = waiting = unit->m_axis_tvalid;
        if (!waiting) return true;
        if (row_out >= job.rows) return fail(AFTER_END, row_out, beat_out);
        if (!begun(row_out)) return fail(NO_INPUT, row_out, beat_out);
        if (fresh && beat_out == 0) job.delivered[row_out] = cycle;
        fresh = false;
        if (unit->m_axis_tready) return deliver();
        hold();
        return true;
    }

    bool deliver() {
        int64_t left = results(row_out) - beat_out * LANES;
        int64_t size = left < LANES ? left : LANES;
        if (!has_low_bits(unit->m_axis_tkeep, int(size * OUT_BYTES))) return fail(KEEP_WRONG, row_out, beat_out);
        if (bool(unit->m_axis_tlast) != (size == left)) return fail(LAST_WRONG, row_out, beat_out);
        std::memcpy(out, bytes(unit->m_axis_tdata), size * OUT_BYTES);
        out += size * OUT_BYTES;
        last_progress = cycle;
        waiting = false;
        fresh = true;
        ++beat_out;
        if (size == left) {
            job.finished[row_out++] = cycle;
            beat_out = 0;
        }
        return true;
    }

    bool watch_flag() {
        if (unit->row_too_long && !too_long) return fail(FLAG_EARLY, row, 0);
        return true;
    }

    void watch_probes() {
#ifdef PROBES
        for (int p = 0; p < PROBES; ++p) {
            if (!(bytes(unit->probe_valid)[p / 8] >> p % 8 & 1)) continue;
            int64_t at = job.probe_counts[p]++;
            if (at < job.probe_room)
                std::memcpy(job.probe_values + (p * job.probe_room + at) * 16, bytes(unit->probe_data) + p * 16, 16);
        }
#endif
    }

    bool registered() {
        bool same = held.valid == bool(unit->m_axis_tvalid) && held.last == bool(unit->m_axis_tlast)
                    && was_ready == bool(unit->s_axis_tready)
                    && !std::memcmp(held.data, bytes(unit->m_axis_tdata), OUT_WIDTH)
                    && !std::memcmp(held.keep, bytes(unit->m_axis_tkeep), sizeof held.keep);
        return same || fail(COMBINATIONAL, row_out, beat_out);
    }

    // One cycle; false when a rule was broken.
    bool step(bool more) {
        bool look = job.strict && !waiting && cycle;
        if (look) {
            hold();
            was_ready = unit->s_axis_tready;
        }
        drive_input(more);
        drive_output();
        unit->eval();
        if (look && !registered()) return false;
        watch_probes();
        if (!watch_output() || !watch_flag()) return false;
        if (offered && unit->s_axis_tready) taken();
        edge();
        if (narrowmax_stopped) return fail(ASSERTION, row, 0);
        return cycle - last_progress <= job.patience || fail(HANG, row_out, beat_out);
    }

    bool abort() {
        if (job.abort_beats < 0) return true;
        int64_t goal = job.beats_in + job.abort_beats;
        for (; row < job.abort_row; ++row) offset += job.lengths[row];
        row_out = row;
        while (job.beats_in < goal && row < job.rows)
            if (!step(true)) return false;
        return reset(1 + random.next() % 4);
    }

    bool all() {
        while (row_out < job.rows)
            if (!step(true)) return false;
        return true;
    }

    bool quiet() {
        for (int64_t i = 0; i < job.quiet; ++i) {
            last_progress = cycle;
            if (!step(false)) return false;
        }
        return unit->row_too_long == too_long || fail(FLAG_MISSING, row, 0);
    }

    void run() {
        unit->aclk = 0;
        withhold();
        bool fine = reset(4) && abort() && all() && quiet();
        job.cycles = cycle;
        job.rows_out = fine ? job.rows : row_out;
        unit->final();
    }
};

}  // namespace

EXPORTED void nm_run(Job* job) {
    Bench(*job).run();
}

EXPORTED int64_t nm_job_bytes() { return sizeof(Job); }
