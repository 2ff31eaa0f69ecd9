#include "ops/gemm_dots.h"

#include <algorithm>

namespace pynn {
namespace {

// The sum over its lanes costs a dot product as much as this many multiply-adds.
constexpr int64_t kLaneSumCost = 8;
// All of A meets a few columns of B at a time, so it should stay in a second-level cache, but for a
// few rows, where that costs less than packing B.
constexpr int64_t kDotBytes = int64_t{1} << 19, kDotRows = 16;

}  // namespace

bool best_as_dots(const FloatProduct& product) {
  const GemmArgs& args = product.args;
  if (product.narrow || args.b_rs != 1 || args.k == 0) return false;
  if (args.m > 1 && args.a_cs != 1) return false;
  if (args.m > kDotRows && args.m * args.k * product.item > kDotBytes) return false;
  // Else B is packed, at the price of kPackCost / 4 per element, for all rows together.
  return args.m * kLaneSumCost < args.k * (kPackCost / 4);
}

void run_dots(const FloatProduct& product, Range rows, Range columns, char* c) {
  const GemmArgs& args = product.args;
  const int64_t item = product.item;
  Scratch scratch;
  kernels::GemmDot d{};
  d.m = rows.size();
  d.k = args.k;
  d.a = product.a.at(rows.begin, 0).data;
  d.a_rs = product.a.rs;
  if (product.a.cs != 1) {  // a single row
    void* row = scratch.get_bytes(size_t(args.k * item));
    kernel_table().copy[item == 8 ? 3 : 2](d.a, product.a.cs, row, 1, args.k);
    d.a = row;
  }
  d.b_cs = product.b.cs;
  d.ldc = args.ldc;
  // Columns that stay in the first-level cache while all rows meet them.
  const int64_t step = std::max<int64_t>(8, 16384 / (args.k * item) / 8 * 8);
  for (int64_t j = columns.begin; j < columns.end; j += step) {
    d.n = std::min(step, columns.end - j);
    d.b = product.b.at(0, j).data;
    d.c = c + (j - columns.begin) * item;
    d.bias = product.bias ? product.bias + j * item : nullptr;
    product.kernel.dot(d);
  }
  activate_block(args.activation, product.compute, c, rows.size(), columns.size(), args.ldc);
}

}  // namespace pynn
