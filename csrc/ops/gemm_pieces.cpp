#include "ops/gemm_pieces.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/gemm_parts.h"
#include "ops/packed_cache.h"
#include "runtime/precision.h"

namespace pynn {
namespace {

using kernels::PieceGemm;
using kernels::PieceTile;

// ---- Whether it pays

// Packing costs more here than for multiply-adds, by about as much as this many rows and columns
// (their harmonic mean, halved) save: by number of pieces. AMX, estimated from published cycles:
// 6, 3 and 1 products of 512 multiply-adds a cycle against 32 of two FMA units.
constexpr int64_t kLeastSide[] = {0, 16, 32, 64};
constexpr int64_t kLeastDepth = 64;

bool pays(const GemmArgs& args, int pieces) {
  return args.k >= kLeastDepth && args.m * args.n >= kLeastSide[pieces] * (args.m + args.n);
}

const PieceGemm* kernel_for(const GemmArgs& args) {
  const kernels::KernelTable& table = kernel_table();
  if (args.dtype == DType::bfloat16) return table.pieces[0].tile ? &table.pieces[0] : nullptr;
  if (args.dtype != DType::float32) return nullptr;
  const int pieces = matmul_precision() == MatmulPrecision::highest ? 3
                     : matmul_precision() == MatmulPrecision::high  ? 2
                                                                    : 1;
  const PieceGemm& kernel = table.pieces[pieces];
  return kernel.tile && pays(args, pieces) ? &kernel : nullptr;
}

// Up to this many rows, packing B again shows in the time.
constexpr int64_t kKeptRows = 256;

// ---- Scales

// Beyond this magnitude sums might overflow here and not in multiply-adds.
constexpr int kLargestExponent = 60;
// Where the largest element of an operand goes: its smallest piece is far from underflow then, and
// products of two such elements are far from overflow.
constexpr int kTargetExponent = 55;
// The product of the scales is undone by one multiplication.
constexpr int kLargestScale = 126;

// Largest magnitude; infinity where there is an infinity or NaN, or the elements lie such that
// finding out would take long.
float largest(const Operand& x, int64_t rows, int64_t columns) {
  if (x.cs != 1) {
    if (x.rs != 1) return INFINITY;
    return largest(x.transposed(), columns, rows);
  }
  float most = 0;
  for (int64_t i = 0; i < rows; ++i) {
    most = std::max(most, kernel_table().max_abs(x.at(i, 0).data, columns));
  }
  return most;
}

struct Scales {
  int a, b;  // exponents of two
};

// False: the numbers are not in range.
bool choose_scales(float largest_a, float largest_b, Scales& scales) {
  int exponent[2];
  const float largest[] = {largest_a, largest_b};
  for (int i = 0; i < 2; ++i) {
    if (!(largest[i] < std::ldexp(1.0f, kLargestExponent))) return false;
    exponent[i] = largest[i] > 0 ? std::ilogb(largest[i]) : kTargetExponent;
  }
  scales = {kTargetExponent - exponent[0], kTargetExponent - exponent[1]};
  const int excess = std::max(0, scales.a + scales.b - kLargestScale);
  scales.a = std::min(scales.a - excess / 2, 127);
  scales.b = std::min(scales.b - (excess - excess / 2), 127);
  return true;
}

// ---- The product

class PieceProduct {
 public:
  PieceProduct(const GemmArgs& args, const PieceGemm& kernel)
      : args_(args),
        kernel_(kernel),
        narrow_(args.dtype == DType::bfloat16),
        a_{static_cast<const char*>(args.a), args.a_rs, args.a_cs, int64_t(item_size(args.dtype))},
        b_{static_cast<const char*>(args.b), args.b_rs, args.b_cs, int64_t(item_size(args.dtype))} {
  }

