// The innermost part of the matrix product: one tile of C held in registers.
#include "kernels/fill.h"
#include "kernels/gemm_kernels.h"
#include "simd/loops.h"

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
// arithmetic. kExact: the last vector of a row of B may be a part of one.
template <class T, int M, int V, bool kUnit, bool kExact = false>
void tile(const GemmTile& t) {
  const T* a = static_cast<const T*>(t.a);
  const T* b = static_cast<const T*>(t.b);
  const int64_t a_rs = kUnit ? 1 : t.a_rs;
  const int64_t rest = t.n - (V - 1) * kLanes<T>;  // in the last vector
  if (t.kc >= kPrefetchDepth) prefetch_rows<T, M>(t);
  Vec<T> sum[M][V] = {};
  if (t.from) load_sums<T, M, V>(t, sum);
  for (int64_t p = 0; p < t.kc; ++p) {
    Vec<T> row[V];
#pragma GCC unroll 16
    for (int v = 0; v + kExact < V; ++v) row[v] = load(b + v * kLanes<T>);
    if (kExact) row[V - 1] = load_partial(b + (V - 1) * kLanes<T>, rest, T(0));
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
template <class T, int V, bool kUnit, bool kExact = false, int M = kRows>
inline void tile_of_rows(const GemmTile& t) {
  if constexpr (M > 1) {
    if (t.m < M) return tile_of_rows<T, V, kUnit, kExact, M - 1>(t);
  }
  tile<T, M, V, kUnit, kExact>(t);
}

// The columns at the end of a B in place.
template <class T, int V = 1>
inline void exact_tile(const GemmTile& t) {
  if constexpr (V < kVectors) {
    if (t.n > V * kLanes<T>) return exact_tile<T, V + 1>(t);
  }
  tile_of_rows<T, V, false, true>(t);
}

template <class T>
inline void whole_tile(const GemmTile& t) {
  if (t.a_rs == 1 || t.m == 1) {
    tile_of_rows<T, kVectors, true>(t);
  } else {
    tile_of_rows<T, kVectors, false>(t);
  }
}

// ---- B in place: any number of columns

template <class T>
inline void tiles_in_place(const GemmTile& t) {
  if (t.n == kColumns<T>) return whole_tile<T>(t);
  const int64_t step = t.m == 1 ? kWideVectors * kLanes<T> : kColumns<T>;
  GemmTile part = t;
  for (int64_t j = 0; j < t.n; j += part.n) {
    const int64_t rest = t.n - j;
    part.n = rest >= step ? step : rest < kColumns<T> ? rest : kColumns<T>;
    part.b = static_cast<const T*>(t.b) + j;
    part.c = static_cast<T*>(t.c) + j;
    if (t.from) part.from = static_cast<const T*>(t.from) + j;
    if (t.bias) part.bias = static_cast<const T*>(t.bias) + j;
    if (part.n > kColumns<T>) {
      tile<T, 1, kWideVectors, true>(part);
    } else if (part.n < kColumns<T>) {
      exact_tile<T>(part);
    } else {
      whole_tile<T>(part);
    }
  }
}

// Of short sums, the time goes into writing C, which is fastest in the order of memory.
constexpr int kShallow = 4;
// Bytes of B that all rows of C are computed from while they stay in the first-level cache.
constexpr int64_t kNearBytes = 16384;

template <class T, int K>
void rows_of_c(const GemmTile& t) {
  constexpr int64_t kStep = kNearBytes / int64_t(sizeof(T)) / K;
  for (int64_t j = 0; j < t.n; j += kStep) {
    const T* a = static_cast<const T*>(t.a);
    const T* b = static_cast<const T*>(t.b) + j;
    const T* bias = t.bias ? static_cast<const T*>(t.bias) + j : nullptr;
    T* c = static_cast<T*>(t.c) + j;
    for (int64_t i = 0; i < t.m; ++i, a += t.a_rs, c += t.ldc) {
      Vec<T> x[K];
      for (int p = 0; p < K; ++p) x[p] = splat<Vec<T>>(a[p * t.a_cs]);
      for_lanes<T>(t.n - j < kStep ? t.n - j : kStep, [&](auto at) {
        Vec<T> sum{};
#pragma GCC unroll 4
        for (int p = 0; p < K; ++p) sum = mul_add(x[p], at.load(b + p * t.b_rs), sum);
        if (bias) sum = sum + at.load(bias);
        if (t.relu) sum = positive_part(sum);
        at.store(c, sum);
      });
    }
  }
}

template <class T>
inline void product_in_place(const GemmTile& t) {
  if (t.kc > kShallow || t.from || t.accumulate) return tiles_in_place<T>(t);
  switch (t.kc) {
    case 1:
      return rows_of_c<T, 1>(t);
    case 2:
      return rows_of_c<T, 2>(t);
    case 3:
      return rows_of_c<T, 3>(t);
    case 4:
      return rows_of_c<T, 4>(t);
    default:
      return tiles_in_place<T>(t);
  }
}

template <class T>
void gemm_tile(const GemmTile& t) {
  if (t.in_place) {
    product_in_place<T>(t);
  } else if (t.n <= kLanes<T>) {
    tile_of_rows<T, 1, false>(t);
  } else {
    whole_tile<T>(t);
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
  g.shallow = kShallow;
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
