#include "ops/functional.h"

#include <algorithm>

#include "ops/optimizer.h"

namespace pynn::ops {

namespace {

Tensor apply_with_params(OpId op, const Tensors& inputs, double p0, double p1 = 0) {
  Attrs attrs;
  attrs.params[0] = p0;
  attrs.params[1] = p1;
  return apply1(op, inputs, attrs);
}

bool is_half(DType d) { return d == DType::float16 || d == DType::bfloat16; }
// Row kernels exist for float32 and float64; half types go through float32.
DType row_dtype(DType d) { return d == DType::float64 ? d : DType::float32; }

Tensor as_float(const Tensor& x) { return cast(x, float_dtype(x->dtype())); }

bool has_float_rule(OpId op) {
  switch (op) {
    case OpId::negative:
    case OpId::abs:
    case OpId::sign:
    case OpId::square:
    case OpId::round:
    case OpId::relu:
    case OpId::clip:
    case OpId::logical_not:
    case OpId::copy:
    case OpId::stop_gradient:
      return false;
    default:
      return true;
  }
}

}  // namespace

Tensor cast(const Tensor& x, DType dtype) {
  if (x->dtype() == dtype) return x;
  Attrs attrs;
  attrs.dtype = dtype;
  return apply1(OpId::cast, {x}, attrs);
}

Tensor stop_gradient(const Tensor& x) { return apply1(OpId::stop_gradient, {x}); }

Tensor unary(OpId op, const Tensor& x) {
  if (has_float_rule(op)) return apply1(op, {as_float(x)});
  if (x->dtype() == DType::bool_ && op != OpId::logical_not && op != OpId::copy &&
      op != OpId::stop_gradient)
    return apply1(op, {cast(x, DType::int32)});
  return apply1(op, {x});
}

Tensor leaky_relu(const Tensor& x, double slope) {
  return apply_with_params(OpId::leaky_relu, {as_float(x)}, slope);
}
Tensor elu(const Tensor& x, double alpha) {
  return apply_with_params(OpId::elu, {as_float(x)}, alpha);
}
Tensor gelu(const Tensor& x, bool approximate) {
  return apply1(approximate ? OpId::gelu_tanh : OpId::gelu, {as_float(x)});
}
Tensor clip(const Tensor& x, double low, double high) {
  return apply_with_params(OpId::clip, {x->dtype() == DType::bool_ ? cast(x, DType::int32) : x},
                           low, high);
}

namespace {

// The dtype in which a two-input op computes. bool has its own add and multiply (or, and), as in
// NumPy.
DType binary_dtype(OpId op, DType dtype) {
  switch (op) {
    case OpId::divide:
    case OpId::sigmoid_cross_entropy:
      return float_dtype(dtype);
    case OpId::subtract:
    case OpId::floor_divide:
    case OpId::mod:
    case OpId::power:
      return dtype == DType::bool_ ? DType::int32 : dtype;
    case OpId::less:
    case OpId::less_equal:
    case OpId::greater:
    case OpId::greater_equal:
      return dtype == DType::bool_ ? DType::uint8 : dtype;
    default:
      return dtype;
  }
}

}  // namespace

Tensor binary(OpId op, const Tensor& x, const Tensor& y) {
  const DType dtype = binary_dtype(op, promote(x->dtype(), y->dtype()));
  if (x->dtype() == dtype && y->dtype() == dtype) return apply1(op, {x, y});
  return apply1(op, {cast(x, dtype), cast(y, dtype)});
}

Tensor binary(OpId op, const Tensor& x, const Tensor& y, double param) {
  const DType dtype = promote(x->dtype(), y->dtype());
  return apply_with_params(op, {cast(x, dtype), cast(y, dtype)}, param);
}

Tensor where(const Tensor& condition, const Tensor& x, const Tensor& y) {
  const DType dtype = promote(x->dtype(), y->dtype());
  return apply1(OpId::where, {cast(condition, DType::bool_), cast(x, dtype), cast(y, dtype)});
}

Tensor scalar_like(const Tensor& x, double value) { return full({}, value, x->dtype()); }
Tensor add(const Tensor& x, double y) { return add(x, scalar_like(x, y)); }
Tensor multiply(const Tensor& x, double y) { return multiply(x, scalar_like(x, y)); }
Tensor zeros_like(const Tensor& x) { return broadcast_to(full({}, 0, x->dtype()), x->shape()); }

Tensor reduce(OpId op, const Tensor& x, const Dims& axes, bool keepdims) {
  if (x->rank() == 0) {
    for (int64_t axis : axes) normalize_axis(op_def(op).name, axis, 0);
    return x;
  }
  Attrs attrs;
  attrs.axes = normalize_axes(op_def(op).name, axes, x->rank());
  attrs.keepdims = keepdims;
  // Counting: true is 1.
  const bool counts = x->dtype() == DType::bool_ && (op == OpId::sum || op == OpId::prod);
  return apply1(op, {counts ? cast(x, DType::int32) : x}, attrs);
}

namespace {

int64_t reduced_count(const char* who, const Tensor& x, const Dims& axes) {
  int64_t n = 1;
  for (int64_t axis : normalize_axes(who, axes, x->rank())) n *= x->shape()[int(axis)];
  return n;
}

}  // namespace

Tensor mean(const Tensor& x, const Dims& axes, bool keepdims) {
  const Tensor f = as_float(x);
  const Tensor total = reduce(OpId::sum, f, axes, keepdims);
  return divide(total, scalar_like(total, double(reduced_count("mean", f, axes))));
}

Tensor variance(const Tensor& x, const Dims& axes, bool keepdims) {
  const Tensor f = as_float(x);
  const Tensor centred = subtract(f, mean(f, axes, true));
  return mean(unary(OpId::square, centred), axes, keepdims);
}

Tensor logsumexp(const Tensor& x, const Dims& axes, bool keepdims) {
  const Tensor f = as_float(x);
  // The maximum is a constant for the gradient; an infinite one must not turn inf - inf into NaN.
  const Tensor top = stop_gradient(reduce(OpId::max, f, axes, true));
  const Tensor shift = where(unary(OpId::isfinite, top), top, zeros_like(top));
  const Tensor total = reduce(OpId::sum, unary(OpId::exp, subtract(f, shift)), axes, true);
  const Tensor result = add(unary(OpId::log, total), shift);
  return keepdims || f->rank() == 0 ? result
                                    : squeeze(result, normalize_axes("logsumexp", axes, f->rank()));
}

Tensor any(const Tensor& x, const Dims& axes, bool keepdims) {
  const Tensor none = reduce(OpId::sum, cast(x, DType::bool_), axes, keepdims);
  return cast(none, DType::bool_);
}

Tensor all(const Tensor& x, const Dims& axes, bool keepdims) {
  return unary(OpId::logical_not, any(unary(OpId::logical_not, x), axes, keepdims));
}

Tensor arg_reduce(OpId op, const Tensor& x, std::optional<int64_t> axis, bool keepdims) {
  Attrs attrs;
  attrs.axes = {axis.value_or(0)};
  attrs.keepdims = keepdims;
  if (axis && x->rank() > 0) return apply1(op, {x}, attrs);
  const Tensor result = apply1(op, {reshape(x, {-1})}, {attrs});
  return keepdims ? reshape(result, Dims::filled(x->rank(), 1)) : reshape(result, {});
}

Tensor sum_to(const Tensor& x, const Dims& shape) {
  if (x->shape() == shape) return x;
  const int extra = x->rank() - shape.size();
  Dims axes;
  for (int i = 0; i < x->rank(); ++i)
    if (i < extra || (shape[i - extra] == 1 && x->shape()[i] != 1)) axes.push_back(i);
  const Tensor total = axes.empty() ? x : reduce(OpId::sum, x, axes, true);
  return reshape(total, shape);
}

Tensor matmul(const Tensor& x, const Tensor& y, bool transpose_x, bool transpose_y) {
  const DType dtype = promote(x->dtype(), y->dtype());
  Tensor a = cast(x, dtype), b = cast(y, dtype);
  if (a->rank() == 0 || b->rank() == 0)
    value_error("pynn.matmul: expected at least one dimension each; received shapes ", a->shape(),
                " and ", b->shape());
  const bool vector_x = a->rank() == 1, vector_y = b->rank() == 1;
  if (vector_x) a = reshape(a, {1, a->shape()[0]});
  if (vector_y) b = reshape(b, {b->shape()[0], 1});
  if (vector_x) transpose_x = false;
  if (vector_y) transpose_y = false;
  Attrs attrs;
  attrs.transpose_x = transpose_x;
  attrs.transpose_y = transpose_y;
  Tensor out;
  if (a->rank() > 2 && b->rank() == 2 && !transpose_x) {
    // One matrix for all of the batch: a single tall product.
    Dims shape = a->shape();
    int64_t rows = 1;
    for (int i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
    out = apply1(OpId::matmul, {reshape(a, {rows, shape.back()}), b}, attrs);
    shape.back() = out->shape()[1];
    out = reshape(out, shape);
  } else {
    const Dims batch_x(a->shape().begin(), a->shape().end() - 2),
        batch_y(b->shape().begin(), b->shape().end() - 2);
    const Dims batch = broadcast_shapes("matmul", batch_x, batch_y);
    auto spread = [&batch](const Tensor& t) {
      Dims shape = batch;
      shape.push_back(t->shape()[t->rank() - 2]);
      shape.push_back(t->shape()[t->rank() - 1]);
      return broadcast_to(t, shape);
    };
    out = apply1(OpId::matmul, {spread(a), spread(b)}, attrs);
  }
  Dims shape = out->shape();
  if (vector_y) shape.erase(shape.size() - 1);
  if (vector_x) shape.erase(shape.size() - (vector_y ? 1 : 2));
  return reshape(out, shape);
}

namespace {

kernels::Unary fused_activation(const std::string& name) {
  if (name == "linear") return kernels::Unary::count;
  if (name == "relu") return kernels::Unary::relu;
  if (name == "sigmoid") return kernels::Unary::sigmoid;
  if (name == "tanh") return kernels::Unary::tanh;
  value_error("pynn.dense: expected activation linear, relu, sigmoid or tanh; received '", name,
              "'");
}

}  // namespace

Tensor dense(const Tensor& x, const Tensor& kernel, const Tensor& bias,
             const std::string& activation) {
  Attrs attrs;
  attrs.activation = fused_activation(activation);
  DType dtype = promote(x->dtype(), kernel->dtype());
  if (bias) dtype = promote(dtype, bias->dtype());
  Tensors inputs{cast(x, dtype), cast(kernel, dtype)};
  if (bias) inputs.push_back(cast(bias, dtype));
  return apply1(OpId::dense, inputs, attrs);
}

Tensors activation_grad_sum(const Tensor& dy, const Tensor& y, const std::string& activation) {
  Attrs attrs;
  attrs.activation = fused_activation(activation);
  if (attrs.activation == kernels::Unary::count || !is_full_precision(dy->dtype())) {
    value_error(
        "pynn.activation_grad_sum: expected relu, sigmoid or tanh, in float32 or float64; "
        "received '",
        activation, "', in ", dtype_name(dy->dtype()));
  }
  return apply(OpId::activation_grad_sum, {dy, y}, attrs);
}

Tensor reshape(const Tensor& x, const Dims& shape) {
  Attrs attrs;
  attrs.shape = shape;
  int unknown = -1;
  Dims known_sizes;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) {
      known_sizes.push_back(shape[i]);
    } else if (shape[i] != -1 || unknown >= 0) {
      value_error("pynn.reshape: expected sizes >= 0 and at most one -1; received shape=", shape);
    } else {
      unknown = i;
    }
  }
  if (unknown >= 0) {
    const int64_t n = num_elements(x->shape()), known = num_elements("reshape", known_sizes);
    if (known == 0 || n % known != 0)
      value_error("pynn.reshape: expected a shape of ", n,
                  " elements for input of shape=", x->shape(), "; received shape=", shape);
    attrs.shape[unknown] = n / known;
  }
  if (attrs.shape == x->shape()) return x;
  return apply1(OpId::reshape, {x}, attrs);
}

