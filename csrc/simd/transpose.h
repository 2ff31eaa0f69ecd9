// Transposition of small squares in registers.
#pragma once

#include "simd/shuffle.h"
#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// The shuffles of one stage, each of which is one instruction.
template <class V>
inline void swap_singles(V& a, V& b) {  // 2 x 2 squares of elements
  if constexpr (sizeof(V) == 32 && sizeof(a[0]) == 4) {
    const V low = PYNN_SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    b = PYNN_SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    a = low;
  } else if constexpr (sizeof(V) == 32) {
    const V low = PYNN_SHUFFLE(a, b, 0, 4, 2, 6);
    b = PYNN_SHUFFLE(a, b, 1, 5, 3, 7);
    a = low;
  } else {
    const V low = PYNN_SHUFFLE(a, b, 0, 4, 1, 5);
    b = PYNN_SHUFFLE(a, b, 2, 6, 3, 7);
    a = low;
  }
}
template <class V>
inline void swap_halves(V& a, V& b) {  // the upper half of a with the lower half of b
  if constexpr (sizeof(V) == 32 && sizeof(a[0]) == 4) {
    const V low = PYNN_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
    b = PYNN_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    a = low;
  } else {
    const V low = PYNN_SHUFFLE(a, b, 0, 1, 4, 5);
    b = PYNN_SHUFFLE(a, b, 2, 3, 6, 7);
    a = low;
  }
}
template <class V>
inline void swap_pairs(V& a, V& b) {  // pairs of elements within each half; 8 lanes
  const V low = PYNN_SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
  b = PYNN_SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  a = low;
}

// The side of the largest square: as many elements as a vector of 32 bytes holds, where there is
// one.
template <class T>
inline constexpr int kLargeSquare = kVectorBytes >= 32 ? 32 / int(sizeof(T)) : 4;

// out[p * out_stride + i] = x[i * stride + p] for i, p < S.
template <class T, int S>
inline void transpose_square(const T* x, int64_t stride, T* out, int64_t out_stride) {
  using V = typename VecOf<T, S * sizeof(T)>::type;
  V r[S];
#pragma GCC unroll 8
  for (int i = 0; i < S; ++i) __builtin_memcpy(&r[i], x + i * stride, sizeof(V));
  if constexpr (S == 8) {
    // Columns come out in the order 0, 2, 1, 3 within each half.
    constexpr int kOrder[8] = {0, 2, 1, 3, 4, 6, 5, 7};
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) swap_singles(r[i], r[i + 1]);
    swap_pairs(r[0], r[2]), swap_pairs(r[1], r[3]), swap_pairs(r[4], r[6]), swap_pairs(r[5], r[7]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) swap_halves(r[i], r[i + 4]);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      __builtin_memcpy(out + kOrder[i] * out_stride, &r[i], sizeof(V));
    }
  } else if constexpr (sizeof(V) == 32) {  // four doubles
    swap_singles(r[0], r[1]), swap_singles(r[2], r[3]);
    swap_halves(r[0], r[2]), swap_halves(r[1], r[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) __builtin_memcpy(out + i * out_stride, &r[i], sizeof(V));
  } else {  // four floats
    swap_singles(r[0], r[2]), swap_singles(r[1], r[3]);
    swap_singles(r[0], r[1]), swap_singles(r[2], r[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) __builtin_memcpy(out + i * out_stride, &r[i], sizeof(V));
  }
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
