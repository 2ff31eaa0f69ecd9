// The functions of simd/math.h and simd/special.h with their references and bounds: one table for
// the sample that the suite tests and for the campaign over all of float.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "check.h"
#include "kernels/table.h"

namespace vector_math {

using pynn::kernels::Unary;

// Reference functions in long double; double is enough, and faster, where the kernel's type is
// float.
template <class E>
E sigmoid(E x) {
  return E(1) / (E(1) + std::exp(-x));
}
template <class E>
E softplus(E x) {
  return std::max(x, E(0)) + std::log1p(std::exp(-std::fabs(x)));
}
template <class E>
E gelu(E x) {
  if (std::isinf(x)) return x > 0 ? x : -E(0);
  return E(0.5) * x * std::erfc(-x * E(0.707106781186547524400844362104849039L));
}
// x * sigmoid(...), which tends to 0 at minus infinity.
template <class E>
E times_sigmoid(E x, E argument) {
  return std::isinf(x) && x < 0 ? -E(0) : x * sigmoid(argument);
}
template <class E>
E gelu_tanh(E x) {
  constexpr E kTwiceSqrtTwoOverPi = E(1.59576912160573071175978423973752747L);
  return times_sigmoid(x, kTwiceSqrtTwoOverPi * x * (1 + E(0.044715L) * x * x));
}
template <class E>
E silu(E x) {
  return times_sigmoid(x, x);
}
template <class E>
E rsqrt(E x) {
  return E(1) / std::sqrt(x);
}

// A function f of one argument: y = f(x) is computed by kernel `op`, checked in type E.
template <class E>
struct Case {
  const char* name;
  Unary op;
  E (*reference)(E);
  double float_ulp, double_ulp;  // the bounds that the headers state
  double smallest = 1;  // in units of the smallest normal number: below, the error is absolute
};

template <class E>
std::vector<Case<E>> cases() {
  return {
      {"exp", Unary::exp, [](E x) { return std::exp(x); }, 1, 1},
      {"expm1", Unary::expm1, [](E x) { return std::expm1(x); }, 2, 2},
      {"log", Unary::log, [](E x) { return std::log(x); }, 1.5, 1},
      {"log1p", Unary::log1p, [](E x) { return std::log1p(x); }, 1, 1},
      {"tanh", Unary::tanh, [](E x) { return std::tanh(x); }, 1.5, 3},
      {"sigmoid", Unary::sigmoid, sigmoid<E>, 2, 2},
      {"softplus", Unary::softplus, softplus<E>, 2, 2},
      {"silu", Unary::silu, silu<E>, 2, 2, 0x1p10},
      {"erf", Unary::erf, [](E x) { return std::erf(x); }, 1.5, 2},
      {"gelu", Unary::gelu, gelu<E>, 2, 4, 0x1p10},
      {"gelu_tanh", Unary::gelu_tanh, gelu_tanh<E>, 2, 2, 0x1p10},
      {"sin", Unary::sin, [](E x) { return std::sin(x); }, 2, 1.5},
      {"cos", Unary::cos, [](E x) { return std::cos(x); }, 2, 1.5},
      {"sqrt", Unary::sqrt, [](E x) { return std::sqrt(x); }, 0.5, 0.5},
      {"rsqrt", Unary::rsqrt, rsqrt<E>, 1.5, 1.5},
      {"reciprocal", Unary::reciprocal, [](E x) { return E(1) / x; }, 0.5, 0.5},
      {"square", Unary::square, [](E x) { return x * x; }, 0.5, 0.5},
      {"floor", Unary::floor, [](E x) { return std::floor(x); }, 0, 0},
      {"ceil", Unary::ceil, [](E x) { return std::ceil(x); }, 0, 0},
      {"round", Unary::round, [](E x) { return std::nearbyint(x); }, 0, 0},
  };
}

}  // namespace vector_math
