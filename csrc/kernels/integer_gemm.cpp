// The innermost part of integer matrix products: one tile of C held in registers, and packing.
//
// Sums wrap around, so signed and unsigned products have the same bits and only the size of an
// element matters. No instruction set multiplies bytes: they are widened to 16 bits as they are
// loaded, and the low byte of the sum is stored. bool is "any of (a and b)".
#include "kernels/fill.h"
#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// A tile of C in vectors: the accumulators, one row of B, an element of A in every lane and a
// product share the registers.
#if defined(PYNN_ISA_AVX512)
constexpr int kRows = 6, kVectors = 4;  // 24 + 4 + 1 + 1 of 32
#elif defined(PYNN_ISA_NEON)
constexpr int kRows = 8, kVectors = 2;  // 16 + 2 + 1 of 32: products are added as they are formed
#else
constexpr int kRows = 4, kVectors = 2;  // 8 + 2 + 1 and products, of 16
#endif

// ---- Arithmetic: the type of an element in memory, and of a lane

struct Bytes {
  using Memory = uint8_t;
  using Lane = uint16_t;
  static Vec<Lane> load(const Memory* p) {
    HalfVec<Memory> v;
    __builtin_memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, Vec<Lane>);
  }
  static Vec<Lane> every_lane(Memory x) { return Vec<Lane>{} + Lane(x); }
  static Vec<Lane> add_product(Vec<Lane> sum, Vec<Lane> a, Vec<Lane> b) { return sum + a * b; }
  static Memory finish(Lane sum) { return Memory(sum); }
  static Memory add(Memory a, Memory b) { return Memory(a + b); }
};

template <class T>
struct Words {
  using Memory = T;
  using Lane = T;
  static Vec<T> load(const T* p) { return PYNN_ISA_NAMESPACE::load(p); }
  static Vec<T> every_lane(T x) { return Vec<T>{} + x; }
  static Vec<T> add_product(Vec<T> sum, Vec<T> a, Vec<T> b) { return sum + a * b; }
  static T finish(T sum) { return sum; }
  static T add(T a, T b) { return T(a + b); }
};

// Any non-zero byte is true, as in casts.
struct Bools {
  using Memory = uint8_t;
  using Lane = uint8_t;
  static Vec<Lane> load(const Memory* p) { return PYNN_ISA_NAMESPACE::load(p); }
  static Vec<Lane> every_lane(Memory x) {
    const Lane mask = x ? 0xff : 0;
    return Vec<Lane>{} + mask;
  }
  static Vec<Lane> add_product(Vec<Lane> any, Vec<Lane> a, Vec<Lane> b) { return any | (a & b); }
  static Memory finish(Lane any) { return any != 0; }
  static Memory add(Memory a, Memory b) { return (a | b) != 0; }
};

template <class A>
constexpr int kColumns = kVectors * kLanes<typename A::Lane>;

// ---- The tile

// Row i of C from its sums. By way of memory, which costs little beside the products.
template <class A>
inline void store_row(const IntegerTile& t, int64_t i, const typename A::Lane* sums) {
  using T = typename A::Memory;
  T* c = static_cast<T*>(t.c) + i * t.ldc;
  const T* bias = static_cast<const T*>(t.bias);
  if (t.accumulate) {
    for (int64_t j = 0; j < t.n; ++j) c[j] = A::add(c[j], A::finish(sums[j]));
  } else if (bias) {
    for (int64_t j = 0; j < t.n; ++j) c[j] = A::add(bias[j], A::finish(sums[j]));
  } else {
    for (int64_t j = 0; j < t.n; ++j) c[j] = A::finish(sums[j]);
  }
}

// M rows, V vectors. The loops over them are unrolled, so that `sum` lives in registers.
template <class A, int M, int V>
void tile(const IntegerTile& t) {
  using T = typename A::Memory;
  using Lane = typename A::Lane;
  const T* a = static_cast<const T*>(t.a);
  const T* b = static_cast<const T*>(t.b);
  Vec<Lane> sum[M][V] = {};
  for (int64_t p = 0; p < t.k; ++p, a += t.a_cs, b += t.b_rs) {
    Vec<Lane> row[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) row[v] = A::load(b + v * kLanes<Lane>);
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i) {
      const Vec<Lane> x = A::every_lane(a[i * t.a_rs]);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[i][v] = A::add_product(sum[i][v], x, row[v]);
    }
  }
  for (int i = 0; i < M; ++i) {
    Lane sums[V * kLanes<Lane>];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) store(sums + v * kLanes<Lane>, sum[i][v]);
    store_row<A>(t, i, sums);
  }
}

// The function for exactly t.m rows: a short tile costs no more than its rows.
template <class A, int V, int M = kRows>
inline void tile_of_rows(const IntegerTile& t) {
  if constexpr (M > 1) {
    if (t.m < M) return tile_of_rows<A, V, M - 1>(t);
  }
  tile<A, M, V>(t);
}

template <class A>
void integer_tile(const IntegerTile& t) {
  if (t.n <= kLanes<typename A::Lane>) {
    tile_of_rows<A, 1>(t);
  } else {
    tile_of_rows<A, kVectors>(t);
  }
}

// ---- Packing: out[panel][p][i], panels of W rows, zeros beyond the last

template <class T, int W>
inline void pack_panel(const T* x, int64_t rs, int64_t cs, int64_t m, int64_t k, T* out) {
  if (m < W) __builtin_memset(out, 0, uint64_t(k) * W * sizeof(T));
  if (rs == 1 && m == W) {
    for (int64_t p = 0; p < k; ++p) __builtin_memcpy(out + p * W, x + p * cs, W * sizeof(T));
  } else {
    // A cache line of each row at a time: rows a power of two apart share one set of the cache.
    constexpr int64_t kLine = 64 / int64_t(sizeof(T));
    for (int64_t begin = 0; begin < k; begin += kLine) {
      const int64_t end = begin + kLine < k ? begin + kLine : k;
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t p = begin; p < end; ++p) out[p * W + i] = x[i * rs + p * cs];
      }
    }
  }
}

template <class T, int W>
void integer_pack(const void* x, int64_t rs, int64_t cs, int64_t m, int64_t k, void* out) {
  const T* source = static_cast<const T*>(x);
  T* panel = static_cast<T*>(out);
  for (; m > 0; m -= W, source += W * rs, panel += W * k) {
    pack_panel<T, W>(source, rs, cs, m < W ? m : W, k, panel);
  }
}

template <class A>
constexpr IntegerGemmKernel kernel() {
  return {kRows, kColumns<A>, integer_tile<A>, integer_pack<typename A::Memory, kRows>,
          integer_pack<typename A::Memory, kColumns<A>>};
}

}  // namespace

void fill_integer_gemm(KernelTable& table) {
  table.integer_gemm[int(DType::bool_)] = kernel<Bools>();
  const IntegerGemmKernel of_size[] = {kernel<Bytes>(), kernel<Words<uint16_t>>(),
                                       kernel<Words<uint32_t>>(), kernel<Words<uint64_t>>()};
  for (int log2 = 0; log2 < 4; ++log2) {
    table.integer_gemm[int(DType::uint8) + log2] = of_size[log2];
    table.integer_gemm[int(DType::int8) + log2] = of_size[log2];
  }
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
