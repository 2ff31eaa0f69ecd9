// Launches of elementwise ops.
#include "ops/launch.h"
#include "ops/loop.h"

namespace pynn {

namespace {

[[noreturn]] void no_kernel(const OpDef& op, DType dtype) {
  type_error("pynn.", op.name, ": not defined for dtype ", dtype_name(dtype));
}

}  // namespace

void launch_copy(const OpDef&, const Attrs&, const View* in, int, View* out) {
  copy_view(in[0], out[0]);
}

void launch_cast(const OpDef&, const Attrs&, const View* in, int, View* out) {
  copy_view(in[0], out[0]);
}

void launch_unary(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out) {
  const auto kernel = kernel_table().unary[op.kernel][int(kernel_dtype(in[0].dtype))];
  if (!kernel) no_kernel(op, in[0].dtype);
  map_elements(in, num_in, out[0], 1.0,
               [&](const void* const* x, const bool* scalar, kernels::Output y, int64_t n) {
                 if (!scalar[0] || n == 1) {
                   kernel(x[0], y, n, attrs.params);
                   return;
                 }
                 // A broadcast input: compute once, then spread.
                 const DType dtype = kernel_dtype(out[0].dtype);
                 kernel(x[0], {y.data, false}, 1, attrs.params);
                 kernel_table().copy[log2_size(dtype)](
                     y.data, 0, static_cast<char*>(y.data) + item_size(dtype), 1, n - 1);
               });
}

void launch_binary(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out) {
  const auto kernel = kernel_table().binary[op.kernel][int(kernel_dtype(in[0].dtype))];
  if (!kernel) no_kernel(op, in[0].dtype);
  map_elements(in, num_in, out[0], 0.5,
               [&](const void* const* x, const bool* scalar, kernels::Output y, int64_t n) {
                 kernel(x[0], scalar[0], x[1], scalar[1], y, n, attrs.params);
               });
}

void launch_where(const OpDef&, const Attrs&, const View* in, int num_in, View* out) {
  const auto kernel = kernel_table().where[log2_size(kernel_dtype(out[0].dtype))];
  map_elements(in, num_in, out[0], 0.5,
               [&](const void* const* x, const bool* scalar, kernels::Output y, int64_t n) {
                 kernel(static_cast<const uint8_t*>(x[0]), scalar[0], x[1], scalar[1], x[2],
                        scalar[2], y.data, n);
               });
}

}  // namespace pynn
