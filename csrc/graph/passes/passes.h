// Rewrites of a graph before it is planned. None of them changes a bit of what the graph computes.
// What depends on constants alone needs none: it is computed while the trace is made. What no
// result needs has gone when the trace ends.
#pragma once

#include <vector>

#include "graph/trace.h"

namespace pynn {

struct GraphPass {
  const char* name;
  void (*run)(Graph& graph);
};

// In the order in which an executable applies them.
const std::vector<GraphPass>& graph_passes();

// Equal calls with equal inputs are made once.
void merge_equal_calls(Graph& graph);
// A matrix product, a bias and an activation become one call that applies them while it stores.
void recognize_dense(Graph& graph);
// Elementwise calls over one shape that feed each other become one loop, whose intermediate
// results stay in the first-level cache.
void fuse_elementwise(Graph& graph);

}  // namespace pynn
