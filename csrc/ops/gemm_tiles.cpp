#include "ops/gemm_tiles.h"

#include <algorithm>

namespace pynn {
namespace {

using kernels::GemmTile;
using kernels::Unary;

// Columns, or elements in rows, whose activations are applied while they are in the cache.
constexpr int64_t kActivated = 256, kActivatedElements = 16384;

// Where in its slice of `depth` rows a product begins; the column of C that a block begins with;
// whether it goes to Sums, which have room for whole tiles.
struct Position {
  int64_t row, depth, column;
  bool to_sums;
};

class Tiles {
 public:
  Tiles(const FloatProduct& product, const Position& at, const Panel& a, const Panel& b)
      : product_(product), kernel_(product.kernel), at_(at), a_(a), b_(b) {}

  // Whether a tile may have any number of rows and columns.
  bool row_by_row(const GemmTile& t, int64_t n) const {
    return t.kc > 0 && t.kc <= kernel_.shallow && !t.accumulate && !t.from && !a_.packed &&
           b_.direct >= n;
  }

  // The tiles of some rows and columns of a block, with c at the block's first element.
  void run(Range rows, Range columns, GemmTile t, char* c) const {
    const int64_t nr = kernel_.nr, item = product_.item;
    const int64_t mr = row_by_row(t, columns.end) ? rows.size() : kernel_.mr;
    const char* const bias = static_cast<const char*>(t.bias);
    const char* const from = static_cast<const char*>(t.from);
    for (int64_t j = columns.begin; j < columns.end; j += t.n) {
      t.n = at_.to_sums ? nr : std::min(nr, columns.end - j);
      if (rows.size() <= mr && j < b_.direct) t.n = std::min(b_.direct, columns.end) - j;
      set_b(t, j);
      if (bias) t.bias = bias + (at_.column + j) * item;
      for (int64_t i = rows.begin; i < rows.end; i += mr) {
        t.m = std::min(mr, rows.end - i);
        set_a(t, i);
        t.c = c + (i * t.ldc + j) * item;
        if (from) t.from = from + (i * t.ldf + j) * item;
        kernel_.tile(t);
      }
    }
  }

 private:
  void set_b(GemmTile& t, int64_t j) const {
    const bool direct = j < b_.direct;
    const int64_t row = b_.of_slice ? at_.row : 0, depth = b_.of_slice ? at_.depth : t.kc;
    const Operand x = b_.in_place.at(row, j);
    t.in_place = direct;
    t.b_rs = direct ? x.rs : kernel_.nr;
    t.b =
        direct ? x.data : b_.packed + ((j - b_.direct) * depth + row * kernel_.nr) * product_.item;
  }

  void set_a(GemmTile& t, int64_t i) const {
    if (a_.packed) {
      const int64_t mr = kernel_.mr, within = i % mr;  // its panel
      t.a = a_.packed + ((i - within) * at_.depth + at_.row * mr + within) * product_.item;
      t.a_rs = 1;
      t.a_cs = mr;
    } else {
      t.a = a_.in_place.at(i, at_.row).data;
      t.a_rs = a_.in_place.rs;
      t.a_cs = a_.in_place.cs;
    }
  }

  const FloatProduct& product_;
  const kernels::GemmKernel& kernel_;
  const Position& at_;
  const Panel &a_, &b_;
};

// What is left to do when a slice of k ends, and when all of them have.
void finish(const FloatProduct& product, GemmTile& t, Range slice, bool slice_ends) {
  const bool all = slice_ends && slice.end == product.args.k;
  t.accumulate = slice_ends && slice.begin > 0;
  t.bias = all ? product.bias : nullptr;
  t.relu = all && product.args.activation == Unary::relu;
}

// The rows of a tile, or of half of one where they would push each other out of the cache.
int64_t few_rows(const FloatProduct& product, int64_t ldc) {
  const int64_t mr = product.kernel.mr;
  return mr <= kWays || !rows_collide(ldc * product.item) ? mr : mr / 2;
}

}  // namespace

void multiply(const FloatProduct& product, const Block& block, const Panel& a, const Panel& b) {
  const int64_t m = block.rows.size(), n = block.columns.size(), nr = product.kernel.nr;
  GemmTile t{};
  t.kc = block.slice.size();
  t.ldc = block.ldc;
  finish(product, t, block.slice, true);
  const Position at{0, block.slice.size(), block.columns.begin, false};
  const Tiles tiles(product, at, a, b);
  const bool by_rows = t.kc <= kShallow;
  const int64_t wide = by_rows ? n : kActivated / nr * nr,
                tall = !by_rows                 ? m
                       : tiles.row_by_row(t, n) ? ceil_div(kActivatedElements, n)
                                                : few_rows(product, block.ldc);
  for (int64_t i = 0; i < m; i += tall) {
    for (int64_t j = 0; j < n; j += wide) {
      const Range some_rows{i, std::min(m, i + tall)}, some_columns{j, std::min(n, j + wide)};
      tiles.run(some_rows, some_columns, t, block.c);
      if (block.slice.end == product.args.k)
        product.activate(block.c + (i * block.ldc + j) * product.item, some_rows.size(),
                         some_columns.size(), block.ldc);
    }
  }
}

void multiply_part(const FloatProduct& product, const Block& block, Range part, const Panel& a,
                   const Panel& b, Sums sums) {
  const Range slice = block.slice;
  const int64_t m = block.rows.size(), n = block.columns.size();
  const bool ends = part.end == slice.end;
  GemmTile t{};
  t.kc = part.size();
  t.from = part.begin > slice.begin ? sums.data : nullptr;
  t.ldf = sums.ld;
  t.ldc = ends ? block.ldc : sums.ld;
  finish(product, t, slice, ends);
  const Position at{part.begin - slice.begin, slice.size(), block.columns.begin, !ends};
  Tiles(product, at, a, b).run({0, m}, {0, n}, t, ends ? block.c : sums.data);
  if (ends && slice.end == product.args.k) product.activate(block.c, m, n, block.ldc);
}

}  // namespace pynn
