// What the bodies of control flow share. Private to graph/.
#pragma once

#include "core/short_array.h"
#include "graph/control_flow.h"
#include "ops/contiguous_input.h"

namespace pynn {

using Variables = std::vector<std::shared_ptr<Variable>>;

// Inputs of an op: those that stand at the front, then tensors that bodies take from outside, each
// once.
class OpInputs {
 public:
  explicit OpInputs(Tensors first) : tensors_(std::move(first)), shared_from_(tensors_.size()) {}
  int slot(const Tensor& t);
  // The slots of all inputs of a sub-graph. `own`: of those that it was traced on; variables among
  // `carried` have slots from `first_carried` on.
  std::vector<int> slots_of(const SubGraph& sub, std::vector<int> own,
                            const Variables& carried = {}, int first_carried = 0);
  const Tensors& tensors() const { return tensors_; }
  std::vector<Spec> specs() const;

 private:
  Tensors tensors_;
  size_t shared_from_;
};

inline ProgramPtr make_program(Graph graph) { return std::make_shared<Program>(std::move(graph)); }
// apply(); in a trace, a body with effects is part of the graph whatever its inputs are.
Tensors apply_body(OpId id, const Tensors& inputs, std::shared_ptr<const OpBody> body);
// A scan that does not keep the carries of each iteration, and how many outputs it has.
std::pair<std::shared_ptr<const OpBody>, int> scan_without_history(const OpBody& scan);

std::vector<int> counted(int count);  // 0, 1, ..., count - 1
// The outputs after the function's own become the new values of `variables`, in that order.
void order_assigned(SubGraph& sub, const Variables& variables);
// Assigns the outputs after the first `own`, and returns those.
Tensors assign_rest(Tensors outputs, int own, const Variables& variables);
Tensor zeros(const Spec& spec, double zero = 0.0);
// Keeps these outputs, in this order.
void select_outputs(Graph& graph, const std::vector<int>& outputs);
void print_program(std::ostream& out, const std::string& indent, const char* name,
                   const Program& program);

// The gradient of the body of a loop: through which carries it flows from iteration to iteration,
// and which other inputs it reaches.
struct LoopGradient {
  std::vector<int> carries, inputs;
  // Inputs: those of the body, gradients of the carries, of the other outputs that are given, of
  // shared inputs so far. Outputs: gradients of carries, of inputs.
  Graph graph;
};
// `given`: per output, the carries first; shared inputs, from number `shared` on, have one gradient
// for all iterations.
LoopGradient make_loop_gradient(const Graph& body, int carries, int shared, std::vector<bool> need,
                                std::vector<bool> given);

inline constexpr int kFewAddresses = 16;
using Addresses = ShortArray<char*, kFewAddresses>;

// Values that go from one iteration to the next; each lives in its output and in a spare place.
class Carried {
 public:
  Carried(char* const* first, const View* out, int count, Scratch& scratch);
  char* now(int j) { return now_[j]; }
  char* next(int j) { return place_[side_][j]; }
  void advance();
  void finish();  // the last values are in the outputs

 private:
  int count_, side_ = 0;
  const View* out_;
  Addresses now_, output_, spare_;
  char** place_[2];
};

// Contiguous memory of the inputs.
void fill_addresses(const View* in, int num_in, Scratch& scratch, Addresses& addresses);

}  // namespace pynn
