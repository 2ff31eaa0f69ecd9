// Activation functions and their gradients; the sigmoid cross-entropy.
#include "kernels/fill.h"
#include "simd/loops.h"
#include "simd/special.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// The argument of the sigmoid in gelu_tanh (simd/math.h), to the digits that a gradient needs.
inline constexpr double kTwiceSqrtTwoOverPi = 1.59576912160573071176;
inline constexpr double kCubic = 0.044715;

template <class V>
inline V gelu_tanh_argument(V x) {
  using T = Scalar<V>;
  return x * T(kTwiceSqrtTwoOverPi) * mul_add(x * x, splat<V>(T(kCubic)), splat<V>(1));
}

template <class T>
void relu(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](Vec<T> v) { return v <= 0 ? Vec<T>{} : v; });
}
template <class T>
void leaky_relu(const void* x, Output y, int64_t n, const double* params) {
  const Vec<T> slope = splat<Vec<T>>(T(params[0]));
  map1<T>(x, y, n, [=](Vec<T> v) { return v < 0 ? slope * v : v; });
}
template <class T>
void elu(const void* x, Output y, int64_t n, const double* params) {
  const Vec<T> alpha = splat<Vec<T>>(T(params[0]));
  map1<T>(x, y, n, [=](Vec<T> v) { return v > 0 ? v : alpha * expm1(v); });
}
template <class T>
void gelu_exact(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return gelu(v); });
}
template <class T>
void gelu_approximate(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return gelu_tanh(v); });
}
template <class T>
void logistic(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return sigmoid(v); });
}
template <class T>
void swish(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return silu(v); });
}
template <class T>
void soft_plus(const void* x, Output y, int64_t n, const double*) {
  map1<T>(x, y, n, [](auto v) { return softplus(v); });
}

// ---- Gradients: dx from dy and the saved input or output ----

template <class T>
void relu_grad(const void* y, bool ys, const void* dy, bool dys, Output dx, int64_t n,
               const double*) {
  map2<T>(y, ys, dy, dys, dx, n, [](Vec<T> v, Vec<T> d) { return v > 0 ? d : Vec<T>{}; });
}
template <class T>
void leaky_relu_grad(const void* x, bool xs, const void* dy, bool dys, Output dx, int64_t n,
                     const double* params) {
  const Vec<T> slope = splat<Vec<T>>(T(params[0]));
  map2<T>(x, xs, dy, dys, dx, n, [=](Vec<T> v, Vec<T> d) { return v > 0 ? d : slope * d; });
}
template <class T>
void elu_grad(const void* x, bool xs, const void* dy, bool dys, Output dx, int64_t n,
              const double* params) {
  const Vec<T> alpha = splat<Vec<T>>(T(params[0]));
  map2<T>(x, xs, dy, dys, dx, n,
          [=](Vec<T> v, Vec<T> d) { return v > 0 ? d : d * alpha * exp(v); });
}
template <class T>
void sigmoid_grad(const void* y, bool ys, const void* dy, bool dys, Output dx, int64_t n,
                  const double*) {
  map2<T>(y, ys, dy, dys, dx, n, [](Vec<T> v, Vec<T> d) { return d * v * (1 - v); });
}
template <class T>
void tanh_grad(const void* y, bool ys, const void* dy, bool dys, Output dx, int64_t n,
               const double*) {
  // (1 - y)(1 + y) loses no digits near y = 1, where 1 - y * y would.
  map2<T>(y, ys, dy, dys, dx, n, [](Vec<T> v, Vec<T> d) { return d * ((1 - v) * (1 + v)); });
}
template <class T>
void gelu_grad(const void* x, bool xs, const void* dy, bool dys, Output dx, int64_t n,
               const double*) {
  map2<T>(x, xs, dy, dys, dx, n, [](Vec<T> v, Vec<T> d) { return d * gelu_derivative(v); });
}
template <class T>
void gelu_tanh_grad(const void* x, bool xs, const void* dy, bool dys, Output dx, int64_t n,
                    const double*) {
  using V = Vec<T>;
  map2<T>(x, xs, dy, dys, dx, n, [](V v, V d) {
    v = larger_of(splat<V>(-20), smaller_of(splat<V>(20), v));  // 0 and 1 beyond
    const V u = gelu_tanh_argument(v);
    const Extended<V> exact = sigmoid_from_exp(u, extended_exp(negative_abs(u)));
    const V s = exact.value + exact.lost;  // 1 - s would enlarge the error of sigmoid(u)
    const V slope = mul_add(v * v, splat<V>(T(3 * kCubic)), splat<V>(1)) * T(kTwiceSqrtTwoOverPi);
    return d * mul_add(v * slope, s * (1 - s), s);
  });
}
template <class T>
void silu_grad(const void* x, bool xs, const void* dy, bool dys, Output dx, int64_t n,
               const double*) {
  using V = Vec<T>;
  map2<T>(x, xs, dy, dys, dx, n, [](V v, V d) {
    v = larger_of(splat<V>(-1000), smaller_of(splat<V>(1000), v));  // 0 and 1 beyond
    // s' = e / (1 + e)^2 with e = exp(-|v|): no cancellation, where s (1 - s) would.
    const V e = exp(negative_abs(v));
    const V inverse = 1 / (e + 1);
    const V small = e * inverse;  // sigmoid(-|v|); `inverse` is sigmoid(|v|)
    return d * mul_add(v, small * inverse, v < 0 ? small : inverse);
  });
}
template <class T>
void softplus_grad(const void* x, bool xs, const void* dy, bool dys, Output dx, int64_t n,
                   const double*) {
  map2<T>(x, xs, dy, dys, dx, n, [](Vec<T> v, Vec<T> d) { return d * sigmoid(v); });
}

