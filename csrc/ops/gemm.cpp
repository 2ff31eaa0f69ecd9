#include "ops/gemm.h"

#include <algorithm>
#include <limits>

#include "core/dtype.h"
#include "ops/integer_gemm.h"
#include "runtime/arena.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {
namespace {

using kernels::GemmKernel;
using kernels::GemmTile;
using kernels::Unary;

constexpr int64_t ceil_div(int64_t n, int64_t by) { return (n + by - 1) / by; }

// Half of the multiply-adds that are worth a second thread: together about 9 us of one core,
// against about 1 us to hand a part to a thread that is looking out for work, and a few to wake
// one.
constexpr int64_t kThreadGrain = int64_t{1} << 18;

// An operand that is read by at most this many tiles side by side is used where it lies: a packed
// copy would cost more than it saves. Measured; the optimum is flat.
constexpr int64_t kTilesInPlace = 16;

// ---- Operands

// A matrix where element (i, p) is `rs * i + cs * p` elements behind data.
struct Operand {
  const char* data;
  int64_t rs, cs;
  int64_t item;

  Operand at(int64_t i, int64_t p) const { return {data + (i * rs + p * cs) * item, rs, cs, item}; }
  Operand transposed() const { return {data, cs, rs, item}; }
};

// [begin, end) cut into blocks of `step`, of which only the last is shorter.
struct Blocks {
  int64_t begin, end, step;

