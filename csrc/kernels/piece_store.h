// From the sums of a tile to C.
#pragma once

#include "kernels/table.h"
#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// Columns j, j + 1, ... of row i, as many as a vector and n have; kWhole: a vector. Callers hold
// `t` by value, which a store to C cannot change: its fields stay in registers.
template <bool kWhole>
inline void store_sum(const PieceTile& t, int64_t i, int64_t j, Vec<float> sum) {
  float* c = t.c + i * t.ldc + j;
  if constexpr (kWhole) {
    sum = sum * t.scale;
    if (t.accumulate) sum = load(c) + sum;
    if (t.bias) sum = sum + load(t.bias + j);
    store(c, sum);
  } else {
    const int64_t n = t.n - j < kLanes<float> ? t.n - j : kLanes<float>;
    if (n <= 0) return;
    sum = sum * t.scale;
    if (t.accumulate) sum = load_partial(c, n, 0.0f) + sum;
    if (t.bias) sum = sum + load_partial(t.bias + j, n, 0.0f);
    store_partial(c, sum, n);
  }
}

// Has C on its way while the sums are made.
inline void fetch_c(const PieceTile& t) {
  for (int64_t i = 0; i < t.m; ++i) {
    for (int64_t j = 0; j < t.n; j += kLanes<float>) __builtin_prefetch(t.c + i * t.ldc + j, 1);
  }
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
