#include "graph/trace.h"

#include <atomic>

#include "ops/functional.h"

namespace pynn {

namespace {

thread_local Trace* active = nullptr;
std::atomic<uint64_t> next_trace_id{1};

}  // namespace

Trace* Trace::current() { return active; }

Trace::Trace() : id_(next_trace_id++) {}
Trace::~Trace() { stop(); }

void Trace::start() {
  if (active || current_tracer())
    throw TraceError("pynn.Trace: a trace is already running in this thread");
  active = this;
  set_tracer(this);
  started_ = true;
}

void Trace::stop() {
  if (!started_) return;
  active = nullptr;
  set_tracer(nullptr);
  started_ = false;
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
  if (t->is_traced()) {
    if (t->trace != id_) throw TraceError("pynn.Trace: a tensor of another trace was used");
    return t->value;
  }
  const auto found = constants_.find(t.get());
  if (found != constants_.end()) return found->second;
  const int value =
      add_value(GraphValue::kConstant, t->spec(), int(graph_.constants.size()))->value;
  graph_.constants.push_back(t);  // keeps it, and its address, alive
  constants_.emplace(t.get(), value);
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

Graph Trace::finish(const Tensors& outputs) {
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

void Graph::remove_dead_nodes() {
  std::vector<bool> live(values.size(), false);
  for (int v : outputs) live[v] = true;
  for (const auto& [variable, v] : assigns) live[v] = true;
  std::vector<GraphNode> kept;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    bool needed = false;
    for (int v : node->out) needed = needed || live[v];
    if (!needed) continue;
    for (int v : node->in) live[v] = true;
    kept.push_back(std::move(*node));
  }
  nodes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  for (size_t i = 0; i < nodes.size(); ++i)
    for (int v : nodes[i].out) values[v].index = int(i);
}

std::string Graph::dump() const {
  std::ostringstream s;
  auto name = [this](int v) {
    const GraphValue& value = values[v];
    switch (value.kind) {
      case GraphValue::kInput:
        return concat("input", value.index);
      case GraphValue::kConstant:
        return concat("const", value.index);
      case GraphValue::kVariable:
        return concat("'", variables[value.index]->name(), "'");
      default:
        return concat("%", v);
    }
  };
  for (const GraphNode& node : nodes) {
    for (size_t i = 0; i < node.out.size(); ++i) {
      const Spec& spec = values[node.out[i]].spec;
      s << (i ? ", " : "") << name(node.out[i]) << ": " << dtype_name(spec.dtype) << spec.shape;
    }
    s << " = " << op_def(node.op).name << "(";
    for (size_t i = 0; i < node.in.size(); ++i) s << (i ? ", " : "") << name(node.in[i]);
    s << ")\n";
    if (node.attrs.body) node.attrs.body->print(s, "  ");
  }
  for (const auto& [variable, v] : assigns)
    s << "'" << variables[variable]->name() << "' <- " << name(v) << "\n";
  s << "return";
  for (int v : outputs) s << " " << name(v);
  s << "\n";
  return s.str();
}

}  // namespace pynn
