// Reductions. How a sum is cut into blocks depends on the shape alone, never on the number of
// threads, so the bits do not either.
#include "ops/reduce.h"

#include <algorithm>
#include <cstring>

#include "ops/contiguous_input.h"
#include "ops/launch.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

constexpr int64_t kRowBlock = 16384;  // elements of a row that one task reduces
constexpr int64_t kColBlock = 256;    // rows that one task adds up
constexpr int64_t kColWidth = 1024;   // columns of a task: the accumulators stay in L1
constexpr int64_t kGrain = 32768;     // elements worth a thread

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Reducer {
  kernels::ReduceRowFn row;
  kernels::ReduceColFn col;
  int64_t size;  // bytes of an element

  // x is (outer, n), y is (outer,).
  void rows(const char* x, char* y, int64_t outer, int64_t n) const {
    const int64_t blocks = ceil_div(n, kRowBlock);
    if (blocks == 1) {
      parallel_for(outer, std::max<int64_t>(1, kGrain / n), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) row(x + i * n * size, n, y + i * size);
      });
      return;
    }
    Scratch scratch;
    char* partial = static_cast<char*>(scratch.get_bytes(size_t(outer * blocks * size)));
    parallel_for(outer * blocks, std::max<int64_t>(1, kGrain / kRowBlock),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t t = begin; t < end; ++t) {
                     const int64_t first = t % blocks * kRowBlock;
                     row(x + (t / blocks * n + first) * size, std::min(kRowBlock, n - first),
                         partial + t * size);
                   }
                 });
    rows(partial, y, outer, blocks);
  }

  // x is (outer, n, inner), y is (outer, inner).
  void cols(const char* x, char* y, int64_t outer, int64_t n, int64_t inner) const {
    const int64_t blocks = ceil_div(n, kColBlock), widths = ceil_div(inner, kColWidth);
    Scratch scratch;
    char* partial =
        blocks == 1 ? y
                    : static_cast<char*>(scratch.get_bytes(size_t(outer * blocks * inner * size)));
    const int64_t task = std::min(n, kColBlock) * std::min(inner, kColWidth);
    parallel_for(outer * blocks * widths, std::max<int64_t>(1, kGrain / task),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t t = begin; t < end; ++t) {
                     const int64_t at = t % widths * kColWidth,
                                   width = std::min(kColWidth, inner - at);
                     const int64_t block = t / widths % blocks, o = t / widths / blocks;
                     const char* from = x + ((o * n + block * kColBlock) * inner + at) * size;
                     char* to = partial + ((o * blocks + block) * inner + at) * size;
                     std::memcpy(to, from, size_t(width * size));
                     const int64_t count = std::min(kColBlock, n - block * kColBlock);
                     col(to, from + inner * size, count - 1, inner, width);
                   }
                 });
    if (blocks > 1) cols(partial, y, outer, blocks, inner);
  }
};

// Sizes of a reduction of neighbouring axes of contiguous data: (outer, n, inner).
struct Group {
  int64_t outer = 1, n = 1, inner = 1;
};

Group make_group(const Dims& shape, int first, int last) {
  Group g;
  for (int i = 0; i < shape.size(); ++i)
    (i < first ? g.outer : i < last ? g.n : g.inner) *= shape[i];
  return g;
}

// The result over no elements: 0 for a sum, 1 for a product.
void fill_identity(const OpDef& op, const View& out) {
  const Tensor identity = full({}, op.id == OpId::prod ? 1 : 0, out.dtype);
  View spread = identity->view;
  spread.shape = out.shape;
  spread.strides = Dims::filled(out.shape.size(), 0);
  copy_view(spread, out);
}

}  // namespace

