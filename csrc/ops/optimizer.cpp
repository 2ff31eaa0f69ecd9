// Optimizer updates: one pass over memory per parameter. Inputs: w, states..., g, learning rate.
#include "ops/contiguous_input.h"
#include "ops/launch.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

constexpr int kMaxArrays = 4;
constexpr int64_t kGrain = 8192;

double read_scalar(const View& v) {
  return v.dtype == DType::float64 ? *static_cast<const double*>(v.data)
                                   : double(*static_cast<const float*>(v.data));
}

// call(in, out, n, params) on ranges of contiguous arrays; params = {learning rate,
// attrs.params...}.
template <class F>
void update(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out,
            const F& call) {
  Scratch scratch;
  const char* from[kMaxArrays];
  const int arrays = num_in - 1;
  for (int i = 0; i < arrays; ++i)
    from[i] = static_cast<const char*>(contiguous_input(in[i], scratch));
  const double params[5] = {read_scalar(in[arrays]), attrs.params[0], attrs.params[1],
                            attrs.params[2], attrs.params[3]};
  const int64_t size = int64_t(item_size(in[0].dtype)), n = num_elements(in[0].shape);
  // Ranges start at multiples of 64 elements, so that threads share no cache line.
  parallel_for((n + 63) / 64, kGrain / 64, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * 64, count = std::min(end * 64, n) - first;
    const void* x[kMaxArrays];
    void* y[kMaxOutputs];
    for (int i = 0; i < arrays; ++i) x[i] = from[i] + first * size;
    for (int i = 0; i < op.outputs; ++i) y[i] = static_cast<char*>(out[i].data) + first * size;
    call(x, y, count, params);
  });
}

}  // namespace

void launch_sgd(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out) {
  const auto kernel = kernel_table().sgd[int(in[0].dtype)];
  update(op, attrs, in, num_in, out,
         [kernel](const void* const* x, void* const* y, int64_t n, const double* params) {
           kernel(x[0], x[1], y[0], n, params);
         });
}

void launch_momentum(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out) {
  const auto kernel = kernel_table().momentum[int(in[0].dtype)];
  update(op, attrs, in, num_in, out,
         [kernel](const void* const* x, void* const* y, int64_t n, const double* params) {
           kernel(x[0], x[1], x[2], y[0], y[1], n, params);
         });
}

void launch_rmsprop(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out) {
  const auto kernel = kernel_table().rmsprop[int(in[0].dtype)];
  update(op, attrs, in, num_in, out,
         [kernel](const void* const* x, void* const* y, int64_t n, const double* params) {
           kernel(x[0], x[1], x[2], y[0], y[1], n, params);
         });
}

void launch_adam(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out) {
  const auto kernel = kernel_table().adam[int(in[0].dtype)];
  update(op, attrs, in, num_in, out,
         [kernel](const void* const* x, void* const* y, int64_t n, const double* params) {
           kernel(x[0], x[1], x[2], x[3], y[0], y[1], y[2], n, params);
         });
}

}  // namespace pynn