Tensor transpose(const Tensor& x, const Dims& axes) {
  Attrs attrs;
  bool identity = true;
  for (int64_t axis : axes) {
    attrs.axes.push_back(normalize_axis("transpose", axis, x->rank()));
    identity = identity && attrs.axes.back() == attrs.axes.size() - 1;
  }
  if (identity && attrs.axes.size() == x->rank()) return x;
  return apply1(OpId::transpose, {x}, attrs);
}

Tensor swap_last_two(const Tensor& x) {
  Dims axes;
  for (int i = 0; i < x->rank(); ++i) axes.push_back(i);
  std::swap(axes[x->rank() - 1], axes[x->rank() - 2]);
  return transpose(x, axes);
}

Tensor broadcast_to(const Tensor& x, const Dims& shape) {
  if (x->shape() == shape) return x;
  Attrs attrs;
  attrs.shape = shape;
  return apply1(OpId::broadcast_to, {x}, attrs);
}

Tensor expand_dims(const Tensor& x, const Dims& axes) {
  Dims shape = x->shape();
  for (int64_t axis : normalize_axes("expand_dims", axes, x->rank() + axes.size()))
    shape.insert(int(axis), 1);
  return reshape(x, shape);
}

Tensor squeeze(const Tensor& x, const Dims& axes) {
  Dims shape = x->shape();
  if (axes.empty()) {
    for (int i = shape.size() - 1; i >= 0; --i)
      if (shape[i] == 1) shape.erase(i);
  } else {
    const Dims drop = normalize_axes("squeeze", axes, x->rank());
    for (int i = drop.size() - 1; i >= 0; --i) {
      if (shape[int(drop[i])] != 1)
        value_error("pynn.squeeze: expected axis ", drop[i],
                    " of size 1; received shape=", x->shape());
      shape.erase(int(drop[i]));
    }
  }
  return reshape(x, shape);
}

