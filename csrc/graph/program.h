// Graphs that ops with a body run: branches, bodies of loops, compiled functions, and the gradients
// of all of these.
#pragma once

#include "graph/executable.h"
#include "runtime/arena.h"

namespace pynn {

// A graph whose only way in is its inputs. Immutable, shared by any number of ops and threads.
class Program {
 public:
  explicit Program(Graph graph);
  ~Program();

  const Graph& graph() const { return graph_; }
  int num_inputs() const { return int(graph_.inputs.size()); }
  int num_outputs() const { return int(graph_.outputs.size()); }
  Spec input_spec(int i) const { return graph_.values[graph_.inputs[i]].spec; }
  Spec output_spec(int i) const { return graph_.values[graph_.outputs[i]].spec; }
  bool has_effects() const;

  // Planned at the first use.
  Executable& executable() const;
  // Runs on memory of the caller: contiguous arrays of the specs of the inputs and outputs.
  void run(char* const* inputs, char* const* outputs) const;

 private:
  Graph graph_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<Executable> executable_;
};
using ProgramPtr = std::shared_ptr<const Program>;

// The calls of a graph on other tensors: computed, traced or recorded, as where this is called.
Tensors replay(const Graph& graph, const Tensors& inputs);

// Gradients as a graph. Its inputs: those of the graph, the gradients of the outputs that are
// `given`, and what the inputs that have `begun` have already. Its outputs: the gradients of the
// inputs that `need` one, zeros where there is none.
struct GradientRequest {
  std::vector<bool> need, begun;  // per input
  std::vector<bool> given;        // per output
};
struct GradientGraph {
  Graph graph;
  std::vector<bool> found;  // per input: whether anything flows back to it
};
GradientGraph make_gradient(const Graph& graph, const GradientRequest& request);

// Input i becomes number slots[i] of so many as there are specs; the others are not used.
void arrange_inputs(Graph& graph, const std::vector<int>& slots, const std::vector<Spec>& specs);

// A function as a graph, with what it took from outside and changed there. Inputs: those that it
// was traced on, captured tensors, variables. Outputs: its own, new values of variables.
struct SubGraph {
  Graph graph;
  int num_inputs, num_outputs;  // without what is captured and assigned
  Tensors captured;
  std::vector<std::shared_ptr<Variable>> variables, assigned;
};
SubGraph lift_variables(Graph graph, int num_outputs);
// Ends the trace.
SubGraph make_subgraph(Trace& trace, const Tensors& outputs);

}  // namespace pynn
