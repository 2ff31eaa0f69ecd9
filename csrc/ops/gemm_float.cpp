#include "ops/gemm_float.h"

#include <algorithm>

#include "ops/gemm_parts.h"
#include "ops/packed_cache.h"

namespace pynn {
namespace {

using kernels::GemmDot;
using kernels::GemmKernel;
using kernels::GemmTile;
using kernels::Unary;

// ---- The cost model. Every figure was measured; the optima are flat.

// An operand that is read by at most this many tiles side by side is used where it lies: a packed
// copy would cost more than it saves.
constexpr int64_t kTilesInPlace = 16;
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
// Columns, or elements in rows, whose activations are applied while they are in the cache.
constexpr int64_t kActivated = 256, kActivatedElements = 16384;
// Up to this depth, C is written in rows of tiles: writing it is what takes the time.
constexpr int64_t kShallow = 64;
// Up to this many rows, packing a B that the caches do not hold shows in the time.
constexpr int64_t kKeptRows = 256;
// Lines at the same place of different pages that a first-level cache holds.
constexpr int64_t kWays = 8;
// The sum over its lanes costs a dot product as much as this many multiply-adds.
constexpr int64_t kLaneSumCost = 8;
// All of A meets a few columns of B at a time, so it should stay in a second-level cache, but for a
// few rows, where that costs less than packing B. The same on every machine, as it decides bits.
constexpr int64_t kDotBytes = int64_t{1} << 19, kDotRows = 16;

// What a core may count on finding in its second-level cache.
int64_t near_bytes() {
  constexpr int64_t kUnknown = int64_t{1} << 20;
  const int64_t l2 = static_cast<int64_t>(cache_sizes().l2);
  return l2 ? l2 : kUnknown;
}

// Rows that are multiples of a page apart share one set of a cache and push each other out.
bool rows_collide(int64_t stride_bytes) { return stride_bytes != 0 && stride_bytes % 4096 == 0; }

class FloatProduct {
 public:
  explicit FloatProduct(const GemmArgs& args)
      : args_(args),
        narrow_(args.dtype == DType::float16 || args.dtype == DType::bfloat16),
        compute_(narrow_ ? DType::float32 : args.dtype),
        kernel_(kernel_table().gemm[int(compute_)]),
        item_(static_cast<int64_t>(item_size(compute_))),
        a_{static_cast<const char*>(args.a), args.a_rs, args.a_cs, int64_t(item_size(args.dtype))},
        b_{static_cast<const char*>(args.b), args.b_rs, args.b_cs, int64_t(item_size(args.dtype))} {
  }

  void run() {
    Scratch scratch;
    bias_ = narrow_ ? reinterpret_cast<const char*>(wide_bias(args_, scratch))
                    : static_cast<const char*>(args_.bias);
    dot_ = best_as_dots();
    kept_ = keep_b();
    const Grid grid = Grid::choose(args_.m, args_.n, args_.k, kernel_.mr, kernel_.nr);
    grid.for_cells([&](Range rows, Range columns) { run_cell(rows, columns); });
  }

 private:
  // A block of an operand as the tile wants it: in place up to column (B) `direct`, packed beyond;
  // for a whole slice of k or for a part of it.
  struct Panel {
    Operand in_place;
    int64_t direct;
    const char* packed;
    bool of_slice;
  };

  void run_cell(Range rows, Range columns) const {
    if (narrow_) {
      round_blocks(args_, rows, columns,
                   [&](Range some_rows, Range some_columns, char* c, int64_t ldc) {
                     run_float(some_rows, some_columns, c, ldc);
                   });
      return;
    }
    char* c = static_cast<char*>(args_.c) + (rows.begin * args_.ldc + columns.begin) * item_;
    if (dot_) {
      run_dots(rows, columns, c);
    } else {
      run_float(rows, columns, c, args_.ldc);
    }
  }

  // C begins with the first of rows and columns.
  void run_float(Range rows, Range columns, char* c, int64_t ldc) const {
    if (kept_) return run_blocks(rows, columns, false, c, ldc);
    const bool in_place = reads_b_in_place(rows.size());
    const bool near = args_.k * args_.n * item_ <= near_bytes();
    const bool narrow = in_place && columns.size() <= kernel_.nr;  // one chunk in any case
    if (!narrow && (in_place ? rows.size() <= kernel_.mr && !near : rows.size() <= kernel_.mc)) {
      run_chunks(rows, columns, in_place, c, ldc);
    } else {
      run_blocks(rows, columns, in_place, c, ldc);
    }
  }

