// The innermost part of the matrix product: one tile of C held in registers.
#include "kernels/fill.h"
#include "kernels/gemm_kernels.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// ---- The tile

template <class V>
inline V positive_part(V v) {
  return v <= 0 ? V{} : v;  // NaN stays
}

// c[0..n) = (accumulate ? c : 0) + sum + bias, n <= lanes.
template <class T>
inline void store_partial_sum(const GemmTile& t, int64_t i, int64_t j, int64_t n, Vec<T> sum) {
  T* c = static_cast<T*>(t.c) + i * t.ldc + j;
  if (t.accumulate) sum = load_partial(c, n, T(0)) + sum;
  if (t.bias) sum = sum + load_partial(static_cast<const T*>(t.bias) + j, n, T(0));
  if (t.relu) sum = positive_part(sum);
  store_partial(c, sum, n);
}

// The store of a tile that is narrower than its vectors, by way of a copy: rare, so small code is
// worth more.
template <class T>
__attribute__((noinline)) void store_narrow(const GemmTile& t, const T* sums, int64_t width) {
  for (int64_t i = 0; i < t.m; ++i) {
    for (int64_t j = 0; j < t.n; j += kLanes<T>) {
      const int64_t rest = t.n - j;
      const Vec<T> sum = load(sums + i * width + j);
      store_partial_sum<T>(t, i, j, rest < kLanes<T> ? rest : kLanes<T>, sum);
    }
  }
}

template <class T, int M, int V>
inline void store_tile(const GemmTile& t, const Vec<T> (&sum)[M][V]) {
  constexpr int kWidth = V * kLanes<T>;
  T narrow[M * kWidth];
  const bool whole = t.n == kWidth;
  T* c = whole ? static_cast<T*>(t.c) : narrow;
  const int64_t ldc = whole ? t.ldc : kWidth;
  const bool accumulate = whole && t.accumulate;
  const T* bias = whole ? static_cast<const T*>(t.bias) : nullptr;
  const bool relu = whole && t.relu;
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i, c += ldc) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      Vec<T> value = sum[i][v];
      if (accumulate) value = load(c + v * kLanes<T>) + value;
      if (bias) value = value + load(bias + v * kLanes<T>);
      if (relu) value = positive_part(value);
      store(c + v * kLanes<T>, value);
    }
  }
  if (!whole) store_narrow<T>(t, narrow, kWidth);
}

// C is touched only at the end, row by row: where its rows lie far apart, each would be a miss that
// nothing hides. A shallow tile is over before a prefetch is.
constexpr int64_t kPrefetchDepth = 64;

template <class T, int M>
inline void prefetch_rows(const GemmTile& t) {
  const T* c = static_cast<const T*>(t.c);
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i, c += t.ldc) {
    __builtin_prefetch(c, 1);
    __builtin_prefetch(c + t.n - 1, 1);
  }
}

template <class T, int M, int V>
inline void load_sums(const GemmTile& t, Vec<T> (&sum)[M][V]) {
  const T* from = static_cast<const T*>(t.from);
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i, from += t.ldf) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[i][v] = load(from + v * kLanes<T>);
  }
}

// M rows, V vectors. The loops over them are unrolled, so that `sum` lives in registers. kUnit: the
// rows of A are neighbours (a packed panel, or a transposed matrix), which saves the address
// arithmetic.
template <class T, int M, int V, bool kUnit>
void tile(const GemmTile& t) {
  const T* a = static_cast<const T*>(t.a);
  const T* b = static_cast<const T*>(t.b);
  const int64_t a_rs = kUnit ? 1 : t.a_rs;
  if (t.kc >= kPrefetchDepth) prefetch_rows<T, M>(t);
  Vec<T> sum[M][V] = {};
  if (t.from) load_sums<T, M, V>(t, sum);
  for (int64_t p = 0; p < t.kc; ++p) {
    Vec<T> row[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) row[v] = load(b + v * kLanes<T>);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const Vec<T> x = splat<Vec<T>>(a[i * a_rs]);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[i][v] = mul_add(x, row[v], sum[i][v]);
    }
    a += t.a_cs;
    b += t.b_rs;
  }
  store_tile<T, M, V>(t, sum);
}

// The function for exactly t.m rows: a short tile costs no more than its rows.
template <class T, int V, bool kUnit, int M = kRows>
inline void tile_of_rows(const GemmTile& t) {
  if constexpr (M > 1) {
    if (t.m < M) return tile_of_rows<T, V, kUnit, M - 1>(t);
  }
  tile<T, M, V, kUnit>(t);
}

template <class T>
void gemm_tile(const GemmTile& t) {
  if (t.n > kColumns<T>) {
    tile<T, 1, kWideVectors, true>(t);
  } else if (t.n <= kLanes<T>) {
    tile_of_rows<T, 1, false>(t);
  } else if (t.a_rs == 1 || t.m == 1) {
    tile_of_rows<T, kVectors, true>(t);
  } else {
    tile_of_rows<T, kVectors, false>(t);
  }
}

// Blocks: mc x kc of A takes about a third of a second-level cache of 1 MiB, kc x nc of B a part of
// the last-level cache. kc decides where the sums are cut, and with it the bits: it is the same on
// every machine.
template <class T>
GemmKernel kernel() {
  constexpr int kBlockColumns = int(8192 / sizeof(T)) / kColumns<T> * kColumns<T>;
  GemmKernel g{};
  g.mr = kRows;
  g.nr = kColumns<T>;
  g.wide = kWideVectors * kLanes<T>;
  g.mc = 168 / kRows * kRows;
  g.kc = int(2048 / sizeof(T));
  g.nc = kBlockColumns;
  g.tile = gemm_tile<T>;
  return g;
}

}  // namespace

void fill_gemm(KernelTable& table) {
  GemmKernel float32 = kernel<float>(), float64 = kernel<double>();
  set_gemm_packing(float32, float64);
  set_gemm_dot(float32, float64);
  table.gemm[int(DType::float32)] = float32;
  table.gemm[int(DType::float64)] = float64;
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
