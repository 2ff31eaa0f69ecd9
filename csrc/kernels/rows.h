// Row functions that several families need.
#pragma once

#include "simd/loops.h"
#include "simd/math.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// The index of the first element equal to `value` (the first NaN, if that is one), which must be
// there. The blocks have no early exit, so that the compiler makes vector code of them.
template <class T>
inline int64_t first_index_of(const T* x, int64_t n, T value) {
  constexpr int64_t kBlock = 64;
  const bool want_nan = value != value;
  const auto matches = [=](T v) { return want_nan ? v != v : v == value; };
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    bool found = false;
    for (int64_t j = 0; j < kBlock; ++j) found |= matches(x[i + j]);
    if (found) break;
  }
  while (i + 1 < n && !matches(x[i])) ++i;
  return i;
}

// NaN if either is NaN, on vectors and on single elements.
struct Maximum {
  template <class V>
  V operator()(V a, V b) const {
    return maximum(a, b);
  }
  float operator()(float a, float b) const { return a > b || a != a ? a : b; }
  double operator()(double a, double b) const { return a > b || a != a ? a : b; }
};
struct Minimum {
  template <class V>
  V operator()(V a, V b) const {
    return minimum(a, b);
  }
  float operator()(float a, float b) const { return a < b || a != a ? a : b; }
  double operator()(double a, double b) const { return a < b || a != a ? a : b; }
};

inline float row_maximum(const float* x, int64_t n) {
  return reduce_lanes<float>(x, n, -__builtin_inff(), Maximum{});
}
inline double row_maximum(const double* x, int64_t n) {
  return reduce_lanes<double>(x, n, -__builtin_inf(), Maximum{});
}
inline float row_minimum(const float* x, int64_t n) {
  return reduce_lanes<float>(x, n, __builtin_inff(), Minimum{});
}
inline double row_minimum(const double* x, int64_t n) {
  return reduce_lanes<double>(x, n, __builtin_inf(), Minimum{});
}

template <class T>
inline T row_maximum(const T* x, int64_t n) {
  T best = x[0];
  for (int64_t i = 1; i < n; ++i) best = x[i] > best ? x[i] : best;
  return best;
}
template <class T>
inline T row_minimum(const T* x, int64_t n) {
  T best = x[0];
  for (int64_t i = 1; i < n; ++i) best = x[i] < best ? x[i] : best;
  return best;
}

// log(sum(exp(x))) = maximum + log1p(rest), where rest = sum of exp(x - maximum) over all elements
// but the (first) largest. Leaving out its 1 keeps the digits of a small rest.
template <class T>
struct LogSumExp {
  T maximum, rest;

  T log_rest() const { return log1p(splat<Vec<T>>(rest))[0]; }
  T scale() const { return T(1) / (T(1) + rest); }  // softmax = exp(x - maximum) * scale
};

template <class T>
inline T sum_exp(const T* x, int64_t n, T maximum) {
  if (n == 0) return T(0);
  const Vec<T> shift = splat<Vec<T>>(maximum);
  return sum_lanes<T>(n, [=](auto at) { return at.active(exp(at.load(x) - shift)); });
}

template <class T>
inline LogSumExp<T> log_sum_exp(const T* x, int64_t n) {
  const T maximum = row_maximum(x, n);
  if (maximum != maximum) return {maximum, maximum};
  const int64_t k = first_index_of(x, n, maximum);
  return {maximum, sum_exp(x, k, maximum) + sum_exp(x + k + 1, n - k - 1, maximum)};
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
