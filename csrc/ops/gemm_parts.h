// What all ways to multiply floating-point matrices have in common.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "core/dtype.h"
#include "ops/gemm.h"
#include "ops/gemm_operand.h"
#include "runtime/arena.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

// ---- Threads

// Half of the multiply-adds that are worth a second thread: together about 9 us of one core,
// against about 1 us to hand a part to a thread that is looking out for work, and a few to wake
// one.
constexpr int64_t kThreadGrain = int64_t{1} << 18;
// A thin product is limited by memory: it takes as long as one with this many rows.
constexpr int64_t kThinRows = 4;
// Packing an element costs as much as this many multiply-adds.
constexpr double kPackCost = 16;

// C cut into one cell per thread, in multiples of the tile. Each packs its operands for itself: no
// thread waits for another, at the price of packing A `columns` times and B `rows` times.
struct Grid {
  int64_t m, n, mr, nr;
  int64_t rows = 1, columns = 1;

  static Grid choose(int64_t m, int64_t n, int64_t k, int64_t mr, int64_t nr) {
    Grid best{m, n, mr, nr};
    const int64_t work = std::max(m, kThinRows) * std::max(n, kThinRows) * k;
    const int64_t threads = std::min<int64_t>(num_threads(), 1 + work / (2 * kThreadGrain));
    if (threads == 1) return best;
    double least = std::numeric_limits<double>::infinity();
    for (int64_t rows = 1; rows <= threads; ++rows) {
      const Grid grid{m, n, mr, nr, rows, threads / rows};
      const double height = double(grid.rows_of(0).size());
      const double width = double(grid.columns_of(0).size());
      const double cost = height * width + kPackCost * (height + width);
      if (cost >= least) continue;
      least = cost;
      best = grid;
    }
    return best;
  }

  Range rows_of(int64_t cell) const { return part(m, mr, cell / columns, rows); }
  Range columns_of(int64_t cell) const { return part(n, nr, cell % columns, columns); }

  // f(rows, columns) for all cells, in parallel.
  template <class F>
  void for_cells(F f) const {
    if (rows * columns == 1) return f(Range{0, m}, Range{0, n});
    parallel_for(rows * columns, 1, [&](int64_t begin, int64_t end) {
      for (int64_t cell = begin; cell < end; ++cell) {
        const Range r = rows_of(cell), c = columns_of(cell);
        if (r.size() > 0 && c.size() > 0) f(r, c);
      }
    });
  }

 private:
  // Part `index` of `parts` of [0, size), in multiples of unit.
  static Range part(int64_t size, int64_t unit, int64_t index, int64_t parts) {
    const int64_t step = ceil_div(ceil_div(size, unit), parts) * unit;
    return {std::min(size, index * step), std::min(size, (index + 1) * step)};
  }
};

// ---- 16-bit types: sums in float32, rounded once at the end

inline kernels::CastFn cast_kernel(DType from, DType to) {
  return kernel_table().cast[int(from)][int(to)];
}

// The bias as float32.
inline const float* wide_bias(const GemmArgs& args, Scratch& scratch) {
  if (!args.bias || args.dtype == DType::float32) return static_cast<const float*>(args.bias);
  float* wide = scratch.get<float>(args.n);
  cast_kernel(args.dtype, DType::float32)(args.bias, wide, args.n);
  return wide;
}

// run(rows, columns, sums, ld) for blocks of a cell, each into float32 scratch, which is then
// rounded into C.
template <class F>
void round_blocks(const GemmArgs& args, Range rows, Range columns, F run) {
  constexpr int64_t kRows = 512, kColumns = 2048;  // bound the scratch
  const int64_t item = static_cast<int64_t>(item_size(args.dtype));
  for (int64_t j = columns.begin; j < columns.end; j += kColumns) {
    const Range block{j, std::min(columns.end, j + kColumns)};
    for (int64_t i = rows.begin; i < rows.end; i += kRows) {
      const Range some{i, std::min(rows.end, i + kRows)};
      Scratch scratch;
      float* sums = scratch.get<float>(some.size() * block.size());
      run(some, block, reinterpret_cast<char*>(sums), block.size());
      for (int64_t r = 0; r < some.size(); ++r) {
        char* row = static_cast<char*>(args.c) + ((i + r) * args.ldc + j) * item;
        cast_kernel(DType::float32, args.dtype)(sums + r * block.size(), row, block.size());
      }
    }
  }
}

// ---- Activation of a block of C that is still in a cache

inline void activate_block(kernels::Unary activation, DType dtype, char* c, int64_t m, int64_t n,
                           int64_t ldc) {
  if (activation == kernels::Unary::count) return;
  const kernels::UnaryFn f = kernel_table().unary[int(activation)][int(dtype)];
  const int64_t row = ldc * static_cast<int64_t>(item_size(dtype));
  if (ldc == n) {
    f(c, {c, false}, m * n, nullptr);
    return;
  }
  for (int64_t i = 0; i < m; ++i) f(c + i * row, {c + i * row, false}, n, nullptr);
}

}  // namespace pynn
