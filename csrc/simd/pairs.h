// Pairs of bfloat16 numbers, the operands of AMX tiles and of AVX512-BF16; for AVX-512 levels only.
//
// A lane of Pairs holds two neighbours in k, the first in its low half. A bfloat16 number is the
// upper half of a float, so on the way here it travels as a float ("top") of which only the upper
// half counts.
#pragma once

#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

using Pairs = Vec<uint32_t>;
static_assert(kLanes<uint32_t> == 16, "a vector of pairs is as long as the row of a tile");

// ---- Splitting

// The multiple of 2^(e - 7) nearest to x, where 2^e <= |x| < 2^(e + 1): 8 significant bits
// (Veltkamp's splitting; Boldo, IJCAR 2006). Which way a tie goes is left open. |x| < 2^111.
inline Vec<float> leading_bits(Vec<float> x) {
  const Vec<float> shifted = x * 65537.0f;
  return shifted - (shifted - x);
}

// x rounded to bfloat16, to nearest, ties to even; finite x.
inline Vec<float> round_to_bfloat16(Vec<float> x) {
  const Pairs bits = Pairs(x);
  return Vec<float>(bits + 0x7fffu + ((bits >> 16) & 1u));
}

// x = pieces[0] + pieces[1] + ..., each the nearest to what the ones before leave. Three pieces are
// exact: 24 bits are 8 bits, a sign and 8 bits, a sign and 7 bits.
template <int kPieces>
inline void split(Vec<float> x, Vec<float> (&pieces)[kPieces]) {
  if constexpr (kPieces == 1) {
    pieces[0] = round_to_bfloat16(x);
  } else {
    pieces[0] = leading_bits(x);
    const Vec<float> rest = x - pieces[0];
    pieces[1] = leading_bits(rest);
    if constexpr (kPieces == 3) pieces[2] = rest - pieces[1];
  }
}

// ---- Joining

// 32 neighbours in k: lane i holds elements 2 i and 2 i + 1, of `low` (the first 16) and `high`.
inline Pairs join_neighbours(Vec<float> low, Vec<float> high) {
  const __m512i odd_words =
      _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27,
                       25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  return Pairs(_mm512_permutex2var_epi16(__m512i(low), odd_words, __m512i(high)));
}

// Lane i holds (first[i], second[i]).
inline Pairs join_lanes(Vec<float> first, Vec<float> second) {
  return (Pairs(first) >> 16) | (Pairs(second) & 0xffff0000u);
}

// ---- bfloat16 in memory; n elements, zeros beyond

// n <= 32 neighbours in k.
inline Pairs load_neighbours(const uint16_t* x, int64_t n) {
  return Pairs(_mm512_maskz_loadu_epi16(__mmask32((uint64_t{1} << n) - 1), x));
}
// n <= 16 elements of two rows: lane i holds (first[i], second[i]).
inline Pairs load_lanes(const uint16_t* first, const uint16_t* second, int64_t n) {
  const __mmask16 lanes = first_lanes32(n);
  const Pairs low = Pairs(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, first)));
  const Pairs high = Pairs(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, second)));
  return low | (high << 16);
}

inline void store_partial(uint32_t* p, Pairs v, int64_t n) {
  _mm512_mask_storeu_epi32(p, first_lanes32(n), __m512i(v));
}

// ---- Transposition

// rows[i][j] becomes rows[j][i].
inline void transpose(Pairs (&rows)[16]) {
  __m512i t[16], u[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(__m512i(rows[i]), __m512i(rows[i + 1]));
    t[i + 1] = _mm512_unpackhi_epi32(__m512i(rows[i]), __m512i(rows[i + 1]));
  }
  // u[4 g + c]: column 4 q + c of rows 4 g .. 4 g + 3 in the q-th quarter.
  for (int g = 0; g < 16; g += 4) {
    u[g] = _mm512_unpacklo_epi64(t[g], t[g + 2]);
    u[g + 1] = _mm512_unpackhi_epi64(t[g], t[g + 2]);
    u[g + 2] = _mm512_unpacklo_epi64(t[g + 1], t[g + 3]);
    u[g + 3] = _mm512_unpackhi_epi64(t[g + 1], t[g + 3]);
  }
  for (int c = 0; c < 4; ++c) {
    const __m512i low01 = _mm512_shuffle_i32x4(u[c], u[4 + c], 0x44);
    const __m512i high01 = _mm512_shuffle_i32x4(u[c], u[4 + c], 0xee);
    const __m512i low23 = _mm512_shuffle_i32x4(u[8 + c], u[12 + c], 0x44);
    const __m512i high23 = _mm512_shuffle_i32x4(u[8 + c], u[12 + c], 0xee);
    rows[c] = Pairs(_mm512_shuffle_i32x4(low01, low23, 0x88));
    rows[4 + c] = Pairs(_mm512_shuffle_i32x4(low01, low23, 0xdd));
    rows[8 + c] = Pairs(_mm512_shuffle_i32x4(high01, high23, 0x88));
    rows[12 + c] = Pairs(_mm512_shuffle_i32x4(high01, high23, 0xdd));
  }
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
