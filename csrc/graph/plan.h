// Where every value of a graph lives: the arena, an input, a variable, an output or a constant.
#pragma once

#include "graph/trace.h"

namespace pynn {

// A value's place: `root` names a base address that is known when the executable runs.
struct Place {
  int root;
  int64_t offset;  // bytes from the base
  View view;       // layout; data is not used
};

struct PlannedStep {
  const OpDef* op;
  Attrs attrs;
  std::vector<Place> in, out;
};

struct Plan {
  // Roots: 0 arena, 1 absolute addresses (constants), then inputs, variables, outputs.
  static constexpr int kArena = 0, kAbsolute = 1, kFirst = 2;
  int num_inputs, num_variables, num_outputs;
  int input_root(int i) const { return kFirst + i; }
  int variable_root(int i) const { return kFirst + num_inputs + i; }
  int output_root(int i) const { return kFirst + num_inputs + num_variables + i; }
  int num_roots() const { return output_root(num_outputs); }

  std::vector<PlannedStep> steps;
  size_t arena_bytes = 0;
  std::vector<bool> written;  // per variable
};

Plan make_plan(const Graph& graph);

}  // namespace pynn
