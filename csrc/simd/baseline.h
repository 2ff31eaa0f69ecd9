// Any machine: 16-byte vectors, which are SSE2 on x86-64. No fused multiply-add; half precision
// through integers.
#pragma once

#include "simd/portable.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

inline constexpr bool kHasFma = false;

inline Vec<float> mul_add(Vec<float> a, Vec<float> b, Vec<float> c) { return a * b + c; }
inline Vec<double> mul_add(Vec<double> a, Vec<double> b, Vec<double> c) { return a * b + c; }

#if defined(__SSE2__)
inline constexpr bool kHasStreaming = true;
inline void store_streaming(uint64_t* p, Vec<uint64_t> v) {
  _mm_stream_si128(reinterpret_cast<__m128i*>(p), __m128i(v));
}
inline void end_streaming() { _mm_sfence(); }
inline Vec<float> larger_of(Vec<float> a, Vec<float> b) { return _mm_max_ps(a, b); }
inline Vec<double> larger_of(Vec<double> a, Vec<double> b) { return _mm_max_pd(a, b); }
inline Vec<float> smaller_of(Vec<float> a, Vec<float> b) { return _mm_min_ps(a, b); }
inline Vec<double> smaller_of(Vec<double> a, Vec<double> b) { return _mm_min_pd(a, b); }
inline Vec<float> sqrt(Vec<float> v) { return _mm_sqrt_ps(v); }
inline Vec<double> sqrt(Vec<double> v) { return _mm_sqrt_pd(v); }
inline Vec<uint64_t> mul_low32(Vec<uint64_t> a, Vec<uint64_t> b) {
  return Vec<uint64_t>(_mm_mul_epu32(__m128i(a), __m128i(b)));
}
#else
inline constexpr bool kHasStreaming = false;
inline void store_streaming(uint64_t* p, Vec<uint64_t> v) { store(p, v); }
inline void end_streaming() {}
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

// Four 16-bit words, extended with zeros; and the low words of four lanes.
#if defined(__SSE2__)
inline Vec<int32_t> load_words(const uint16_t* p) {
  const __m128i words = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return Vec<int32_t>(_mm_unpacklo_epi16(words, _mm_setzero_si128()));
}
inline void store_words(uint16_t* p, Vec<int32_t> v) {
  // Extended with their signs, words pass the saturating conversion unchanged.
  const __m128i words = __m128i(v << 16 >> 16);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi32(words, words));
}
#else
inline Vec<int32_t> load_words(const uint16_t* p) {
  typename VecOf<uint16_t, kVectorBytes / 2>::type words;
  __builtin_memcpy(&words, p, sizeof words);
  return __builtin_convertvector(words, Vec<int32_t>);
}
inline void store_words(uint16_t* p, Vec<int32_t> v) {
  const auto words =
      __builtin_convertvector(Vec<uint32_t>(v), typename VecOf<uint16_t, kVectorBytes / 2>::type);
  __builtin_memcpy(p, &words, sizeof words);
}
#endif

// half_to_float and float_to_half of half.h, on vectors.
inline Vec<float> load_half(const uint16_t* p) {
  const Vec<int32_t> h = load_words(p);
  const Vec<int32_t> magnitude = h & 0x7fff;
  const Vec<int32_t> top = (magnitude >= 0x7c00) & (112 << 23);  // infinity and NaN move twice
  const Vec<int32_t> normal = (magnitude << 13) + (112 << 23) + top;
  const Vec<float> subnormal = __builtin_convertvector(magnitude, Vec<float>) * 0x1p-24f;
  const Vec<int32_t> value = magnitude < 0x0400 ? Vec<int32_t>(subnormal) : normal;
  return Vec<float>(value | (h & 0x8000) << 16);
}
inline void store_half(uint16_t* p, Vec<float> v) {
  const Vec<uint32_t> bits = Vec<uint32_t>(v);
  const Vec<int32_t> magnitude = Vec<int32_t>(bits & 0x7fffffffu);
  const Vec<int32_t> odd = (magnitude >> 13) & 1;
  const Vec<int32_t> normal = (magnitude - (112 << 23) + 0xfff + odd) >> 13;
  const Vec<int32_t> subnormal = Vec<int32_t>(Vec<float>(magnitude) + 0.5f) - 0x3f000000;
  const Vec<int32_t> nan = ((magnitude >> 13) & 0x3ff) | 0x7e00;
  const Vec<int32_t> infinity = Vec<int32_t>{} + 0x7c00;
  const Vec<int32_t> special = magnitude > 0x7f800000 ? nan : infinity;
  const Vec<int32_t> finite = magnitude < 0x38800000 ? subnormal : normal;  // below 2^-14
  const Vec<int32_t> value = magnitude >= 0x477ff000 ? special : finite;    // 65520 gives infinity
  const Vec<int32_t> sign = Vec<int32_t>(bits >> 16) & 0x8000;
  store_words(p, value | sign);
}

inline WordPair interleave(Vec<uint64_t> a, Vec<uint64_t> b) {
  return {Vec<uint64_t>{a[0], b[0]}, Vec<uint64_t>{a[1], b[1]}};
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
