#include <algorithm>
#include <numeric>

#include "graph/passes/passes.h"
#include "ops/fused.h"

namespace pynn {

namespace {

// Bounds what a block keeps in the first-level cache.
constexpr size_t kMostCalls = 48;

// Nodes in groups that are to become one node each. Groups are kept such that the graph of groups
// has no cycle: no way leads out of a group and back into it.
class Groups {
 public:
  explicit Groups(const Graph& graph) : graph_(graph), group_of_(graph.nodes.size()) {
    std::iota(group_of_.begin(), group_of_.end(), 0);
    consumers_.resize(graph.nodes.size());
    for (int i = 0; i < int(graph.nodes.size()); ++i) {
      members_.push_back({i});
      for (int v : graph.nodes[i].in)
        if (is_result(v)) consumers_[producer(v)].push_back(i);
    }
    seen_.assign(graph.nodes.size(), -1);
  }

  bool is_result(int value) const { return graph_.values[value].kind == GraphValue::kResult; }
  int producer(int value) const { return graph_.values[value].index; }
  int group_of(int node) const { return group_of_[node]; }
  const std::vector<int>& members(int group) const { return members_[group]; }

  bool may_merge(int a, int b) {
    return members_[a].size() + members_[b].size() <= kMostCalls && !detour(a, b) && !detour(b, a);
  }
  void merge(int from, int into) {
    for (int node : members_[from]) group_of_[node] = into;
    auto& to = members_[into];
    to.insert(to.end(), members_[from].begin(), members_[from].end());
    std::sort(to.begin(), to.end());
    members_[from].clear();
  }

 private:
  // Whether a way leads from group `a` to group `b` through a third one.
  bool detour(int a, int b) {
    ++visit_;
    std::vector<int> open;
    const auto enter = [&](int group) {
      if (seen_[group] == visit_) return;
      seen_[group] = visit_;
      open.push_back(group);
    };
    for (int node : members_[a])
      for (int c : consumers_[node])
        if (group_of_[c] != a && group_of_[c] != b) enter(group_of_[c]);
    while (!open.empty()) {
      const int group = open.back();
      open.pop_back();
      for (int node : members_[group]) {
        for (int c : consumers_[node]) {
          if (group_of_[c] == b) return true;
          if (group_of_[c] != a) enter(group_of_[c]);
        }
      }
    }
    return false;
  }

  const Graph& graph_;
  std::vector<int> group_of_;
  std::vector<std::vector<int>> consumers_, members_;
  std::vector<int> seen_;
  int visit_ = 0;
};

class Fusion {
 public:
  explicit Fusion(Graph& graph) : graph_(graph), groups_(graph) {}

  void run() {
    find_groups();
    find_uses();
    std::vector<GraphNode> nodes;
    for (int group : order()) {
      const std::vector<int>& members = groups_.members(group);
      nodes.push_back(members.size() > 1 ? fuse(members) : std::move(graph_.nodes[members[0]]));
    }
    graph_.set_nodes(std::move(nodes));
  }

 private:
  const Spec& spec(int value) const { return graph_.values[value].spec; }

  bool fusable(const GraphNode& node) const {
    if (node.out.size() != 1 || node.in.empty() || node.in.size() > 3) return false;
    Spec in[3];
    for (size_t i = 0; i < node.in.size(); ++i) {
      // A view may lie in memory in an order of its own.
      if (groups_.is_result(node.in[i]) && reorders(node.in[i])) return false;
      in[i] = spec(node.in[i]);
    }
    return is_fusable(op_def(node.op), in, int(node.in.size()), spec(node.out[0]));
  }
  bool reorders(int value) const {
    const OpId op = graph_.nodes[groups_.producer(value)].op;
    return op_def(op).flags & kView && op != OpId::reshape && op != OpId::stop_gradient;
  }

  void find_groups() {
    std::vector<bool> can(graph_.nodes.size());
    for (size_t i = 0; i < can.size(); ++i) can[i] = fusable(graph_.nodes[i]);
    // Calls with those that make their inputs; then with those that read the same ones.
    for (int i = 0; i < int(can.size()); ++i)
      for (int v : graph_.nodes[i].in)
        if (can[i] && groups_.is_result(v) && can[groups_.producer(v)])
          try_merge(groups_.producer(v), i, v);
    std::vector<int> reader(graph_.values.size(), -1);
    for (int i = 0; i < int(can.size()); ++i) {
      if (!can[i]) continue;
      for (int v : graph_.nodes[i].in) {
        if (reader[v] < 0) reader[v] = i;
        try_merge(reader[v], i, v);
      }
    }
  }
  // Nodes that have `value` in common.
  void try_merge(int a, int b, int value) {
    const Dims& shape = spec(value).shape;
    if (shape != shape_of(a) || shape != shape_of(b)) return;
    const int from = groups_.group_of(a), into = groups_.group_of(b);
    if (from != into && groups_.may_merge(from, into)) groups_.merge(from, into);
  }
  const Dims& shape_of(int node) const { return spec(graph_.nodes[node].out[0]).shape; }

