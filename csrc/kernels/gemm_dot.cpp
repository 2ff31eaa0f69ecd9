// The matrix product of few rows with a transposed matrix: dot products along k, with nothing
// packed.
#include "kernels/gemm_kernels.h"
#include "simd/loops.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
inline T sum_of_lanes(Vec<T> v) {
  return fold_lanes<T>(v, [](auto a, auto b) { return a + b; });
}

// M rows of A with N columns of B, M * N chains.
template <class T, int M, int N>
inline void dot_block(const GemmDot& d, int64_t i, int64_t j) {
  const T* a = static_cast<const T*>(d.a) + i * d.a_rs;
  const T* b = static_cast<const T*>(d.b) + j * d.b_cs;
  Vec<T> sum[M][N] = {};
  for_lanes<T>(d.k, [&](auto at) {
    Vec<T> column[N];
#pragma GCC unroll 8
    for (int c = 0; c < N; ++c) column[c] = at.load(b + c * d.b_cs);
#pragma GCC unroll 8
    for (int r = 0; r < M; ++r) {
      const Vec<T> row = at.load(a + r * d.a_rs);
#pragma GCC unroll 8
      for (int c = 0; c < N; ++c) sum[r][c] = mul_add(row, column[c], sum[r][c]);
    }
  });
  T* out = static_cast<T*>(d.c) + i * d.ldc + j;
  const T* bias = static_cast<const T*>(d.bias);
  for (int r = 0; r < M; ++r) {
    for (int c = 0; c < N; ++c) {
      const T total = sum_of_lanes<T>(sum[r][c]);
      out[r * d.ldc + c] = bias ? total + bias[j + c] : total;
    }
  }
}

template <class T, int M, int N>
inline void dot_rows(const GemmDot& d, int64_t i) {
  int64_t j = 0;
  for (; j + N <= d.n; j += N) dot_block<T, M, N>(d, i, j);
  for (; j < d.n; ++j) dot_block<T, M, 1>(d, i, j);
}

// One row needs more columns at once to hide the latency of the multiply-adds behind.
template <class T>
void gemm_dot(const GemmDot& d) {
  int64_t i = 0;
  for (; i + 4 <= d.m; i += 4) dot_rows<T, 4, 4>(d, i);
  switch (d.m - i) {
    case 3:
      return dot_rows<T, 3, 4>(d, i);
    case 2:
      return dot_rows<T, 2, 4>(d, i);
    case 1:
      return dot_rows<T, 1, 8>(d, i);
  }
}

}  // namespace

void set_gemm_dot(GemmKernel& float32, GemmKernel& float64) {
  float32.dot = gemm_dot<float>;
  float64.dot = gemm_dot<double>;
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
