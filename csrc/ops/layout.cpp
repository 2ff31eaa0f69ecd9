// Ops that move elements without changing them: views where strides allow, else copies.
#include "ops/launch.h"

namespace pynn {

namespace {

// Strides of `in` seen with another shape of as many elements; false where no strides say it. Old
// and new axes are matched in stretches of equal size; within a stretch the old axes must step as
// one.
bool reshaped_strides(const View& in, const Dims& shape, Dims& strides) {
  strides = contiguous_strides(shape);
  if (num_elements(shape) == 0 || in.contiguous()) return true;
  Dims old_shape, old_strides;
  for (int i = 0; i < in.shape.size(); ++i) {
    if (in.shape[i] == 1) continue;
    old_shape.push_back(in.shape[i]);
    old_strides.push_back(in.strides[i]);
  }
  for (int old_first = 0, first = 0; old_first < old_shape.size();) {
    int old_last = old_first, last = first;
    for (int64_t old_size = old_shape[old_first], size = shape[first]; old_size != size;) {
      if (size < old_size)
        size *= shape[++last];
      else
        old_size *= old_shape[++old_last];
    }
    for (int i = old_first; i < old_last; ++i)
      if (old_strides[i] != old_shape[i + 1] * old_strides[i + 1]) return false;
    strides[last] = old_strides[old_last];
    for (int i = last; i > first; --i) strides[i - 1] = strides[i] * shape[i];
    old_first = old_last + 1;
    first = last + 1;
  }
  return true;
}

}  // namespace

bool make_view(OpId op, const Attrs& attrs, const View& in, View& out) {
  out.data = in.data;
  out.strides = in.strides;
  switch (op) {
    case OpId::stop_gradient:
      return true;
    case OpId::reshape:
      return reshaped_strides(in, out.shape, out.strides);
    case OpId::transpose:
      for (int i = 0; i < attrs.axes.size(); ++i) out.strides[i] = in.strides[attrs.axes[i]];
      return true;
    case OpId::broadcast_to:
      out.strides = broadcast_strides(in.shape, in.strides, out.shape);
      return true;
    case OpId::slice: {
      int64_t offset = 0;
      for (int i = 0; i < in.shape.size(); ++i) {
        offset += attrs.starts[i] * in.strides[i];
        // One element has no stride, and a step that it does not take may be any number.
        out.strides[i] = out.shape[i] > 1 ? in.strides[i] * attrs.steps[i] : in.strides[i];
      }
      if (num_elements(out.shape) > 0)
        out.data = static_cast<char*>(in.data) + offset * int64_t(item_size(in.dtype));
      return true;
    }
    default:
      return false;
  }
}

void launch_copy_reshaped(const OpDef&, const Attrs&, const View* in, int, View* out) {
  // The elements in C order, whatever the shape: the output seen with the input's shape.
  View target = out[0];
  target.shape = in[0].shape;
  target.strides = contiguous_strides(in[0].shape);
  copy_view(in[0], target);
}

namespace {

// The part of `out` that starts at `starts` with the shape of `part`.
View window(const View& out, const Dims& starts, const Dims& steps, const Dims& shape) {
  View v = out;
  v.shape = shape;
  int64_t offset = 0;
  for (int i = 0; i < shape.size(); ++i) {
    offset += starts[i] * out.strides[i];
    v.strides[i] = shape[i] > 1 ? out.strides[i] * steps[i] : out.strides[i];
  }
  if (num_elements(shape) > 0)
    v.data = static_cast<char*>(out.data) + offset * int64_t(item_size(out.dtype));
  return v;
}

}  // namespace

void launch_slice_update(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  copy_view(in[0], out[0]);
  copy_view(in[1], window(out[0], attrs.starts, attrs.steps, in[1].shape));
}

void launch_concatenate(const OpDef&, const Attrs& attrs, const View* in, int num_in, View* out) {
  const int rank = out[0].shape.size(), axis = normalize_axis("concatenate", attrs.axes[0], rank);
  Dims starts = Dims::filled(rank, 0);
  for (int i = 0; i < num_in; ++i) {
    copy_view(in[i], window(out[0], starts, Dims::filled(rank, 1), in[i].shape));
    starts[axis] += in[i].shape[axis];
  }
}

void launch_pad(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  const Tensor value = full({}, attrs.params[0], out[0].dtype);
  View spread = value->view;
  spread.shape = out[0].shape;
  spread.strides = Dims::filled(out[0].shape.size(), 0);
  copy_view(spread, out[0]);
  copy_view(in[0], window(out[0], attrs.starts, Dims::filled(in[0].shape.size(), 1), in[0].shape));
}

}  // namespace pynn
