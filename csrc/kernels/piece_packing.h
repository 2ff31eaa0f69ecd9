// Packing for products of bfloat16 pieces: blocks of at most 16 rows by 32 elements of k, as
// vectors of pairs. Either a vector holds the 32 elements of one row ("along" k: A of a tile), or
// one pair of every row ("across": B of a tile; both operands of a vector dot product). What lies
// in memory the other way round is transposed, 16 x 16 pairs at a time.
#pragma once

#include "simd/pairs.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

constexpr int64_t kBlockRows = 16, kBlockPairs = 16, kBlockDepth = 2 * kBlockPairs;

constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

// ---- Elements: what is packed, and how many pieces it becomes

template <int kCount>
struct FloatPieces {
  using T = float;
  static constexpr int kPieces = kCount;

  // n <= 32 neighbours in k.
  static void along(const float* x, int64_t n, float scale, Pairs (&out)[kPieces]) {
    Vec<float> low[kPieces], high[kPieces];
    split(load_partial(x, smaller(n, 16), 0.0f) * scale, low);
    split(n > 16 ? load_partial(x + 16, n - 16, 0.0f) * scale : Vec<float>{}, high);
    for (int piece = 0; piece < kPieces; ++piece) {
      out[piece] = join_neighbours(low[piece], high[piece]);
    }
  }
  // n <= 16 elements of two neighbours in k; `second` may be null.
  static void across(const float* first, const float* second, int64_t n, float scale,
                     Pairs (&out)[kPieces]) {
    Vec<float> even[kPieces], odd[kPieces];
    split(load_partial(first, n, 0.0f) * scale, even);
    split(second ? load_partial(second, n, 0.0f) * scale : Vec<float>{}, odd);
    for (int piece = 0; piece < kPieces; ++piece) out[piece] = join_lanes(even[piece], odd[piece]);
  }
};

struct Bfloat16 {
  using T = uint16_t;
  static constexpr int kPieces = 1;

  static void along(const uint16_t* x, int64_t n, float, Pairs (&out)[1]) {
    out[0] = load_neighbours(x, n);
  }
  static void across(const uint16_t* first, const uint16_t* second, int64_t n, float,
                     Pairs (&out)[1]) {
    out[0] = second ? load_lanes(first, second, n) : load_lanes(first, first, n) & 0xffffu;
  }
};

// ---- One block

template <class T>
struct Source {
  const T* x;  // element (i, p) at x[i * rs + p * cs]
  int64_t rs, cs;
  int64_t rows, depth;  // at most 16 and 32
  float scale;
};

// Vector v of a piece goes to out[piece * piece_step + v * step], of which `lanes` are written.
struct Destination {
  uint32_t* out;
  int64_t piece_step, step;
  int64_t vectors, lanes;

  void put(int64_t piece, int64_t v, Pairs pairs) const {
    uint32_t* p = out + piece * piece_step + v * step;
    if (lanes == 16) {
      store(p, pairs);
    } else {
      store_partial(p, pairs, lanes);
    }
  }
};

// The block with its elements along k neighbours: vector i is row i.
template <class Elements>
inline void pack_along(const Source<typename Elements::T>& s, const Destination& to) {
  constexpr int64_t kAhead = 2 * kBlockDepth;  // elements to fetch before they are wanted
  for (int64_t i = 0; i < to.vectors; ++i) {
    Pairs pairs[Elements::kPieces] = {};
    if (i < s.rows) {
      const typename Elements::T* row = s.x + i * s.rs;
      __builtin_prefetch(row + kAhead);
      __builtin_prefetch(row + kAhead + 16);
      Elements::along(row, s.depth, s.scale, pairs);
    }
    for (int piece = 0; piece < Elements::kPieces; ++piece) to.put(piece, i, pairs[piece]);
  }
}

// The block with its rows neighbours: vector q is pair q of every row.
template <class Elements>
inline void pack_across(const Source<typename Elements::T>& s, const Destination& to) {
  for (int64_t q = 0; q < to.vectors; ++q) {
    Pairs pairs[Elements::kPieces] = {};
    if (2 * q < s.depth) {
      const typename Elements::T* first = s.x + 2 * q * s.cs;
      const typename Elements::T* second = 2 * q + 1 < s.depth ? first + s.cs : nullptr;
      __builtin_prefetch(first + kBlockDepth * s.cs);
      __builtin_prefetch(first + (kBlockDepth + 1) * s.cs);
      Elements::across(first, second, s.rows, s.scale, pairs);
    }
    for (int piece = 0; piece < Elements::kPieces; ++piece) to.put(piece, q, pairs[piece]);
  }
}

// Packs the other way round, then transposes.
template <class Elements, bool kAlong>
inline void pack_transposed(const Source<typename Elements::T>& s, const Destination& to) {
  alignas(64) uint32_t block[Elements::kPieces][16][16];
  const Destination whole = {&block[0][0][0], 256, 16, 16, 16};
  if constexpr (kAlong) {
    pack_across<Elements>(s, whole);
  } else {
    pack_along<Elements>(s, whole);
  }
  for (int piece = 0; piece < Elements::kPieces; ++piece) {
    Pairs rows[16];
    for (int i = 0; i < 16; ++i) rows[i] = load(block[piece][i]);
    transpose(rows);
    for (int64_t v = 0; v < to.vectors; ++v) to.put(piece, v, rows[v]);
  }
}

template <class Elements, bool kAlong>
inline void pack_block(const Source<typename Elements::T>& s, const Destination& to) {
  if (s.cs == 1) {
    if constexpr (kAlong) {
      pack_along<Elements>(s, to);
    } else {
      pack_transposed<Elements, kAlong>(s, to);
    }
  } else if (s.rs == 1) {
    if constexpr (kAlong) {
      pack_transposed<Elements, kAlong>(s, to);
    } else {
      pack_across<Elements>(s, to);
    }
  } else {
    typename Elements::T gathered[kBlockRows * kBlockDepth];
    for (int64_t i = 0; i < s.rows; ++i) {
      for (int64_t p = 0; p < s.depth; ++p) {
        gathered[i * kBlockDepth + p] = s.x[i * s.rs + p * s.cs];
      }
    }
    const Source<typename Elements::T> copy = {gathered, kBlockDepth, 1, s.rows, s.depth, s.scale};
    pack_block<Elements, kAlong>(copy, to);
  }
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
