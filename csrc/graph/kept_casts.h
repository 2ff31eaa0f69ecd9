// Casts of variables that a run does not write: done once, and kept until the variable changes.
// Mixed precision reads every weight through one.
#pragma once

#include "graph/plan.h"
#include "ops/packed_cache.h"

namespace pynn {

// A step of a plan that casts a variable, and who reads its result.
struct KeptCast {
  // An operand of a later step: where among all operands and results of the plan's steps, in
  // order, and how many bytes behind the begin of the result.
  struct Reader {
    int view;
    int64_t offset;
  };
  int step, variable;
  int input, output;  // where among all operands and results
  int64_t bytes;
  std::vector<Reader> readers;
};

std::vector<KeptCast> find_kept_casts(const Plan& plan);

// The result of the step `op` on `in`, a variable's value, from the variable's cache; computed into
// it by the first call. Null where the cache does not take it.
const char* kept_cast(PackedCache& cache, const OpDef& op, const Attrs& attrs, const View& in,
                      const View& out, int64_t bytes);

}  // namespace pynn
