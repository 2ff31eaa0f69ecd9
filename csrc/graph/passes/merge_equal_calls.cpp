#include <cstring>
#include <unordered_map>

#include "graph/passes/passes.h"

namespace pynn {

namespace {

// Numbers that the traced code wrote down several times. Comparing large arrays is not worth it.
constexpr size_t kMostConstantBytes = 64;

size_t mix(size_t seed, size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15 + (seed << 6) + (seed >> 2));
}

bool equal_constants(const Tensor& a, const Tensor& b) {
  return a->spec() == b->spec() && std::memcmp(a->view.data, b->view.data, a->view.bytes()) == 0;
}

// Values that stand for each other: the first of its kind for all.
class Representatives {
 public:
  explicit Representatives(size_t num_values) : of_(num_values) {
    for (size_t v = 0; v < num_values; ++v) of_[v] = int(v);
  }
  void merge(int value, int into) { of_[value] = into; }
  void apply(std::vector<int>& values) const {
    for (int& v : values) v = of_[v];
  }
  int operator[](int v) const { return of_[v]; }

 private:
  std::vector<int> of_;
};

void merge_constants(const Graph& graph, Representatives& same) {
  std::unordered_multimap<size_t, int> seen;
  for (int v = 0; v < int(graph.values.size()); ++v) {
    if (graph.values[v].kind != GraphValue::kConstant) continue;
    const Tensor& t = graph.constants[graph.values[v].index];
    if (!t->view.contiguous() || t->view.bytes() > kMostConstantBytes) continue;
    size_t hash = size_t(t->dtype());
    for (size_t i = 0; i < t->view.bytes(); ++i)
      hash = mix(hash, static_cast<const unsigned char*>(t->view.data)[i]);
    const auto [first, last] = seen.equal_range(hash);
    auto found = first;
    while (found != last && !equal_constants(graph.constants[graph.values[found->second].index], t))
      ++found;
    if (found == last)
      seen.emplace(hash, v);
    else
      same.merge(v, found->second);
  }
}

size_t hash_of(const GraphNode& node) {
  size_t hash = size_t(node.op);
  for (int v : node.in) hash = mix(hash, size_t(v));
  return hash;
}

bool equal_calls(const GraphNode& a, const GraphNode& b) {
  return a.op == b.op && a.in == b.in && a.out.size() == b.out.size() && a.attrs == b.attrs;
}

}  // namespace

void merge_equal_calls(Graph& graph) {
  Representatives same(graph.values.size());
  merge_constants(graph, same);
  std::unordered_multimap<size_t, size_t> seen;  // hash, number in `kept`
  std::vector<GraphNode> kept;
  for (GraphNode& node : graph.nodes) {
    same.apply(node.in);
    // A body may be a function of Python, which is not ours to call less often.
    const auto [first, last] = seen.equal_range(hash_of(node));
    auto found = first;
    while (found != last && !equal_calls(kept[found->second], node)) ++found;
    if (found != last && !node.attrs.body) {
      for (size_t j = 0; j < node.out.size(); ++j)
        same.merge(node.out[j], kept[found->second].out[j]);
    } else {
      seen.emplace(hash_of(node), kept.size());
      kept.push_back(std::move(node));
    }
  }
  same.apply(graph.outputs);
  for (auto& [variable, value] : graph.assigns) value = same[value];
  graph.set_nodes(std::move(kept));
}

}  // namespace pynn
