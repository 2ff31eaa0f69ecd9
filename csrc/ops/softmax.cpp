// Softmax and cross-entropy over rows: the last axis of contiguous data.
#include "ops/contiguous_input.h"
#include "ops/launch.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

// Rows of a tensor with n elements each: body(first, rows) for ranges of them.
template <class F>
void for_rows(const Dims& shape, const F& body) {
  const int64_t n = shape.empty() ? 1 : shape.back(), total = num_elements(shape);
  if (total == 0) return;
  parallel_for(total / n, std::max<int64_t>(1, 8192 / n),
               [&](int64_t begin, int64_t end) { body(begin, end - begin); });
}

void launch_rows(kernels::RowFn kernel, const View& in, View& out) {
  Scratch scratch;
  const auto* x = static_cast<const char*>(contiguous_input(in, scratch));
  auto* y = static_cast<char*>(out.data);
  const int64_t n = in.shape.empty() ? 1 : in.shape.back(), row = n * int64_t(item_size(in.dtype));
  for_rows(in.shape, [&](int64_t i, int64_t rows) { kernel(x + i * row, y + i * row, rows, n); });
}

void launch_row_grad(kernels::RowGradFn kernel, const View* in, View& out) {
  Scratch scratch;
  const auto* y = static_cast<const char*>(contiguous_input(in[0], scratch));
  const auto* dy = static_cast<const char*>(contiguous_input(in[1], scratch));
  auto* dx = static_cast<char*>(out.data);
  const int64_t n = in[0].shape.back(), row = n * int64_t(item_size(in[0].dtype));
  for_rows(in[0].shape, [&](int64_t i, int64_t rows) {
    kernel(y + i * row, dy + i * row, dx + i * row, rows, n);
  });
}

const int64_t* checked_labels(const char* who, const View& labels, int64_t classes,
                              Scratch& scratch) {
  const auto* label = static_cast<const int64_t*>(contiguous_input(labels, DType::int64, scratch));
  const int64_t n = num_elements(labels.shape);
  for (int64_t i = 0; i < n; ++i)
    if (label[i] < 0 || label[i] >= classes)
      value_error("pynn.", who, ": expected labels in [0, ", classes, "); received label ",
                  label[i], " at position ", i);
  return label;
}

}  // namespace

void launch_softmax(const OpDef&, const Attrs&, const View* in, int, View* out) {
  launch_rows(kernel_table().softmax[int(in[0].dtype)], in[0], out[0]);
}
void launch_log_softmax(const OpDef&, const Attrs&, const View* in, int, View* out) {
  launch_rows(kernel_table().log_softmax[int(in[0].dtype)], in[0], out[0]);
}
void launch_softmax_grad(const OpDef&, const Attrs&, const View* in, int, View* out) {
  launch_row_grad(kernel_table().softmax_grad[int(in[0].dtype)], in, out[0]);
}
void launch_log_softmax_grad(const OpDef&, const Attrs&, const View* in, int, View* out) {
  launch_row_grad(kernel_table().log_softmax_grad[int(in[0].dtype)], in, out[0]);
}

void launch_sparse_xent(const OpDef&, const Attrs&, const View* in, int, View* out) {
  Scratch scratch;
  const int64_t n = in[0].shape.back(), size = int64_t(item_size(in[0].dtype));
  const auto* x = static_cast<const char*>(contiguous_input(in[0], scratch));
  const int64_t* label = checked_labels("sparse_softmax_cross_entropy", in[1], n, scratch);
  const auto kernel = kernel_table().sparse_xent[int(in[0].dtype)];
  auto* loss = static_cast<char*>(out[0].data);
  for_rows(in[0].shape, [&](int64_t i, int64_t rows) {
    kernel(x + i * n * size, rows, n, label + i, loss + i * size);
  });
}

void launch_sparse_xent_grad(const OpDef&, const Attrs&, const View* in, int, View* out) {
  Scratch scratch;
  const int64_t n = in[0].shape.back(), size = int64_t(item_size(in[0].dtype));
  const auto* x = static_cast<const char*>(contiguous_input(in[0], scratch));
  const int64_t* label = checked_labels("sparse_softmax_cross_entropy", in[1], n, scratch);
  const auto* dloss = static_cast<const char*>(contiguous_input(in[2], scratch));
  const auto kernel = kernel_table().sparse_xent_grad[int(in[0].dtype)];
  auto* dx = static_cast<char*>(out[0].data);
  for_rows(in[0].shape, [&](int64_t i, int64_t rows) {
    kernel(x + i * n * size, rows, n, label + i, dloss + i * size, dx + i * n * size);
  });
}

void launch_dense_xent(const OpDef&, const Attrs&, const View* in, int, View* out) {
  Scratch scratch;
  const int64_t n = in[0].shape.back(), size = int64_t(item_size(in[0].dtype));
  const auto* x = static_cast<const char*>(contiguous_input(in[0], scratch));
  const auto* t = static_cast<const char*>(contiguous_input(in[1], scratch));
  const auto kernel = kernel_table().dense_xent[int(in[0].dtype)];
  auto* loss = static_cast<char*>(out[0].data);
  for_rows(in[0].shape, [&](int64_t i, int64_t rows) {
    kernel(x + i * n * size, t + i * n * size, rows, n, loss + i * size);
  });
}

void launch_dense_xent_grad(const OpDef&, const Attrs&, const View* in, int, View* out) {
  Scratch scratch;
  const int64_t n = in[0].shape.back(), size = int64_t(item_size(in[0].dtype));
  const auto* x = static_cast<const char*>(contiguous_input(in[0], scratch));
  const auto* t = static_cast<const char*>(contiguous_input(in[1], scratch));
  const auto* dloss = static_cast<const char*>(contiguous_input(in[2], scratch));
  const auto kernel = kernel_table().dense_xent_grad[int(in[0].dtype)];
  auto* dx = static_cast<char*>(out[0].data);
  for_rows(in[0].shape, [&](int64_t i, int64_t rows) {
    kernel(x + i * n * size, t + i * n * size, rows, n, dloss + i * size, dx + i * n * size);
  });
}

}  // namespace pynn
