// Gradient rules: one short function per differentiable op, in the order of ops.def. With L the
// loss, a rule gets dy = dL/dy and gives dL/dx for the inputs that need it. Broadcast inputs are
// summed back by the tape.
#include <cmath>

#include "autograd/tape.h"
#include "ops/functional.h"

namespace pynn {

namespace {

using namespace ops;  // the rules read as formulas

Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
Tensor operator-(const Tensor& a, const Tensor& b) { return subtract(a, b); }
Tensor operator*(const Tensor& a, const Tensor& b) { return multiply(a, b); }
Tensor operator/(const Tensor& a, const Tensor& b) { return divide(a, b); }
Tensor operator*(double a, const Tensor& b) { return multiply(b, a); }
Tensor operator+(double a, const Tensor& b) { return add(b, a); }
Tensor operator-(const Tensor& a) { return unary(OpId::negative, a); }
Tensor exp(const Tensor& x) { return unary(OpId::exp, x); }
Tensor square(const Tensor& x) { return unary(OpId::square, x); }
Tensor sum(const Tensor& x, const Dims& axes, bool keepdims) {
  return reduce(OpId::sum, x, axes, keepdims);
}
Tensor compare(OpId op, const Tensor& x, double y) { return binary(op, x, scalar_like(x, y)); }
// dy where the condition holds, else 0.
Tensor keep_where(const Tensor& condition, const Tensor& dy) {
  return where(condition, dy, scalar_like(dy, 0));
}

constexpr double kSqrt2OverPi = 0.79788456080286535588;    // sqrt(2 / pi)
constexpr double kInvSqrt2Pi = 0.39894228040143267794;     // 1 / sqrt(2 pi)
constexpr double kTwoOverSqrtPi = 1.12837916709551257390;  // 2 / sqrt(pi)

// ---- elementwise, one input

void grad_copy(const GradContext& c) { c.result[0] = c.dy(); }
void grad_cast(const GradContext& c) { c.result[0] = cast(c.dy(), c.x()->dtype()); }
void grad_negative(const GradContext& c) { c.result[0] = -c.dy(); }
void grad_abs(const GradContext& c) { c.result[0] = c.dy() * unary(OpId::sign, c.x()); }
void grad_sign(const GradContext& c) { c.result[0] = zeros_like(c.x()); }
void grad_exp(const GradContext& c) { c.result[0] = c.dy() * c.y(); }
void grad_expm1(const GradContext& c) { c.result[0] = c.dy() * (1.0 + c.y()); }
void grad_log(const GradContext& c) { c.result[0] = c.dy() / c.x(); }
void grad_log1p(const GradContext& c) { c.result[0] = c.dy() / (1.0 + c.x()); }
void grad_sqrt(const GradContext& c) { c.result[0] = 0.5 * c.dy() / c.y(); }
void grad_rsqrt(const GradContext& c) { c.result[0] = -0.5 * c.dy() * c.y() / c.x(); }
void grad_square(const GradContext& c) { c.result[0] = 2.0 * c.dy() * c.x(); }
void grad_reciprocal(const GradContext& c) { c.result[0] = -(c.dy() * square(c.y())); }
void grad_sin(const GradContext& c) { c.result[0] = c.dy() * unary(OpId::cos, c.x()); }
void grad_cos(const GradContext& c) { c.result[0] = -(c.dy() * unary(OpId::sin, c.x())); }
void grad_tanh(const GradContext& c) { c.result[0] = binary(OpId::tanh_grad, c.y(), c.dy()); }
void grad_erf(const GradContext& c) { c.result[0] = kTwoOverSqrtPi * c.dy() * exp(-square(c.x())); }
void grad_floor(const GradContext& c) { c.result[0] = zeros_like(c.x()); }
void grad_ceil(const GradContext& c) { c.result[0] = zeros_like(c.x()); }
void grad_round(const GradContext& c) { c.result[0] = zeros_like(c.x()); }
void grad_relu(const GradContext& c) { c.result[0] = binary(OpId::relu_grad, c.y(), c.dy()); }
void grad_leaky_relu(const GradContext& c) {
  c.result[0] = binary(OpId::leaky_relu_grad, c.x(), c.dy(), c.attrs.params[0]);
}
void grad_elu(const GradContext& c) {
  c.result[0] = binary(OpId::elu_grad, c.x(), c.dy(), c.attrs.params[0]);
}
void grad_gelu(const GradContext& c) { c.result[0] = binary(OpId::gelu_grad, c.x(), c.dy()); }
void grad_gelu_tanh(const GradContext& c) {
  c.result[0] = binary(OpId::gelu_tanh_grad, c.x(), c.dy());
}
void grad_sigmoid(const GradContext& c) { c.result[0] = binary(OpId::sigmoid_grad, c.y(), c.dy()); }
void grad_silu(const GradContext& c) { c.result[0] = binary(OpId::silu_grad, c.x(), c.dy()); }
void grad_softplus(const GradContext& c) {
  c.result[0] = binary(OpId::softplus_grad, c.x(), c.dy());
}
void grad_clip(const GradContext& c) {
  const Tensor inside =
      binary(OpId::logical_and, compare(OpId::greater_equal, c.x(), c.attrs.params[0]),
             compare(OpId::less_equal, c.x(), c.attrs.params[1]));
  c.result[0] = keep_where(inside, c.dy());
}

// ---- elementwise, two inputs

void grad_add(const GradContext& c) { c.result[0] = c.result[1] = c.dy(); }
void grad_subtract(const GradContext& c) {
  c.result[0] = c.dy();
  if (c.need[1]) c.result[1] = -c.dy();
}
void grad_multiply(const GradContext& c) {
  if (c.need[0]) c.result[0] = c.dy() * c.in[1];
  if (c.need[1]) c.result[1] = c.dy() * c.in[0];
}
void grad_divide(const GradContext& c) {
  if (c.need[0]) c.result[0] = c.dy() / c.in[1];
  if (c.need[1]) c.result[1] = -(c.dy() * c.y() / c.in[1]);
}
void grad_floor_divide(const GradContext& c) {
  c.result[0] = zeros_like(c.dy());
  c.result[1] = zeros_like(c.dy());
}
void grad_mod(const GradContext& c) {
  c.result[0] = c.dy();
  if (c.need[1]) c.result[1] = -(c.dy() * unary(OpId::floor, c.in[0] / c.in[1]));
}
void grad_power(const GradContext& c) {
  const Tensor &x = c.in[0], &p = c.in[1];
  if (c.need[0]) {
    // p x^(p-1); exactly 0 for p = 0, where x^(p-1) may be infinite.
    const Tensor slope = p * binary(OpId::power, x, add(p, -1.0));
    c.result[0] = c.dy() * where(compare(OpId::equal, p, 0), scalar_like(slope, 0), slope);
  }
  if (c.need[1]) {
    // log x is taken where x > 0 only; elsewhere the power is constant 0 in p or not real.
    const Tensor positive = compare(OpId::greater, x, 0);
    const Tensor log_x = unary(OpId::log, where(positive, x, scalar_like(x, 1)));
    c.result[1] = c.dy() * c.y() * log_x;
  }
}
// maximum and minimum: ties share the gradient equally.
void grad_extremum(const GradContext& c, OpId wins) {
  const Tensor tie = binary(OpId::equal, c.in[0], c.in[1]);
  const Tensor shared = where(tie, 0.5 * c.dy(), scalar_like(c.dy(), 0));
  if (c.need[0]) c.result[0] = where(binary(wins, c.in[0], c.in[1]), c.dy(), shared);
  if (c.need[1]) c.result[1] = where(binary(wins, c.in[1], c.in[0]), c.dy(), shared);
}
void grad_maximum(const GradContext& c) { grad_extremum(c, OpId::greater); }
void grad_minimum(const GradContext& c) { grad_extremum(c, OpId::less); }

// Gradients of gradients: y = f'(a) * b with a = in[0] (the saved tensor), b = in[1].
void grad_relu_grad(const GradContext& c) {
  c.result[0] = zeros_like(c.dy());
  if (c.need[1]) c.result[1] = binary(OpId::relu_grad, c.in[0], c.dy());
}
void grad_leaky_relu_grad(const GradContext& c) {
  c.result[0] = zeros_like(c.dy());
  if (c.need[1]) c.result[1] = binary(OpId::leaky_relu_grad, c.in[0], c.dy(), c.attrs.params[0]);
}
void grad_elu_grad(const GradContext& c) {
  // f''(x) = alpha e^x for x < 0, else 0
  const double alpha = c.attrs.params[0];
  if (c.need[0]) {
    const Tensor curve = alpha * exp(binary(OpId::minimum, c.in[0], scalar_like(c.in[0], 0)));
    c.result[0] = keep_where(compare(OpId::less, c.in[0], 0), c.dy() * c.in[1] * curve);
  }
  if (c.need[1]) c.result[1] = binary(OpId::elu_grad, c.in[0], c.dy(), alpha);
}
void grad_sigmoid_grad(const GradContext& c) {
  // d/dy of y (1 - y)
  if (c.need[0]) c.result[0] = c.dy() * c.in[1] * (1.0 + -2.0 * c.in[0]);
  if (c.need[1]) c.result[1] = binary(OpId::sigmoid_grad, c.in[0], c.dy());
}
void grad_tanh_grad(const GradContext& c) {
  // d/dy of 1 - y^2
  if (c.need[0]) c.result[0] = -2.0 * c.dy() * c.in[1] * c.in[0];
  if (c.need[1]) c.result[1] = binary(OpId::tanh_grad, c.in[0], c.dy());
}
void grad_gelu_grad(const GradContext& c) {
  // gelu'' = (2 - x^2) phi(x), phi the normal density
  if (c.need[0]) {
    const Tensor xx = square(c.in[0]);
    c.result[0] = kInvSqrt2Pi * c.dy() * c.in[1] * (2.0 + -1.0 * xx) * exp(-0.5 * xx);
  }
  if (c.need[1]) c.result[1] = binary(OpId::gelu_grad, c.in[0], c.dy());
}
void grad_gelu_tanh_grad(const GradContext& c) {
  // f = x (1 + t) / 2, t = tanh(u), u = k (x + a x^3): f'' = t' + x t'' / 2 with t' = (1 - t^2) u',
  // t'' = (1 - t^2)(u'' - 2 t u'^2)
  if (c.need[0]) {
    const Tensor& x = c.in[0];
    const double k = kSqrt2OverPi, a = 0.044715;
    const Tensor xx = square(x);
    const Tensor t = unary(OpId::tanh, k * x * (1.0 + a * xx));
    const Tensor du = k * (1.0 + 3 * a * xx);
    const Tensor curve = (6 * a * k) * x - 2.0 * t * square(du);
    c.result[0] = c.dy() * c.in[1] * (1.0 + -1.0 * square(t)) * (du + 0.5 * x * curve);
  }
  if (c.need[1]) c.result[1] = binary(OpId::gelu_tanh_grad, c.in[0], c.dy());
}
void grad_silu_grad(const GradContext& c) {
  // s = sigmoid(x): silu'' = s (1 - s) (2 + x (1 - 2 s))
  if (c.need[0]) {
    const Tensor s = unary(OpId::sigmoid, c.in[0]);
    c.result[0] = c.dy() * c.in[1] * s * (1.0 + -1.0 * s) * (2.0 + c.in[0] * (1.0 + -2.0 * s));
  }
  if (c.need[1]) c.result[1] = binary(OpId::silu_grad, c.in[0], c.dy());
}
void grad_softplus_grad(const GradContext& c) {
  if (c.need[0])
    c.result[0] = binary(OpId::sigmoid_grad, unary(OpId::sigmoid, c.in[0]), c.dy() * c.in[1]);
  if (c.need[1]) c.result[1] = binary(OpId::softplus_grad, c.in[0], c.dy());
}
void grad_sigmoid_cross_entropy(const GradContext& c) {
  if (c.need[0]) c.result[0] = c.dy() * (unary(OpId::sigmoid, c.in[0]) - c.in[1]);
  if (c.need[1]) c.result[1] = -(c.dy() * c.in[0]);
}
void grad_where(const GradContext& c) {
  const Tensor zero = scalar_like(c.dy(), 0);
  if (c.need[1]) c.result[1] = where(c.in[0], c.dy(), zero);
  if (c.need[2]) c.result[2] = where(c.in[0], zero, c.dy());
}

// ---- reductions

// A reduced tensor with its axes back as size 1, ready to broadcast against the input.
Tensor with_axes(const Tensor& t, const GradContext& c) {
  Dims shape = c.x()->shape();
  for (int64_t axis : normalize_axes("reduce", c.attrs.axes, shape.size())) shape[int(axis)] = 1;
  return reshape(t, shape);
}
void grad_sum(const GradContext& c) {
  c.result[0] = broadcast_to(with_axes(c.dy(), c), c.x()->shape());
}
void grad_prod(const GradContext& c) {
  // The product of the others: total / x without zeros; with one zero, non-zero at that element
  // only.
  const Tensor zero = compare(OpId::equal, c.x(), 0);
  const Tensor rest = where(zero, scalar_like(c.x(), 1), c.x());
  const Tensor total = reduce(OpId::prod, rest, c.attrs.axes, true);
  const Tensor zeros = sum(cast(zero, c.x()->dtype()), c.attrs.axes, true);
  const Tensor at_zero = binary(OpId::logical_and, zero, compare(OpId::equal, zeros, 1));
  const Tensor others =
      where(compare(OpId::equal, zeros, 0), total / rest, keep_where(at_zero, total));
  c.result[0] = with_axes(c.dy(), c) * others;
}
// max and min: ties share the gradient equally.
void grad_extreme(const GradContext& c) {
  const Tensor hit = binary(OpId::equal, c.x(), with_axes(c.y(), c));
  const Tensor hits = cast(hit, c.x()->dtype());
  c.result[0] = keep_where(hit, with_axes(c.dy(), c) / sum(hits, c.attrs.axes, true));
}
void grad_max(const GradContext& c) { grad_extreme(c); }
void grad_min(const GradContext& c) { grad_extreme(c); }

// ---- matrix products

void grad_matmul(const GradContext& c) {
  const Tensor &a = c.in[0], &b = c.in[1];
  const bool ta = c.attrs.transpose_x, tb = c.attrs.transpose_y;
  if (c.need[0]) c.result[0] = ta ? matmul(b, c.dy(), tb, true) : matmul(c.dy(), b, false, !tb);
  if (c.need[1]) c.result[1] = tb ? matmul(c.dy(), a, true, ta) : matmul(a, c.dy(), !ta, false);
}
// dz of z, y = activation(z), for the activations that `dense` fuses.
Tensor activation_grad(kernels::Unary activation, const Tensor& y, const Tensor& dy) {
  if (activation == kernels::Unary::relu) return binary(OpId::relu_grad, y, dy);
  if (activation == kernels::Unary::sigmoid) return binary(OpId::sigmoid_grad, y, dy);
  if (activation == kernels::Unary::tanh) return binary(OpId::tanh_grad, y, dy);
  return dy;
}

void grad_dense(const GradContext& c) {
  const Tensor &x = c.in[0], &kernel = c.in[1];
  const bool need_bias = c.in.size() == 3 && c.need[2];
  const bool fused = need_bias && c.attrs.activation != kernels::Unary::count &&
                     is_full_precision(kernel->dtype());
  Tensor dz;
  if (fused) {
    const Tensors both = apply(OpId::activation_grad_sum, {c.dy(), c.y()}, c.attrs);
    dz = both[0];
    c.result[2] = both[1];
  } else {
    dz = activation_grad(c.attrs.activation, c.y(), c.dy());
  }
  const int64_t inputs = kernel->shape()[0], units = kernel->shape()[1];
  int64_t count = 1;
  for (int i = 0; i + 1 < dz->rank(); ++i) count *= dz->shape()[i];
  const Tensor rows = reshape(dz, {count, units});
  if (c.need[0]) c.result[0] = reshape(matmul(rows, kernel, false, true), x->shape());
  if (c.need[1]) c.result[1] = matmul(reshape(x, {count, inputs}), rows, true, false);
  if (need_bias && !fused) c.result[2] = sum(rows, {0}, false);
}

void grad_activation_grad_sum(const GradContext& c) {
  const Tensor &dy = c.in[0], &y = c.in[1];
  Tensor g = c.grads[0];  // of dz, directly and through the sums
  if (c.grads[1]) {
    const Tensor through_sums = broadcast_to(c.grads[1], dy->shape());
    g = g ? g + through_sums : through_sums;
  }
  if (c.need[0]) c.result[0] = activation_grad(c.attrs.activation, y, g);
  if (!c.need[1]) return;
  // d/dy of the slope: y (1 - y) of sigmoid, 1 - y^2 of tanh, a constant of relu
  if (c.attrs.activation == kernels::Unary::sigmoid) {
    c.result[1] = g * dy * (1.0 + -2.0 * y);
  } else if (c.attrs.activation == kernels::Unary::tanh) {
    c.result[1] = -2.0 * g * dy * y;
  } else {
    c.result[1] = zeros_like(y);
  }
}

// ---- layout

void grad_reshape(const GradContext& c) { c.result[0] = reshape(c.dy(), c.x()->shape()); }
void grad_transpose(const GradContext& c) {
  Dims inverse = c.attrs.axes;
  for (int i = 0; i < inverse.size(); ++i) inverse[int(c.attrs.axes[i])] = i;
  c.result[0] = transpose(c.dy(), inverse);
}
void grad_broadcast_to(const GradContext& c) { c.result[0] = sum_to(c.dy(), c.x()->shape()); }
void grad_slice(const GradContext& c) {
  c.result[0] = slice_update(zeros_like(c.x()), c.dy(), c.attrs.starts, c.attrs.steps);
}
void grad_slice_update(const GradContext& c) {
  const Dims& shape = c.in[1]->shape();
  if (c.need[0])
    c.result[0] = slice_update(c.dy(), zeros_like(c.in[1]), c.attrs.starts, c.attrs.steps);
  if (c.need[1]) c.result[1] = slice_exact(c.dy(), c.attrs.starts, shape, c.attrs.steps);
}
void grad_concatenate(const GradContext& c) {
  const int rank = c.y()->rank(), axis = normalize_axis("concatenate", c.attrs.axes[0], rank);
  Dims starts = Dims::filled(rank, 0);
  for (size_t i = 0; i < c.in.size(); ++i) {
    if (c.need[i])
      c.result[i] = slice_exact(c.dy(), starts, c.in[i]->shape(), Dims::filled(rank, 1));
    starts[axis] += c.in[i]->shape()[axis];
  }
}
void grad_pad(const GradContext& c) {
  c.result[0] = slice_exact(c.dy(), c.attrs.starts, c.x()->shape(), Dims::filled(c.x()->rank(), 1));
}

// ---- indexing

void grad_take(const GradContext& c) {
  c.result[0] = scatter_add(zeros_like(c.x()), c.in[1], c.dy(), c.attrs.axes[0]);
}
void grad_scatter_add(const GradContext& c) {
  c.result[0] = c.dy();
  if (c.need[2]) c.result[2] = take(c.dy(), c.in[1], c.attrs.axes[0]);
}

// ---- softmax and cross-entropy over the last axis

Tensor row_sum(const Tensor& t) { return sum(t, {-1}, true); }
Tensor as_column(const Tensor& t) { return expand_dims(t, {-1}); }

void grad_softmax(const GradContext& c) {
  c.result[0] = apply1(OpId::softmax_grad, {c.y(), c.dy()});
}
void grad_log_softmax(const GradContext& c) {
  c.result[0] = apply1(OpId::log_softmax_grad, {c.y(), c.dy()});
}
void grad_softmax_grad(const GradContext& c) {
  // f(y, g) = y (g - sum(g y))
  const Tensor &y = c.in[0], &g = c.in[1];
  if (c.need[0]) c.result[0] = c.dy() * (g - row_sum(g * y)) - g * row_sum(c.dy() * y);
  if (c.need[1]) c.result[1] = apply1(OpId::softmax_grad, {y, c.dy()});
}
void grad_log_softmax_grad(const GradContext& c) {
  // f(y, g) = g - exp(y) sum(g)
  const Tensor &y = c.in[0], &g = c.in[1];
  if (c.need[0]) c.result[0] = -(c.dy() * exp(y) * row_sum(g));
  if (c.need[1]) c.result[1] = c.dy() - row_sum(c.dy() * exp(y));
}
void grad_sparse_softmax_cross_entropy(const GradContext& c) {
  c.result[0] = apply1(OpId::sparse_softmax_cross_entropy_grad, {c.in[0], c.in[1], c.dy()});
}
// Both cross-entropies have the gradient (w softmax(x) - t) g with w the sum of the targets t: its
// derivative in x, along a direction v, is w g softmax_grad(softmax(x), v).
void grad_sparse_softmax_cross_entropy_grad(const GradContext& c) {
  const Tensor &x = c.in[0], &labels = c.in[1], &g = c.in[2];
  const Tensor p = softmax(OpId::softmax, x, -1);
  if (c.need[0]) c.result[0] = as_column(g) * apply1(OpId::softmax_grad, {p, c.dy()});
  if (c.need[2]) {
    const Tensor t = one_hot(labels, x->shape().back(), x->dtype());
    c.result[2] = sum(c.dy() * (p - t), {-1}, false);
  }
}
void grad_softmax_cross_entropy(const GradContext& c) {
  if (c.need[0]) c.result[0] = apply1(OpId::softmax_cross_entropy_grad, {c.in[0], c.in[1], c.dy()});
  if (c.need[1]) c.result[1] = -(as_column(c.dy()) * softmax(OpId::log_softmax, c.in[0], -1));
}
void grad_softmax_cross_entropy_grad(const GradContext& c) {
  const Tensor &x = c.in[0], &t = c.in[1], &g = c.in[2];
  const Tensor p = softmax(OpId::softmax, x, -1), w = row_sum(t);
  if (c.need[0]) c.result[0] = w * as_column(g) * apply1(OpId::softmax_grad, {p, c.dy()});
  if (c.need[1]) c.result[1] = as_column(g) * (row_sum(c.dy() * p) - c.dy());
  if (c.need[2]) c.result[2] = sum(c.dy() * (w * p - t), {-1}, false);
}

// ---- normalization

// f() with `tape` listening.
template <class F>
Tensors record_on(Tape& tape, const F& f) {
  struct Recording {
    explicit Recording(Tape& t) : tape(t) { tape.start(); }
    ~Recording() { tape.stop(); }
    Tape& tape;
  } recording(tape);
  return f();
}

// Gradients of outputs that are compositions of the inputs, made by `f`: by a tape of their own.
template <class F>
void grad_by_composition(const GradContext& c, const F& f) {
  Tape tape;
  Tensors sources;
  for (size_t i = 0; i < c.in.size(); ++i) {
    if (!c.need[i]) continue;
    tape.watch(c.in[i]);
    sources.push_back(c.in[i]);
  }
  const Tensors targets = record_on(tape, f);
  for (size_t k = 0; k < targets.size(); ++k) {
    if (!c.grads[k]) continue;
    const Tensors found = tape.gradient(targets[k], sources, c.grads[k]);
    for (size_t i = 0, s = 0; i < c.in.size(); ++i) {
      if (!c.need[i]) continue;
      const Tensor& part = found[s++];
      if (part) c.result[i] = c.result[i] ? c.result[i] + part : part;
    }
  }
}

Tensor row_mean(const Tensor& t) { return mean(t, {-1}, true); }
Tensor over_rows(const Tensor& t) { return sum_to(t, {t->shape().back()}); }

void grad_norm(const GradContext& c, OpId grad) {
  Tensors in = {c.x(), c.out[1], c.out[2], c.dy()};
  if (c.in.size() > 1) in.push_back(c.in[1]);
  const Tensors found = apply(grad, in, c.attrs);
  for (size_t i = 0; i < c.in.size(); ++i) c.result[i] = found[i];
}
// The outputs of layer_norm_grad and rms_norm_grad from x, dy and gamma alone: mean and rstd, which
// are functions of x, get no gradient of their own.
void grad_norm_grad(const GradContext& c, bool centred) {
  grad_by_composition(c, [&]() -> Tensors {
    const Tensor &x = c.in[0], &dy = c.in[3];
    const Tensor g = c.in.size() == 5 ? dy * c.in[4] : dy;
    const Tensor centre = centred ? x - row_mean(x) : x;
    const Tensor rstd = unary(OpId::rsqrt, c.attrs.params[0] + row_mean(square(centre)));
    const Tensor h = centre * rstd;
    const Tensor rest = g - h * row_mean(g * h);
    const Tensor dx = rstd * (centred ? rest - row_mean(g) : rest);
    if (c.in.size() < 5) return {dx};
    return {dx, over_rows(dy * h), over_rows(dy)};
  });
}
void grad_layer_norm(const GradContext& c) { grad_norm(c, OpId::layer_norm_grad); }
void grad_rms_norm(const GradContext& c) { grad_norm(c, OpId::rms_norm_grad); }
void grad_layer_norm_grad(const GradContext& c) { grad_norm_grad(c, true); }
void grad_rms_norm_grad(const GradContext& c) { grad_norm_grad(c, false); }
void grad_moments(const GradContext& c) {
  // dmean / n + dvariance * 2 (x - mean) / n
  int64_t n = 1;
  for (int i = 0; i + 1 < c.x()->rank(); ++i) n *= c.x()->shape()[i];
  const Tensor none = zeros_like(c.out[0]);
  const Tensor dmean = c.grads[0] ? 1.0 / double(n) * c.grads[0] : none;
  const Tensor dvariance = c.grads[1] ? 2.0 / double(n) * c.grads[1] : none;
  c.result[0] = apply1(OpId::batch_norm, {c.x(), c.out[0], dvariance, dmean});
}
void grad_batch_norm(const GradContext& c) {
  const Tensors found =
      apply(OpId::batch_norm_grad, {c.x(), c.in[1], c.in[2], c.dy()});  // dx, dscale, doffset
  c.result[0] = found[0];
  if (c.need[1]) c.result[1] = -(c.in[2] * found[2]);
  c.result[2] = found[1];
  c.result[3] = found[2];
}
void grad_batch_norm_grad(const GradContext& c) {
  grad_by_composition(c, [&]() -> Tensors {
    const Tensor &x = c.in[0], &mean = c.in[1], &scale = c.in[2], &dy = c.in[3];
    return {dy * scale, over_rows(dy * (x - mean)), over_rows(dy)};
  });
}

// ---- random numbers

void grad_dropout(const GradContext& c) {
  // The same seed keeps the same elements.
  c.result[1] = apply1(OpId::dropout, {c.in[0], c.dy()}, c.attrs);
}

// ---- control flow and functions

void grad_switch_case(const GradContext& c) { c.attrs.body->gradient(c); }
void grad_while_loop(const GradContext& c) { c.attrs.body->gradient(c); }
void grad_while_loop_gradient(const GradContext& c) { c.attrs.body->gradient(c); }
void grad_scan(const GradContext& c) { c.attrs.body->gradient(c); }
void grad_custom_gradient(const GradContext& c) { c.attrs.body->gradient(c); }
void grad_call(const GradContext& c) { c.attrs.body->gradient(c); }
void grad_py_function(const GradContext& c) { c.attrs.body->gradient(c); }

}  // namespace

GradRule grad_rule(OpId op) {
#define PYNN_RULE_RULE(name) &grad_##name
#define PYNN_RULE_NONE(name) nullptr
  static constexpr GradRule rules[kNumOps] = {
#define PYNN_OP(name, inputs, outputs, infer, launch, kernel, flags, gradient) \
  PYNN_RULE_##gradient(name),
#include "ops/ops.def"
#undef PYNN_OP
  };
  return rules[int(op)];
}

}  // namespace pynn
