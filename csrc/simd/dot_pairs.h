// The dot product of AVX512-BF16.
#pragma once

#include "simd/pairs.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// sum + a.second * b.second + a.first * b.first in every lane. Rounds to nearest even; denormals
// are zero.
inline Vec<float> add_dot_product(Vec<float> sum, Pairs a, Pairs b) {
  return _mm512_dpbf16_ps(sum, __m512bh(a), __m512bh(b));
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
