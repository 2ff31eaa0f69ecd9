// Blocks of the operands as the tile wants them: in place, or packed.
#pragma once

#include "ops/float_product.h"

namespace pynn {

// An operand that is read by at most this many tiles side by side is used where it lies: a packed
// copy would cost more than it saves.
constexpr int64_t kTilesInPlace = 16;
// Lines at the same place of different pages that a first-level cache holds.
constexpr int64_t kWays = 8;
// Rows that are multiples of a page apart share one set of a cache and push each other out.
constexpr bool rows_collide(int64_t stride_bytes) {
  return stride_bytes != 0 && stride_bytes % 4096 == 0;
}
// Up to this depth, C is written in rows of tiles: writing it is what takes the time.
constexpr int64_t kShallow = 64;

// A block of an operand: in place up to column (B) `direct`, packed beyond; for a whole slice of k
// or for a part of it.
struct Panel {
  Operand in_place;
  int64_t direct;
  const char* packed;
  bool of_slice;
};

class Panels {
 public:
  explicit Panels(const FloatProduct& product) : product_(product) {}

  // Uses, or makes, the packed form of all of B that is kept between calls, where that pays.
  void keep_b();
  bool b_is_kept() const { return kept_ != nullptr; }

  bool reads_b_in_place(int64_t rows) const;

  // A tile reads all nr columns, so what is left over at the end of a B in place is packed, unless
  // it is read exactly.
  Panel b(Range columns, Range slice, bool in_place, bool exact, Scratch& scratch) const;
  // For that many columns of B.
  Panel a(Range rows, Range slice, int64_t columns, Scratch& scratch) const;

 private:
  bool keeping_pays() const;
  bool reads_a_in_place(int64_t depth, int64_t columns) const;
  int64_t padded_n() const;
  void pack(kernels::GemmPackFn pack_panels, int64_t width, Operand x, int64_t m, int64_t k,
            char* out) const;
  void widen(Operand x, int64_t m, int64_t k, float* out) const;

  const FloatProduct& product_;
  const char* kept_ = nullptr;  // in panels, slice after slice
};

}  // namespace pynn
