// The innermost part of the matrix product: one tile of C held in registers, and the packing of
// panels.
#include "kernels/table.h"
#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// Tile height and width in vectors: the accumulators, one row of B and one broadcast of A fill the
// registers.
#if defined(PYNN_ISA_AVX512)
constexpr int kRows = 14, kVectors = 2;  // 28 + 2 + 1 of 32
#elif defined(PYNN_ISA_AVX2)
constexpr int kRows = 6, kVectors = 2;  // 12 + 2 + 1 of 16
#elif defined(PYNN_ISA_NEON)
constexpr int kRows = 8, kVectors = 3;  // 24 + 3 + 2 of 32
#else
constexpr int kRows = 4, kVectors = 2;  // 8 + 2 + 1 and a product, of 16
#endif
// A single row has only its columns to hide the latency of the multiply-adds behind: about 8
// vectors.
constexpr int kWideVectors = (8 + kVectors - 1) / kVectors * kVectors;

template <class T>
constexpr int kColumns = kVectors * kLanes<T>;

// ---- The tile

// c[0..n) = (accumulate ? c : 0) + sum + bias, n <= lanes.
template <class T>
inline void store_partial_sum(const GemmTile& t, int64_t i, int64_t j, int64_t n, Vec<T> sum) {
  T* c = static_cast<T*>(t.c) + i * t.ldc + j;
  if (t.accumulate) sum = load_partial(c, n, T(0)) + sum;
  if (t.bias) sum = sum + load_partial(static_cast<const T*>(t.bias) + j, n, T(0));
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
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i, c += ldc) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      Vec<T> value = sum[i][v];
      if (accumulate) value = load(c + v * kLanes<T>) + value;
      if (bias) value = value + load(bias + v * kLanes<T>);
      store(c + v * kLanes<T>, value);
    }
  }
  if (!whole) store_narrow<T>(t, narrow, kWidth);
}

