// The vector types of one instruction set.
//
// Vec<T> is a native vector of the compiler (GCC and Clang vector extensions), so + - * / & | ^ <<
// >> < == ?: work on it as they do on a scalar; comparisons give a mask of the same shape, all bits
// set where true. A backend adds what the extensions cannot say. Each must define:
//
//   kVectorBytes, kHasFma
//   Vec<T> mul_add(a, b, c)           a * b + c; one rounding where kHasFma, else two
//   Vec<T> sqrt(v)                    correctly rounded
//   Vec<T> larger_of(a, b)            a > b ? a : b, so b where either is NaN; smaller_of: a < b
//   kHasScale                         whether there is Vec<T> scale_by_power_of_two(v, n): v * 2^n
//                                     for the integer below n, of any size, rounded once
//   kHasLookup                        whether there are, for float:
//     lookup(table, index)            of sixteen aligned numbers those at the low 4 bits of index
//     nearer_zero(a, b)               the smaller of |a| and b > 0 with the sign of a; b for NaN
//     exponent(v), mantissa(v)        v = s * 2^exponent, 1 <= s < 2; mantissa is s below 3/2 and
//                                     else s / 2; -inf and +-1 for 0, inf and 1 for inf, mantissa
//                                     NaN for v < 0
//   Vec<T> load_partial(p, n, rest)   n <= lanes elements from p, `rest` in the other lanes; reads
//                                     nothing beyond
//   void store_partial(p, v, n)       the first n <= lanes lanes; writes nothing beyond
//   kHasStreaming                     whether there are stores past the caches
//   void store_streaming(p, v)        such a store, or a plain one; p aligned to a vector
//   void end_streaming()              after this, other threads see what was stored so
//   Vec<uint64_t> mul_low32(a, b)     product of the low halves of each lane
//   WordPair interleave(a, b)         64-bit lanes a[0], b[0], a[1], b[1], ...
//   Vec<float> load_half(p)           IEEE half precision, as bits
//   void store_half(p, v)
//
// Everything has internal linkage: an object of one instruction set must not lend its code to
// another.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(PYNN_ISA_AVX2) || defined(PYNN_ISA_AVX512)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 warns of the deliberately undefined operands in its own header (bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

#if defined(PYNN_ISA_AVX512)
inline constexpr int kVectorBytes = 64;
#elif defined(PYNN_ISA_AVX2)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

template <class T, int Bytes = kVectorBytes>
struct VecOf {
  typedef T type __attribute__((vector_size(Bytes)));
};
template <class T>
using Vec = typename VecOf<T>::type;
// Half a vector: the operand of a conversion to elements of twice the size.
template <class T>
using HalfVec = typename VecOf<T, kVectorBytes / 2>::type;

template <class T>
inline constexpr int kLanes = kVectorBytes / int(sizeof(T));

// The element type of a vector, and the integers of the same size.
template <class V>
struct Element;
template <>
struct Element<Vec<float>> {
  using type = float;
  using integer = int32_t;
  using ints = Vec<int32_t>;
};
template <>
struct Element<Vec<double>> {
  using type = double;
  using integer = int64_t;
  using ints = Vec<int64_t>;
};
template <class V>
using Scalar = typename Element<V>::type;
template <class V>
using IntScalar = typename Element<V>::integer;
template <class V>
using IntVec = typename Element<V>::ints;

// Subtracting +0 keeps the sign of a zero; adding it would not.
template <class V>
inline V splat(Scalar<V> value) {
  return value - V{};
}

template <class T>
inline Vec<T> load(const T* p) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
inline void store(T* p, Vec<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// A pair of double vectors holds the lanes of one float vector.
struct DoublePair {
  Vec<double> low, high;
};
struct FloatHalves {
  HalfVec<float> low, high;
};

// Two vectors as one of twice the length.
struct WordPair {
  Vec<uint64_t> low, high;
};

inline DoublePair widen(Vec<float> v) {
  FloatHalves halves;
  __builtin_memcpy(&halves, &v, sizeof v);
  return {__builtin_convertvector(halves.low, Vec<double>),
          __builtin_convertvector(halves.high, Vec<double>)};
}
inline Vec<float> narrow(DoublePair pair) {
  const FloatHalves halves = {__builtin_convertvector(pair.low, HalfVec<float>),
                              __builtin_convertvector(pair.high, HalfVec<float>)};
  Vec<float> v;
  __builtin_memcpy(&v, &halves, sizeof v);
  return v;
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE

#include "simd/half.h"

#if defined(PYNN_ISA_AVX512)
#include "simd/avx512.h"
#elif defined(PYNN_ISA_AVX2)
#include "simd/avx2.h"
#elif defined(PYNN_ISA_NEON)
#include "simd/neon.h"
#else
#include "simd/baseline.h"
#endif
