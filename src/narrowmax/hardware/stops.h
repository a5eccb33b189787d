// What the runtime calls when an assertion fails or the Verilog says $stop, $fatal or $finish: the
// run that is on notices, the process goes on.
#pragma once
static thread_local bool narrowmax_stopped = false;
void vl_stop(const char*, int, const char*) { narrowmax_stopped = true; }
void vl_finish(const char*, int, const char*) { narrowmax_stopped = true; }
void vl_fatal(const char*, int, const char*, const char*) { narrowmax_stopped = true; }
#define EXPORTED extern "C" __attribute__((visibility("default")))