// max(x, 0) - x * t + log1p(exp(-|x|)) with logits x and targets t.
template <class T>
void sigmoid_cross_entropy(const void* x, bool xs, const void* t, bool ts, Output y, int64_t n,
                           const double*) {
  using V = Vec<T>;
  map2<T>(x, xs, t, ts, y, n, [](V v, V target) {
    // x (1 - t) for positive x, -x t for negative: 0 and not infinity - infinity at the sure
    // answer.
    const V weight = v > 0 ? 1 - target : -target;
    const V linear = weight == 0 ? V{} : v * weight;
    return linear + log1p(exp(-abs(v)));
  });
}

template <class T>
void fill_float(KernelTable& table) {
  const auto unary = [&](Unary op, UnaryFn kernel) { table.unary[int(op)][kIndex<T>] = kernel; };
  unary(Unary::relu, relu<T>);
  unary(Unary::leaky_relu, leaky_relu<T>);
  unary(Unary::elu, elu<T>);
  unary(Unary::gelu, gelu_exact<T>);
  unary(Unary::gelu_tanh, gelu_approximate<T>);
  unary(Unary::sigmoid, logistic<T>);
  unary(Unary::silu, swish<T>);
  unary(Unary::softplus, soft_plus<T>);
  const auto binary = [&](Binary op, BinaryFn kernel) {
    table.binary[int(op)][kIndex<T>] = kernel;
  };
  binary(Binary::relu_grad, relu_grad<T>);
  binary(Binary::leaky_relu_grad, leaky_relu_grad<T>);
  binary(Binary::elu_grad, elu_grad<T>);
  binary(Binary::sigmoid_grad, sigmoid_grad<T>);
  binary(Binary::tanh_grad, tanh_grad<T>);
  binary(Binary::gelu_grad, gelu_grad<T>);
  binary(Binary::gelu_tanh_grad, gelu_tanh_grad<T>);
  binary(Binary::silu_grad, silu_grad<T>);
  binary(Binary::softplus_grad, softplus_grad<T>);
  binary(Binary::sigmoid_cross_entropy, sigmoid_cross_entropy<T>);
}

}  // namespace

void fill_activations(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
