// Several elementwise calls over one shape as one loop over blocks.
#pragma once

#include <vector>

#include "ops/op.h"

namespace pynn {

// Whether a call of these inputs can be part of a fused loop over `shape`: an elementwise op with a
// kernel for the dtype, and inputs of that shape or a part of it.
bool is_fusable(const OpDef& op, const Spec* in, int num_in, const Spec& out);

// The calls, on numbered registers: the inputs first, then the result of each call. Results are
// rounded to their dtype as they would be by themselves, and come from the same kernels: the bits
// are those of the separate calls.
class FusedBody : public OpBody {
 public:
  struct Call {
    OpId op;
    double params[9];
    std::vector<int> in;  // registers
    DType out_dtype;
  };

  // results: registers of calls that are outputs. in_place: per result, whether it may be written
  // over the input of the same number.
  FusedBody(const Dims& shape, std::vector<Spec> inputs, std::vector<Call> calls,
            std::vector<int> results, std::vector<bool> in_place);

  int num_outputs(int num_in) const override;
  void infer(const Spec* in, int num_in, Spec* out) const override;
  void launch(const View* in, int num_in, View* out) const override;
  int replaced_input(int output) const override { return in_place_[size_t(output)] ? output : -1; }
  void print(std::ostream& out, const std::string& indent) const override;

 private:
  friend class FusedBlock;
  enum class Kind { whole, scalar, row, column };
  struct Input {
    Spec spec;
    Kind kind;
    int64_t inner;  // elements of a row of the shape, for rows and columns
  };
  // A call, ready to run.
  struct Step {
    int in[3], num_in, out;
    const OpDef* op;
    const double* params;
    DType in_dtype, out_dtype;
    int buffer;  // of the result; -1: it goes to an output
    int result;  // its number among the outputs, or -1
    bool last;   // no later step reads it
  };

  void make_inputs(std::vector<Spec> specs);
  void make_steps();

  Dims shape_;
  int64_t size_;
  std::vector<Input> inputs_;
  std::vector<Call> calls_;
  std::vector<int> results_;
  std::vector<bool> in_place_;
  std::vector<Step> steps_;
  int num_buffers_ = 0;
  double cost_ = 0;  // ns per element
};

}  // namespace pynn
