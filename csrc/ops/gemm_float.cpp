#include "ops/gemm_float.h"

#include <algorithm>

#include "ops/float_product.h"
#include "ops/gemm_dots.h"
#include "ops/gemm_panels.h"
#include "ops/gemm_parts.h"
#include "ops/gemm_tiles.h"

namespace pynn {
namespace {

using kernels::GemmKernel;
using kernels::Unary;

// ---- The cost model, here and in the files of the parts. Every figure was measured; the optima
// are flat.

// Few rows of A meet B in chunks that stay in the second-level cache: short and wide ones where the
// rows of B are neighbours, so that memory is read in its own order, else long and narrow ones.
struct Chunk {
  int64_t rows, columns;
};
constexpr Chunk kChunkInPlace{16, int64_t{1} << 40}, kChunkOfRows{128, 1024},
    kChunkOfColumns{512, 256};
// Columns left over at the end of a B in place are packed for more tiles than this, one above the
// other: a masked load costs a little each time where the machine has no masks.
constexpr int64_t kTilesMasked = 4;
// Columns of a transposed product that are computed before they are stored, and the depth from
// which that pays.
constexpr int64_t kTransposed = 1024, kTransposedDepth = 8;

class FloatGemm {
 public:
  // transposed: the rows of the product are the columns of C.
  explicit FloatGemm(const GemmArgs& args, bool transposed = false)
      : product_(args), transposed_(transposed), panels_(product_) {}

  void run() {
    const GemmArgs& args = product_.args;
    Scratch scratch;
    product_.bias = product_.narrow ? reinterpret_cast<const char*>(wide_bias(args, scratch))
                                    : static_cast<const char*>(args.bias);
    dot_ = best_as_dots(product_);
    if (!dot_) panels_.keep_b();
    const Grid grid = Grid::choose(args.m, args.n, args.k, product_.kernel.mr, product_.kernel.nr);
    grid.for_cells([&](Range rows, Range columns) { run_cell(rows, columns); });
  }

 private:
  void run_cell(Range rows, Range columns) const {
    const GemmArgs& args = product_.args;
    if (product_.narrow) {
      round_blocks(args, rows, columns,
                   [&](Range some_rows, Range some_columns, char* c, int64_t ldc) {
                     run_tiles(some_rows, some_columns, c, ldc);
                   });
      return;
    }
    if (transposed_) return run_transposed(rows, columns);
    char* c = static_cast<char*>(args.c) + (rows.begin * args.ldc + columns.begin) * product_.item;
    if (dot_) {
      run_dots(product_, rows, columns, c);
    } else {
      run_tiles(rows, columns, c, args.ldc);
    }
  }

  // Block by block, by way of scratch.
  void run_transposed(Range rows, Range columns) const {
    const GemmArgs& args = product_.args;
    for (int64_t j = columns.begin; j < columns.end; j += kTransposed) {
      const Range block{j, std::min(columns.end, j + kTransposed)};
      Scratch scratch;
      char* sums =
          static_cast<char*>(scratch.get_bytes(size_t(rows.size() * block.size() * product_.item)));
      run_tiles(rows, block, sums, block.size());
      char* c = static_cast<char*>(args.c) + (block.begin * args.ldc + rows.begin) * product_.item;
      product_.kernel.transpose(sums, block.size(), rows.size(), block.size(), c, args.ldc);
    }
  }

  // C begins with the first of rows and columns.
  void run_tiles(Range rows, Range columns, char* c, int64_t ldc) const {
    if (panels_.b_is_kept()) return run_blocks(rows, columns, false, c, ldc);
    const GemmKernel& kernel = product_.kernel;
    const bool in_place = panels_.reads_b_in_place(rows.size());
    const bool narrow = in_place && columns.size() <= kernel.nr;  // one chunk in any case
    const bool chunks =
        in_place ? rows.size() <= kernel.mr && !product_.b_is_near() : rows.size() <= kernel.mc;
    if (chunks && !narrow) {
      run_chunks(rows, columns, in_place, c, ldc);
    } else {
      run_blocks(rows, columns, in_place, c, ldc);
    }
  }

  // ---- Few rows of A: B is read once, chunk by chunk