Tensor slice(const Tensor& x, const Dims& starts, const Dims& stops, const Dims& steps) {
  const int rank = x->rank();
  if (starts.size() != rank || stops.size() != rank || steps.size() != rank)
    value_error("pynn.slice: expected ", rank, " starts, stops and steps for shape=", x->shape());
  Dims first, sizes;
  for (int i = 0; i < rank; ++i) {
    const int64_t n = x->shape()[i], step = steps[i];
    if (step == 0) value_error("pynn.slice: expected a step other than 0");
    auto clamp = [n, step](int64_t v) {
      if (v < 0) v += n;
      return step > 0 ? std::clamp<int64_t>(v, 0, n) : std::clamp<int64_t>(v, -1, n - 1);
    };
    const int64_t a = clamp(starts[i]), b = clamp(stops[i]);
    // No sum with the step and no negation of it, which may be any number.
    const int64_t distance = step > 0 ? b - a : a - b;
    const int64_t steps_inside = (distance - 1) / step;
    const int64_t size = distance <= 0 ? 0 : 1 + (step > 0 ? steps_inside : -steps_inside);
    first.push_back(size > 0 ? a : 0);
    sizes.push_back(std::max<int64_t>(size, 0));
  }
  return slice_exact(x, first, sizes, steps);
}

