// Shape and dtype rules: output specs from input specs. Each throws with the name of the op.
#include <limits>

#include "ops/launch.h"
#include "ops/optimizer.h"

namespace pynn {

namespace {

void expect_same_dtype(const OpDef& op, const Spec* in, int first, int last) {
  for (int i = first + 1; i < last; ++i)
    if (in[i].dtype != in[first].dtype)
      type_error("pynn.", op.name, ": expected inputs of one dtype; received ",
                 dtype_name(in[first].dtype), " and ", dtype_name(in[i].dtype));
}

void expect_float(const OpDef& op, const Spec& in) {
  if (!is_float(in.dtype))
    type_error("pynn.", op.name, ": expected a float dtype; received ", dtype_name(in.dtype));
}

// Ops over rows have kernels for these two only; halves are converted in ops/functional.cpp.
void expect_full_precision(const OpDef& op, const Spec& in) {
  if (in.dtype != DType::float32 && in.dtype != DType::float64)
    type_error("pynn.", op.name, ": expected float32 or float64; received ", dtype_name(in.dtype));
}

void expect_integer(const OpDef& op, const char* what, const Spec& in) {
  if (!is_integer(in.dtype))
    type_error("pynn.", op.name, ": expected ", what, " of an integer dtype; received ",
               dtype_name(in.dtype));
}

void expect_shape(const OpDef& op, const char* what, const Dims& expected, const Dims& received) {
  if (expected != received)
    value_error("pynn.", op.name, ": expected ", what, " of shape=", expected,
                "; received shape=", received);
}

Dims drop_last(const Dims& shape) { return Dims(shape.begin(), shape.end() - 1); }

void expect_rank_at_least(const OpDef& op, const Spec& in, int rank) {
  if (in.shape.size() < rank)
    value_error("pynn.", op.name, ": expected at least ", rank,
                " dimension(s); received shape=", in.shape);
}

}  // namespace

void infer_same(const OpDef&, const Attrs&, const Spec* in, int, Spec* out) { out[0] = in[0]; }

void infer_cast(const OpDef&, const Attrs& attrs, const Spec* in, int, Spec* out) {
  out[0] = {attrs.dtype, in[0].shape};
}

void infer_float(const OpDef& op, const Attrs&, const Spec* in, int, Spec* out) {
  expect_float(op, in[0]);
  out[0] = in[0];
}

void infer_float_predicate(const OpDef& op, const Attrs&, const Spec* in, int, Spec* out) {
  expect_float(op, in[0]);
  out[0] = {DType::bool_, in[0].shape};
}

void infer_predicate(const OpDef&, const Attrs&, const Spec* in, int, Spec* out) {
  out[0] = {DType::bool_, in[0].shape};
}

void infer_binary(const OpDef& op, const Attrs&, const Spec* in, int num_in, Spec* out) {
  expect_same_dtype(op, in, 0, num_in);
  out[0] = {in[0].dtype, in[0].shape == in[1].shape
                             ? in[0].shape
                             : broadcast_shapes(op.name, in[0].shape, in[1].shape)};
}

void infer_compare(const OpDef& op, const Attrs& attrs, const Spec* in, int num_in, Spec* out) {
  infer_binary(op, attrs, in, num_in, out);
  out[0].dtype = DType::bool_;
}

void infer_where(const OpDef& op, const Attrs&, const Spec* in, int num_in, Spec* out) {
  if (in[0].dtype != DType::bool_)
    type_error("pynn.where: expected a bool condition; received ", dtype_name(in[0].dtype));
  expect_same_dtype(op, in, 1, num_in);
  const Dims values = broadcast_shapes(op.name, in[1].shape, in[2].shape);
  out[0] = {in[1].dtype, broadcast_shapes(op.name, in[0].shape, values)};
}

void infer_reduce(const OpDef& op, const Attrs& attrs, const Spec* in, int, Spec* out) {
  const Dims& shape = in[0].shape;
  const Dims axes = normalize_axes(op.name, attrs.axes, shape.size());
  out[0] = {in[0].dtype, {}};
  int next = 0;
  for (int i = 0; i < shape.size(); ++i) {
    const bool reduced = next < axes.size() && axes[next] == i;
    next += reduced;
    if (!reduced)
      out[0].shape.push_back(shape[i]);
    else if (attrs.keepdims)
      out[0].shape.push_back(1);
    const bool has_identity = op.id == OpId::sum || op.id == OpId::prod;
    if (reduced && shape[i] == 0 && !has_identity)
      value_error("pynn.", op.name,
                  ": expected a non-empty axis to reduce; received shape=", shape);
  }
}

void infer_arg(const OpDef& op, const Attrs& attrs, const Spec* in, int, Spec* out) {
  expect_rank_at_least(op, in[0], 1);
  const int axis = normalize_axis(op.name, attrs.axes[0], in[0].shape.size());
  if (in[0].shape[axis] == 0)
    value_error("pynn.", op.name, ": expected a non-empty axis; received shape=", in[0].shape);
  if (in[0].shape[axis] > std::numeric_limits<int32_t>::max())
    value_error("pynn.", op.name,
                ": expected an axis whose positions are int32; received shape=", in[0].shape);
  out[0] = {DType::int32, in[0].shape};
  if (attrs.keepdims)
    out[0].shape[axis] = 1;
  else
    out[0].shape.erase(axis);
}

void infer_matmul(const OpDef& op, const Attrs& attrs, const Spec* in, int num_in, Spec* out) {
  expect_same_dtype(op, in, 0, num_in);
  const Dims &x = in[0].shape, &y = in[1].shape;
  const int rank = x.size();
  if (rank < 2 || y.size() != rank)
    value_error("pynn.matmul: expected two tensors of one rank >= 2; received shapes ", x, " and ",
                y);
  const int64_t m = x[rank - (attrs.transpose_x ? 1 : 2)],
                kx = x[rank - (attrs.transpose_x ? 2 : 1)];
  const int64_t ky = y[rank - (attrs.transpose_y ? 1 : 2)],
                n = y[rank - (attrs.transpose_y ? 2 : 1)];
  if (kx != ky)
    value_error("pynn.matmul: expected equal inner sizes; received ", kx, " and ", ky,
                " in shapes ", x, " and ", y);
  out[0] = {in[0].dtype, x};
  for (int i = 0; i + 2 < rank; ++i)
    if (x[i] != y[i])
      value_error("pynn.matmul: expected equal batch axes; received shapes ", x, " and ", y);
  out[0].shape[rank - 2] = m;
  out[0].shape[rank - 1] = n;
}

void infer_dense(const OpDef& op, const Attrs&, const Spec* in, int num_in, Spec* out) {
  expect_same_dtype(op, in, 0, num_in);
  expect_rank_at_least(op, in[0], 1);
  if (in[1].shape.size() != 2)
    value_error("pynn.dense: expected a kernel of shape (inputs, units); received shape=",
                in[1].shape);
  if (in[0].shape.back() != in[1].shape[0])
    value_error("pynn.dense: expected input with last axis ", in[1].shape[0],
                "; received shape=", in[0].shape);
  if (num_in == 3) expect_shape(op, "a bias", {in[1].shape[1]}, in[2].shape);
  out[0] = in[0];
  out[0].shape.back() = in[1].shape[1];
}

void infer_activation_grad_sum(const OpDef& op, const Attrs&, const Spec* in, int num_in,
                               Spec* out) {
  expect_same_dtype(op, in, 0, num_in);
  expect_rank_at_least(op, in[0], 1);
  expect_shape(op, "an output", in[0].shape, in[1].shape);
  out[0] = in[0];
  out[1] = {in[0].dtype, {in[0].shape.back()}};
}

void infer_reshape(const OpDef&, const Attrs& attrs, const Spec* in, int, Spec* out) {
  // One size may be -1; it is resolved before the call (functional.cpp), so that attrs are concrete
  // here.
  if (num_elements(attrs.shape) != num_elements(in[0].shape))
    value_error("pynn.reshape: expected a shape of ", num_elements(in[0].shape),
                " elements for input of shape=", in[0].shape, "; received shape=", attrs.shape);
  out[0] = {in[0].dtype, attrs.shape};
}

void infer_transpose(const OpDef& op, const Attrs& attrs, const Spec* in, int, Spec* out) {
  const int rank = in[0].shape.size();
  if (attrs.axes.size() != rank ||
      (rank && normalize_axes(op.name, attrs.axes, rank).size() != rank))
    value_error("pynn.transpose: expected a permutation of ", rank, " axes; received ", attrs.axes);
  out[0] = in[0];
  for (int i = 0; i < rank; ++i) out[0].shape[i] = in[0].shape[attrs.axes[i]];
}

void infer_broadcast_to(const OpDef& op, const Attrs& attrs, const Spec* in, int, Spec* out) {
  out[0] = {in[0].dtype, attrs.shape};
  if (in[0].shape.size() > attrs.shape.size() ||
      broadcast_shapes(op.name, in[0].shape, attrs.shape) != attrs.shape)
    value_error("pynn.broadcast_to: expected a shape that ", in[0].shape,
                " broadcasts to; received ", attrs.shape);
}

void infer_slice(const OpDef&, const Attrs& attrs, const Spec* in, int, Spec* out) {
  const Dims& shape = in[0].shape;
  if (attrs.starts.size() != shape.size() || attrs.shape.size() != shape.size() ||
      attrs.steps.size() != shape.size())
    value_error("pynn.slice: expected one start, size and step per axis of shape=", shape);
  for (int i = 0; i < shape.size(); ++i) {
    if (!contains_slice(shape[i], attrs.starts[i], attrs.steps[i], attrs.shape[i]))
      value_error("pynn.slice: start ", attrs.starts[i], ", step ", attrs.steps[i], " and size ",
                  attrs.shape[i], " leave axis ", i, " of shape=", shape);
  }
  out[0] = {in[0].dtype, attrs.shape};
}

void infer_slice_update(const OpDef& op, const Attrs& attrs, const Spec* in, int num_in,
                        Spec* out) {
  expect_same_dtype(op, in, 0, num_in);
  Attrs window = attrs;
  window.shape = in[1].shape;
  infer_slice(op, window, in, 1, out);
  out[0] = in[0];
}

void infer_concatenate(const OpDef& op, const Attrs& attrs, const Spec* in, int num_in, Spec* out) {
  if (num_in == 0) value_error("pynn.concatenate: expected at least one tensor; received none");
  expect_same_dtype(op, in, 0, num_in);
  expect_rank_at_least(op, in[0], 1);
  const int axis = normalize_axis(op.name, attrs.axes[0], in[0].shape.size());
  out[0] = in[0];
  for (int i = 1; i < num_in; ++i) {
    Dims other = in[i].shape;
    if (other.size() == in[0].shape.size()) {
      out[0].shape[axis] = add_sizes(op.name, out[0].shape[axis], other[axis]);
      other[axis] = in[0].shape[axis];
    }
    if (other != in[0].shape)
      value_error("pynn.concatenate: expected shapes that differ on axis ", axis,
                  " only; received ", in[0].shape, " and ", in[i].shape);
  }
}

void infer_pad(const OpDef& op, const Attrs& attrs, const Spec* in, int, Spec* out) {
  const int rank = in[0].shape.size();
  if (attrs.starts.size() != rank || attrs.shape.size() != rank)
    value_error("pynn.pad: expected ", rank, " (low, high) pairs; received ", attrs.starts.size());
  out[0] = in[0];
  for (int i = 0; i < rank; ++i) {
    if (attrs.starts[i] < 0 || attrs.shape[i] < 0) value_error("pynn.pad: expected padding >= 0");
    const int64_t padding = add_sizes(op.name, attrs.starts[i], attrs.shape[i]);
    out[0].shape[i] = add_sizes(op.name, out[0].shape[i], padding);
  }
}

void infer_take(const OpDef& op, const Attrs& attrs, const Spec* in, int, Spec* out) {
  expect_rank_at_least(op, in[0], 1);
  expect_integer(op, "indices", in[1]);
  const int axis = normalize_axis(op.name, attrs.axes[0], in[0].shape.size());
  out[0] = {in[0].dtype, {}};
  for (int i = 0; i < axis; ++i) out[0].shape.push_back(in[0].shape[i]);
  for (int64_t d : in[1].shape) out[0].shape.push_back(d);
  for (int i = axis + 1; i < in[0].shape.size(); ++i) out[0].shape.push_back(in[0].shape[i]);
}

void infer_scatter_add(const OpDef& op, const Attrs& attrs, const Spec* in, int, Spec* out) {
  infer_take(op, attrs, in, 2, out);
  expect_shape(op, "updates", out[0].shape, in[2].shape);
  if (in[0].dtype != in[2].dtype)
    type_error("pynn.scatter_add: expected updates of dtype ", dtype_name(in[0].dtype),
               "; received ", dtype_name(in[2].dtype));
  out[0] = in[0];
}

void infer_one_hot(const OpDef& op, const Attrs& attrs, const Spec* in, int, Spec* out) {
  expect_integer(op, "indices", in[0]);
  if (attrs.shape[0] < 0)
    value_error("pynn.one_hot: expected num_classes >= 0; received ", attrs.shape[0]);
  out[0] = {attrs.dtype, in[0].shape};
  out[0].shape.push_back(attrs.shape[0]);
}

void infer_row_grad(const OpDef& op, const Attrs&, const Spec* in, int num_in, Spec* out) {
  expect_full_precision(op, in[0]);
  expect_rank_at_least(op, in[0], 1);
  expect_same_dtype(op, in, 0, num_in);
  expect_shape(op, "a gradient", in[0].shape, in[1].shape);
  out[0] = in[0];
}

void infer_sparse_xent(const OpDef& op, const Attrs&, const Spec* in, int, Spec* out) {
  expect_full_precision(op, in[0]);
  expect_rank_at_least(op, in[0], 1);
  expect_integer(op, "labels", in[1]);
  expect_shape(op, "labels", drop_last(in[0].shape), in[1].shape);
  out[0] = {in[0].dtype, in[1].shape};
}

void infer_dense_xent(const OpDef& op, const Attrs&, const Spec* in, int num_in, Spec* out) {
  expect_full_precision(op, in[0]);
  expect_rank_at_least(op, in[0], 1);
  expect_same_dtype(op, in, 0, num_in);
  expect_shape(op, "targets", in[0].shape, in[1].shape);
  out[0] = {in[0].dtype, drop_last(in[0].shape)};
}

void infer_xent_grad(const OpDef& op, const Attrs&, const Spec* in, int, Spec* out) {
  expect_full_precision(op, in[0]);
  expect_rank_at_least(op, in[0], 1);
  if (in[2].dtype != in[0].dtype)
    type_error("pynn.", op.name, ": expected a loss gradient of dtype ", dtype_name(in[0].dtype),
               "; received ", dtype_name(in[2].dtype));
  expect_shape(op, "a loss gradient", drop_last(in[0].shape), in[2].shape);
  out[0] = in[0];
}

void infer_norm(const OpDef& op, const Attrs&, const Spec* in, int num_in, Spec* out) {
  expect_full_precision(op, in[0]);
  expect_rank_at_least(op, in[0], 1);
  expect_same_dtype(op, in, 0, num_in);
  for (int i = 1; i < num_in; ++i)
    expect_shape(op, i == 1 ? "gamma" : "beta", {in[0].shape.back()}, in[i].shape);
  out[0] = in[0];
  out[1] = out[2] = {in[0].dtype, drop_last(in[0].shape)};
}

void infer_norm_grad(const OpDef& op, const Attrs&, const Spec* in, int num_in, Spec* out) {
  expect_full_precision(op, in[0]);
  expect_rank_at_least(op, in[0], 1);
  expect_same_dtype(op, in, 0, num_in);
  const Dims rows = drop_last(in[0].shape), columns = {in[0].shape.back()};
  expect_shape(op, "mean", rows, in[1].shape);
  expect_shape(op, "rstd", rows, in[2].shape);
  expect_shape(op, "a gradient", in[0].shape, in[3].shape);
  if (num_in == 5) expect_shape(op, "gamma", columns, in[4].shape);
  out[0] = in[0];
  out[1] = out[2] = {in[0].dtype, columns};
}

void infer_moments(const OpDef& op, const Attrs&, const Spec* in, int, Spec* out) {
  expect_full_precision(op, in[0]);
  expect_rank_at_least(op, in[0], 1);
  out[0] = out[1] = {in[0].dtype, {in[0].shape.back()}};
}

void infer_batch_norm(const OpDef& op, const Attrs& attrs, const Spec* in, int num_in, Spec* out) {
  infer_moments(op, attrs, in, 1, out);
  expect_same_dtype(op, in, 0, num_in);
  const char* names[] = {"", "mean", "scale", "offset"};
  for (int i = 1; i < num_in; ++i) expect_shape(op, names[i], out[0].shape, in[i].shape);
  out[0] = in[0];
}

void infer_batch_norm_grad(const OpDef& op, const Attrs& attrs, const Spec* in, int num_in,
                           Spec* out) {
  infer_batch_norm(op, attrs, in, 3, out);
  expect_same_dtype(op, in, 0, num_in);
  expect_shape(op, "a gradient", in[0].shape, in[3].shape);
  out[1] = out[2] = {in[0].dtype, {in[0].shape.back()}};
}

namespace {

// The inputs of an update after its arrays: gradient, learning rate, iterations, other scalars.
void expect_step(const OpDef& op, const Spec* in, int num_in, int arrays) {
  expect_shape(op, "a gradient", in[0].shape, in[arrays].shape);
  expect_same_dtype(op, in, 0, arrays + 1);
  const char* const names[] = {"a learning rate", "iterations", "a gradient scale", "a product"};
  for (int i = arrays + 1; i < num_in; ++i) {
    const char* name = names[i - arrays - 1];
    expect_shape(op, name, {}, in[i].shape);
    const DType d = in[i].dtype;
    const bool fits = i == arrays + 2 ? d == DType::int32 || d == DType::int64
                                      : d == DType::float32 || d == DType::float64;
    if (!fits)
      type_error("pynn.", op.name, ": expected ", name, " of ",
                 i == arrays + 2 ? "int32 or int64" : "float32 or float64", "; received ",
                 dtype_name(d));
  }
}

// How many arrays come first: w, the states and, where there is one, the moving average.
int count_arrays(const OpDef& op, int num_in, int states) {
  const int arrays = num_outputs(op, num_in);
  if (arrays != 1 + states && arrays != 2 + states)
    value_error("pynn.", op.name, ": expected a weight, ", states,
                " state(s) and at most a moving average; received ", arrays, " array(s)");
  return arrays;
}

}  // namespace

void infer_update(const OpDef& op, const Attrs&, const Spec* in, int num_in, Spec* out) {
  const int arrays = count_arrays(op, num_in, update_states(op));
  expect_full_precision(op, in[0]);
  expect_step(op, in, num_in, arrays);
  for (int i = 0; i < arrays; ++i) {
    expect_shape(op, "states", in[0].shape, in[i].shape);
    out[i] = in[0];
  }
}

void infer_adafactor_matrix(const OpDef& op, const Attrs&, const Spec* in, int num_in, Spec* out) {
  const int arrays = count_arrays(op, num_in, 3);
  expect_full_precision(op, in[0]);
  expect_rank_at_least(op, in[0], 2);
  expect_step(op, in, num_in, arrays);
  const Dims& shape = in[0].shape;
  Dims columns = shape;
  columns.erase(shape.size() - 2);
  expect_shape(op, "row means", drop_last(shape), in[1].shape);
  expect_shape(op, "column means", columns, in[2].shape);
  for (int i = 3; i < arrays; ++i) expect_shape(op, "states", shape, in[i].shape);
  for (int i = 0; i < arrays; ++i) out[i] = in[i];
}

void infer_clip_scale(const OpDef& op, const Attrs&, const Spec* in, int num_in, Spec* out) {
  if (num_in == 0) value_error("pynn.clip_scale: expected at least one gradient; received none");
  for (int i = 0; i < num_in; ++i) expect_full_precision(op, in[i]);
  out[0] = {DType::float64, {}};
}

void infer_random_bits(const OpDef& op, const Attrs& attrs, const Spec* in, int, Spec* out) {
  if (in[0].dtype != DType::uint32)
    type_error("pynn.", op.name, ": expected a uint32 seed; received ", dtype_name(in[0].dtype));
  expect_shape(op, "a seed", {2}, in[0].shape);
  out[0] = {DType::uint32, attrs.shape};
}

void infer_random(const OpDef& op, const Attrs& attrs, const Spec* in, int num_in, Spec* out) {
  infer_random_bits(op, attrs, in, num_in, out);
  out[0].dtype = DType::float32;
}

void infer_dropout(const OpDef& op, const Attrs& attrs, const Spec* in, int num_in, Spec* out) {
  infer_random_bits(op, attrs, in, num_in, out);
  expect_float(op, in[1]);
  out[0] = in[1];
}

}  // namespace pynn
