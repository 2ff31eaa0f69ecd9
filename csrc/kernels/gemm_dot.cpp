// The matrix product of few rows with a transposed matrix: dot products along k, with nothing
// packed.
#include "kernels/gemm_kernels.h"
#include "simd/lane_sums.h"
#include "simd/loops.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// totals[i] = sum of the lanes of sum[i].
template <class T, int Count>
inline void sum_all(const Vec<T> (&sum)[Count], T (&totals)[Count]) {
  constexpr int kPower = Count & -Count;  // the largest power of two that divides it
  constexpr int kGroup = kPower < kLanes<T> ? kPower : kLanes<T>;
  if constexpr (kGroup > 1) {
#pragma GCC unroll 8
    for (int i = 0; i < Count; i += kGroup) {
      const auto group = lane_sums<T, kGroup>(sum + i);
      __builtin_memcpy(totals + i, &group, sizeof group);
    }
  } else {
    for (int i = 0; i < Count; ++i)
      totals[i] = fold_lanes<T>(sum[i], [](auto a, auto b) { return a + b; });
  }
}

// M rows of A with N columns of B, M * N chains.
template <class T, int M, int N>
inline void dot_block(const GemmDot& d, int64_t i, int64_t j) {
  const T* a = static_cast<const T*>(d.a) + i * d.a_rs;
  const T* b = static_cast<const T*>(d.b) + j * d.b_cs;
  Vec<T> sum[M * N] = {};
  for_lanes<T>(d.k, [&](auto at) {
    Vec<T> row[M];
#pragma GCC unroll 8
    for (int r = 0; r < M; ++r) row[r] = at.load(a + r * d.a_rs);
#pragma GCC unroll 8
    for (int c = 0; c < N; ++c) {
      const Vec<T> column = at.load(b + c * d.b_cs);
#pragma GCC unroll 8
      for (int r = 0; r < M; ++r) sum[r * N + c] = mul_add(row[r], column, sum[r * N + c]);
    }
  });
  T totals[M * N];
  sum_all<T>(sum, totals);
  T* out = static_cast<T*>(d.c) + i * d.ldc + j;
  const T* bias = static_cast<const T*>(d.bias);
  for (int r = 0; r < M; ++r) {
    for (int c = 0; c < N; ++c) {
      const T total = totals[r * N + c];
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

// Rows whose chains with four columns fit the registers, beside the rows and a column.
#if defined(PYNN_ISA_AVX512) || defined(PYNN_ISA_NEON)
constexpr int kDotRows = 4;
#elif defined(PYNN_ISA_AVX2)
constexpr int kDotRows = 3;
#else
constexpr int kDotRows = 2;
#endif

// The rows that are left over. One row needs more columns at once to hide the latency of the
// multiply-adds behind.
template <class T, int M = kDotRows - 1>
inline void dot_rest(const GemmDot& d, int64_t i) {
  if constexpr (M > 1) {
    if (d.m - i < M) return dot_rest<T, M - 1>(d, i);
  }
  dot_rows<T, M, M == 1 ? 8 : 4>(d, i);
}

template <class T>
void gemm_dot(const GemmDot& d) {
  int64_t i = 0;
  for (; i + kDotRows <= d.m; i += kDotRows) dot_rows<T, kDotRows, 4>(d, i);
  if (i < d.m) dot_rest<T>(d, i);
}

}  // namespace

void set_gemm_dot(GemmKernel& float32, GemmKernel& float64) {
  float32.dot = gemm_dot<float>;
  float64.dot = gemm_dot<double>;
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
