// Products of matrices through bfloat16 pieces, on AMX tiles or AVX512-BF16 dot products. Called by
// gemm alone.
#pragma once

#include "ops/gemm.h"

namespace pynn {

// C = activation(A B + bias), and true, where the machine has kernels for it, the numbers are in
// their range and it pays; else false, and nothing is done.
bool gemm_pieces(const GemmArgs& args);

}  // namespace pynn
