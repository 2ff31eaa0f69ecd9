// Branches, loops, functions with gradients of their own and compiled functions, as single ops
// whose bodies are graphs. Functions here are called where the op is wanted, after the traces of
// its bodies have ended; they read and assign the variables that the bodies read and assign.
#pragma once

#include "graph/program.h"

namespace pynn {

// `x` as a tensor of its own. Control flow gives and takes such ones, traced or not: then gradients
// add up in the same order.
Tensor identity(const Tensor& x);

// The outputs of branch number `index`, clamped. All branches have the same outputs.
Tensors switch_case(const Tensor& index, std::vector<SubGraph> branches);

// body(*values) again and again, from `init`, while condition(*values) holds.
Tensors while_loop(SubGraph condition, SubGraph body, const Tensors& init);

// carries, slices = body(*carries, *slices of xs along axis 0), `length` times; returns the last
// carries and the stacked slices.
Tensors scan(SubGraph body, const Tensors& init, const Tensors& xs, int64_t length, bool reverse);

// `outputs` themselves; what flows back into them goes to `arguments` through `gradient`, a
// function of the gradients of the outputs.
Tensors with_gradient(const Tensors& outputs, const Tensors& arguments, SubGraph gradient);
// The same, with any body whose gradient() is that rule: inputs are the outputs, then the
// arguments.
Tensors with_gradient(const Tensors& outputs, const Tensors& arguments,
                      std::shared_ptr<const OpBody> rule);

// A host function: called in every run, whatever its inputs are.
Tensors call_host(const Tensors& inputs, std::shared_ptr<const OpBody> function);

// A function as a graph, run in C++ like a step, or as one op where a tape listens.
class CompiledFunction {
 public:
  // Ends the trace.
  CompiledFunction(Trace& trace, const Tensors& outputs);
  Tensors operator()(const Tensors& inputs);
  const Executable& executable() const { return executable_; }

 private:
  CompiledFunction(Graph graph, int outputs);
  Executable executable_;
  SubGraph as_op_;
  std::shared_ptr<const OpBody> body_;
};

// For a graph from which no gradient will be taken: without what only gradients need.
Graph without_gradients(Graph graph);

}  // namespace pynn