  // Groups after those that they read from, and as early as the last of their nodes was.
  std::vector<int> order() const {
    std::vector<int> result;
    std::vector<bool> placed(graph_.nodes.size(), false);
    for (int i = 0; i < int(placed.size()); ++i) {
      const int group = groups_.group_of(i);
      if (groups_.members(group).back() == i) place(group, placed, result);
    }
    return result;
  }
  void place(int group, std::vector<bool>& placed, std::vector<int>& result) const {
    std::vector<std::pair<int, bool>> open{{group, false}};  // without recursion: graphs are deep
    while (!open.empty()) {
      const auto [g, ready] = open.back();
      open.pop_back();
      if (placed[size_t(g)]) continue;
      if (ready) {
        placed[size_t(g)] = true;
        result.push_back(g);
        continue;
      }
      open.emplace_back(g, true);
      for (int node : groups_.members(g))
        for (int v : graph_.nodes[node].in)
          if (groups_.is_result(v)) {
            const int before = groups_.group_of(groups_.producer(v));
            if (before != g && !placed[size_t(before)]) open.emplace_back(before, false);
          }
    }
  }

  void find_uses() {
    uses_.assign(graph_.values.size(), 0);
    for (const GraphNode& node : graph_.nodes)
      for (int v : node.in) ++uses_[v];
    kept_.assign(graph_.values.size(), false);
    home_.assign(graph_.values.size(), kNoHome);
    for (int v : graph_.outputs) kept_[v] = true;
    for (const auto& [variable, v] : graph_.assigns) {
      kept_[v] = true;
      home_[v] = {GraphValue::kVariable, variable};
    }
    for (const auto& [input, output] : graph_.overwrites)
      home_[graph_.outputs[size_t(output)]] = {GraphValue::kInput, input};
  }

  // What one fused node is made of.
  struct Parts {
    std::vector<int> inputs, results;  // values
    std::vector<int> uses_inside;      // per value of the graph
    std::vector<int> last_read;        // per value of the graph: number of the call
  };

  Parts parts_of(const std::vector<int>& members) const {
    Parts parts;
    parts.uses_inside.assign(graph_.values.size(), 0);
    parts.last_read.assign(graph_.values.size(), -1);
    for (int c = 0; c < int(members.size()); ++c) {
      for (int v : graph_.nodes[members[c]].in) {
        const bool inside = groups_.is_result(v) &&
                            groups_.group_of(groups_.producer(v)) == groups_.group_of(members[0]);
        if (!inside && !parts.uses_inside[v]) parts.inputs.push_back(v);
        ++parts.uses_inside[v];
        parts.last_read[v] = c;
      }
    }
    for (int node : members) {
      const int v = graph_.nodes[node].out[0];
      if (kept_[v] || uses_[v] > parts.uses_inside[v]) parts.results.push_back(v);
    }
    return parts;
  }

  // Whether result `v`, of call `call`, may be written over input `old`: nothing of the block reads
  // it any more. Which inputs are not needed later is for the memory plan to say.
  bool may_replace(const Parts& parts, int old, int v, int call) const {
    const GraphValue& value = graph_.values[old];
    if (value.spec != spec(v) || parts.last_read[old] > call) return false;
    if (value.kind == GraphValue::kVariable || value.kind == GraphValue::kInput)
      return home_[v] == std::make_pair(value.kind, value.index);
    return value.kind == GraphValue::kResult && uses_[old] == parts.uses_inside[old] &&
           !kept_[old] && home_[v] == kNoHome;
  }

  // Moves an input that result j may replace to place j.
  std::vector<bool> pair_up(Parts& parts, const std::vector<int>& members) const {
    std::vector<bool> in_place;
    for (size_t j = 0; j < parts.results.size(); ++j) {
      const int v = parts.results[j];
      const int call =
          int(std::find(members.begin(), members.end(), groups_.producer(v)) - members.begin());
      const auto from = parts.inputs.begin() + int64_t(std::min(j, parts.inputs.size()));
      const auto old = std::find_if(from, parts.inputs.end(),
                                    [&](int input) { return may_replace(parts, input, v, call); });
      in_place.push_back(old != parts.inputs.end());
      if (in_place.back()) std::iter_swap(from, old);
    }
    return in_place;
  }

  GraphNode fuse(const std::vector<int>& members) {
    Parts parts = parts_of(members);
    const std::vector<bool> in_place = pair_up(parts, members);
    std::vector<int> register_of(graph_.values.size(), -1);
    std::vector<Spec> specs;
    for (int v : parts.inputs) {
      register_of[v] = int(specs.size());
      specs.push_back(spec(v));
    }
    std::vector<FusedBody::Call> calls;
    for (int i : members) {
      const GraphNode& node = graph_.nodes[i];
      FusedBody::Call call{node.op, {}, {}, spec(node.out[0]).dtype};
      std::copy(std::begin(node.attrs.params), std::end(node.attrs.params), call.params);
      for (int v : node.in) call.in.push_back(register_of[v]);
      register_of[node.out[0]] = int(parts.inputs.size() + calls.size());
      calls.push_back(call);
    }
    std::vector<int> results;
    for (int v : parts.results) results.push_back(register_of[v]);
    Attrs attrs;
    const Dims shape = spec(parts.results[0]).shape;
    attrs.body = std::make_shared<FusedBody>(shape, specs, calls, results, in_place);
    return {OpId::fused, attrs, parts.inputs, parts.results};
  }

  Graph& graph_;
  Groups groups_;
  // The variable or input that a value is to be written over.
  using HomeOf = std::pair<GraphValue::Kind, int>;
  static constexpr HomeOf kNoHome{GraphValue::kResult, -1};
  std::vector<HomeOf> home_;
  std::vector<int> uses_;
  std::vector<bool> kept_;
};

}  // namespace

void fuse_elementwise(Graph& graph) { Fusion(graph).run(); }

}  // namespace pynn
