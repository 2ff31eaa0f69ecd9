#pragma once

#include "kernels/table.h"

namespace pynn {

// A uniformly random order of 0..n-1: a function of the key and n alone.
void permutation(kernels::RandomKey key, int64_t* order, int64_t n);

}  // namespace pynn
