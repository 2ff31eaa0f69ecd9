// Products of bfloat16 pieces on AMX tiles: a block of 2 x 2 tiles of C from two tiles of A and two
// of B at a time.
//
// TDPBF16PS takes 16 cycles and a tile load 8 from the first-level cache (Intel 64 and IA-32
// Architectures Optimization Reference Manual, chapter on AMX): four products for four loads keep
// the tile unit busy. A panel of B stays in the first-level cache while panels of A pass by from
// the second level.
#include "kernels/fill.h"
#include "kernels/piece_packing.h"
#include "kernels/piece_store.h"
#include "simd/amx.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

constexpr int kTileRows = 16, kTileBytes = 1024;
constexpr int kSide = 2;                            // tiles along each side of the block of C
constexpr int kWidth = kSide * kTileRows;           // mr and nr
constexpr int kDepth = int(kBlockDepth);            // kr: elements of k in a row of a tile of A
constexpr int kTileA = 4, kTileB = kTileA + kSide;  // registers; 0 to 3 hold C

// ---- The tile
//
// A panel is a row of steps of kDepth elements of k; a step holds, piece by piece, its kSide tiles.

template <int kPieces>
constexpr int64_t kStepBytes = kPieces * kSide * kTileBytes;

// Piece a of A times piece b of B.
template <int kPieceA, int kPieceB>
struct Product {
  static constexpr int kA = kPieceA, kB = kPieceB;
};
template <class... Product>
struct Products {};

// Steps between a load of a tile of A and the fetch of its successor from the second-level cache:
// about 200 cycles.
template <int kPieces>
constexpr int64_t kFetchAhead = kPieces == 1 ? 3 : 1;

template <int kTile, int kPieces>
inline void load_tile_of_a(const char* tile) {
  load_tile<kTile>(tile, 64);
  const char* next = tile + kFetchAhead<kPieces> * kStepBytes<kPieces>;
#pragma GCC unroll 16
  for (int line = 0; line < kTileBytes; line += 64) __builtin_prefetch(next + line);
}

// One product of pieces, after loading what the one before has not left in the registers. Every
// product goes through C in the same order: four instructions of 16 cycles between two that add to
// the same tile hide the latency of 52, and a register that is loaded anew has been free for at
// least one instruction.
template <int R, int C, int kPieces, bool kLoadA, bool kLoadB>
inline void multiply_pieces(const char* a, const char* b) {
  if constexpr (kLoadA) load_tile_of_a<kTileA, kPieces>(a);
  if constexpr (kLoadB) load_tile<kTileB>(b, 64);
  multiply_tiles<0, kTileA, kTileB>();
  if constexpr (kLoadB && C == 2) load_tile<kTileB + 1>(b + kTileBytes, 64);
  if constexpr (C == 2) multiply_tiles<1, kTileA, kTileB + 1>();
  if constexpr (kLoadA && R == 2) load_tile_of_a<kTileA + 1, kPieces>(a + kTileBytes);
  if constexpr (R == 2) multiply_tiles<2, kTileA + 1, kTileB>();
  if constexpr (R == 2 && C == 2) multiply_tiles<3, kTileA + 1, kTileB + 1>();
}

// The products of one step, in the order given. kA and kB: the pieces in the registers.
template <int R, int C, int kPieces, int kA, int kB>
inline void multiply_step(const char*, const char*, Products<>) {}

template <int R, int C, int kPieces, int kA, int kB, class First, class... Rest>
inline void multiply_step(const char* a, const char* b, Products<First, Rest...>) {
  constexpr int64_t kPieceBytes = kSide * kTileBytes;
  multiply_pieces<R, C, kPieces, First::kA != kA, First::kB != kB>(a + First::kA * kPieceBytes,
                                                                   b + First::kB * kPieceBytes);
  multiply_step<R, C, kPieces, First::kA, First::kB>(a, b, Products<Rest...>{});
}

template <int R, int C, int kPieces, class List>
inline void multiply_panels(const PieceTile& t, List products) {
  const char* a = static_cast<const char*>(t.a);
  const char* b = static_cast<const char*>(t.b);
  for (int64_t p = 0; p < t.kc; p += kDepth) {
    multiply_step<R, C, kPieces, -1, -1>(a, b, products);
    a += kStepBytes<kPieces>;
    b += kStepBytes<kPieces>;
  }
}

// Small products first and over all of k: their sum is rounded at its own scale, and the sum of the
// large ones once per step, where a chain of multiply-adds rounds for every k. The products with
// both a second and a third piece are at most 2^-25 of the whole, which only a sum of one step has
// the precision to notice.
template <int R, int C, int kPieces>
inline void multiply_all(const PieceTile& t) {
  using Hi = Product<0, 0>;
  using HiMid = Product<0, 1>;
  using MidHi = Product<1, 0>;
  if constexpr (kPieces == 1) {
    multiply_panels<R, C, 1>(t, Products<Hi>{});
  } else if constexpr (kPieces == 2) {
    multiply_panels<R, C, 2>(t, Products<HiMid, Hi, MidHi>{});
  } else {
    using HiLo = Product<0, 2>;
    using LoHi = Product<2, 0>;
    using MidMid = Product<1, 1>;
    using MidLo = Product<1, 2>;
    using LoMid = Product<2, 1>;
    if (t.kc > kDepth) {
      multiply_panels<R, C, 3>(t, Products<HiLo, HiMid, MidMid, MidHi, LoHi>{});
    } else {
      multiply_panels<R, C, 3>(t, Products<MidLo, HiLo, HiMid, MidMid, LoMid, LoHi, MidHi>{});
    }
    multiply_panels<R, C, 3>(t, Products<Hi>{});
  }
}

