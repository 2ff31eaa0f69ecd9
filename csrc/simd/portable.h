// What backends without masked memory access share: partial loads and stores lane by lane, order
// without an instruction of its own.
#pragma once

#include <cstdint>

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

inline constexpr bool kHasScale = false;
inline constexpr bool kHasLookup = false;

template <class V>
inline V larger_of(V a, V b) {
  return a > b ? a : b;
}
template <class V>
inline V smaller_of(V a, V b) {
  return a < b ? a : b;
}

// Lane by lane into a register: by way of memory, the load of the whole vector would have to wait
// until the last of its parts is in the cache.
template <class T>
inline Vec<T> load_partial(const T* p, int64_t n, T rest) {
  Vec<T> v = splat<Vec<T>>(rest);
#pragma GCC unroll 4
  for (int i = 0; i < kLanes<T>; ++i) {
    if (i < n) v[i] = p[i];
  }
  return v;
}
template <class T>
inline void store_partial(T* p, Vec<T> v, int64_t n) {
#pragma GCC unroll 4
  for (int i = 0; i < kLanes<T>; ++i) {
    if (i < n) p[i] = v[i];
  }
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