  // ---- Products of few rows with a transposed matrix: nothing packed

  bool best_as_dots() const {
    if (narrow_ || args_.b_rs != 1 || args_.k == 0) return false;
    if (args_.m > 1 && args_.a_cs != 1) return false;
    if (args_.m > kDotRows && args_.m * args_.k * item_ > kDotBytes) return false;
    // Else B is packed, at the price of kPackCost / 4 per element, for all rows together.
    return args_.m * kLaneSumCost < args_.k * (kPackCost / 4);
  }

  void run_dots(Range rows, Range columns, char* c) const {
    Scratch scratch;
    GemmDot d{};
    d.m = rows.size();
    d.k = args_.k;
    d.a = a_.at(rows.begin, 0).data;
    d.a_rs = a_.rs;
    if (a_.cs != 1) {  // a single row
      void* row = scratch.get_bytes(size_t(args_.k * item_));
      kernel_table().copy[item_ == 8 ? 3 : 2](d.a, a_.cs, row, 1, args_.k);
      d.a = row;
    }
    d.b_cs = b_.cs;
    d.ldc = args_.ldc;
    // Columns that stay in the first-level cache while all rows meet them.
    const int64_t step = std::max<int64_t>(8, 16384 / (args_.k * item_) / 8 * 8);
    for (int64_t j = columns.begin; j < columns.end; j += step) {
      d.n = std::min(step, columns.end - j);
      d.b = b_.at(0, j).data;
      d.c = c + (j - columns.begin) * item_;
      d.bias = bias_ ? bias_ + j * item_ : nullptr;
      kernel_.dot(d);
    }
    activate(c, rows.size(), columns.size(), args_.ldc);
  }

  // ---- Few rows of A: B is read once, chunk by chunk

  void run_chunks(Range rows, Range columns, bool in_place, char* c, int64_t ldc) const {
    const Chunk chunk = in_place ? kChunkInPlace : b_.cs == 1 ? kChunkOfRows : kChunkOfColumns;
    const Blocks depth = slices();
    Scratch scratch;
    Sums sums{nullptr, ceil_div(columns.size(), kernel_.nr) * kernel_.nr};
    if (depth.step > chunk.rows)
      sums.data = static_cast<char*>(scratch.get_bytes(size_t(rows.size() * sums.ld * item_)));
    for (int64_t p = 0; p < args_.k || p == 0; p += depth.step) {
      const Range slice{p, p + depth.size(p)};
      Scratch inner;
      const Panel a = panel_a(rows, slice, columns.size(), inner);
      const Panel rest = in_place ? panel_b(columns, slice, true, false, inner) : Panel{};
      int64_t q = slice.begin;
      do {
        const Range part{q, std::min(slice.end, q + chunk.rows)};
        const Blocks blocks =
            Blocks::balanced(columns.begin, columns.end, chunk.columns, kernel_.nr);
        for (int64_t j = blocks.begin; j < blocks.end; j += blocks.step) {
          const Range block{j, j + blocks.size(j)};
          Scratch innermost;
          const Panel b = in_place ? rest : panel_b(block, part, false, false, innermost);
          run_chunk(rows, block, slice, part, a, b, sums.from(j - columns.begin, item_),
                    c + (j - columns.begin) * item_, ldc);
        }
        q = part.end;
      } while (q < slice.end);
    }
  }

  // Sums that are not complete, beside C: rows of whole tiles.
  struct Sums {
    char* data;
    int64_t ld;
    Sums from(int64_t j, int64_t item) const { return {data ? data + j * item : data, ld}; }
  };

  // The product of a part of a slice.
  void run_chunk(Range rows, Range columns, Range slice, Range part, const Panel& a, const Panel& b,
                 Sums sums, char* c, int64_t ldc) const {
    const bool ends = part.end == slice.end;
    GemmTile t{};
    t.kc = part.size();
    t.from = part.begin > slice.begin ? sums.data : nullptr;
    t.ldf = sums.ld;
    t.ldc = ends ? ldc : sums.ld;
    finish(t, slice, ends);
    const Position at{part.begin - slice.begin, slice.size(), columns.begin, !ends};
    tiles({0, rows.size()}, {0, columns.size()}, at, a, b, t, ends ? c : sums.data);
    if (ends && slice.end == args_.k) activate(c, rows.size(), columns.size(), ldc);
  }