template <bool kWhole, int C>
inline void store_sums(PieceTile t, const float (*sums)[kSide][kTileRows][kTileRows]) {
  for (int64_t i = 0; i < t.m; ++i) {
    for (int part = 0; part < C; ++part) {
      const float* row = sums[i / kTileRows][part][i % kTileRows];
      store_sum<kWhole>(t, i, part * kTileRows, load(row));
    }
  }
}

// C takes its tiles by way of a copy: rows of C may be a power of two apart, which would send them
// all to one set of the cache.
template <int R, int C, int kPieces>
void tile(const PieceTile& t) {
  alignas(64) float sums[R][kSide][kTileRows][kTileRows];
  zero_tile<0>();
  if constexpr (C == 2) zero_tile<1>();
  if constexpr (R == 2) zero_tile<2>();
  if constexpr (R == 2 && C == 2) zero_tile<3>();
  fetch_c(t);
  multiply_all<R, C, kPieces>(t);
  store_tile<0>(sums[0][0], 64);
  if constexpr (C == 2) store_tile<1>(sums[0][1], 64);
  if constexpr (R == 2) store_tile<2>(sums[R - 1][0], 64);
  if constexpr (R == 2 && C == 2) store_tile<3>(sums[R - 1][1], 64);
  if (t.n == C * kTileRows) {
    store_sums<true, C>(t, sums);
  } else {
    store_sums<false, C>(t, sums);
  }
}

// No more tiles than m and n need.
template <int kPieces>
void amx_tile(const PieceTile& t) {
  if (t.m > kTileRows) {
    return t.n > kTileRows ? tile<2, 2, kPieces>(t) : tile<2, 1, kPieces>(t);
  }
  return t.n > kTileRows ? tile<1, 2, kPieces>(t) : tile<1, 1, kPieces>(t);
}

// ---- Packing

template <class Elements, bool kAlong>
void amx_pack(const void* x, int64_t rs, int64_t cs, int64_t m, int64_t k, float scale, void* out) {
  constexpr int64_t kPieceWords = kSide * kTileBytes / 4;
  const auto* source = static_cast<const typename Elements::T*>(x);
  uint32_t* to = static_cast<uint32_t*>(out);
  for (int64_t i = 0; i < m; i += kWidth) {
    for (int64_t p = 0; p < k; p += kDepth, to += Elements::kPieces * kPieceWords) {
      for (int64_t part = 0; part < kSide; ++part) {
        const int64_t first = i + part * kTileRows;
        const int64_t rows = first < m ? smaller(m - first, kTileRows) : 0;
        pack_block<Elements, kAlong>({source + (rows ? first * rs + p * cs : 0), rs, cs, rows,
                                      smaller(k - p, kDepth), scale},
                                     {to + part * kTileBytes / 4, kPieceWords, 16, 16, 16});
      }
    }
  }
}

// kc: a panel of B takes two thirds of a first-level cache of 48 KiB, and one of A passes by.
// mc: a block of A takes a third of a second-level cache of 2 MiB. All cut sums, and so decide
// bits: they are the same on every machine.
template <class Elements>
PieceGemm kernel() {
  constexpr int kPieces = Elements::kPieces;
  constexpr int kBlockDepths[] = {512, 256, 192};
  return {kPieces,
          kWidth,
          kWidth,
          kDepth,
          512,
          kBlockDepths[kPieces - 1],
          2048,
          2 * kPieces,
          amx_tile<kPieces>,
          amx_pack<Elements, true>,
          amx_pack<Elements, false>,
          configure_tiles,
          release_tiles};
}

// The peak of the tile unit (see kernels/probe.cpp): four independent sums, as a tile of C has
// them, from operands that stay in their registers.
double probe_flops(int64_t rounds, void* out) {
  alignas(64) uint32_t pairs[kTileBytes / 4];
  for (uint32_t& pair : pairs) pair = 0x3a803a80u;  // 2^-10, twice
  configure_tiles();
  load_tile<kTileA>(pairs, 64);
  load_tile<kTileA + 1>(pairs, 64);
  load_tile<kTileB>(pairs, 64);
  load_tile<kTileB + 1>(pairs, 64);
  zero_tile<0>();
  zero_tile<1>();
  zero_tile<2>();
  zero_tile<3>();
  for (int64_t round = 0; round < rounds; ++round) {
    multiply_tiles<0, kTileA, kTileB>();
    multiply_tiles<1, kTileA, kTileB + 1>();
    multiply_tiles<2, kTileA + 1, kTileB>();
    multiply_tiles<3, kTileA + 1, kTileB + 1>();
  }
  store_tile<3>(pairs, 64);
  release_tiles();
  __builtin_memcpy(out, pairs, 64);
  return 4.0 * 2 * kTileRows * kTileRows * kDepth * double(rounds);
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
  t.pieces[2] = kernel<FloatPieces<2>>();
  t.pieces[3] = kernel<FloatPieces<3>>();
  t.probe_flops[int(DType::bfloat16)] = probe_flops;
  t.isa = "amx";
  return &t;
}

}  // namespace pynn::kernels
