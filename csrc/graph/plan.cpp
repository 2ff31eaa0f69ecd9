#include "graph/plan.h"

#include <algorithm>
#include <limits>
#include <map>

#include "runtime/arena.h"

namespace pynn {

namespace {

constexpr int kForever = std::numeric_limits<int>::max();
constexpr int64_t kAlign = 64;

int64_t align_up(int64_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

View contiguous_view(const Spec& spec) {
  View v;
  v.dtype = spec.dtype;
  v.shape = spec.shape;
  v.strides = contiguous_strides(spec.shape);
  return v;
}

// Free stretches of the arena, while the steps are gone through in order. Best fit.
class ArenaPlanner {
 public:
  int64_t take(int64_t bytes) {
    bytes = align_up(std::max<int64_t>(bytes, 1));
    auto best = free_.end();
    for (auto it = free_.begin(); it != free_.end(); ++it)
      if (it->second >= bytes && (best == free_.end() || it->second < best->second)) best = it;
    if (best == free_.end()) {
      // Grow, from the free stretch at the end if there is one.
      int64_t offset = top_;
      if (!free_.empty() &&
          std::prev(free_.end())->first + std::prev(free_.end())->second == top_) {
        offset = std::prev(free_.end())->first;
        free_.erase(std::prev(free_.end()));
      }
      constexpr int64_t kMost = int64_t(1) << 61;  // sums stay within int64
      if (bytes > kMost - offset) throw OutOfMemory(size_t(offset) + size_t(bytes));
      top_ = offset + bytes;
      return offset;
    }
    const int64_t offset = best->first, rest = best->second - bytes;
    free_.erase(best);
    if (rest > 0) free_[offset + bytes] = rest;
    return offset;
  }
  void give_back(int64_t offset, int64_t bytes) {
    bytes = align_up(std::max<int64_t>(bytes, 1));
    auto it = free_.emplace(offset, bytes).first;
    const auto next = std::next(it);
    if (next != free_.end() && offset + bytes == next->first) {
      it->second += next->second;
      free_.erase(next);
    }
    if (it != free_.begin()) {
      const auto before = std::prev(it);
      if (before->first + before->second == offset) {
        before->second += it->second;
        free_.erase(it);
      }
    }
  }
  int64_t top() const { return top_; }

 private:
  std::map<int64_t, int64_t> free_;  // offset -> bytes
  int64_t top_ = 0;
};

// A variable or an input that gets a value at the end of the run.
struct Home {
  GraphValue::Kind kind;
  int index;  // of the variable or input
  int value;
  int root;
};

class Planner {
 public:
  explicit Planner(const Graph& graph)
      : graph_(graph), places_(graph.values.size()), buffer_(graph.values.size()) {
    plan_.num_inputs = int(graph.inputs.size());
    plan_.num_variables = int(graph.variables.size());
    plan_.num_outputs = int(graph.outputs.size());
    plan_.written.assign(graph.variables.size(), false);
    for (const auto& [variable, value] : graph.assigns) {
      plan_.written[variable] = true;
      homes_.push_back({GraphValue::kVariable, variable, value, plan_.variable_root(variable)});
    }
    for (const auto& [input, output] : graph.overwrites)
      homes_.push_back(
          {GraphValue::kInput, input, graph.outputs[size_t(output)], plan_.input_root(input)});
  }

  Plan run() {
    find_buffers();
    find_last_uses();
    place_sources();
    choose_targets();
    for (int i = 0; i < int(graph_.nodes.size()); ++i) place_node(i);
    copy_to_targets();
    plan_.arena_bytes = size_t(arena_.top());
    return std::move(plan_);
  }

 private:
  bool is_view(const GraphNode& node) const { return op_def(node.op).flags & kView; }
  // The input whose memory output j may take over, as far as the op is concerned; or -1.
  int replaced_input(const GraphNode& node, int j) const {
    if (node.attrs.body) return node.attrs.body->replaced_input(j);
    return (op_def(node.op).flags & kInPlace) && j < int(node.in.size()) ? j : -1;
  }
  bool is_result(int value) const { return graph_.values[value].kind == GraphValue::kResult; }

  // buffer_[v]: the value whose memory v may share. A view that must copy after all only makes
  // lifetimes longer.
  void find_buffers() {
    for (size_t v = 0; v < buffer_.size(); ++v) buffer_[v] = int(v);
    for (const GraphNode& node : graph_.nodes)
      if (is_view(node)) buffer_[node.out[0]] = buffer_[node.in[0]];
  }

  void find_last_uses() {
    last_use_.assign(graph_.values.size(), -1);
    for (int i = 0; i < int(graph_.nodes.size()); ++i) {
      for (int v : graph_.nodes[i].in) last_use_[buffer_[v]] = i;
      for (int v : graph_.nodes[i].out) last_use_[buffer_[v]] = std::max(last_use_[buffer_[v]], i);
    }
    for (int i = 0; i < int(graph_.nodes.size()); ++i) {
      const auto& body = graph_.nodes[i].attrs.body;
      if (body && body->may_fail()) last_failure_ = i;
    }
    for (int v : graph_.outputs) last_use_[buffer_[v]] = kForever;
    for (const auto& [variable, v] : graph_.assigns) last_use_[buffer_[v]] = kForever;
  }

  void place_sources() {
    for (size_t v = 0; v < places_.size(); ++v) {
      const GraphValue& value = graph_.values[v];
      if (value.kind == GraphValue::kInput)
        places_[v] = {plan_.input_root(value.index), 0, contiguous_view(value.spec)};
      if (value.kind == GraphValue::kVariable)
        places_[v] = {plan_.variable_root(value.index), 0, contiguous_view(value.spec)};
      if (value.kind == GraphValue::kConstant) {
        const View& view = graph_.constants[value.index]->view;
        places_[v] = {Plan::kAbsolute, reinterpret_cast<int64_t>(view.data), view};
      }
    }
  }

  // Whether the op that makes a value may write it where it belongs: the op allows it, reads what
  // is there for it, and nobody reads that later.
  bool may_overwrite(const Home& home) const {
    const int value = home.value;
    if (!is_result(value) || buffer_[value] != value) return false;
    const int step = graph_.values[value].index;
    const GraphNode& node = graph_.nodes[step];
    const int at = int(std::find(node.out.begin(), node.out.end(), value) - node.out.begin());
    const int input = replaced_input(node, at);
    if (input < 0) return false;
    const int old = node.in[input];
    const GraphValue& source = graph_.values[old];
    if (source.kind != home.kind || source.index != home.index) return false;
    if (source.spec != graph_.values[value].spec || last_use_[old] > step) return false;
    if (step < last_failure_) return false;
    for (int v : node.in)
      if (v != old && buffer_[v] == old) return false;
    return true;
  }

  // Results that are written straight to where they end up.
  void choose_targets() {
    target_.assign(graph_.values.size(), -1);
    for (const Home& home : homes_)
      if (target_[home.value] < 0 && may_overwrite(home)) target_[home.value] = home.root;
    for (int i = 0; i < plan_.num_outputs; ++i) {
      const int v = graph_.outputs[i];
      if (!overwrites_input(i) && target_[v] < 0 && is_result(v) && buffer_[v] == v &&
          !is_view(graph_.nodes[graph_.values[v].index]))
        target_[v] = plan_.output_root(i);
    }
  }

  bool overwrites_input(int output) const {
    return std::any_of(graph_.overwrites.begin(), graph_.overwrites.end(),
                       [=](const auto& pair) { return pair.second == output; });
  }

  // The place of a view of `in`; false if it must be copied.
  bool place_view(const GraphNode& node) {
    const Place& from = places_[node.in[0]];
    View in = from.view, out = contiguous_view(graph_.values[node.out[0]].spec);
    // Any address will do: only the distance that make_view adds is wanted.
    char* const base = reinterpret_cast<char*>(int64_t(1) << 40);
    in.data = base;
    if (!make_view(node.op, node.attrs, in, out)) return false;
    const int64_t shift = static_cast<char*>(out.data) - base;
    places_[node.out[0]] = {from.root, from.offset + shift, out};
    return true;
  }

  // The value whose arena memory output j of node `i` takes over; -1: it gets its own.
  int predecessor(int i, int j) const {
    const GraphNode& node = graph_.nodes[i];
    const int input = replaced_input(node, j);
    if (input < 0) return -1;
    const int old = node.in[input], fresh = node.out[j];
    if (buffer_[old] != old || last_use_[old] != i || !owned_.count(old)) return -1;
    if (graph_.values[old].spec != graph_.values[fresh].spec) return -1;
    for (int v : node.in)
      if (v != old && buffer_[v] == old) return -1;
    return old;
  }

  void place_result(int i, int j) {
    const int v = graph_.nodes[i].out[j];
    const View view = contiguous_view(graph_.values[v].spec);
    if (target_[v] >= 0) {
      places_[v] = {target_[v], 0, view};
    } else if (const int old = predecessor(i, j); old >= 0) {
      places_[v] = places_[old];
      owned_.emplace(v, owned_.at(old));
      owned_.erase(old);
    } else {
      const int64_t bytes = int64_t(view.bytes()), offset = arena_.take(bytes);
      places_[v] = {Plan::kArena, offset, view};
      owned_.emplace(v, std::make_pair(offset, bytes));
    }
  }

  void place_node(int i) {
    const GraphNode& node = graph_.nodes[i];
    if (!(is_view(node) && place_view(node))) {
      PlannedStep step{&op_def(node.op), node.attrs, {}, {}};
      // A copied view has memory of its own.
      if (is_view(node)) own_buffer(node.out[0], i);
      for (int v : node.in) step.in.push_back(places_[v]);
      for (int j = 0; j < int(node.out.size()); ++j) place_result(i, j);
      for (int v : node.out) step.out.push_back(places_[v]);
      plan_.steps.push_back(std::move(step));
    }
    release_dead(i);
  }

  // v was thought to be a view of another buffer; it is a copy, so it and its views get a lifetime
  // of their own.
  void own_buffer(int v, int step) {
    const int former = buffer_[v];
    std::vector<bool> moved(graph_.values.size(), false);
    moved[v] = true;
    for (size_t k = size_t(step) + 1; k < graph_.nodes.size(); ++k)
      if (is_view(graph_.nodes[k]) && moved[graph_.nodes[k].in[0]])
        moved[graph_.nodes[k].out[0]] = true;
    for (size_t w = 0; w < moved.size(); ++w)
      if (moved[w]) buffer_[w] = v;
    // The former buffer keeps its (longer) lifetime; the new one ends with it.
    last_use_[v] = last_use_[former];
  }

  void release_dead(int step) {
    for (auto it = owned_.begin(); it != owned_.end();) {
      if (last_use_[it->first] <= step) {
        arena_.give_back(it->second.first, it->second.second);
        it = owned_.erase(it);
      } else {
        ++it;
      }
    }
  }

  void add_copy(const Place& from, const Place& to) {
    plan_.steps.push_back({&op_def(OpId::copy), {}, {from}, {to}});
  }

  // Whether the value is where it belongs: written there, or never moved.
  bool is_at(const Home& home) const {
    const GraphValue& value = graph_.values[home.value];
    return target_[home.value] == home.root ||
           (value.kind == home.kind && value.index == home.index);
  }

  // What was not written directly. A source that is to be overwritten itself is saved before.
  void copy_to_targets() {
    std::map<int, Place> saved;
    for (const Home& home : homes_) {
      const Place& from = places_[home.value];
      const bool is_overwritten = std::any_of(homes_.begin(), homes_.end(),
                                              [&](const Home& h) { return h.root == from.root; });
      if (is_at(home) || !is_overwritten || saved.count(home.value)) continue;
      const View view = contiguous_view(graph_.values[home.value].spec);
      const Place place{Plan::kArena, arena_.take(int64_t(view.bytes())), view};
      add_copy(from, place);
      saved[home.value] = place;
    }
    for (int i = 0; i < plan_.num_outputs; ++i) {
      const int v = graph_.outputs[i];
      if (!overwrites_input(i) && target_[v] != plan_.output_root(i))
        add_copy(places_[v], {plan_.output_root(i), 0, contiguous_view(graph_.values[v].spec)});
    }
    for (const Home& home : homes_) {
      if (is_at(home)) continue;
      const auto found = saved.find(home.value);
      add_copy(found == saved.end() ? places_[home.value] : found->second,
               {home.root, 0, contiguous_view(graph_.values[home.value].spec)});
    }
  }

  const Graph& graph_;
  Plan plan_;
  std::vector<Home> homes_;
  std::vector<Place> places_;
  std::vector<int> buffer_, last_use_, target_;
  int last_failure_ = -1;  // no variable is written before this node has run
  std::map<int, std::pair<int64_t, int64_t>> owned_;  // value -> arena offset, bytes
  ArenaPlanner arena_;
};

}  // namespace

Plan make_plan(const Graph& graph) { return Planner(graph).run(); }

}  // namespace pynn
