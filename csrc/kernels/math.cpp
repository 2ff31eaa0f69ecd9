// Elementwise functions of one float argument, and tests of its class.
#include "kernels/fill.h"
#include "simd/loops.h"
#include "simd/special.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
void negative(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return -v; });
}
template <class T>
void absolute(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return abs(v); });
}
template <class T>
void sign(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](Vec<T> v) {
    const Vec<T> one = copysign(splat<Vec<T>>(1), v);
    return ((v > 0) | (v < 0)) ? one : v;  // zeros and NaN stay
  });
}
template <class T>
void exponential(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return exp(v); });
}
template <class T>
void exponential_minus_one(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return expm1(v); });
}
template <class T>
void logarithm(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return log(v); });
}
template <class T>
void logarithm_plus_one(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return log1p(v); });
}
template <class T>
void square_root(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return sqrt(v); });
}
template <class T>
void reciprocal_square_root(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return 1 / sqrt(v); });
}
template <class T>
void square(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return v * v; });
}
template <class T>
void reciprocal(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return 1 / v; });
}
template <class T>
void sine(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return sin(v); });
}
template <class T>
void cosine(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return cos(v); });
}
template <class T>
void hyperbolic_tangent(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return tanh(v); });
}
template <class T>
void error_function(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return erf(v); });
}
template <class T>
void round_down(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return floor(v); });
}
template <class T>
void round_up(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return ceil(v); });
}
template <class T>
void round_to_even(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return round(v); });
}
template <class T>
void clip(const void* x, Output y, int64_t n, const double* params) {
  const Vec<T> low = splat<Vec<T>>(T(params[0])), high = splat<Vec<T>>(T(params[1]));
  map1<T>(x, y, n, [=](Vec<T> v) {
    const Vec<T> raised = v < low ? low : v;
    return raised > high ? high : raised;
  });
}

template <class T>
void is_nan(const void* x, Output y, int64_t n, const double*) {
  loop1<T, uint8_t>(x, y, n, [](T v) -> uint8_t { return v != v; });
}
template <class T>
void is_infinite(const void* x, Output y, int64_t n, const double*) {
  constexpr T infinity = MathConstants<Vec<T>>::kInfinity;
  loop1<T, uint8_t>(x, y, n, [](T v) -> uint8_t { return (v == infinity) | (v == -infinity); });
}
template <class T>
void is_finite(const void* x, Output y, int64_t n, const double*) {
  loop1<T, uint8_t>(x, y, n, [](T v) -> uint8_t { return v - v == 0; });
}

template <class T>
void fill_float(KernelTable& table) {
  const auto set = [&](Unary op, UnaryFn kernel) { table.unary[int(op)][kIndex<T>] = kernel; };
  set(Unary::negative, negative<T>);
  set(Unary::abs, absolute<T>);
  set(Unary::sign, sign<T>);
  set(Unary::exp, exponential<T>);
  set(Unary::expm1, exponential_minus_one<T>);
  set(Unary::log, logarithm<T>);
  set(Unary::log1p, logarithm_plus_one<T>);
  set(Unary::sqrt, square_root<T>);
  set(Unary::rsqrt, reciprocal_square_root<T>);
  set(Unary::square, square<T>);
  set(Unary::reciprocal, reciprocal<T>);
  set(Unary::sin, sine<T>);
  set(Unary::cos, cosine<T>);
  set(Unary::tanh, hyperbolic_tangent<T>);
  set(Unary::erf, error_function<T>);
  set(Unary::floor, round_down<T>);
  set(Unary::ceil, round_up<T>);
  set(Unary::round, round_to_even<T>);
  set(Unary::clip, clip<T>);
  set(Unary::isnan, is_nan<T>);
  set(Unary::isinf, is_infinite<T>);
  set(Unary::isfinite, is_finite<T>);
}

}  // namespace

void fill_math(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