  // ---- The general case

  // As equal as k allows, but for k alone: where the sums are cut decides their bits.
  Blocks slices() const { return Blocks::balanced(0, args_.k, kernel_.kc, 4); }

  void run_blocks(Range rows, Range columns, bool in_place, char* c, int64_t ldc) const {
    const Blocks outer = Blocks::balanced(columns.begin, columns.end, kernel_.nc, kernel_.nr);
    const Blocks depth = slices();
    for (int64_t j = outer.begin; j < outer.end; j += outer.step) {
      const Range block{j, j + outer.size(j)};
      for (int64_t p = 0; p < args_.k || p == 0; p += depth.step) {
        run_slice(rows, block, {p, p + depth.size(p)}, in_place, c + (j - columns.begin) * item_,
                  ldc);
      }
    }
  }

  void run_slice(Range rows, Range columns, Range slice, bool in_place, char* c,
                 int64_t ldc) const {
    Scratch scratch;
    const bool exact = rows.size() <= kTilesMasked * kernel_.mr || slice.size() <= kernel_.shallow;
    const Panel b = panel_b(columns, slice, in_place, exact, scratch);
    const Blocks blocks = Blocks::balanced(rows.begin, rows.end, kernel_.mc, kernel_.mr);
    for (int64_t i = blocks.begin; i < blocks.end; i += blocks.step) {
      const Range block{i, i + blocks.size(i)};
      Scratch inner;
      const Panel a = panel_a(block, slice, columns.size(), inner);
      multiply(block, columns, slice, a, b, c + (i - rows.begin) * ldc * item_, ldc);
    }
  }

  // ---- Packing

  // All of B in panels, slice after slice, where its packed form is kept and worth the memory; else
  // null.
  const char* keep_b() const {
    if (!args_.b_cache || dot_ || !(narrow_ || keeping_pays())) return nullptr;
    const Blocks depth = slices();
    const PackedKey key{&kernel_, args_.b, args_.b_rs,  args_.b_cs,
                        args_.k,  args_.n, args_.dtype, 1};
    return args_.b_cache->get(key, size_t(args_.k * padded_n() * item_), [&](char* out) {
      for (int64_t p = 0; p < args_.k; p += depth.step)
        pack(kernel_.pack_b, kernel_.nr, b_.at(p, 0).transposed(), args_.n, depth.size(p),
             out + p * padded_n() * item_);
    });
  }
  bool keeping_pays() const {
    return args_.m > 1 && args_.m <= kKeptRows && args_.k * args_.n * item_ > near_bytes();
  }
  int64_t padded_n() const { return ceil_div(args_.n, kernel_.nr) * kernel_.nr; }

  bool reads_b_in_place(int64_t rows) const {
    if (narrow_ || b_.cs != 1) return false;
    if (rows <= kernel_.mr || args_.k <= kernel_.shallow) return true;
    return rows <= kTilesInPlace * kernel_.mr && args_.k * args_.n * item_ <= near_bytes();
  }

  // A tile reads all nr columns, so what is left over at the end of a B in place is packed, unless
  // it is read exactly.
  Panel panel_b(Range columns, Range slice, bool in_place, bool exact, Scratch& scratch) const {
    const Operand block = b_.at(slice.begin, columns.begin);
    const int64_t n = columns.size(), nr = kernel_.nr;
    if (kept_) {
      const int64_t at = slice.begin * padded_n() + columns.begin * slice.size();
      return {block, 0, kept_ + at * item_, true};
    }
    const int64_t direct = !in_place ? 0 : exact ? n : n - n % nr;
    char* packed = nullptr;
    if (direct < n) {
      packed = static_cast<char*>(
          scratch.get_bytes(size_t(ceil_div(n - direct, nr) * nr * slice.size() * item_)));
      pack(kernel_.pack_b, kernel_.nr, block.at(0, direct).transposed(), n - direct, slice.size(),
           packed);
    }
    return {block, direct, packed, in_place};
  }

