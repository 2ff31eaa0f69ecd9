// The ops as functions of tensors: dtype promotion, optional arguments and compositions. Gradient
// rules and the bindings are written with these.
#pragma once

#include <optional>

#include "ops/op.h"

namespace pynn::ops {

// ---- elementwise
Tensor cast(const Tensor& x, DType dtype);  // x itself where the dtype is right
Tensor stop_gradient(const Tensor& x);
// name: any row of ops.def with one input and no attributes; integers are cast to float32 where the
// op needs floats.
Tensor unary(OpId op, const Tensor& x);
Tensor leaky_relu(const Tensor& x, double negative_slope);
Tensor elu(const Tensor& x, double alpha);
Tensor gelu(const Tensor& x, bool approximate);
Tensor clip(const Tensor& x, double low, double high);
// Any two-input elementwise row; operands are promoted to one dtype first.
Tensor binary(OpId op, const Tensor& x, const Tensor& y);
Tensor binary(OpId op, const Tensor& x, const Tensor& y, double param);
Tensor where(const Tensor& condition, const Tensor& x, const Tensor& y);

inline Tensor add(const Tensor& x, const Tensor& y) { return binary(OpId::add, x, y); }
inline Tensor subtract(const Tensor& x, const Tensor& y) { return binary(OpId::subtract, x, y); }
inline Tensor multiply(const Tensor& x, const Tensor& y) { return binary(OpId::multiply, x, y); }
inline Tensor divide(const Tensor& x, const Tensor& y) { return binary(OpId::divide, x, y); }
// A number beside a tensor takes the tensor's dtype.
Tensor scalar_like(const Tensor& x, double value);
Tensor add(const Tensor& x, double y);
Tensor multiply(const Tensor& x, double y);
Tensor zeros_like(const Tensor& x);

// ---- reductions; empty axes: all
Tensor reduce(OpId op, const Tensor& x, const Dims& axes, bool keepdims);
Tensor mean(const Tensor& x, const Dims& axes, bool keepdims);
Tensor variance(const Tensor& x, const Dims& axes, bool keepdims);
Tensor logsumexp(const Tensor& x, const Dims& axes, bool keepdims);
Tensor any(const Tensor& x, const Dims& axes, bool keepdims);
Tensor all(const Tensor& x, const Dims& axes, bool keepdims);
Tensor arg_reduce(OpId op, const Tensor& x, std::optional<int64_t> axis, bool keepdims);
// Sums a broadcast result back to `shape`.
Tensor sum_to(const Tensor& x, const Dims& shape);

// ---- matrix products
Tensor matmul(const Tensor& x, const Tensor& y, bool transpose_x = false, bool transpose_y = false);
// Of the output y of `dense` and dy: the gradient through its activation, and its column sums.
Tensors activation_grad_sum(const Tensor& dy, const Tensor& y, const std::string& activation);
Tensor dense(const Tensor& x, const Tensor& kernel, const Tensor& bias,
             const std::string& activation);

// ---- layout
Tensor reshape(const Tensor& x, const Dims& shape);  // one size may be -1
Tensor transpose(const Tensor& x, const Dims& axes);
Tensor swap_last_two(const Tensor& x);
Tensor broadcast_to(const Tensor& x, const Dims& shape);
Tensor expand_dims(const Tensor& x, const Dims& axes);
Tensor squeeze(const Tensor& x, const Dims& axes);  // empty: all of size 1
// Python's slice meaning per axis: negative values count from the end, ends are clamped.
Tensor slice(const Tensor& x, const Dims& starts, const Dims& stops, const Dims& steps);
Tensor slice_exact(const Tensor& x, const Dims& starts, const Dims& sizes, const Dims& steps);
Tensor slice_update(const Tensor& x, const Tensor& update, const Dims& starts, const Dims& steps);
Tensor concatenate(const Tensors& xs, int64_t axis);
Tensor stack(const Tensors& xs, int64_t axis);
Tensor pad(const Tensor& x, const Dims& low, const Dims& high, double value);
Tensor tile(const Tensor& x, const Dims& repeats);

// ---- indexing
Tensor take(const Tensor& x, const Tensor& indices, int64_t axis);
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, int64_t axis);
// Indices outside of [0, num_classes) give zeros, or with `checked` an error.
Tensor one_hot(const Tensor& indices, int64_t num_classes, DType dtype, bool checked = false);

// ---- softmax and cross-entropy
Tensor softmax(OpId op, const Tensor& x, int64_t axis);  // softmax or log_softmax
Tensor sparse_softmax_cross_entropy(const Tensor& logits, const Tensor& labels);
Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& targets);

// ---- normalization
// (x - mean) * rstd * gamma + beta over the last axis, op layer_norm; rms_norm: mean 0. gamma and
// beta may be null.
Tensor row_norm(OpId op, const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon);
// Mean and variance.
std::pair<Tensor, Tensor> moments(const Tensor& x, const Dims& axes, bool keepdims);
// (x - mean) * scale + offset; the three have the shape of the last axis.
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& scale, const Tensor& offset);

// ---- optimizer updates
struct UpdateSettings {
  std::vector<double> rule;                                      // in the order of ops.def
  double clip_value, weight_decay, ema_momentum, ema_frequency;  // see ops/optimizer.h
};
// New values of `arrays`: w, states..., and, where it is kept, the moving average of w. Scalars:
// learning rate, iterations, scale of the gradient, and what the rule asks for.
Tensors update(OpId op, const Tensors& arrays, const Tensor& gradient, const Tensors& scalars,
               const UpdateSettings& settings);
// The factor for gradients times `scale` so that their joint norm is at most `largest`, float64.
Tensor clip_scale(const Tensors& gradients, double largest, double scale, bool nan_for_infinity);

// ---- random
Tensor random_float(OpId op, const Tensor& seed, const Dims& shape, double a, double b,
                    DType dtype);
Tensor random_integers(const Tensor& seed, const Dims& shape, int64_t low, int64_t high,
                       DType dtype);
Tensor dropout(const Tensor& x, const Tensor& seed, double rate);

}  // namespace pynn::ops
