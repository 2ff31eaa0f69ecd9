#include "ops/gemm_dots.h"

#include <algorithm>

namespace pynn {
namespace {

// The sum over its lanes costs a dot product as much as this many multiply-adds.
constexpr int64_t kLaneSumCost = 8;
// All of A meets a few columns of B at a time, so it should stay in a second-level cache, but for a
// few rows, where that costs less than packing B.
constexpr int64_t kDotBytes = int64_t{1} << 19, kDotRows = 16;
// Lanes of a vector. Any number would do, if it is the same everywhere.
constexpr int64_t kDotLanes = 8;

// Of a few columns, a tile would compute as many as it has lanes. Whatever the number of rows is,
// so that each comes out as it does by itself.
bool few_columns(const GemmArgs& args) {
  return args.n * (args.k / kDotLanes + kLaneSumCost) < args.k;
}

}  // namespace

bool best_as_dots(const FloatProduct& product) {
  const GemmArgs& args = product.args;
  if (product.narrow || args.k == 0 || (args.m > 1 && args.a_cs != 1)) return false;
  if (few_columns(args)) return true;
  if (args.b_rs != 1) return false;
  if (args.m > kDotRows && args.m * args.k * product.item > kDotBytes) return false;
  // Else B is packed, at the price of kPackCost / 4 per element, for all rows together.
  return args.m * kLaneSumCost < args.k * (kPackCost / 4);
}

void run_dots(const FloatProduct& product, Range rows, Range columns, char* c) {
  const GemmArgs& args = product.args;
  const int64_t item = product.item;
  const kernels::CopyFn copy = kernel_table().copy[item == 8 ? 3 : 2];
  Scratch scratch;
  kernels::GemmDot d{};
  d.m = rows.size();
  d.k = args.k;
  d.a = product.a.at(rows.begin, 0).data;
  d.a_rs = product.a.rs;
  if (product.a.cs != 1) {  // a single row
    void* row = scratch.get_bytes(size_t(args.k * item));
    copy(d.a, product.a.cs, row, 1, args.k);
    d.a = row;
  }
  Operand b = product.b.at(0, columns.begin);
  if (b.rs != 1) {  // a few columns
    char* packed = static_cast<char*>(scratch.get_bytes(size_t(args.k * columns.size() * item)));
    if (b.cs == 1 && columns.size() >= 4) {
      product.kernel.transpose(b.data, b.rs, args.k, columns.size(), packed, args.k);
    } else {
      for (int64_t j = 0; j < columns.size(); ++j)
        copy(b.at(0, j).data, b.rs, packed + j * args.k * item, 1, args.k);
    }
    b = {packed, 1, args.k, item};
  }
  d.b_cs = b.cs;
  d.ldc = args.ldc;
  // Columns that stay in the first-level cache while all rows meet them.
  const int64_t step = std::max<int64_t>(8, 16384 / (args.k * item) / 8 * 8);
  for (int64_t j = 0; j < columns.size(); j += step) {
    d.n = std::min(step, columns.size() - j);
    d.b = b.at(0, j).data;
    d.c = c + j * item;
    d.bias = product.bias ? product.bias + (columns.begin + j) * item : nullptr;
    product.kernel.dot(d);
  }
  activate_block(args.activation, product.compute, c, rows.size(), columns.size(), args.ldc);
}

}  // namespace pynn
