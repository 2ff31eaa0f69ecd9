// Matrix product: packing, blocking and threads above the per-ISA tile of kernels/gemm_tile.cpp.
#pragma once

#include <cstdint>

#include "kernels/table.h"

namespace pynn {

class PackedCache;

struct GemmArgs {
  DType dtype;
  int64_t m, n, k;
  const void* a;       // m x k: element (i, p) at a[i * a_rs + p * a_cs]
  int64_t a_rs, a_cs;  // strides in elements, any sign, zero too
  const void* b;       // k x n: element (p, j) at b[p * b_rs + j * b_cs]
  int64_t b_rs, b_cs;
  void* c;  // m x n: element (i, j) at c[i * ldc + j]; overlaps neither a nor b
  int64_t ldc;
  const void* bias = nullptr;  // length n, or null
  kernels::Unary activation =
      kernels::Unary::count;       // count: none; floats only, one without parameters
  PackedCache* b_cache = nullptr;  // packed forms of B for this product and later ones, or null
};

// C = activation(A B + bias). float16 and bfloat16 accumulate in float32 and are rounded once, at
// the end; integers wrap around; bool is "any of (a and b)". The bits do not depend on the number
// of threads. With rows of A and of B whose elements are neighbours (a_cs == 1, b_cs == 1), and
// without bfloat16 pieces, the bits of an element depend on its row of A and on B alone: a row of a
// batch comes out as it does by itself. The caller sets the floating-point mode (FlushDenormals).
void gemm(const GemmArgs& args);

}  // namespace pynn
