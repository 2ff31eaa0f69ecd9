#include "graph/passes/passes.h"

#include "graph/control_flow.h"

namespace pynn {

const std::vector<GraphPass>& graph_passes() {
  static const std::vector<GraphPass> passes = {
      {"drop what only gradients need",
       [](Graph& graph) { graph = without_gradients(std::move(graph)); }},
      {"merge equal calls", merge_equal_calls},
      {"recognize dense", recognize_dense},
      {"fuse elementwise", fuse_elementwise},
  };
  return passes;
}

}  // namespace pynn