  void run_chunks(Range rows, Range columns, bool in_place, char* c, int64_t ldc) const {
    const int64_t item = product_.item, nr = product_.kernel.nr;
    const Chunk chunk = in_place             ? kChunkInPlace
                        : product_.b.cs == 1 ? kChunkOfRows
                                             : kChunkOfColumns;
    const Blocks depth = product_.slices();
    Scratch scratch;
    Sums sums{nullptr, ceil_div(columns.size(), nr) * nr};
    if (depth.step > chunk.rows)
      sums.data = static_cast<char*>(scratch.get_bytes(size_t(rows.size() * sums.ld * item)));
    for (int64_t p = 0; p < product_.args.k || p == 0; p += depth.step) {
      const Range slice{p, p + depth.size(p)};
      Scratch inner;
      const Panel a = panels_.a(rows, slice, columns.size(), inner);
      const Panel rest = in_place ? panels_.b(columns, slice, true, false, inner) : Panel{};
      int64_t q = slice.begin;
      do {
        const Range part{q, std::min(slice.end, q + chunk.rows)};
        const Blocks blocks = Blocks::balanced(columns.begin, columns.end, chunk.columns, nr);
        for (int64_t j = blocks.begin; j < blocks.end; j += blocks.step) {
          const Range some{j, j + blocks.size(j)};
          const int64_t before = j - columns.begin;
          Scratch innermost;
          const Panel b = in_place ? rest : panels_.b(some, part, false, false, innermost);
          multiply_part(product_, {rows, some, slice, c + before * item, ldc}, part, a, b,
                        sums.from(before, item));
        }
        q = part.end;
      } while (q < slice.end);
    }
  }

  // ---- The general case

  void run_blocks(Range rows, Range columns, bool in_place, char* c, int64_t ldc) const {
    const GemmKernel& kernel = product_.kernel;
    const Blocks outer = Blocks::balanced(columns.begin, columns.end, kernel.nc, kernel.nr);
    const Blocks depth = product_.slices();
    for (int64_t j = outer.begin; j < outer.end; j += outer.step) {
      const Range some{j, j + outer.size(j)};
      for (int64_t p = 0; p < product_.args.k || p == 0; p += depth.step) {
        const Range slice{p, p + depth.size(p)};
        run_slice({rows, some, slice, c + (j - columns.begin) * product_.item, ldc}, in_place);
      }
    }
  }

  void run_slice(const Block& block, bool in_place) const {
    const GemmKernel& kernel = product_.kernel;
    const Range rows = block.rows, slice = block.slice;
    Scratch scratch;
    const bool exact = rows.size() <= kTilesMasked * kernel.mr || slice.size() <= kernel.shallow;
    const Panel b = panels_.b(block.columns, slice, in_place, exact, scratch);
    const Blocks blocks = Blocks::balanced(rows.begin, rows.end, kernel.mc, kernel.mr);
    for (int64_t i = blocks.begin; i < blocks.end; i += blocks.step) {
      const Range some{i, i + blocks.size(i)};
      Scratch inner;
      const Panel a = panels_.a(some, slice, block.columns.size(), inner);
      char* c = block.c + (i - rows.begin) * block.ldc * product_.item;
      multiply(product_, {some, block.columns, slice, c, block.ldc}, a, b);
    }
  }

  FloatProduct product_;
  const bool transposed_;
  Panels panels_;
  bool dot_ = false;
};

// ---- Transposed products

// B^T A^T, but stored as before.
GemmArgs transposed(const GemmArgs& args) {
  GemmArgs t = args;
  t.m = args.n, t.n = args.m;
  t.a = args.b, t.a_rs = args.b_cs, t.a_cs = args.b_rs;
  t.b = args.a, t.b_rs = args.a_cs, t.b_cs = args.a_rs;
  t.b_cache = nullptr;
  return t;
}

// A single column is a single row of the transposed product.
void run_column(const GemmArgs& args) {
  Scratch scratch;
  GemmArgs row = transposed(args);
  row.ldc = args.m;
  if (args.bias) {
    void* bias = scratch.get_bytes(size_t(args.m) * item_size(args.dtype));
    const int log2 = __builtin_ctzll(item_size(args.dtype));
    kernel_table().copy[log2](args.bias, 0, bias, 1, args.m);
    row.bias = bias;
  }
  FloatGemm(row).run();
}

// Few columns leave lanes of the vectors empty. Where the columns of A are rows in memory, as in
// the gradient of weights, they fill the lanes of the transposed product. Which of both is computed
// makes no difference to the bits.
bool best_transposed(const GemmArgs& args) {
  const DType dtype = args.dtype;
  if ((dtype != DType::float32 && dtype != DType::float64) || args.a_rs != 1) return false;
  if (args.bias || args.activation != Unary::count || args.k < kTransposedDepth) return false;
  const GemmKernel& kernel = kernel_table().gemm[int(dtype)];
  const int64_t half = kernel.nr / 2;  // the narrowest tile
  const int64_t vectors = args.m * std::min<int64_t>(2, ceil_div(args.n, half));
  return args.n < kernel.nr && args.n * ceil_div(args.m, half) * 4 <= vectors * 3;
}

}  // namespace

void gemm_float(const GemmArgs& args) {
  if (args.n == 1 && args.m > 1 && args.ldc == 1) {
    run_column(args);
  } else if (best_transposed(args)) {
    FloatGemm(transposed(args), true).run();
  } else {
    FloatGemm(args).run();
  }
}

}  // namespace pynn
