// Matrix products of integers and bools: a part of gemm (ops/gemm.h), which calls it.
#pragma once

#include "ops/gemm.h"

namespace pynn {

// C = A B + bias. Integers wrap around; bool is "any of (a and b)".
void integer_gemm(const GemmArgs& args);

}  // namespace pynn
