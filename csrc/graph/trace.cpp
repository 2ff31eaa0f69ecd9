#include "graph/trace.h"

#include <atomic>

#include "ops/functional.h"

namespace pynn {

namespace {

thread_local Trace* active = nullptr;
std::atomic<uint64_t> next_trace_id{1};

}  // namespace

Trace* Trace::current() { return active; }

Trace::Trace(Kind kind) : id_(next_trace_id++), kind_(kind) {}
Trace::~Trace() { stop(); }

void Trace::start() {
  if (kind_ == kOutermost && (active || current_tracer()))
    throw TraceError("pynn.Trace: a trace is already running in this thread");
  if (kind_ == kNested) barrier_ = std::make_unique<TapeBarrier>();
  outer_ = active;
  active = this;
  set_tracer(this);
  started_ = true;
}

void Trace::stop() {
  if (!started_) return;
  active = outer_;
  set_tracer(outer_);
  barrier_.reset();
  outer_ = nullptr;
  started_ = false;
}

bool Trace::is_inside(uint64_t trace) const {
  for (const Trace* t = outer_; t; t = t->outer_)
    if (t->id_ == trace) return true;
  return false;
}

Tensor Trace::add_value(GraphValue::Kind kind, const Spec& spec, int index) {
  graph_.values.push_back({kind, spec, index});
  return make_traced(spec, id_, int(graph_.values.size()) - 1);
}

Tensor Trace::input(const Spec& spec) {
  const Tensor t = add_value(GraphValue::kInput, spec, int(graph_.inputs.size()));
  graph_.inputs.push_back(t->value);
  return t;
}

int Trace::index_of(Variable& variable) {
  const auto [found, added] = variables_.emplace(&variable, int(graph_.variables.size()));
  if (added) {
    graph_.variables.push_back(variable.shared_from_this());
    reads_.push_back(add_value(GraphValue::kVariable, variable.spec(), found->second));
    current_.push_back(reads_.back());
    assigned_.push_back(false);
  }
  return found->second;
}

Tensor Trace::read(Variable& variable) { return current_[index_of(variable)]; }

void Trace::assign(Variable& variable, const Tensor& value) {
  const int i = index_of(variable);
  current_[i] = value;
  assigned_[i] = true;
}

int Trace::value_of(const Tensor& t) {
  if (t->is_traced() && t->trace == id_) return t->value;
  const auto found = foreign_.find(t.get());
  if (found != foreign_.end()) return found->second;
  int value;
  if (t->is_traced()) {
    if (!is_inside(t->trace)) throw TraceError("pynn.Trace: a tensor of another trace was used");
    value = input(t->spec())->value;
    captured_.push_back(t);
  } else {
    value = add_value(GraphValue::kConstant, t->spec(), int(graph_.constants.size()))->value;
    graph_.constants.push_back(t);  // keeps it, and its address, alive
  }
  foreign_.emplace(t.get(), value);
  return value;
}

void Trace::append(const OpDef& op, const Attrs& attrs, const TensorRefs& inputs, const Spec* specs,
                   Tensor* outputs) {
  GraphNode node{op.id, attrs, {}, {}};
  for (int i = 0; i < inputs.size(); ++i) node.in.push_back(value_of(inputs[i]));
  for (int i = 0; i < num_outputs(op, attrs, inputs.size()); ++i) {
    outputs[i] = add_value(GraphValue::kResult, specs[i], int(graph_.nodes.size()));
    node.out.push_back(outputs[i]->value);
  }
  graph_.nodes.push_back(std::move(node));
}

void Trace::note_value_asked(std::string place) {
  for (Trace* t = this; t; t = t->outer_) t->value_asked_ = place;
}

void Trace::check() const {
  if (!value_asked_.empty())
    throw TraceError(concat("pynn.Trace: the value of a tensor was asked for at ", value_asked_,
                            ", and the error was caught"));
  for (const auto& variable : graph_.variables)
    if (variable.use_count() == 1 && created_.count(variable.get()))
      value_error("pynn.Variable: expected variables that outlive the traced function; '",
                  variable->name(),
                  "' is made and let go of inside of it, so that each call would "
                  "need a new one. Make it once, outside, or keep it");
}

Graph Trace::finish(const Tensors& outputs) {
  check();
  for (const Tensor& t : outputs) graph_.outputs.push_back(value_of(t));
  for (size_t i = 0; i < current_.size(); ++i)
    if (assigned_[i] && current_[i] != reads_[i])
      graph_.assigns.emplace_back(int(i), value_of(current_[i]));
  stop();
  graph_.remove_dead_nodes();
  return std::move(graph_);
}

EagerScope::EagerScope() : suspended_(active), tracer_(set_tracer(nullptr)) { active = nullptr; }
EagerScope::~EagerScope() {
  active = suspended_;
  set_tracer(tracer_);
}

void Graph::remove_dead_nodes(DeadNodes which) {
  std::vector<bool> live(values.size(), false);
  for (int v : outputs) live[v] = true;
  for (const auto& [variable, v] : assigns) live[v] = true;
  std::vector<GraphNode> kept;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    bool needed = which == kPure && node->attrs.body && node->attrs.body->has_effects();
    for (int v : node->out) needed = needed || live[v];
    if (!needed) continue;
    for (int v : node->in) live[v] = true;
    kept.push_back(std::move(*node));
  }
  set_nodes({std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend())});
}

void Graph::set_nodes(std::vector<GraphNode> replacement) {
  nodes = std::move(replacement);
  for (size_t i = 0; i < nodes.size(); ++i)
    for (int v : nodes[i].out) values[v].index = int(i);
}

}  // namespace pynn