void sum_columns(const void* x, void* y, int64_t rows, int64_t n, DType dtype) {
  constexpr int sum = int(kernels::Reduce::sum);
  const kernels::KernelTable& table = kernel_table();
  const Reducer reducer{table.reduce_row[sum][int(dtype)], table.reduce_col[sum][int(dtype)],
                        int64_t(item_size(dtype))};
  reducer.cols(static_cast<const char*>(x), static_cast<char*>(y), 1, rows, n);
}

void launch_reduce(const OpDef& op, const Attrs& attrs, const View* in, int, View* out) {
  if (num_elements(out[0].shape) == 0) return;
  const bool logical = in[0].dtype == DType::bool_;
  const DType dtype = logical                                                   ? DType::uint8
                      : in[0].dtype == DType::float64 || !is_float(in[0].dtype) ? in[0].dtype
                                                                                : DType::float32;
  if (num_elements(in[0].shape) == 0) return fill_identity(op, out[0]);
  const kernels::KernelTable& table = kernel_table();
  const Reducer reducer{table.reduce_row[op.kernel][int(dtype)],
                        table.reduce_col[op.kernel][int(dtype)], int64_t(item_size(dtype))};
  Scratch scratch;
  View flags = in[0];
  if (logical) flags.dtype = DType::uint8;
  const char* x = static_cast<const char*>(contiguous_input(flags, dtype, scratch));
  Dims shape = in[0].shape;
  // Runs of neighbouring axes, innermost first; each leaves a smaller contiguous array.
  const Dims axes = attrs.axes;
  View result = out[0];
  const bool direct = out[0].dtype == dtype || logical;
  for (int last = axes.size(); last > 0;) {
    int first = last - 1;
    while (first > 0 && axes[first - 1] == axes[first] - 1) --first;
    const int a = int(axes[first]), b = int(axes[last - 1]) + 1;
    const Group g = make_group(shape, a, b);
    const bool final = first == 0;
    char* y =
        final && direct
            ? static_cast<char*>(out[0].data)
            : static_cast<char*>(scratch.get_bytes(size_t(g.outer * g.inner) * item_size(dtype)));
    if (g.inner == 1)
      reducer.rows(x, y, g.outer, g.n);
    else
      reducer.cols(x, y, g.outer, g.n, g.inner);
    for (int i = a; i < b; ++i) shape[i] = 1;
    x = y;
    last = first;
  }
  if (direct) return;
  View total = result;
  total.dtype = dtype;
  total.data = const_cast<char*>(x);
  copy_view(total, out[0]);
}

namespace {

template <class Pick>
void launch_arg(const Attrs& attrs, const View& in, View& out, Pick pick) {
  const DType dtype = in.dtype == DType::bool_                           ? DType::uint8
                      : is_float(in.dtype) && in.dtype != DType::float64 ? DType::float32
                                                                         : in.dtype;
  const int axis = normalize_axis("argmax", attrs.axes[0], in.shape.size());
  // The reduced axis goes last; then every result is one row.
  View moved = in;
  moved.shape.erase(axis);
  moved.strides.erase(axis);
  moved.shape.push_back(in.shape[axis]);
  moved.strides.push_back(in.strides[axis]);
  if (in.dtype == DType::bool_) moved.dtype = DType::uint8;
  Scratch scratch;
  const char* x = static_cast<const char*>(contiguous_input(moved, dtype, scratch));
  const int64_t n = in.shape[axis], rows = num_elements(out.shape),
                size = int64_t(item_size(dtype));
  const kernels::ArgFn fn = pick(dtype);
  auto* y = static_cast<int32_t*>(out.data);
  parallel_for(rows, std::max<int64_t>(1, kGrain / n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = int32_t(fn(x + i * n * size, n));
  });
}

}  // namespace

void launch_argmax(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  launch_arg(attrs, in[0], out[0], [](DType d) { return kernel_table().argmax[int(d)]; });
}

void launch_argmin(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  launch_arg(attrs, in[0], out[0], [](DType d) { return kernel_table().argmin[int(d)]; });
}

}  // namespace pynn
