// IEEE half precision and bfloat16 as bit patterns, with integer arithmetic only: the result does
// not depend on whether the processor flushes subnormal numbers. Compilers turn loops over these
// functions into vector code.
#pragma once

#include <cstdint>

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

inline uint32_t float_bits(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline float bits_float(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

inline float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000u) << 16;
  const uint32_t magnitude = h & 0x7fffu;
  // Exponents move from bias 15 to bias 127; infinity and NaN move on to the top exponent.
  const uint32_t rebias = magnitude >= 0x7c00u ? 224u << 23 : 112u << 23;
  const uint32_t normal = (magnitude << 13) + rebias;
  // A subnormal half is an integer times 2^-24, and a normal float.
  const uint32_t subnormal = float_bits(float(int32_t(magnitude)) * 0x1p-24f);
  return bits_float(sign | (magnitude < 0x0400u ? subnormal : normal));
}

// Rounds to nearest, ties to even.
inline uint16_t float_to_half(float x) {
  const uint32_t bits = float_bits(x);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t odd = (magnitude >> 13) & 1u;
  const uint32_t normal = (magnitude - (112u << 23) + 0xfffu + odd) >> 13;
  // Adding 0.5, whose last place is 2^-24, leaves the rounded subnormal half in the low bits.
  const uint32_t subnormal = float_bits(bits_float(magnitude) + 0.5f) - 0x3f000000u;
  const uint32_t special =
      magnitude > 0x7f800000u ? 0x7e00u | ((magnitude >> 13) & 0x3ffu) : 0x7c00u;
  const uint32_t finite = magnitude < 0x38800000u ? subnormal : normal;  // below 2^-14: subnormal
  return uint16_t(sign |
                  (magnitude >= 0x477ff000u ? special : finite));  // 65520 rounds to infinity
}

inline float bfloat16_to_float(uint16_t b) { return bits_float(uint32_t(b) << 16); }

// Rounds to nearest, ties to even; a NaN stays a (quiet) NaN.
inline uint16_t float_to_bfloat16(float x) {
  const uint32_t bits = float_bits(x);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t nan = (bits >> 16) | 0x40u;
  return uint16_t((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
