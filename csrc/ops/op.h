// The op table and the one way to compute: apply(op, inputs, attributes).
#pragma once

#include <cstring>
#include <limits>
#include <string>
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

struct GradContext;  // autograd/tape.h

// The program of an op that runs one of its own: a fused chain, branches, a loop, a host function.
// Shared by every call of the op and by any number of threads, so it keeps nothing of a run.
class OpBody {
 public:
  virtual ~OpBody() = default;
  virtual int num_outputs(int num_in) const = 0;
  virtual void infer(const Spec* in, int num_in, Spec* out) const = 0;
  virtual void launch(const View* in, int num_in, View* out) const = 0;
  // Whether the call must happen even if nobody needs its outputs, once per run and in order.
  virtual bool has_effects() const { return false; }
  // Whether a run may end here with an error: nothing may have changed before.
  virtual bool may_fail() const { return false; }
  // The gradient rule; an error if there is none.
  virtual void gradient(const GradContext& context) const;
  // What Graph::dump shows under the call; every line starts with `indent` and ends it.
  virtual void print(std::ostream& out, const std::string& indent) const = 0;
  // The input whose memory the output may take over, when the specs are equal; -1: none.
  virtual int replaced_input(int) const { return -1; }
};

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
  std::shared_ptr<const OpBody> body;

  bool operator==(const Attrs& o) const {
    return axes == o.axes && shape == o.shape && starts == o.starts && steps == o.steps &&
           std::memcmp(params, o.params, sizeof(params)) == 0 && dtype == o.dtype &&
           keepdims == o.keepdims && transpose_x == o.transpose_x && transpose_y == o.transpose_y &&
           activation == o.activation && body == o.body;
  }
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
  int outputs;  // -k: as many as inputs, but for the last k; kFromBody: as the body says
  Infer infer;
  Launch launch;
  int kernel;  // row of the kernel table (Unary, Binary or Reduce), where the family has one
  int flags;
  bool differentiable;
};
inline constexpr int kFromBody = std::numeric_limits<int>::min();
inline constexpr int kFewOutputs = 5;  // as many need no heap allocation
// Of ops without a body.
inline int num_outputs(const OpDef& op, int num_in) {
  return op.outputs >= 0 ? op.outputs : num_in + op.outputs;
}
inline int num_outputs(const OpDef& op, const Attrs& attrs, int num_in) {
  return op.outputs == kFromBody ? attrs.body->num_outputs(num_in) : num_outputs(op, num_in);
}

const OpDef& op_def(OpId id);

// Only for ops with kView: whether `out` (shape and dtype given) can be a view of `in`; sets data
// and strides.
bool make_view(OpId op, const Attrs& attrs, const View& in, View& out);

using Tensors = std::vector<Tensor>;

// Tensors that somebody else holds: a few by name, or a list. Passing them on counts no references.
class TensorRefs {
 public:
  TensorRefs(const Tensor& a) : few_{&a}, size_(1) {}
  TensorRefs(const Tensor& a, const Tensor& b) : few_{&a, &b}, size_(2) {}
  TensorRefs(const Tensor& a, const Tensor& b, const Tensor& c) : few_{&a, &b, &c}, size_(3) {}
  TensorRefs(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d)
      : few_{&a, &b, &c, &d}, size_(4) {}
  TensorRefs(const Tensors& list) : list_(list.data()), size_(int(list.size())) {}
  TensorRefs(const Tensor* list, int size) : list_(list), size_(size) {}

  int size() const { return size_; }
  const Tensor& operator[](int i) const { return list_ ? list_[i] : *few_[i]; }
  Tensors copy() const;

 private:
  const Tensor* few_[4] = {};
  const Tensor* list_ = nullptr;
  int size_;
};

Tensors apply(OpId op, const TensorRefs& inputs, const Attrs& attrs = {});
// The only output of an op that has one.
Tensor apply1(OpId op, const TensorRefs& inputs, const Attrs& attrs = {});

// Who listens to apply, per thread. The layers above set them; ops knows no more of tapes and
// traces.
class Tracer {
 public:
  virtual ~Tracer() = default;
  // Puts the symbols of the results into `outputs`.
  virtual void append(const OpDef& op, const Attrs& attrs, const TensorRefs& inputs,
                      const Spec* specs, Tensor* outputs) = 0;
};
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(const OpDef& op, const Attrs& attrs, const TensorRefs& inputs,
                      const TensorRefs& outputs) = 0;
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