  // A is read in place by tiles of few columns, and for short sums.
  bool reads_a_in_place(int64_t depth, int64_t columns) const {
    if (narrow_) return false;
    if (args_.m == 1 || depth <= kernel_.shallow) return true;
    if (depth <= kShallow) {
      if (a_.cs == 1) return true;
      return a_.rs == 1 && (depth <= kWays || !rows_collide(a_.cs * item_));
    }
    return columns <= kTilesInPlace * kernel_.nr && !rows_of_a_collide();
  }
  bool rows_of_a_collide() const { return a_.rs != 1 && rows_collide(a_.rs * item_); }

  Panel panel_a(Range rows, Range slice, int64_t columns, Scratch& scratch) const {
    const Operand block = a_.at(rows.begin, slice.begin);
    const bool in_place = reads_a_in_place(slice.size(), columns);
    if (in_place) return {block, rows.size(), nullptr, true};
    const int64_t m = rows.size(), mr = kernel_.mr;
    char* packed =
        static_cast<char*>(scratch.get_bytes(size_t(ceil_div(m, mr) * mr * slice.size() * item_)));
    pack(kernel_.pack_a, kernel_.mr, block, m, slice.size(), packed);
    return {block, 0, packed, true};
  }

  // Panels of `width` rows each.
  void pack(kernels::GemmPackFn pack_panels, int64_t width, Operand x, int64_t m, int64_t k,
            char* out) const {
    if (!narrow_) return pack_panels(x.data, x.rs, x.cs, m, k, out);
    Scratch scratch;
    float* wide = scratch.get<float>(width * k);
    const bool by_columns = x.rs == 1 && x.cs != 1;
    for (int64_t i = 0; i < m; i += width, out += width * k * item_) {
      const int64_t rows = std::min(width, m - i);
      if (by_columns) {
        widen(x.at(i, 0).transposed(), k, rows, wide);
      } else {
        widen(x.at(i, 0), rows, k, wide);
      }
      pack_panels(wide, by_columns ? 1 : k, by_columns ? rows : 1, rows, k, out);
    }
  }

  // out[i * k + p] = x(i, p) as float32.
  void widen(Operand x, int64_t m, int64_t k, float* out) const {
    Scratch scratch;
    uint16_t* row = x.cs == 1 ? nullptr : scratch.get<uint16_t>(k);
    for (int64_t i = 0; i < m; ++i) {
      const void* source = x.at(i, 0).data;
      if (row) {
        kernel_table().copy[1](source, x.cs, row, 1, k);
        source = row;
      }
      cast_kernel(args_.dtype, DType::float32)(source, out + i * k, k);
    }
  }

  // ---- Tiles

  // Where in its slice of `depth` rows a product begins; the column of C that a block begins with;
  // whether it goes to Sums, which have room for whole tiles.
  struct Position {
    int64_t row, depth, column;
    bool to_sums;
  };

  void set_b(GemmTile& t, const Panel& b, int64_t j, const Position& at) const {
    const bool direct = j < b.direct;
    const int64_t row = b.of_slice ? at.row : 0, depth = b.of_slice ? at.depth : t.kc;
    const Operand x = b.in_place.at(row, j);
    t.in_place = direct;
    t.b_rs = direct ? x.rs : kernel_.nr;
    t.b = direct ? x.data : b.packed + ((j - b.direct) * depth + row * kernel_.nr) * item_;
  }

  // What is left to do when a slice of k ends, and when all of them have.
  void finish(GemmTile& t, Range slice, bool slice_ends) const {
    const bool all = slice_ends && slice.end == args_.k;
    t.accumulate = slice_ends && slice.begin > 0;
    t.bias = all ? bias_ : nullptr;
    t.relu = all && args_.activation == Unary::relu;
  }