// M rows, V vectors. The loops over them are unrolled, so that `sum` lives in registers. kUnit: the
// rows of A are neighbours (a packed panel, or a transposed matrix), which saves the address
// arithmetic.
template <class T, int M, int V, bool kUnit>
void tile(const GemmTile& t) {
  const T* a = static_cast<const T*>(t.a);
  const T* b = static_cast<const T*>(t.b);
  const int64_t a_rs = kUnit ? 1 : t.a_rs;
  Vec<T> sum[M][V] = {};
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

// ---- Packing: out[panel][p][i], panels of W rows

#if defined(__clang__)
#define PYNN_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PYNN_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, Index{__VA_ARGS__})
#endif

// out[p * width + i] = x[i * rs + p] for 4 x 4 elements.
template <class T>
inline void transpose_4x4(const T* x, int64_t rs, T* out, int64_t width) {
  using Quad = typename VecOf<T, 4 * sizeof(T)>::type;
  using Index [[maybe_unused]] = decltype(Quad{} < Quad{});
  const auto load_row = [&](int i) {
    Quad v;
    __builtin_memcpy(&v, x + i * rs, sizeof v);
    return v;
  };
  const auto store_row = [&](int p, Quad v) { __builtin_memcpy(out + p * width, &v, sizeof v); };
  const Quad r0 = load_row(0), r1 = load_row(1), r2 = load_row(2), r3 = load_row(3);
  const Quad low02 = PYNN_SHUFFLE(r0, r2, 0, 4, 1, 5), high02 = PYNN_SHUFFLE(r0, r2, 2, 6, 3, 7);
  const Quad low13 = PYNN_SHUFFLE(r1, r3, 0, 4, 1, 5), high13 = PYNN_SHUFFLE(r1, r3, 2, 6, 3, 7);
  store_row(0, PYNN_SHUFFLE(low02, low13, 0, 4, 1, 5));
  store_row(1, PYNN_SHUFFLE(low02, low13, 2, 6, 3, 7));
  store_row(2, PYNN_SHUFFLE(high02, high13, 0, 4, 1, 5));
  store_row(3, PYNN_SHUFFLE(high02, high13, 2, 6, 3, 7));
}

#undef PYNN_SHUFFLE

// m >= 4 rows whose elements are neighbours (cs == 1): a transposition. Whole cache lines of each
// row are used up at once, because rows a power of two apart share one set of the cache.
template <class T, int W>
inline void pack_rows(const T* x, int64_t rs, int64_t m, int64_t k, T* out) {
  constexpr int kLine = 64 / int(sizeof(T));
  const int64_t whole = k - k % 4;
  for (int64_t p = 0; p < whole; p += kLine) {
    const int64_t stop = p + kLine < whole ? p + kLine : whole;
    for (int64_t i = 0; i < m; i += 4) {
      const int64_t first = i + 4 <= m ? i : m - 4;  // the last group may overlap the one before
      for (int64_t q = p; q < stop; q += 4) {
        transpose_4x4(x + first * rs + q, rs, out + q * W + first, W);
      }
    }
  }
  for (int64_t p = whole; p < k; ++p) {
    for (int64_t i = 0; i < m; ++i) out[p * W + i] = x[i * rs + p];
  }
}

// m rows that are neighbours themselves (rs == 1).
template <class T, int W>
inline void pack_columns(const T* x, int64_t cs, int64_t m, int64_t k, T* out) {
  for (int64_t p = 0; p < k; ++p, x += cs, out += W) {
    if (m == W) {
      __builtin_memcpy(out, x, W * sizeof(T));
    } else {
      int64_t i = 0;
      for (; i + kLanes<T> <= m; i += kLanes<T>) store(out + i, load(x + i));
      if (i < m) store_partial(out + i, load_partial(x + i, m - i, T(0)), m - i);
    }
  }
}

template <class T, int W>
inline void pack_panels(const T* x, int64_t rs, int64_t cs, int64_t m, int64_t k, bool pad,
                        T* out) {
  for (; m > 0; m -= W, x += W * rs, out += W * k) {
    const int64_t rows = m < W ? m : W;
    if (pad && rows < W) __builtin_memset(out, 0, size_t(W * k) * sizeof(T));
    if (rs == 1) {
      pack_columns<T, W>(x, cs, rows, k, out);
    } else if (cs == 1 && rows >= 4) {
      pack_rows<T, W>(x, rs, rows, k, out);
    } else {
      for (int64_t p = 0; p < k; ++p) {
        for (int64_t i = 0; i < rows; ++i) out[p * W + i] = x[i * rs + p * cs];
      }
    }
  }
}

template <class T>
void gemm_pack_a(const void* x, int64_t rs, int64_t cs, int64_t m, int64_t k, void* out) {
  pack_panels<T, kRows>(static_cast<const T*>(x), rs, cs, m, k, false, static_cast<T*>(out));
}

template <class T>
void gemm_pack_b(const void* x, int64_t rs, int64_t cs, int64_t m, int64_t k, void* out) {
  pack_panels<T, kColumns<T>>(static_cast<const T*>(x), rs, cs, m, k, true, static_cast<T*>(out));
}

// Blocks: mc x kc of A takes about a third of a second-level cache of 1 MiB, kc x nc of B a part of
// the last-level cache. kc decides where the sums are cut, and with it the bits: it is the same on
// every machine.
template <class T>
GemmKernel kernel() {
  constexpr int kBlockRows = 168 / kRows * kRows;
  constexpr int kBlockColumns = int(8192 / sizeof(T)) / kColumns<T> * kColumns<T>;
  return {kRows,        kColumns<T>,           kWideVectors * kLanes<T>,
          kBlockRows,   int(2048 / sizeof(T)), kBlockColumns,
          gemm_tile<T>, gemm_pack_a<T>,        gemm_pack_b<T>};
}

}  // namespace

void fill_gemm(KernelTable& table) {
  table.gemm[int(DType::float32)] = kernel<float>();
  table.gemm[int(DType::float64)] = kernel<double>();
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
