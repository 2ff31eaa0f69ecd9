#include "ops/gemm_panels.h"

#include <algorithm>

#include "ops/packed_cache.h"

namespace pynn {
namespace {

// Up to this many rows, packing a B that the caches do not hold shows in the time.
constexpr int64_t kKeptRows = 256;

}  // namespace

// ---- B

void Panels::keep_b() {
  const GemmArgs& args = product_.args;
  if (!args.b_cache || !(product_.narrow || keeping_pays())) return;
  const int64_t item = product_.item;
  const Blocks depth = product_.slices();
  const PackedKey key{&product_.kernel, args.b, args.b_rs,  args.b_cs,
                      args.k,           args.n, args.dtype, 1};
  kept_ = args.b_cache->get(key, size_t(args.k * padded_n() * item), [&](char* out) {
    for (int64_t p = 0; p < args.k; p += depth.step)
      pack(product_.kernel.pack_b, product_.kernel.nr, product_.b.at(p, 0).transposed(), args.n,
           depth.size(p), out + p * padded_n() * item);
  });
}

bool Panels::keeping_pays() const {
  return product_.args.m > 1 && product_.args.m <= kKeptRows && !product_.b_is_near();
}

int64_t Panels::padded_n() const {
  return ceil_div(product_.args.n, product_.kernel.nr) * product_.kernel.nr;
}

bool Panels::reads_b_in_place(int64_t rows) const {
  if (product_.narrow || product_.b.cs != 1) return false;
  if (rows <= product_.kernel.mr || product_.args.k <= product_.kernel.shallow) return true;
  return rows <= kTilesInPlace * product_.kernel.mr && product_.b_is_near();
}

Panel Panels::b(Range columns, Range slice, bool in_place, bool exact, Scratch& scratch) const {
  const Operand block = product_.b.at(slice.begin, columns.begin);
  const int64_t n = columns.size(), nr = product_.kernel.nr, item = product_.item;
  if (kept_) {
    const int64_t at = slice.begin * padded_n() + columns.begin * slice.size();
    return {block, 0, kept_ + at * item, true};
  }
  const int64_t direct = !in_place ? 0 : exact ? n : n - n % nr;
  char* packed = nullptr;
  if (direct < n) {
    packed = static_cast<char*>(
        scratch.get_bytes(size_t(ceil_div(n - direct, nr) * nr * slice.size() * item)));
    pack(product_.kernel.pack_b, nr, block.at(0, direct).transposed(), n - direct, slice.size(),
         packed);
  }
  return {block, direct, packed, in_place};
}

// ---- A

// By tiles of few columns, and for short sums.
bool Panels::reads_a_in_place(int64_t depth, int64_t columns) const {
  const Operand& a = product_.a;
  const bool columns_collide = rows_collide(a.cs * product_.item);
  if (product_.narrow) return false;
  if (product_.args.m == 1 || depth <= product_.kernel.shallow) return true;
  if (depth <= kShallow) {
    if (a.cs == 1) return true;
    return a.rs == 1 && (depth <= kWays || !columns_collide);
  }
  const bool collide = a.rs != 1 && rows_collide(a.rs * product_.item);
  return columns <= kTilesInPlace * product_.kernel.nr && !collide;
}

Panel Panels::a(Range rows, Range slice, int64_t columns, Scratch& scratch) const {
  const Operand block = product_.a.at(rows.begin, slice.begin);
  if (reads_a_in_place(slice.size(), columns)) return {block, rows.size(), nullptr, true};
  const int64_t m = rows.size(), mr = product_.kernel.mr;
  char* packed = static_cast<char*>(
      scratch.get_bytes(size_t(ceil_div(m, mr) * mr * slice.size() * product_.item)));
  pack(product_.kernel.pack_a, mr, block, m, slice.size(), packed);
  return {block, 0, packed, true};
}

// ---- Packing

// Panels of `width` rows each.
void Panels::pack(kernels::GemmPackFn pack_panels, int64_t width, Operand x, int64_t m, int64_t k,
                  char* out) const {
  if (!product_.narrow) return pack_panels(x.data, x.rs, x.cs, m, k, out);
  Scratch scratch;
  float* wide = scratch.get<float>(width * k);
  const bool by_columns = x.rs == 1 && x.cs != 1;
  for (int64_t i = 0; i < m; i += width, out += width * k * product_.item) {
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
void Panels::widen(Operand x, int64_t m, int64_t k, float* out) const {
  Scratch scratch;
  uint16_t* row = x.cs == 1 ? nullptr : scratch.get<uint16_t>(k);
  for (int64_t i = 0; i < m; ++i) {
    const void* source = x.at(i, 0).data;
    if (row) {
      kernel_table().copy[1](source, x.cs, row, 1, k);
      source = row;
    }
    cast_kernel(product_.args.dtype, DType::float32)(source, out + i * k, k);
  }
}

}  // namespace pynn
