// AVX2 with FMA and F16C: 32-byte vectors.
#pragma once

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

inline constexpr bool kHasFma = true;
inline constexpr bool kHasStreaming = true;
inline constexpr bool kHasScale = false;
inline constexpr bool kHasLookup = false;

inline Vec<float> mul_add(Vec<float> a, Vec<float> b, Vec<float> c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline Vec<double> mul_add(Vec<double> a, Vec<double> b, Vec<double> c) {
  return _mm256_fmadd_pd(a, b, c);
}
inline Vec<float> sqrt(Vec<float> v) { return _mm256_sqrt_ps(v); }
inline Vec<double> sqrt(Vec<double> v) { return _mm256_sqrt_pd(v); }

inline Vec<float> larger_of(Vec<float> a, Vec<float> b) { return _mm256_max_ps(a, b); }
inline Vec<double> larger_of(Vec<double> a, Vec<double> b) { return _mm256_max_pd(a, b); }
inline Vec<float> smaller_of(Vec<float> a, Vec<float> b) { return _mm256_min_ps(a, b); }
inline Vec<double> smaller_of(Vec<double> a, Vec<double> b) { return _mm256_min_pd(a, b); }

// All bits set in the first n lanes.
inline Vec<int32_t> first_lanes32(int64_t n) {
  return Vec<int32_t>{0, 1, 2, 3, 4, 5, 6, 7} < int32_t(n);
}
inline Vec<int64_t> first_lanes64(int64_t n) { return Vec<int64_t>{0, 1, 2, 3} < n; }

inline Vec<float> load_partial(const float* p, int64_t n, float rest) {
  const Vec<int32_t> mask = first_lanes32(n);
  const Vec<float> v = _mm256_maskload_ps(p, __m256i(mask));
  return mask ? v : splat<Vec<float>>(rest);
}
inline Vec<double> load_partial(const double* p, int64_t n, double rest) {
  const Vec<int64_t> mask = first_lanes64(n);
  const Vec<double> v = _mm256_maskload_pd(p, __m256i(mask));
  return mask ? v : splat<Vec<double>>(rest);
}
// In powers of two: a masked store takes AMD's processors before Zen 5 more than ten cycles, and
// none forwards what it stored to a load.
inline void store_partial(float* p, Vec<float> v, int64_t n) {
  if (n == 8) return store(p, v);
  __m128 rest = _mm256_castps256_ps128(v);
  if (n & 4) {
    _mm_storeu_ps(p, rest);
    rest = _mm256_extractf128_ps(v, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), rest);
    rest = _mm_movehl_ps(rest, rest);
    p += 2;
  }
  if (n & 1) _mm_store_ss(p, rest);
}
inline void store_partial(double* p, Vec<double> v, int64_t n) {
  if (n == 4) return store(p, v);
  __m128d rest = _mm256_castpd256_pd128(v);
  if (n & 2) {
    _mm_storeu_pd(p, rest);
    rest = _mm256_extractf128_pd(v, 1);
    p += 2;
  }
  if (n & 1) _mm_store_sd(p, rest);
}

inline void store_streaming(uint64_t* p, Vec<uint64_t> v) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), __m256i(v));
}
inline void end_streaming() { _mm_sfence(); }

inline Vec<uint64_t> mul_low32(Vec<uint64_t> a, Vec<uint64_t> b) {
  return Vec<uint64_t>(_mm256_mul_epu32(__m256i(a), __m256i(b)));
}

inline Vec<float> load_half(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline void store_half(uint16_t* p, Vec<float> v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

inline WordPair interleave(Vec<uint64_t> a, Vec<uint64_t> b) {
  const __m256i even = _mm256_unpacklo_epi64(__m256i(a), __m256i(b));
  const __m256i odd = _mm256_unpackhi_epi64(__m256i(a), __m256i(b));
  return {Vec<uint64_t>(_mm256_permute2x128_si256(even, odd, 0x20)),
          Vec<uint64_t>(_mm256_permute2x128_si256(even, odd, 0x31))};
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
