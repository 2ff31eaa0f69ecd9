// A planned graph, ready to run without Python and, in the steady state, without allocation.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "graph/plan.h"

namespace pynn {

// Rows of arrays in batches: what an epoch over arrays needs (graph/epoch.cpp).
struct BatchRun {
  std::vector<View> arrays;        // one per input, rows on axis 0; any strides
  const int64_t* order = nullptr;  // row numbers, or null: rows in place
  int64_t order_size = 0;
  int64_t batch_size = 0, begin_row = 0, num_batches = 0;
  double seconds = 0;                  // stop after this time, between batches; <= 0: never
  std::vector<View> collect;           // per output: an array for all rows, or empty
  std::vector<std::string> check_nan;  // names of the arrays, or empty: not checked
  Variable* finite = nullptr;  // a float scalar: stop after the batch that leaves it not finite
};
struct BatchResult {
  int64_t batches_done = 0;
  Tensors outputs;  // of the last batch; empty where collected
};

class Executable {
 public:
  // A graph as it was traced.
  explicit Executable(Graph traced);
  ~Executable();

  // Any number of threads may run one executable: each run has a workspace of its own. Inputs are
  // converted to the dtype of the trace; the shapes must be equal.
  Tensors run(const Tensors& inputs);
  BatchResult run_batches(const BatchRun& batches);
  // On memory of the caller: contiguous arrays of the specs of the inputs and outputs.
  void run_on(char* const* inputs, char* const* outputs);

  const Graph& graph() const { return graph_; }
  // The graph as it was traced, and after each pass that changed it: name, dump.
  std::vector<std::pair<std::string, std::string>> dump_passes() const;
  size_t num_steps() const { return plan_.steps.size(); }
  size_t arena_bytes() const { return plan_.arena_bytes; }
  Spec input_spec(int i) const { return graph_.values[graph_.inputs[i]].spec; }
  Spec output_spec(int i) const { return graph_.values[graph_.outputs[i]].spec; }

 private:
  struct Workspace;
  class WorkspaceLoan;
  void execute(Workspace& w, char** roots);

  Graph traced_, graph_;
  Plan plan_;
  std::vector<int>
      lock_order_;  // variables by address, so that two executables cannot wait for each other
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;
  friend class VariableLocks;
};

}  // namespace pynn
