// The sums over the lanes of several vectors at once: a shuffle and an addition per pair, where
// each by itself would take one of both per halving.
#pragma once

#include "simd/shuffle.h"
#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// The numbers 0, 1, ..., N - 1 as a type.
template <int... I>
struct Numbers {};
template <int N, int... I>
struct Counter : Counter<N - 1, N - 1, I...> {};
template <int... I>
struct Counter<0, I...> {
  using type = Numbers<I...>;
};

// Lane i: a[i] + a[i + D] where bit D of i is 0, else b[i - D] + b[i].
template <int D, class V, int... I>
inline V fold_pair(V a, V b, Numbers<I...>) {
  constexpr int kCount = int(sizeof...(I));
  return PYNN_SHUFFLE(a, b, (I & D ? kCount + I - D : I)...) +
         PYNN_SHUFFLE(a, b, (I & D ? kCount + I : I + D)...);
}

// v[i] with v[i + D] for i < D, then halves again.
template <int D, class V, class Lanes>
inline V fold_all(V* v, Lanes lanes) {
  if constexpr (D == 0) {
    return v[0];
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < D; ++i) v[i] = fold_pair<D>(v[i], v[i + D], lanes);
    return fold_all<D / 2>(v, lanes);
  }
}

// Lane i of the result is the sum of the lanes of v[i], in the order of fold_lanes: lane j with
// lane j + half, halves again. N is a power of two, at least 2 and at most the number of lanes.
template <class T, int N, int Bytes = kVectorBytes>
inline typename VecOf<T, N* int(sizeof(T))>::type lane_sums(
    const typename VecOf<T, Bytes>::type* v) {
  constexpr int kCount = Bytes / int(sizeof(T));
  if constexpr (kCount > N) {
    typename VecOf<T, Bytes / 2>::type half[N];
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) {
      typename VecOf<T, Bytes / 2>::type parts[2];
      __builtin_memcpy(parts, v + i, sizeof parts);
      half[i] = parts[0] + parts[1];
    }
    return lane_sums<T, N, Bytes / 2>(half);
  } else {
    typename VecOf<T, Bytes>::type pairs[N];
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) pairs[i] = v[i];
    return fold_all<N / 2>(pairs, typename Counter<N>::type());
  }
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