  // At most `most` long, multiples of `unit`, as equal as they can be.
  static Blocks balanced(int64_t begin, int64_t end, int64_t most, int64_t unit) {
    const int64_t count = std::max<int64_t>(1, ceil_div(end - begin, most));
    return {begin, end, std::max<int64_t>(1, ceil_div(ceil_div(end - begin, count), unit) * unit)};
  }
  int64_t size(int64_t at) const { return std::min(step, end - at); }
};

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

// ---- Float products

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
    bias_ = static_cast<const char*>(args_.bias);
    if (narrow_ && bias_) {
      float* wide = scratch.get<float>(args_.n);
      cast(args_.dtype, DType::float32)(bias_, wide, args_.n);
      bias_ = reinterpret_cast<const char*>(wide);
    }
    choose_grid();
    parallel_for(grid_m_ * grid_n_, 1, [&](int64_t begin, int64_t end) {
      for (int64_t cell = begin; cell < end; ++cell) {
        run_cell(part(args_.m, kernel_.mr, cell / grid_n_, grid_m_),
                 part(args_.n, kernel_.nr, cell % grid_n_, grid_n_));
      }
    });
  }

 private:
  // Cuts C into one cell per thread. Each packs its operands for itself: no thread waits for
  // another, at the price of packing A grid_n times and B grid_m times.
  void choose_grid() {
    // A thin product is limited by memory: it takes as long as one with kThin rows.
    constexpr int64_t kThin = 4;
    const int64_t work = std::max(args_.m, kThin) * std::max(args_.n, kThin) * args_.k;
    const int64_t threads = std::min<int64_t>(num_threads(), 1 + work / (2 * kThreadGrain));
    double best = std::numeric_limits<double>::infinity();
    for (int64_t rows = 1; rows <= threads; ++rows) {
      const int64_t columns = threads / rows;
      const double m = double(part(args_.m, kernel_.mr, 0, rows).size());
      const double n = double(part(args_.n, kernel_.nr, 0, columns).size());
      constexpr double kPackCost =
          16;  // packing an element costs as much as this many multiply-adds
      const double cost = m * n + kPackCost * (m + n);
      if (cost >= best) continue;
      best = cost;
      grid_m_ = rows;
      grid_n_ = columns;
    }
  }

  // Part `index` of `parts` of [0, size), in multiples of unit.
  static Range part(int64_t size, int64_t unit, int64_t index, int64_t parts) {
    const int64_t step = ceil_div(ceil_div(size, unit), parts) * unit;
    return {std::min(size, index * step), std::min(size, (index + 1) * step)};
  }

  static kernels::CastFn cast(DType from, DType to) {
    return kernel_table().cast[int(from)][int(to)];
  }

  void run_cell(Range rows, Range columns) const {
    if (rows.size() == 0) return;
    const Blocks blocks = Blocks::balanced(columns.begin, columns.end, kernel_.nc, kernel_.nr);
    for (int64_t j = blocks.begin; j < blocks.end; j += blocks.step) {
      const Range block{j, j + blocks.size(j)};
      if (narrow_) {
        run_narrow(rows, block);
      } else {
        char* c = static_cast<char*>(args_.c) + (rows.begin * args_.ldc + j) * item_;
        run_columns(rows, block, c, args_.ldc);
      }
    }
  }

  // float16 and bfloat16: sums in float32 scratch, rounded once at the end.
  void run_narrow(Range all, Range columns) const {
    constexpr int64_t kRows = 512;  // bounds the scratch; B is packed again for each
    for (int64_t begin = all.begin; begin < all.end; begin += kRows) {
      const Range rows{begin, std::min(all.end, begin + kRows)};
      Scratch scratch;
      float* sums = scratch.get<float>(rows.size() * columns.size());
      run_columns(rows, columns, reinterpret_cast<char*>(sums), columns.size());
      for (int64_t i = 0; i < rows.size(); ++i) {
        char* c = static_cast<char*>(args_.c) + ((begin + i) * args_.ldc + columns.begin) * a_.item;
        cast(DType::float32, args_.dtype)(sums + i * columns.size(), c, columns.size());
      }
    }
  }

  // One block of columns, with c at its first element.
  void run_columns(Range rows, Range columns, char* c, int64_t ldc) const {
    // As equal as k allows, but for k alone: where the sums are cut decides their bits.
    const Blocks depth = Blocks::balanced(0, args_.k, kernel_.kc, 4);
    for (int64_t p = 0; p < args_.k || p == 0; p += depth.step) {
      const Range slice{p, p + depth.size(p)};
      Scratch scratch;
      const Panel b = panel_b(columns, slice, rows.size(), scratch);
      const Blocks blocks = Blocks::balanced(rows.begin, rows.end, kernel_.mc, kernel_.mr);
      for (int64_t i = blocks.begin; i < blocks.end; i += blocks.step) {
        const Range block{i, i + blocks.size(i)};
        char* c_block = c + (i - rows.begin) * ldc * item_;
        multiply(block, columns, slice, b, c_block, ldc);
        if (slice.end == args_.k) activate(c_block, block.size(), columns.size(), ldc);
      }
    }
  }

  // ---- Packing

  // A block of an operand as the tile wants it. Panels of B: `packed` from column `direct` on, in
  // place before.
  struct Panel {
    Operand in_place;
    int64_t direct;
    const char* packed;
  };

  Panel panel_b(Range columns, Range slice, int64_t rows, Scratch& scratch) const {
    const Operand block = b_.at(slice.begin, columns.begin);
    const int64_t n = columns.size(), nr = kernel_.nr;
    // A tile reads all nr columns, so what is left over at the end is packed in any case.
    const bool in_place = !narrow_ && block.cs == 1 && rows <= kTilesInPlace * kernel_.mr;
    const int64_t direct = in_place ? n - n % nr : 0;
    char* packed = nullptr;
    if (direct < n) {
      packed = static_cast<char*>(
          scratch.get_bytes(size_t(ceil_div(n - direct, nr) * nr * slice.size() * item_)));
      pack(kernel_.pack_b, block.at(0, direct).transposed(), n - direct, slice.size(), packed);
    }
    return {block, direct, packed};
  }

  void pack(kernels::GemmPackFn pack_panels, Operand x, int64_t m, int64_t k, char* out) const {
    if (!narrow_) return pack_panels(x.data, x.rs, x.cs, m, k, out);
    Scratch scratch;
    float* wide = scratch.get<float>(m * k);
    const bool by_columns = x.rs == 1 && x.cs != 1;
    if (by_columns) {
      widen(x.transposed(), k, m, wide);
    } else {
      widen(x, m, k, wide);
    }
    pack_panels(wide, by_columns ? 1 : k, by_columns ? m : 1, m, k, out);
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
      cast(args_.dtype, DType::float32)(source, out + i * k, k);
    }
  }

  // ---- Tiles

  void multiply(Range rows, Range columns, Range slice, const Panel& b, char* c,
                int64_t ldc) const {
    Scratch scratch;
    const int64_t m = rows.size(), n = columns.size(), mr = kernel_.mr, nr = kernel_.nr;
    const Operand a = a_.at(rows.begin, slice.begin);
    const char* packed_a = nullptr;
    if (must_pack_a(n)) {
      char* panel = static_cast<char*>(
          scratch.get_bytes(size_t(ceil_div(m, mr) * mr * slice.size() * item_)));
      pack(kernel_.pack_a, a, m, slice.size(), panel);
      packed_a = panel;
    }
    GemmTile t;
    t.kc = slice.size();
    t.ldc = ldc;
    t.accumulate = slice.begin > 0;
    const char* bias = slice.end == args_.k ? bias_ : nullptr;
    for (int64_t j = 0; j < n; j += t.n) {
      t.n = std::min(nr, n - j);
      if (m == 1 && j + kernel_.wide <= b.direct) t.n = kernel_.wide;
      t.b = j < b.direct ? b.in_place.at(0, j).data
                         : b.packed + (j - b.direct) * slice.size() * item_;
      t.b_rs = j < b.direct ? b.in_place.rs : nr;
      t.bias = bias ? bias + (columns.begin + j) * item_ : nullptr;
      for (int64_t i = 0; i < m; i += mr) {
        t.m = std::min(mr, m - i);
        t.a = packed_a ? packed_a + i * slice.size() * item_ : a.at(i, 0).data;
        t.a_rs = packed_a ? 1 : a.rs;
        t.a_cs = packed_a ? mr : a.cs;
        t.c = c + (i * ldc + j) * item_;
        kernel_.tile(t);
      }
    }
  }

  // A row-major A is read in place by tiles of few columns, unless its rows are multiples of a page
  // apart: those share one set of the cache and push each other out.
  bool must_pack_a(int64_t n) const {
    if (narrow_) return true;
    if (args_.m == 1) return false;
    if (a_.rs != 1 && a_.rs * item_ % 4096 == 0) return true;
    return n > kTilesInPlace * kernel_.nr;
  }

  void activate(char* c, int64_t m, int64_t n, int64_t ldc) const {
    if (args_.activation == Unary::count) return;
    const kernels::UnaryFn f = kernel_table().unary[int(args_.activation)][int(compute_)];
    if (ldc == n) {
      f(c, c, m * n, nullptr);
      return;
    }
    for (int64_t i = 0; i < m; ++i) f(c + i * ldc * item_, c + i * ldc * item_, n, nullptr);
  }

  const GemmArgs& args_;
  const bool narrow_;  // stored in 16 bits, computed in float32
  const DType compute_;
  const GemmKernel& kernel_;
  const int64_t item_;  // bytes of the dtype computed in
  const Operand a_, b_;
  const char* bias_ = nullptr;
  int64_t grid_m_ = 1, grid_n_ = 1;
};

}  // namespace

void gemm(const GemmArgs& args) {
  if (args.m == 0 || args.n == 0) return;
  if (is_float(args.dtype)) {
    FloatProduct(args).run();
  } else {
    integer_gemm(args);
  }
}

}  // namespace pynn
