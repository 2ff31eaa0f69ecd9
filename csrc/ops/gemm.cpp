#include "ops/gemm.h"

#include "core/dtype.h"
#include "ops/gemm_float.h"
#include "ops/gemm_pieces.h"
#include "ops/integer_gemm.h"

namespace pynn {

void gemm(const GemmArgs& args) {
  if (args.m == 0 || args.n == 0) return;
  if (is_float(args.dtype)) {
    if (gemm_pieces(args)) return;
    gemm_float(args);
  } else {
    integer_gemm(args);
  }
}

}  // namespace pynn
