// Random numbers: a function of the seed and the position of the element, so threads may take any
// range.
#include "ops/contiguous_input.h"
#include "ops/launch.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

constexpr int64_t kGrain = 8192;

kernels::RandomKey read_seed(const View& seed) {
  const auto* words = static_cast<const uint32_t*>(seed.data);
  return {{words[0], words[seed.strides[0]]}};
}

// fill(start, n) on ranges that start at multiples of 64 elements (of 4, the words of a Philox
// block, at least).
template <class F>
void for_ranges(int64_t n, const F& fill) {
  parallel_for((n + 63) / 64, kGrain / 64, [&](int64_t begin, int64_t end) {
    fill(begin * 64, std::min(end * 64, n) - begin * 64);
  });
}

void launch_float(kernels::RandomFloatFn kernel, const Attrs& attrs, const View& seed, View& out) {
  const kernels::RandomKey key = read_seed(seed);
  auto* y = static_cast<float*>(out.data);
  for_ranges(num_elements(out.shape), [&](int64_t start, int64_t n) {
    kernel(key, uint64_t(start), y + start, n, attrs.params);
  });
}

}  // namespace

void launch_random_uniform(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  launch_float(kernel_table().uniform, attrs, in[0], out[0]);
}
void launch_random_normal(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  launch_float(kernel_table().normal, attrs, in[0], out[0]);
}
void launch_truncated_normal(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  launch_float(kernel_table().truncated_normal, attrs, in[0], out[0]);
}

void launch_random_bits(const OpDef&, const Attrs&, const View* in, int, View* out) {
  const kernels::RandomKey key = read_seed(in[0]);
  auto* y = static_cast<uint32_t*>(out[0].data);
  for_ranges(num_elements(out[0].shape), [&](int64_t start, int64_t n) {
    kernel_table().random_bits(key, uint64_t(start), y + start, n);
  });
}

void launch_dropout(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  const kernels::RandomKey key = read_seed(in[0]);
  Scratch scratch;
  const auto* x = static_cast<const char*>(contiguous_input(in[1], scratch));
  auto* y = static_cast<char*>(out[0].data);
  const auto kernel = kernel_table().dropout[int(out[0].dtype)];
  const int64_t size = int64_t(item_size(out[0].dtype));
  for_ranges(num_elements(out[0].shape), [&](int64_t start, int64_t n) {
    kernel(key, uint64_t(start), x + start * size, y + start * size, n, attrs.params);
  });
}

}  // namespace pynn
