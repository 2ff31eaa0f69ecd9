#include "ops/integer_gemm.h"

#include <algorithm>

#include "core/dtype.h"
#include "ops/gemm_operand.h"
#include "runtime/arena.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {
namespace {

using kernels::IntegerGemmKernel;
using kernels::IntegerTile;

// Multiply-adds that are worth a thread: about 10 us of one core.
constexpr int64_t kThreadGrain = int64_t{1} << 18;
// Blocks, in bytes and rows: a panel of B (nr columns) stays in the first-level cache while the
// rows of A go by, the packed block of B in the second.
constexpr int64_t kSliceBytes = 1024;        // along k
constexpr int64_t kBlockBytes = 256 * 1024;  // of B
constexpr int64_t kBlockRows = 120;          // of A
// A block of B that fewer rows than this go over is read where it lies, if its rows are contiguous;
// rows of A are, below as many columns.
constexpr int64_t kRowsInPlace = 16, kColumnsInPlace = 128;

class IntegerProduct {
 public:
  explicit IntegerProduct(const GemmArgs& args)
      : args_(args),
        kernel_(kernel_table().integer_gemm[int(args.dtype)]),
        item_(int64_t(item_size(args.dtype))) {}

  void run() const {
    const int64_t mr = kernel_.mr, nr = kernel_.nr;
    const int64_t row_panels = ceil_div(args_.m, mr), column_panels = ceil_div(args_.n, nr);
    const bool by_rows = row_panels >= column_panels;
    const int64_t panels = by_rows ? row_panels : column_panels;
    const int64_t work = args_.m * args_.n * std::max<int64_t>(args_.k, 1);
    const int64_t grain = ceil_div(kThreadGrain, std::max<int64_t>(work / panels, 1));
    parallel_for(panels, grain, [&](int64_t begin, int64_t end) {
      if (by_rows) {
        run_cell(begin * mr, std::min(args_.m, end * mr), 0, args_.n);
      } else {
        run_cell(0, args_.m, begin * nr, std::min(args_.n, end * nr));
      }
    });
  }

 private:
  struct Block {
    int64_t row, rows, column, columns, first, k;  // k: length of the slice that starts at first
  };

  // Columns of B in one block: the first `direct` where they lie, the others packed.
  struct PanelsOfB {
    int64_t direct;
    const char* packed;
  };

  void run_cell(int64_t row, int64_t row_end, int64_t column, int64_t column_end) const {
    const int64_t nr = kernel_.nr, kc = kSliceBytes / item_;
    const int64_t nc = std::max(nr, kBlockBytes / kSliceBytes / nr * nr);
    for (int64_t j = column; j < column_end; j += nc) {
      // Once even where k is 0: C is then the bias, or zeros.
      for (int64_t p = 0; p == 0 || p < args_.k; p += kc) {
        run_slice(
            {row, row_end - row, j, std::min(nc, column_end - j), p, std::min(kc, args_.k - p)});
      }
    }
  }

  void run_slice(const Block& slice) const {
    Scratch scratch;
    const PanelsOfB b = panels_of_b(slice, scratch);
    for (int64_t i = 0; i < slice.rows; i += kBlockRows) {
      Block block = slice;
      block.row += i;
      block.rows = std::min(kBlockRows, slice.rows - i);
      run_block(block, b);
    }
  }

  PanelsOfB panels_of_b(const Block& block, Scratch& scratch) const {
    const int64_t nr = kernel_.nr;
    const bool in_place = args_.b_cs == 1 && block.rows <= kRowsInPlace;
    const int64_t direct = in_place ? block.columns - block.columns % nr : 0;
    if (direct == block.columns || block.k == 0) return {direct, nullptr};
    const int64_t rest = block.columns - direct;
    char* packed = scratch.get<char>(ceil_div(rest, nr) * nr * block.k * item_);
    kernel_.pack_b(b_at(block.first, block.column + direct), args_.b_cs, args_.b_rs, rest, block.k,
                   packed);
    return {direct, packed};
  }

  void run_block(const Block& block, const PanelsOfB& b) const {
    Scratch scratch;
    const int64_t mr = kernel_.mr, nr = kernel_.nr;
    const char* packed_a = nullptr;
    if (block.columns > kColumnsInPlace && block.rows > 1) {
      char* panels = scratch.get<char>(ceil_div(block.rows, mr) * mr * block.k * item_);
      kernel_.pack_a(a_at(block.row, block.first), args_.a_rs, args_.a_cs, block.rows, block.k,
                     panels);
      packed_a = panels;
    }
    IntegerTile t;
    t.k = block.k;
    t.ldc = args_.ldc;
    t.accumulate = block.first > 0;
    t.a_rs = packed_a ? 1 : args_.a_rs;
    t.a_cs = packed_a ? mr : args_.a_cs;
    for (int64_t j = 0; j < block.columns; j += nr) {
      const bool direct = j < b.direct;
      const int64_t column = block.column + j;
      t.n = std::min(nr, block.columns - j);
      t.b = direct ? b_at(block.first, column) : b.packed + (j - b.direct) * block.k * item_;
      t.b_rs = direct ? args_.b_rs : nr;
      t.bias = args_.bias ? static_cast<const char*>(args_.bias) + column * item_ : nullptr;
      for (int64_t i = 0; i < block.rows; i += mr) {
        t.m = std::min(mr, block.rows - i);
        t.a = packed_a ? packed_a + i * block.k * item_ : a_at(block.row + i, block.first);
        t.c = static_cast<char*>(args_.c) + ((block.row + i) * args_.ldc + column) * item_;
        kernel_.tile(t);
      }
    }
  }

  const char* a_at(int64_t i, int64_t p) const {
    return static_cast<const char*>(args_.a) + (i * args_.a_rs + p * args_.a_cs) * item_;
  }
  const char* b_at(int64_t p, int64_t j) const {
    return static_cast<const char*>(args_.b) + (p * args_.b_rs + j * args_.b_cs) * item_;
  }

  const GemmArgs& args_;
  const IntegerGemmKernel& kernel_;
  const int64_t item_;
};

}  // namespace

void integer_gemm(const GemmArgs& args) { IntegerProduct(args).run(); }

}  // namespace pynn