  bool run() {
    Scratch scratch;
    bias_ = wide_bias(args_, scratch);
    const Grid grid = Grid::choose(args_.m, args_.n, args_.k, kernel_.mr, kernel_.nr);
    if (!narrow_ && !scale(grid.rows * grid.columns)) return false;
    kept_ = keep_b();
    grid.for_cells([&](Range rows, Range columns) { run_cell(rows, columns); });
    return true;
  }

 private:
  // Finds the scales, by as many threads as the product is worth.
  bool scale(int64_t threads) {
    Scratch scratch;
    float* most = scratch.get<float>(2 * threads);
    const float* kept = keep_largest_b();
    const int64_t step_a = ceil_div(args_.m, threads), step_b = ceil_div(args_.n, threads);
    parallel_for(threads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t i = std::min(args_.m, t * step_a), j = std::min(args_.n, t * step_b);
        most[2 * t] = largest(a_.at(i, 0), std::min(step_a, args_.m - i), args_.k);
        most[2 * t + 1] =
            kept ? *kept : largest(b_.at(0, j), args_.k, std::min(step_b, args_.n - j));
      }
    });
    for (int64_t t = 1; t < threads; ++t) {
      most[0] = std::max(most[0], most[2 * t]);
      most[1] = std::max(most[1], most[2 * t + 1]);
    }
    Scales scales;
    if (!choose_scales(most[0], most[1], scales)) return false;
    scale_a_ = std::ldexp(1.0f, scales.a);
    scale_b_ = std::ldexp(1.0f, scales.b);
    unscale_ = std::ldexp(1.0f, -(scales.a + scales.b));
    return true;
  }

  void run_cell(Range rows, Range columns) const {
    if (kernel_.begin) kernel_.begin();
    if (narrow_) {
      round_blocks(args_, rows, columns,
                   [&](Range some_rows, Range some_columns, char* c, int64_t ldc) {
                     run_blocks(some_rows, some_columns, reinterpret_cast<float*>(c), ldc);
                   });
    } else {
      float* c = static_cast<float*>(args_.c) + rows.begin * args_.ldc + columns.begin;
      run_blocks(rows, columns, c, args_.ldc);
    }
    if (kernel_.end) kernel_.end();
  }

  void run_blocks(Range rows, Range columns, float* c, int64_t ldc) const {
    const Blocks depth = slices();
    const Blocks wide = Blocks::balanced(columns.begin, columns.end, kernel_.nc, kernel_.nr);
    const Blocks tall = Blocks::balanced(rows.begin, rows.end, kernel_.mc, kernel_.mr);
    for (int64_t j = wide.begin; j < wide.end; j += wide.step) {
      for (int64_t p = 0; p < args_.k || p == 0; p += depth.step) {
        Scratch scratch;
        const Range block{j, j + wide.size(j)}, slice{p, p + depth.size(p)};
        const char* b = packed_b(block, slice, scratch);
        for (int64_t i = tall.begin; i < tall.end; i += tall.step) {
          Scratch inner;
          const Range some{i, i + tall.size(i)};
          char* a = panels(some.size(), slice.size(), kernel_.mr, inner);
          const Operand from_a = a_.at(i, p);
          kernel_.pack_a(from_a.data, from_a.rs, from_a.cs, some.size(), slice.size(), scale_a_, a);
          multiply(some, block, slice, a, b, c + (i - rows.begin) * ldc + j - columns.begin, ldc);
        }
      }
    }
  }

  // As equal as k allows, but for k alone: where the sums are cut decides their bits.
  Blocks slices() const { return Blocks::balanced(0, args_.k, kernel_.kc, kernel_.kr); }

  const char* packed_b(Range columns, Range slice, Scratch& scratch) const {
    if (kept_) {
      return kept_ + slice_bytes(slice.begin) +
             columns.begin / kernel_.nr * panel_bytes(kernel_.nr, slice.size());
    }
    char* b = panels(columns.size(), slice.size(), kernel_.nr, scratch);
    pack_b(columns, slice, b);
    return b;
  }
  void pack_b(Range columns, Range slice, char* out) const {
    const Operand x = b_.at(slice.begin, columns.begin).transposed();
    kernel_.pack_b(x.data, x.rs, x.cs, columns.size(), slice.size(), scale_b_, out);
  }