  void multiply(Range rows, Range columns, Range slice, const Panel& a, const Panel& b, char* c,
                int64_t ldc) const {
    GemmTile t{};
    t.kc = slice.size();
    t.ldc = ldc;
    finish(t, slice, true);
    const Position at{0, slice.size(), columns.begin, false};
    const int64_t m = rows.size(), n = columns.size();
    const bool by_rows = t.kc <= kShallow;
    const int64_t wide = by_rows ? n : kActivated / kernel_.nr * kernel_.nr,
                  tall = !by_rows                 ? m
                         : row_by_row(t, a, b, n) ? ceil_div(kActivatedElements, n)
                                                  : few_rows();
    for (int64_t i = 0; i < m; i += tall) {
      for (int64_t j = 0; j < n; j += wide) {
        const Range some_rows{i, std::min(m, i + tall)}, some_columns{j, std::min(n, j + wide)};
        tiles(some_rows, some_columns, at, a, b, t, c);
        if (slice.end == args_.k)
          activate(c + (i * ldc + j) * item_, some_rows.size(), some_columns.size(), ldc);
      }
    }
  }

  // A tile, or half of one, whose rows of C may lie pages apart.
  int64_t few_rows() const { return kernel_.mr <= kWays ? kernel_.mr : kernel_.mr / 2; }

  // Whether a tile may have any number of rows and columns.
  bool row_by_row(const GemmTile& t, const Panel& a, const Panel& b, int64_t n) const {
    return t.kc > 0 && t.kc <= kernel_.shallow && !t.accumulate && !t.from && !a.packed &&
           b.direct >= n;
  }

  // The tiles of some rows and columns of a block, with c at the block's first element.
  void tiles(Range rows, Range columns, const Position& at, const Panel& a, const Panel& b,
             GemmTile t, char* c) const {
    const int64_t nr = kernel_.nr, mr = row_by_row(t, a, b, columns.end) ? rows.size() : kernel_.mr;
    const char* const bias = static_cast<const char*>(t.bias);
    const char* const from = static_cast<const char*>(t.from);
    for (int64_t j = columns.begin; j < columns.end; j += t.n) {
      t.n = at.to_sums ? nr : std::min(nr, columns.end - j);
      if (rows.size() <= mr && j < b.direct) t.n = std::min(b.direct, columns.end) - j;
      set_b(t, b, j, at);
      if (bias) t.bias = bias + (at.column + j) * item_;
      for (int64_t i = rows.begin; i < rows.end; i += mr) {
        t.m = std::min(mr, rows.end - i);
        set_a(t, a, i, at);
        t.c = c + (i * t.ldc + j) * item_;
        if (from) t.from = from + (i * t.ldf + j) * item_;
        kernel_.tile(t);
      }
    }
  }

  void set_a(GemmTile& t, const Panel& a, int64_t i, const Position& at) const {
    if (a.packed) {
      const int64_t mr = kernel_.mr, within = i % mr;  // its panel
      t.a = a.packed + ((i - within) * at.depth + at.row * mr + within) * item_;
      t.a_rs = 1;
      t.a_cs = mr;
    } else {
      t.a = a.in_place.at(i, at.row).data;
      t.a_rs = a_.rs;
      t.a_cs = a_.cs;
    }
  }

  void activate(char* c, int64_t m, int64_t n, int64_t ldc) const {
    if (args_.activation == Unary::relu && !dot_) return;  // done by the tile
    activate_block(args_.activation, compute_, c, m, n, ldc);
  }

  const GemmArgs& args_;
  const bool narrow_;  // stored in 16 bits, computed in float32
  const DType compute_;
  const GemmKernel& kernel_;
  const int64_t item_;  // bytes of the dtype computed in
  const Operand a_, b_;
  const char* bias_ = nullptr;
  const char* kept_ = nullptr;
  bool dot_ = false;
};

// A single column is a single row of the transposed product.
void run_column(const GemmArgs& args) {
  Scratch scratch;
  GemmArgs row = args;
  row.m = 1, row.n = args.m, row.ldc = args.m;
  row.a = args.b, row.a_rs = args.b_cs, row.a_cs = args.b_rs;
  row.b = args.a, row.b_rs = args.a_cs, row.b_cs = args.a_rs;
  if (args.bias) {
    void* bias = scratch.get_bytes(size_t(args.m) * item_size(args.dtype));
    const int log2 = __builtin_ctzll(item_size(args.dtype));
    kernel_table().copy[log2](args.bias, 0, bias, 1, args.m);
    row.bias = bias;
  }
  FloatProduct(row).run();
}

}  // namespace

void gemm_float(const GemmArgs& args) {
  if (args.n == 1 && args.m > 1 && args.ldc == 1) {
    run_column(args);
  } else {
    FloatProduct(args).run();
  }
}

}  // namespace pynn
