// What other families of ops need of reductions.
#pragma once

#include "core/dtype.h"

namespace pynn {

// y[j] = sum over i of x[i, j], for contiguous x of shape (rows, n), rows >= 1, float32 or float64:
// in blocks, so that the error grows slowly and the bits depend on the shape alone.
void sum_columns(const void* x, void* y, int64_t rows, int64_t n, DType dtype);

}  // namespace pynn
