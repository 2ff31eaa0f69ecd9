// 64-bit Arm: 16-byte vectors with fused multiply-add and conversions of half precision.
#pragma once

#include "simd/portable.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

inline constexpr bool kHasFma = true;
inline constexpr bool kHasStreaming = false;

inline Vec<float> mul_add(Vec<float> a, Vec<float> b, Vec<float> c) {
  return Vec<float>(vfmaq_f32(float32x4_t(c), float32x4_t(a), float32x4_t(b)));
}
inline Vec<double> mul_add(Vec<double> a, Vec<double> b, Vec<double> c) {
  return Vec<double>(vfmaq_f64(float64x2_t(c), float64x2_t(a), float64x2_t(b)));
}
inline Vec<float> sqrt(Vec<float> v) { return Vec<float>(vsqrtq_f32(float32x4_t(v))); }
inline Vec<double> sqrt(Vec<double> v) { return Vec<double>(vsqrtq_f64(float64x2_t(v))); }

inline void store_streaming(uint64_t* p, Vec<uint64_t> v) { store(p, v); }
inline void end_streaming() {}

inline Vec<uint64_t> mul_low32(Vec<uint64_t> a, Vec<uint64_t> b) {
  return Vec<uint64_t>(vmull_u32(vmovn_u64(uint64x2_t(a)), vmovn_u64(uint64x2_t(b))));
}

// The flush-to-zero mode of float32 does not concern the half that is read or written.
inline Vec<float> load_half(const uint16_t* p) {
  return Vec<float>(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))));
}
inline void store_half(uint16_t* p, Vec<float> v) {
  vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(float32x4_t(v))));
}

inline WordPair interleave(Vec<uint64_t> a, Vec<uint64_t> b) {
  return {Vec<uint64_t>(vzip1q_u64(uint64x2_t(a), uint64x2_t(b))),
          Vec<uint64_t>(vzip2q_u64(uint64x2_t(a), uint64x2_t(b)))};
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
