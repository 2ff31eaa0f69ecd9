// The op table and the one way to compute: apply(op, inputs, attributes).
#pragma once

#include <vector>

#include "core/tensor.h"
#include "kernels/table.h"

namespace pynn {

enum class OpId : int {
#define PYNN_OP(name, inputs, outputs, infer, launch, kernel, flags, gradient) name,
#include "ops/ops.def"
#undef PYNN_OP
  count,
};
inline constexpr int kNumOps = int(OpId::count);

// The attributes of a call: one plain record for all ops, each reads the fields that ops.def names.
struct Attrs {
  Dims axes;    // reduced axes, permutation
  Dims shape;   // target shape, repeats, high padding
  Dims starts;  // slice starts, low padding
  Dims steps;
  double params[9] = {};
  DType dtype = DType::float32;
  bool keepdims = false;
  bool transpose_x = false, transpose_y = false;
  kernels::Unary activation = kernels::Unary::count;  // count: linear
};

enum OpFlags : int {
  kPlain = 0,
  kInPlace = 1,    // output j may be the memory of input j when the specs are equal
  kView = 2,       // the output aliases the input when strides allow it
  kBroadcast = 4,  // inputs broadcast; gradients are summed back in one place (autograd/tape.cpp)
};

struct OpDef {
  // Output specs from input specs; throws with the name of the op.
  using Infer = void (*)(const OpDef& op, const Attrs& attrs, const Spec* in, int num_in,
                         Spec* out);
  // Computes into outputs that are allocated and contiguous.
  using Launch = void (*)(const OpDef& op, const Attrs& attrs, const View* in, int num_in,
                          View* out);

  OpId id;
  const char* name;
  int inputs;   // -1: any number
  int outputs;  // at most kMaxOutputs; -k: as many as inputs, but for the last k
  Infer infer;
  Launch launch;
  int kernel;  // row of the kernel table (Unary, Binary or Reduce), where the family has one
  int flags;
  bool differentiable;
};
inline constexpr int kMaxOutputs = 5;
inline int num_outputs(const OpDef& op, int num_in) {
  return op.outputs >= 0 ? op.outputs : num_in + op.outputs;
}

const OpDef& op_def(OpId id);

// Only for ops with kView: whether `out` (shape and dtype given) can be a view of `in`; sets data
// and strides.
bool make_view(OpId op, const Attrs& attrs, const View& in, View& out);

using Tensors = std::vector<Tensor>;

Tensors apply(OpId op, const Tensors& inputs, const Attrs& attrs = {});
inline Tensor apply1(OpId op, const Tensors& inputs, const Attrs& attrs = {}) {
  return std::move(apply(op, inputs, attrs)[0]);
}

// Who listens to apply, per thread. The layers above set them; ops knows no more of tapes and
// traces.
class Tracer {
 public:
  virtual ~Tracer() = default;
  virtual Tensors append(const OpDef& op, const Attrs& attrs, const Tensors& inputs,
                         const Spec* outputs) = 0;
};
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(const OpDef& op, const Attrs& attrs, const Tensors& inputs,
                      const Tensors& outputs) = 0;
};
Tracer* current_tracer();
Tracer* set_tracer(Tracer* tracer);  // returns the former one
Recorder* current_recorder();
Recorder* set_recorder(Recorder* recorder);

// New memory from the arena.
Tensor empty(const Spec& spec);
Tensor full(const Dims& shape, double value, DType dtype);
// Memory of the input itself, or a contiguous copy.
Tensor contiguous(const Tensor& x);
// Copies any strided view into another of the same shape and dtype.
void copy_view(const View& from, const View& to);

}  // namespace pynn
