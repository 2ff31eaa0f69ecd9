#include "ops/launch.h"

namespace pynn {

namespace {

constexpr bool RULE = true, NONE = false;

const OpDef kOps[kNumOps] = {
#define PYNN_OP(name, inputs, outputs, infer, launch, kernel, flags, gradient) \
  {OpId::name, #name, inputs, outputs, infer, launch, kernel, flags, gradient},
#include "ops/ops.def"
#undef PYNN_OP
};

}  // namespace

const OpDef& op_def(OpId id) { return kOps[int(id)]; }

}  // namespace pynn
