// Any machine: 16-byte vectors, which are SSE2 on x86-64. No fused multiply-add.
#pragma once

#include "simd/portable.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

inline constexpr bool kHasFma = false;

inline Vec<float> mul_add(Vec<float> a, Vec<float> b, Vec<float> c) { return a * b + c; }
inline Vec<double> mul_add(Vec<double> a, Vec<double> b, Vec<double> c) { return a * b + c; }

#if defined(__SSE2__)
inline void store_streaming(uint64_t* p, Vec<uint64_t> v) {
  _mm_stream_si128(reinterpret_cast<__m128i*>(p), __m128i(v));
}
inline Vec<float> sqrt(Vec<float> v) { return _mm_sqrt_ps(v); }
inline Vec<double> sqrt(Vec<double> v) { return _mm_sqrt_pd(v); }
inline Vec<uint64_t> mul_low32(Vec<uint64_t> a, Vec<uint64_t> b) {
  return Vec<uint64_t>(_mm_mul_epu32(__m128i(a), __m128i(b)));
}
#else
inline void store_streaming(uint64_t* p, Vec<uint64_t> v) { store(p, v); }
inline Vec<float> sqrt(Vec<float> v) {
  for (int i = 0; i < kLanes<float>; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
}
inline Vec<double> sqrt(Vec<double> v) {
  for (int i = 0; i < kLanes<double>; ++i) v[i] = __builtin_sqrt(v[i]);
  return v;
}
inline Vec<uint64_t> mul_low32(Vec<uint64_t> a, Vec<uint64_t> b) {
  return (a & 0xffffffffu) * (b & 0xffffffffu);
}
#endif

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
