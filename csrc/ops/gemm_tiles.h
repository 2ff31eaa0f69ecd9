// Blocks of C, tile by tile, from panels of the operands.
#pragma once

#include "ops/float_product.h"
#include "ops/gemm_panels.h"

namespace pynn {

// Sums that are not complete, beside C: rows of whole tiles.
struct Sums {
  char* data;
  int64_t ld;
  Sums from(int64_t j, int64_t item) const { return {data ? data + j * item : data, ld}; }
};

// A block of C, of which c is the first element, and the slice of k that is added to it.
struct Block {
  Range rows, columns, slice;
  char* c;
  int64_t ldc;
};

// The product of a slice.
void multiply(const FloatProduct& product, const Block& block, const Panel& a, const Panel& b);

// The product of a part of a slice. All but the last part of it end in the sums.
void multiply_part(const FloatProduct& product, const Block& block, Range part, const Panel& a,
                   const Panel& b, Sums sums);

}  // namespace pynn
