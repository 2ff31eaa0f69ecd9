// x[...]: NumPy's basic indexing, and one integer array.
#pragma once

#include <vector>

#include "ops/op.h"

namespace pynn::ops {

struct IndexItem {
  enum Kind { kInteger, kSlice, kNewAxis, kEllipsis, kTensor };
  Kind kind;
  int64_t integer = 0;
  // kSlice: bounds as in Python; absent ones are marked.
  int64_t start = 0, stop = 0, step = 1;
  bool has_start = false, has_stop = false;
  Tensor tensor;
};

Tensor index(const Tensor& x, const std::vector<IndexItem>& items);

}  // namespace pynn::ops
