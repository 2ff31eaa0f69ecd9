// Products of floating-point matrices with fused multiply-adds. Called by gemm alone.
#pragma once

#include "ops/gemm.h"

namespace pynn {

void gemm_float(const GemmArgs& args);

}  // namespace pynn
