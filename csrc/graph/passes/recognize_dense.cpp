#include <utility>

#include "graph/passes/passes.h"

namespace pynn {

namespace {

using kernels::Unary;

// Nodes that hand their only result to a single other one are absorbed by it.
class DenseRecognition {
 public:
  explicit DenseRecognition(Graph& graph) : graph_(graph), reads_(graph.values.size(), 0) {
    for (const GraphNode& node : graph.nodes)
      for (int v : node.in) ++reads_[size_t(v)];
    for (int v : graph.outputs) ++reads_[size_t(v)];
    for (const auto& [variable, v] : graph.assigns) ++reads_[size_t(v)];
  }

  void run() {
    std::vector<bool> absorbed(graph_.nodes.size(), false);
    for (GraphNode& node : graph_.nodes) {
      int from = absorb_product(node);
      if (from < 0) from = absorb_dense(node);
      if (from >= 0) absorbed[size_t(from)] = true;
    }
    std::vector<GraphNode> kept;
    for (size_t i = 0; i < absorbed.size(); ++i)
      if (!absorbed[i]) kept.push_back(std::move(graph_.nodes[i]));
    graph_.set_nodes(std::move(kept));
  }

 private:
  const Spec& spec(int value) const { return graph_.values[size_t(value)].spec; }

  // The node of kind `op` that makes `value` for one reader; or -1.
  int only_for_one(int value, OpId op) const {
    const GraphValue& v = graph_.values[size_t(value)];
    if (v.kind != GraphValue::kResult || reads_[size_t(value)] != 1) return -1;
    return graph_.nodes[size_t(v.index)].op == op ? v.index : -1;
  }

  // matmul(x, kernel) + bias. Half types are rounded between the two, and once by dense.
  int absorb_product(GraphNode& node) const {
    if (node.op != OpId::add || !is_full_precision(spec(node.out[0]).dtype)) return -1;
    for (int side = 0; side < 2; ++side) {
      const int made_by = only_for_one(node.in[size_t(side)], OpId::matmul),
                bias = node.in[1 - side];
      if (made_by < 0) continue;
      const GraphNode& product = graph_.nodes[size_t(made_by)];
      const Spec& result = spec(product.out[0]);
      if (product.attrs.transpose_x || product.attrs.transpose_y) continue;
      if (result.shape.size() != 2 || result != spec(node.out[0])) continue;
      if (spec(bias) != Spec{result.dtype, {result.shape[1]}}) continue;
      node = {OpId::dense, {}, {product.in[0], product.in[1], bias}, node.out};
      return made_by;
    }
    return -1;
  }

  // activation(dense(...)).
  int absorb_dense(GraphNode& node) const {
    const Unary activation = node.op == OpId::relu      ? Unary::relu
                             : node.op == OpId::sigmoid ? Unary::sigmoid
                             : node.op == OpId::tanh    ? Unary::tanh
                                                        : Unary::count;
    if (activation == Unary::count || !is_full_precision(spec(node.out[0]).dtype)) return -1;
    const int made_by = only_for_one(node.in[0], OpId::dense);
    if (made_by < 0) return -1;
    const GraphNode& dense = graph_.nodes[size_t(made_by)];
    if (dense.attrs.activation != Unary::count) return -1;
    node = {OpId::dense, dense.attrs, dense.in, node.out};
    node.attrs.activation = activation;
    return made_by;
  }

  Graph& graph_;
  std::vector<int> reads_;  // per value, by nodes and at the end
};

}  // namespace

void recognize_dense(Graph& graph) { DenseRecognition(graph).run(); }

}  // namespace pynn
