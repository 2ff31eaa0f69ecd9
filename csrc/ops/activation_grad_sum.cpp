// The gradient through an activation and the column sums of it, which are the gradient of a bias.
#include <algorithm>

#include "ops/contiguous_input.h"
#include "ops/launch.h"
#include "ops/reduce.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

// Rows that one task adds up. How the sums are cut depends on the shape alone, and so do the bits.
constexpr int64_t kRows = 256;
constexpr int64_t kGrain = 32768;  // elements worth a thread

}  // namespace

void launch_activation_grad_sum(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  Scratch scratch;
  const DType dtype = in[0].dtype;
  const int64_t size = int64_t(item_size(dtype)), n = out[1].shape[0];
  const int64_t rows = n ? num_elements(in[0].shape) / n : 0;
  const char* dy = static_cast<const char*>(contiguous_input(in[0], scratch));
  const char* y = static_cast<const char*>(contiguous_input(in[1], scratch));
  char* dz = static_cast<char*>(out[0].data);
  char* sums = static_cast<char*>(out[1].data);
  if (rows == 0) {
    std::fill_n(sums, n * size, 0);
    return;
  }
  const int64_t blocks = (rows + kRows - 1) / kRows;
  char* partial =
      blocks == 1 ? sums : static_cast<char*>(scratch.get_bytes(size_t(blocks * n * size)));
  const auto kernel = kernel_table().activation_grad_sum[int(attrs.activation)][int(dtype)];
  const int64_t grain = std::max<int64_t>(1, kGrain / (std::min(rows, kRows) * n));
  parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t at = b * kRows * n * size;
      kernel(dy + at, y + at, dz + at, partial + b * n * size, std::min(kRows, rows - b * kRows),
             n);
    }
  });
  if (blocks > 1) sum_columns(partial, sums, blocks, n, dtype);
}

}  // namespace pynn
