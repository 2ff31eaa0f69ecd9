// Products of bfloat16 matrices, and of float32 matrices rounded to bfloat16, with the dot product
// of pairs of AVX512-BF16. More pieces take three and six dot products where one multiply-add does
// it at least half as fast: not worth it.
#include "kernels/fill.h"
#include "kernels/piece_packing.h"
#include "kernels/piece_store.h"
#include "simd/dot_pairs.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

constexpr int kRows = 14, kVectors = 2;  // 28 sums + 2 of B + 1 of A of 32 registers
constexpr int kColumns = kVectors * kLanes<float>;

// ---- The tile: panels are [k / 2][row] of pairs

template <bool kWhole, int M, int V>
inline void store_sums(PieceTile t, const Vec<float> (&sums)[M][V]) {
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store_sum<kWhole>(t, i, v * kLanes<float>, sums[i][v]);
  }
}

template <int M, int V>
void tile(const PieceTile& t) {
  const uint32_t* a = static_cast<const uint32_t*>(t.a);
  const uint32_t* b = static_cast<const uint32_t*>(t.b);
  fetch_c(t);
  Vec<float> sums[M][V] = {};
  for (int64_t q = 0; q < t.kc; q += 2, a += kRows, b += kColumns) {
    Pairs row[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) row[v] = load(b + v * kLanes<uint32_t>);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const Pairs x = a[i] - Pairs{};
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[i][v] = add_dot_product(sums[i][v], x, row[v]);
    }
  }
  if (t.n == V * kLanes<float>) {
    store_sums<true>(t, sums);
  } else {
    store_sums<false>(t, sums);
  }
}

// The function for exactly t.m rows: a short tile costs no more than its rows.
template <int V, int M = kRows>
inline void tile_of_rows(const PieceTile& t) {
  if constexpr (M > 1) {
    if (t.m < M) return tile_of_rows<V, M - 1>(t);
  }
  tile<M, V>(t);
}

void dot_tile(const PieceTile& t) {
  if (t.n > kLanes<float>) {
    tile_of_rows<kVectors>(t);
  } else {
    tile_of_rows<1>(t);
  }
}

// ---- Packing

template <class Elements, int kWidth>
void dot_pack(const void* x, int64_t rs, int64_t cs, int64_t m, int64_t k, float scale, void* out) {
  const auto* source = static_cast<const typename Elements::T*>(x);
  uint32_t* panel = static_cast<uint32_t*>(out);
  for (int64_t i = 0; i < m; i += kWidth, panel += kWidth * round_up(k, 2) / 2) {
    for (int64_t p = 0; p < k; p += kBlockDepth) {
      const int64_t depth = smaller(k - p, kBlockDepth);
      for (int64_t part = 0; part < kWidth; part += kBlockRows) {
        const int64_t first = i + part, lanes = smaller(kWidth - part, kBlockRows);
        const int64_t rows = first < m ? smaller(m - first, lanes) : 0;
        pack_block<Elements, false>(
            {source + (rows ? first * rs + p * cs : 0), rs, cs, rows, depth, scale},
            {panel + p / 2 * kWidth + part, 0, kWidth, round_up(depth, 2) / 2, lanes});
      }
    }
  }
}

// kc x nr pairs of B take 32 KiB of the first-level cache, mc x kc of A a part of the second.
template <class Elements>
PieceGemm kernel() {
  return {1,
          kRows,
          kColumns,
          2,
          168 / kRows * kRows,
          512,
          2048,
          2,
          dot_tile,
          dot_pack<Elements, kRows>,
          dot_pack<Elements, kColumns>,
          nullptr,
          nullptr};
}

// The peak of the dot product (see kernels/probe.cpp): chains of sums, without the loads of a tile.
double probe_flops(int64_t rounds, void* out) {
  constexpr int kChains = 12;
  const Pairs a = 0x3f803f80u - Pairs{}, b = 0x3a803a80u - Pairs{};  // pairs of 1 and of 2^-10
  Vec<float> chain[kChains];  // from different starts, or the compiler would make them one
  for (int i = 0; i < kChains; ++i) chain[i] = splat<Vec<float>>(float(i));
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) chain[i] = add_dot_product(chain[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) chain[0] += chain[i];
  store(static_cast<float*>(out), chain[0]);
  return 4.0 * kLanes<float> * kChains * double(rounds);
}

KernelTable table;  // zero until the first call below

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE

namespace pynn::kernels {

const KernelTable* PYNN_JOIN(PYNN_ISA_NAMESPACE, _table)() {
  using namespace PYNN_ISA_NAMESPACE;
  KernelTable& t = PYNN_ISA_NAMESPACE::table;
  t = *avx512_table();
  t.pieces[0] = kernel<Bfloat16>();
  t.pieces[1] = kernel<FloatPieces<1>>();
  t.probe_flops[int(DType::bfloat16)] = probe_flops;
  return &t;
}

}  // namespace pynn::kernels
