// AVX-512 (F, BW, DQ, VL): 64-byte vectors, masked memory access.
#pragma once

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

inline constexpr bool kHasFma = true;
inline constexpr bool kHasStreaming = true;
inline constexpr bool kHasScale = true;
inline constexpr bool kHasLookup = true;

inline Vec<float> mul_add(Vec<float> a, Vec<float> b, Vec<float> c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline Vec<double> mul_add(Vec<double> a, Vec<double> b, Vec<double> c) {
  return _mm512_fmadd_pd(a, b, c);
}
inline Vec<float> sqrt(Vec<float> v) { return _mm512_sqrt_ps(v); }
inline Vec<double> sqrt(Vec<double> v) { return _mm512_sqrt_pd(v); }

inline Vec<float> larger_of(Vec<float> a, Vec<float> b) { return _mm512_max_ps(a, b); }
inline Vec<double> larger_of(Vec<double> a, Vec<double> b) { return _mm512_max_pd(a, b); }
inline Vec<float> smaller_of(Vec<float> a, Vec<float> b) { return _mm512_min_ps(a, b); }
inline Vec<double> smaller_of(Vec<double> a, Vec<double> b) { return _mm512_min_pd(a, b); }

inline Vec<float> scale_by_power_of_two(Vec<float> v, Vec<float> n) {
  return _mm512_scalef_ps(v, n);
}
inline Vec<double> scale_by_power_of_two(Vec<double> v, Vec<double> n) {
  return _mm512_scalef_pd(v, n);
}

inline Vec<float> lookup(const float (&table)[16], Vec<int32_t> index) {
  return _mm512_permutexvar_ps(__m512i(index), _mm512_load_ps(table));
}
inline Vec<float> nearer_zero(Vec<float> a, Vec<float> b) {
  return _mm512_range_ps(a, b, 2);  // absolute minimum, with the sign of a
}
inline Vec<float> exponent(Vec<float> v) { return _mm512_getexp_ps(v); }
inline Vec<float> mantissa(Vec<float> v) {
  return _mm512_getmant_ps(v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
}

inline __mmask16 first_lanes32(int64_t n) { return __mmask16((1u << n) - 1u); }
inline __mmask8 first_lanes64(int64_t n) { return __mmask8((1u << n) - 1u); }

inline Vec<float> load_partial(const float* p, int64_t n, float rest) {
  return _mm512_mask_loadu_ps(_mm512_set1_ps(rest), first_lanes32(n), p);
}
inline Vec<double> load_partial(const double* p, int64_t n, double rest) {
  return _mm512_mask_loadu_pd(_mm512_set1_pd(rest), first_lanes64(n), p);
}
inline void store_partial(float* p, Vec<float> v, int64_t n) {
  _mm512_mask_storeu_ps(p, first_lanes32(n), v);
}
inline void store_partial(double* p, Vec<double> v, int64_t n) {
  _mm512_mask_storeu_pd(p, first_lanes64(n), v);
}

inline void store_streaming(uint64_t* p, Vec<uint64_t> v) {
  _mm512_stream_si512(reinterpret_cast<__m512i*>(p), __m512i(v));
}
inline void end_streaming() { _mm_sfence(); }

inline Vec<uint64_t> mul_low32(Vec<uint64_t> a, Vec<uint64_t> b) {
  return Vec<uint64_t>(_mm512_mul_epu32(__m512i(a), __m512i(b)));
}

inline Vec<float> load_half(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline void store_half(uint16_t* p, Vec<float> v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

inline WordPair interleave(Vec<uint64_t> a, Vec<uint64_t> b) {
  const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
  const __m512i high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
  return {Vec<uint64_t>(_mm512_permutex2var_epi64(__m512i(a), low, __m512i(b))),
          Vec<uint64_t>(_mm512_permutex2var_epi64(__m512i(a), high, __m512i(b)))};
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