  // All of B in panels, slice after slice, where its packed form is kept and worth the memory; else
  // null.
  const char* keep_b() const {
    if (!args_.b_cache || args_.m > kKeptRows) return nullptr;
    const Blocks depth = slices();
    const PackedKey key{&kernel_, args_.b, args_.b_rs,  args_.b_cs,
                        args_.k,  args_.n, args_.dtype, scale_b_};
    return args_.b_cache->get(key, size_t(slice_bytes(args_.k)), [&](char* out) {
      for (int64_t p = 0; p < args_.k; p += depth.step)
        pack_b({0, args_.n}, {p, p + depth.size(p)}, out + slice_bytes(p));
    });
  }
  // The same for the largest magnitude in B.
  const float* keep_largest_b() const {
    if (!args_.b_cache || args_.m > kKeptRows) return nullptr;
    const PackedKey key{
        &kernel_table().max_abs, args_.b, args_.b_rs, args_.b_cs, args_.k, args_.n, args_.dtype, 1};
    return reinterpret_cast<const float*>(args_.b_cache->get(key, sizeof(float), [&](char* out) {
      const float most = largest(b_, args_.k, args_.n);
      std::memcpy(out, &most, sizeof(most));
    }));
  }
  // Of the packed rows of B before row p, where a slice begins or ends.
  int64_t slice_bytes(int64_t p) const {
    return ceil_div(args_.n, kernel_.nr) * panel_bytes(kernel_.nr, p);
  }

  int64_t panel_bytes(int64_t width, int64_t k) const {
    return width * ceil_div(k, kernel_.kr) * kernel_.kr * kernel_.item;
  }
  char* panels(int64_t count, int64_t k, int64_t width, Scratch& scratch) const {
    return static_cast<char*>(
        scratch.get_bytes(size_t(ceil_div(count, width) * panel_bytes(width, k))));
  }

  void multiply(Range rows, Range columns, Range slice, const char* a, const char* b, float* c,
                int64_t ldc) const {
    const bool last = slice.end == args_.k;
    PieceTile t{};
    t.kc = ceil_div(slice.size(), kernel_.kr) * kernel_.kr;
    t.ldc = ldc;
    t.accumulate = slice.begin > 0;
    t.scale = unscale_;
    for (int64_t j = 0; j < columns.size(); j += kernel_.nr) {
      t.n = std::min<int64_t>(kernel_.nr, columns.size() - j);
      t.b = b + j / kernel_.nr * panel_bytes(kernel_.nr, slice.size());
      t.bias = last && bias_ ? bias_ + columns.begin + j : nullptr;
      for (int64_t i = 0; i < rows.size(); i += kernel_.mr) {
        t.m = std::min<int64_t>(kernel_.mr, rows.size() - i);
        t.a = a + i / kernel_.mr * panel_bytes(kernel_.mr, slice.size());
        t.c = c + i * ldc + j;
        kernel_.tile(t);
      }
    }
    if (!last) return;
    activate_block(args_.activation, DType::float32, reinterpret_cast<char*>(c), rows.size(),
                   columns.size(), ldc);
  }

  const GemmArgs& args_;
  const PieceGemm& kernel_;
  const bool narrow_;  // bfloat16 operands, which need no scales
  const Operand a_, b_;
  const float* bias_ = nullptr;
  const char* kept_ = nullptr;
  float scale_a_ = 1, scale_b_ = 1, unscale_ = 1;
};

}  // namespace

bool gemm_pieces(const GemmArgs& args) {
  const PieceGemm* kernel = kernel_for(args);
  return kernel && PieceProduct(args, *kernel).run();
}

}  // namespace pynn
