// What backends without masked memory access share: partial loads and stores through a copy, half
// precision through integer arithmetic, order without an instruction of its own.
#pragma once

#include <cstdint>

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

inline constexpr bool kHasScale = false;

template <class V>
inline V larger_of(V a, V b) {
  return a > b ? a : b;
}
template <class V>
inline V smaller_of(V a, V b) {
  return a < b ? a : b;
}

template <class T>
inline Vec<T> load_partial(const T* p, int64_t n, T rest) {
  T lanes[kLanes<T>];
  for (T& lane : lanes) lane = rest;
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
template <class T>
inline void store_partial(T* p, Vec<T> v, int64_t n) {
  T lanes[kLanes<T>];
  store(lanes, v);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
}

inline Vec<float> load_half(const uint16_t* p) {
  float lanes[kLanes<float>];
  for (int i = 0; i < kLanes<float>; ++i) lanes[i] = half_to_float(p[i]);
  return load(lanes);
}
inline void store_half(uint16_t* p, Vec<float> v) {
  float lanes[kLanes<float>];
  store(lanes, v);
  for (int i = 0; i < kLanes<float>; ++i) p[i] = float_to_half(lanes[i]);
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