Tensor slice_exact(const Tensor& x, const Dims& starts, const Dims& sizes, const Dims& steps) {
  Attrs attrs;
  attrs.starts = starts;
  attrs.shape = sizes;
  attrs.steps = steps;
  if (sizes == x->shape() &&
      std::all_of(steps.begin(), steps.end(), [](int64_t s) { return s == 1; }))
    return x;
  return apply1(OpId::slice, {x}, attrs);
}

Tensor slice_update(const Tensor& x, const Tensor& update, const Dims& starts, const Dims& steps) {
  Attrs attrs;
  attrs.starts = starts;
  attrs.steps = steps;
  return apply1(OpId::slice_update, {x, cast(update, x->dtype())}, attrs);
}

Tensor concatenate(const Tensors& xs, int64_t axis) {
  Attrs attrs;
  attrs.axes = {axis};
  if (xs.empty()) return apply1(OpId::concatenate, xs, attrs);  // throws
  DType dtype = xs[0]->dtype();
  for (const Tensor& x : xs) dtype = promote(dtype, x->dtype());
  Tensors inputs;
  for (const Tensor& x : xs) inputs.push_back(cast(x, dtype));
  return apply1(OpId::concatenate, inputs, attrs);
}

Tensor stack(const Tensors& xs, int64_t axis) {
  Tensors expanded;
  for (const Tensor& x : xs) {
    if (x->shape() != xs[0]->shape())
      value_error("pynn.stack: expected equal shapes; received ", xs[0]->shape(), " and ",
                  x->shape());
    expanded.push_back(expand_dims(x, {axis}));
  }
  return concatenate(expanded, axis);
}

