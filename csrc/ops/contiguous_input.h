// An input as one contiguous array in the dtype that a kernel wants: its own memory where it is
// one, else a copy in scratch space.
#pragma once

#include "ops/op.h"
#include "runtime/arena.h"

namespace pynn {

inline const void* contiguous_input(const View& in, DType dtype, Scratch& scratch) {
  if (in.dtype == dtype && in.contiguous()) return in.data;
  View copy;
  copy.dtype = dtype;
  copy.shape = in.shape;
  copy.strides = contiguous_strides(in.shape);
  copy.data = scratch.get_bytes(copy.bytes());
  copy_view(in, copy);
  return copy.data;
}

inline const void* contiguous_input(const View& in, Scratch& scratch) {
  return contiguous_input(in, in.dtype, scratch);
}

}  // namespace pynn
