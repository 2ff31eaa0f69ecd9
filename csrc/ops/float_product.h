// A product of floating-point matrices as all ways to compute it see it.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "ops/gemm.h"
#include "ops/gemm_operand.h"
#include "ops/gemm_parts.h"
#include "runtime/cpu.h"

namespace pynn {

struct FloatProduct {
  explicit FloatProduct(const GemmArgs& arguments)
      : args(arguments),
        narrow(args.dtype == DType::float16 || args.dtype == DType::bfloat16),
        compute(narrow ? DType::float32 : args.dtype),
        kernel(kernel_table().gemm[int(compute)]),
        item(static_cast<int64_t>(item_size(compute))),
        a{static_cast<const char*>(args.a), args.a_rs, args.a_cs, int64_t(item_size(args.dtype))},
        b{static_cast<const char*>(args.b), args.b_rs, args.b_cs, int64_t(item_size(args.dtype))} {}

  // Slices of k: as equal as k allows, but for k alone: where the sums are cut decides their bits.
  Blocks slices() const { return Blocks::balanced(0, args.k, kernel.kc, 4); }

  // Whether B stays in what a core may count on finding in its second-level cache.
  bool b_is_near() const {
    constexpr int64_t kUnknown = int64_t{1} << 20;
    const int64_t l2 = static_cast<int64_t>(cache_sizes().l2);
    return args.k * args.n * item <= (l2 ? l2 : kUnknown);
  }

  // What is left to do with a block of C: the tile has applied relu.
  void activate(char* c, int64_t m, int64_t n, int64_t ldc) const {
    if (args.activation == kernels::Unary::relu) return;
    activate_block(args.activation, compute, c, m, n, ldc);
  }

  const GemmArgs& args;
  const bool narrow;  // stored in 16 bits, computed in float32
  const DType compute;
  const kernels::GemmKernel& kernel;
  const int64_t item;  // bytes of the dtype computed in
  const Operand a, b;
  const char* bias = nullptr;  // of the dtype computed in
};

}  // namespace pynn