Tensor pad(const Tensor& x, const Dims& low, const Dims& high, double value) {
  Attrs attrs;
  attrs.starts = low;
  attrs.shape = high;
  attrs.params[0] = value;
  return apply1(OpId::pad, {x}, attrs);
}

Tensor tile(const Tensor& x, const Dims& repeats) {
  Dims counts = repeats, shape = x->shape();
  while (counts.size() < shape.size()) counts.insert(0, 1);
  while (shape.size() < counts.size()) shape.insert(0, 1);
  Dims split, spread, joined;
  for (int i = 0; i < shape.size(); ++i) {
    if (counts[i] < 0) value_error("pynn.tile: expected repeats >= 0; received ", repeats);
    split.push_back(1);
    split.push_back(shape[i]);
    spread.push_back(counts[i]);
    spread.push_back(shape[i]);
    joined.push_back(num_elements("tile", {counts[i], shape[i]}));
  }
  return reshape(broadcast_to(reshape(x, split), spread), joined);
}

Tensor take(const Tensor& x, const Tensor& indices, int64_t axis) {
  Attrs attrs;
  attrs.axes = {axis};
  return apply1(OpId::take, {x, indices}, attrs);
}

Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, int64_t axis) {
  Attrs attrs;
  attrs.axes = {axis};
  return apply1(OpId::scatter_add, {x, indices, cast(updates, x->dtype())}, attrs);
}

Tensor one_hot(const Tensor& indices, int64_t num_classes, DType dtype, bool checked) {
  Attrs attrs;
  attrs.shape = {num_classes};
  attrs.params[0] = checked;
  attrs.dtype = dtype;
  return apply1(OpId::one_hot, {indices}, attrs);
}

Tensor softmax(OpId op, const Tensor& x, int64_t axis) {
  const Tensor f = as_float(x);
  if (f->rank() == 0)
    value_error("pynn.", op_def(op).name, ": expected at least 1 dimension; received a scalar");
  const int last = f->rank() - 1, at = normalize_axis(op_def(op).name, axis, f->rank());
  Dims axes;
  for (int i = 0; i <= last; ++i) axes.push_back(i);
  std::swap(axes[at], axes[last]);  // its own inverse
  const Tensor rows = apply1(op, {cast(transpose(f, axes), row_dtype(f->dtype()))});
  return transpose(cast(rows, f->dtype()), axes);
}

Tensor sparse_softmax_cross_entropy(const Tensor& logits, const Tensor& labels) {
  const Tensor f = as_float(logits);
  return cast(apply1(OpId::sparse_softmax_cross_entropy, {cast(f, row_dtype(f->dtype())), labels}),
              f->dtype());
}

Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& targets) {
  const Tensor f = as_float(logits);
  const DType dtype = row_dtype(f->dtype());
  return cast(apply1(OpId::softmax_cross_entropy, {cast(f, dtype), cast(targets, dtype)}),
              f->dtype());
}

Tensor row_norm(OpId op, const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon) {
  const Tensor f = as_float(x);
  const DType dtype = row_dtype(f->dtype());
  Tensors in = {cast(f, dtype)};
  if (gamma) in.push_back(cast(gamma, dtype));
  if (beta && !gamma) in.push_back(broadcast_to(full({}, 1, dtype), beta->shape()));
  if (beta) in.push_back(cast(beta, dtype));
  Attrs attrs;
  attrs.params[0] = epsilon;
  return cast(apply(op, in, attrs)[0], f->dtype());
}

std::pair<Tensor, Tensor> moments(const Tensor& x, const Dims& axes, bool keepdims) {
  const Tensor f = as_float(x);
  const int columns = f->rank() - 1;  // the one axis that stays, where the fused op serves
  const Dims reduced = normalize_axes("moments", axes, f->rank());
  const bool leading = columns > 0 && reduced.size() == columns && reduced.back() == columns - 1;
  if (!leading || is_half(f->dtype()))
    return {mean(f, axes, keepdims), variance(f, axes, keepdims)};
  const Tensors both = apply(OpId::moments, {f});
  if (!keepdims) return {both[0], both[1]};
  Dims shape = Dims::filled(f->rank(), 1);
  shape.back() = f->shape().back();
  return {reshape(both[0], shape), reshape(both[1], shape)};
}

Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& scale, const Tensor& offset) {
  DType dtype = float_dtype(x->dtype());
  for (const Tensor& t : {mean, scale, offset}) dtype = promote(dtype, t->dtype());
  Tensors in;
  for (const Tensor& t : {x, mean, scale, offset}) in.push_back(cast(t, row_dtype(dtype)));
  return cast(apply1(OpId::batch_norm, in), dtype);
}

