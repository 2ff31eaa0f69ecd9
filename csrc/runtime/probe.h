// What this machine can do at most, measured: the limits that benchmarks compare with.
#pragma once

#include <cstdint>

#include "kernels/table.h"

namespace pynn {

// Floating-point operations a second of num_threads() threads together, in multiply-adds that wait
// for nothing. Each thread counts its own processor time, so that others on the machine do not
// matter. 0 where the active level has no such instruction for this dtype.
double measure_flops(DType dtype);

// Bytes a second that num_threads() threads together read and write, each in its share of `bytes`,
// which decides the cache that it lives in. With stores past the caches where those are faster.
double measure_bandwidth(kernels::Traffic traffic, int64_t bytes);

}  // namespace pynn
