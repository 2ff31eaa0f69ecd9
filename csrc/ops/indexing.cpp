// take, scatter_add, one_hot. Indices are checked when they are read; scatter_add adds in the order
// of the indices for each target row, whatever the number of threads.
#include <cstring>

#include "ops/contiguous_input.h"
#include "ops/launch.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

constexpr int64_t kGrainBytes = 65536;

struct Axis {
  int64_t outer = 1, size = 1, inner = 1;
};

Axis split_at(const Dims& shape, int axis) {
  Axis a;
  a.size = shape[axis];
  for (int i = 0; i < axis; ++i) a.outer *= shape[i];
  for (int i = axis + 1; i < shape.size(); ++i) a.inner *= shape[i];
  return a;
}

// Indices in [0, size), with negative ones counted from the end.
const int64_t* checked_indices(const char* who, const View& indices, int64_t size,
                               Scratch& scratch) {
  const int64_t n = num_elements(indices.shape);
  const auto* given = static_cast<const int64_t*>(contiguous_input(indices, DType::int64, scratch));
  auto* out = scratch.get<int64_t>(n);
  for (int64_t i = 0; i < n; ++i) {
    out[i] = given[i] < 0 ? given[i] + size : given[i];
    if (out[i] < 0 || out[i] >= size)
      value_error("pynn.", who, ": expected indices in [", -size, ", ", size, "); received ",
                  given[i]);
  }
  return out;
}

}  // namespace

void launch_take(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  Scratch scratch;
  const Axis axis =
      split_at(in[0].shape, normalize_axis("take", attrs.axes[0], in[0].shape.size()));
  const int64_t count = num_elements(in[1].shape);
  const int64_t* index = checked_indices("take", in[1], axis.size, scratch);
  const auto* x = static_cast<const char*>(contiguous_input(in[0], scratch));
  auto* y = static_cast<char*>(out[0].data);
  const int64_t row = axis.inner * int64_t(item_size(in[0].dtype));
  if (row == 0) return;
  parallel_for(axis.outer * count, std::max<int64_t>(1, kGrainBytes / row),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i)
                   std::memcpy(y + i * row, x + (i / count * axis.size + index[i % count]) * row,
                               size_t(row));
               });
}

void launch_scatter_add(const OpDef& op, const Attrs& attrs, const View* in, int, View* out) {
  Scratch scratch;
  const Axis axis =
      split_at(in[0].shape, normalize_axis("scatter_add", attrs.axes[0], in[0].shape.size()));
  const int64_t count = num_elements(in[1].shape);
  const int64_t* index = checked_indices("scatter_add", in[1], axis.size, scratch);
  const bool half = kernel_table().binary[int(kernels::Binary::add)][int(out[0].dtype)] == nullptr;
  const DType dtype = half ? DType::float32 : out[0].dtype;
  const auto add = kernel_table().binary[int(kernels::Binary::add)][int(dtype)];
  if (!add) type_error("pynn.", op.name, ": not defined for dtype ", dtype_name(dtype));
  View sum = out[0];
  sum.dtype = dtype;
  if (half) sum.data = scratch.get_bytes(sum.bytes());
  copy_view(in[0], sum);
  const int64_t size = int64_t(item_size(dtype)), row = axis.inner * size;
  const auto* updates = static_cast<const char*>(contiguous_input(in[2], dtype, scratch));
  auto* y = static_cast<char*>(sum.data);
  // Threads own columns (or outer slices), never index ranges: each target gets its sums in index
  // order.
  const bool by_column = axis.outer == 1;
  const int64_t tasks = by_column ? axis.inner : axis.outer;
  const int64_t task_bytes = std::max<int64_t>(1, count * (by_column ? size : row));
  parallel_for(tasks, std::max<int64_t>(by_column ? 16 : 1, kGrainBytes / task_bytes),
               [&](int64_t begin, int64_t end) {
                 const int64_t first = by_column ? begin * size : 0,
                               width = by_column ? end - begin : axis.inner;
                 for (int64_t o = by_column ? 0 : begin; o < (by_column ? 1 : end); ++o)
                   for (int64_t i = 0; i < count; ++i) {
                     char* target = y + (o * axis.size + index[i]) * row + first;
                     add(target, false, updates + (o * count + i) * row + first, false,
                         {target, false}, width, nullptr);
                   }
               });
  if (half) copy_view(sum, out[0]);
}

void launch_one_hot(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  Scratch scratch;
  const int64_t n = num_elements(in[0].shape), classes = attrs.shape[0],
                size = int64_t(item_size(out[0].dtype));
  const auto* index = static_cast<const int64_t*>(contiguous_input(in[0], DType::int64, scratch));
  const Tensor one = full({}, 1, out[0].dtype);
  auto* y = static_cast<char*>(out[0].data);
  std::memset(y, 0, out[0].bytes());
  for (int64_t i = 0; i < n; ++i) {
    if (index[i] >= 0 && index[i] < classes)
      std::memcpy(y + (i * classes + index[i]) * size, one->view.data, size_t(size));
    else if (attrs.params[0] != 0)
      value_error("pynn.one_hot: expected labels in [0, ", classes, "); received label ", index[i],
                  " at position ", i);
  }
}

}  // namespace pynn