namespace {

// Updates read these dtypes of scalars; any other is converted.
Tensor update_scalar(const Tensor& x) {
  const DType d = x->dtype();
  const bool fits =
      d == DType::float32 || d == DType::float64 || d == DType::int32 || d == DType::int64;
  return reshape(fits ? x : cast(x, is_float(d) ? DType::float32 : DType::int64), {});
}

}  // namespace

Tensors update(OpId op, const Tensors& arrays, const Tensor& gradient, const Tensors& scalars,
               const UpdateSettings& settings) {
  const OpDef& def = op_def(op);
  if (int(scalars.size()) + 1 != -def.outputs)
    value_error("pynn.", def.name, ": expected ", -def.outputs - 1, " scalars; received ",
                scalars.size());
  constexpr int kMost = 5;  // a weight, three states and the moving average
  if (arrays.empty() || arrays.size() > size_t(kMost))
    value_error("pynn.", def.name, ": expected 1 to ", kMost, " arrays; received ", arrays.size());
  if (settings.rule.size() > size_t(kRuleParams))
    value_error("pynn.", def.name, ": expected at most ", int(kRuleParams),
                " settings of the rule; received ", settings.rule.size());
  Attrs attrs;
  std::copy(settings.rule.begin(), settings.rule.end(), attrs.params);
  attrs.params[kClipValue] = settings.clip_value;
  attrs.params[kWeightDecay] = settings.weight_decay;
  attrs.params[kEmaMomentum] = settings.ema_momentum;
  attrs.params[kEmaFrequency] = settings.ema_frequency;
  const DType stored = arrays[0]->dtype();
  const DType dtype = is_half(stored) ? DType::float32 : stored;
  Tensors in;
  for (const Tensor& t : arrays) in.push_back(cast(t, dtype));
  in.push_back(cast(gradient, dtype));
  for (const Tensor& t : scalars) in.push_back(update_scalar(t));
  Tensors out = apply(op, in, attrs);
  for (Tensor& t : out) t = cast(t, stored);
  return out;
}

Tensor clip_scale(const Tensors& gradients, double largest, double scale, bool nan_for_infinity) {
  Attrs attrs;
  attrs.params[0] = largest;
  attrs.params[1] = scale;
  attrs.params[2] = nan_for_infinity;
  Tensors in;
  for (const Tensor& g : gradients) in.push_back(cast(as_float(g), row_dtype(g->dtype())));
  return apply1(OpId::clip_scale, in, attrs);
}

Tensor random_float(OpId op, const Tensor& seed, const Dims& shape, double a, double b,
                    DType dtype) {
  Attrs attrs;
  attrs.shape = shape;
  attrs.params[0] = a;
  attrs.params[1] = b;
  return cast(apply1(op, {cast(seed, DType::uint32)}, attrs), dtype);
}

Tensor random_integers(const Tensor& seed, const Dims& shape, int64_t low, int64_t high,
                       DType dtype) {
  if (low >= high)
    value_error("pynn.random_integers: expected low < high; received ", low, " and ", high);
  Attrs attrs;
  attrs.shape = shape;
  const Tensor bits =
      cast(apply1(OpId::random_bits, {cast(seed, DType::uint32)}, attrs), DType::int64);
  const Tensor offset = binary(OpId::mod, bits, full({}, double(high - low), DType::int64));
  return cast(add(offset, full({}, double(low), DType::int64)), dtype);
}

Tensor dropout(const Tensor& x, const Tensor& seed, double rate) {
  if (!(rate >= 0 && rate < 1))
    value_error("pynn.dropout: expected a rate in [0, 1); received ", rate);
  const Tensor f = as_float(x);
  Attrs attrs;
  attrs.params[0] = rate;
  attrs.params[1] = 1 / (1 - rate);
  const DType dtype = row_dtype(f->dtype());
  return cast(apply1(OpId::dropout, {cast(seed, DType::uint32), cast(f, dtype)}, attrs),
              f->dtype());
}

}  // namespace pynn::ops
