#include "graph/control_flow.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>

#include "graph/bodies.h"
#include "ops/functional.h"

namespace pynn {

namespace {

// ---- one of several branches; inputs: the number of the branch, then those of every branch

// What one branch writes over an input, all do.
class SwitchBody : public OpBody {
 public:
  explicit SwitchBody(std::vector<ProgramPtr> branches)
      : branches_(std::move(branches)), overwrites_(branches_[0]->graph().overwrites) {}

  int num_outputs(int) const override { return branches_[0]->num_outputs(); }
  void infer(const Spec*, int, Spec* out) const override {
    for (int k = 0; k < branches_[0]->num_outputs(); ++k) out[k] = branches_[0]->output_spec(k);
  }
  void launch(const View* in, int num_in, View* out) const override {
    Scratch scratch;
    Addresses inputs(num_in), outputs(num_outputs(num_in));
    fill_addresses(in, num_in, scratch, inputs);
    for (int k = 0; k < num_outputs(num_in); ++k) outputs[k] = static_cast<char*>(out[k].data);
    for (const auto& [input, output] : overwrites_) {
      const size_t bytes = out[output].bytes();
      if (inputs[input] != outputs[output] && bytes > 0)
        std::memcpy(outputs[output], inputs[input], bytes);
      inputs[input] = outputs[output];
    }
    const int32_t last = int32_t(branches_.size()) - 1;
    const int32_t index = *static_cast<const int32_t*>(in[0].data);
    branches_[size_t(std::min(std::max(index, 0), last))]->run(inputs.data(), outputs.data());
  }
  bool has_effects() const override {
    return std::any_of(branches_.begin(), branches_.end(),
                       [](const ProgramPtr& b) { return b->has_effects(); });
  }
  bool may_fail() const override { return true; }
  int replaced_input(int output) const override {
    for (const auto& pair : overwrites_)
      if (pair.second == output) return pair.first;
    return -1;
  }
  void gradient(const GradContext& c) const override;
  void print(std::ostream& out, const std::string& indent) const override {
    for (const ProgramPtr& branch : branches_) print_program(out, indent, "branch", *branch);
  }

 private:
  std::vector<ProgramPtr> branches_;
  std::vector<std::pair<int, int>> overwrites_;  // input, output
};

// A branch that does not use an input gives it no gradient, but what it has already.
void SwitchBody::gradient(const GradContext& c) const {
  GradientRequest request{c.need, {}, {}};
  Tensors inputs = c.in;
  for (const Tensor& g : c.grads) {
    request.given.push_back(bool(g));
    if (g) inputs.push_back(g);
  }
  for (size_t i = 0; i < c.in.size(); ++i) {
    request.begun.push_back(c.need[i] && c.so_far[i]);
    if (request.begun[i]) inputs.push_back(c.so_far[i]);
  }
  std::vector<Graph> graphs;
  std::vector<bool> found(c.in.size(), false);
  for (const ProgramPtr& branch : branches_) {
    GradientGraph g = make_gradient(branch->graph(), request);
    for (size_t i = 0; i < found.size(); ++i) found[i] = found[i] || g.found[i];
    graphs.push_back(std::move(g.graph));
  }
  std::vector<int> kept, of_input;
  for (int i = 0, k = 0; i < int(found.size()); ++i) {
    if (found[i]) kept.push_back(k), of_input.push_back(i);
    k += c.need[i];
  }
  if (kept.empty()) return;
  std::vector<ProgramPtr> programs;
  for (Graph& graph : graphs) {
    select_outputs(graph, kept);
    programs.push_back(make_program(std::move(graph)));
  }
  const Tensors out =
      apply_body(OpId::switch_case, inputs, std::make_shared<SwitchBody>(std::move(programs)));
  for (size_t k = 0; k < out.size(); ++k) {
    c.result[of_input[k]] = out[k];
    c.includes[of_input[k]] = request.begun[of_input[k]];
  }
}

// ---- a function with a gradient of its own; inputs: outputs, arguments, what the gradient uses

class CustomGradientBody : public OpBody {
 public:
  // The program is a function of the gradients of the outputs, then of the last inputs.
  CustomGradientBody(int outputs, int arguments, ProgramPtr rule)
      : outputs_(outputs), arguments_(arguments), rule_(std::move(rule)) {}

  int num_outputs(int) const override { return outputs_; }
  void infer(const Spec* in, int, Spec* out) const override { std::copy(in, in + outputs_, out); }
  void launch(const View* in, int, View* out) const override {
    for (int k = 0; k < outputs_; ++k) copy_view(in[k], out[k]);
  }
  void gradient(const GradContext& c) const override {
    Tensors in;
    for (int k = 0; k < outputs_; ++k)
      in.push_back(c.grads[k] ? c.grads[k] : zeros(c.in[k]->spec()));
    in.insert(in.end(), c.in.begin() + outputs_ + arguments_, c.in.end());
    const Tensors out = replay(rule_->graph(), in);
    for (int i = 0; i < arguments_; ++i) c.result[outputs_ + i] = out[i];
  }
  void print(std::ostream& out, const std::string& indent) const override {
    print_program(out, indent, "gradient", *rule_);
  }

 private:
  int outputs_, arguments_;
  ProgramPtr rule_;
};

// ---- a compiled function

class CallBody : public OpBody {
 public:
  explicit CallBody(ProgramPtr program) : program_(std::move(program)) {}

  int num_outputs(int) const override { return program_->num_outputs(); }
  void infer(const Spec*, int, Spec* out) const override {
    for (int k = 0; k < program_->num_outputs(); ++k) out[k] = program_->output_spec(k);
  }
  void launch(const View* in, int num_in, View* out) const override {
    Scratch scratch;
    Addresses inputs(num_in), outputs(program_->num_outputs());
    fill_addresses(in, num_in, scratch, inputs);
    for (int k = 0; k < program_->num_outputs(); ++k) outputs[k] = static_cast<char*>(out[k].data);
    program_->run(inputs.data(), outputs.data());
  }
  bool has_effects() const override { return program_->has_effects(); }
  bool may_fail() const override { return true; }
  void gradient(const GradContext& c) const override;
  void print(std::ostream& out, const std::string& indent) const override {
    print_program(out, indent, "function", *program_);
  }

 private:
  using Key = std::vector<std::vector<bool>>;
  struct Rule {
    std::shared_ptr<const OpBody> body;
    std::vector<int> inputs;  // to which the outputs belong
  };
  Rule rule_for(const GradientRequest& request) const;

  ProgramPtr program_;
  mutable std::mutex mutex_;
  mutable std::map<Key, Rule> rules_;
};

// The function is called many times: the program of its gradient is kept.
CallBody::Rule CallBody::rule_for(const GradientRequest& request) const {
  std::lock_guard lock(mutex_);
  Rule& rule = rules_[{request.need, request.begun, request.given}];
  if (rule.body) return rule;
  GradientGraph g = make_gradient(program_->graph(), request);
  std::vector<int> kept;
  for (int i = 0, k = 0; i < int(g.found.size()); ++i) {
    if (g.found[i]) kept.push_back(k), rule.inputs.push_back(i);
    k += request.need[i];
  }
  select_outputs(g.graph, kept);
  rule.body = std::make_shared<CallBody>(make_program(std::move(g.graph)));
  return rule;
}

void CallBody::gradient(const GradContext& c) const {
  GradientRequest request{c.need, {}, {}};
  Tensors in = c.in;
  for (const Tensor& g : c.grads) {
    request.given.push_back(bool(g));
    if (g) in.push_back(g);
  }
  for (size_t i = 0; i < c.in.size(); ++i) {
    // What an argument given twice has already is added to once, at the end.
    const bool once = std::count(c.in.begin(), c.in.end(), c.in[i]) == 1;
    request.begun.push_back(c.need[i] && once && c.so_far[i]);
    if (request.begun[i]) in.push_back(c.so_far[i]);
  }
  const Rule rule = rule_for(request);
  if (rule.inputs.empty()) return;
  const Tensors out = apply_body(OpId::call, in, rule.body);
  for (size_t k = 0; k < out.size(); ++k) {
    c.result[rule.inputs[k]] = out[k];
    c.includes[rule.inputs[k]] = request.begun[rule.inputs[k]];
  }
}

bool is_identity(const GraphNode& node) {
  if (node.op != OpId::transpose) return false;
  for (int i = 0; i < node.attrs.axes.size(); ++i)
    if (node.attrs.axes[i] != i) return false;
  return true;
}

Variables assigned_by_any(const std::vector<SubGraph>& subs) {
  Variables all;
  for (const SubGraph& sub : subs)
    for (const auto& variable : sub.assigned)
      if (std::find(all.begin(), all.end(), variable) == all.end()) all.push_back(variable);
  return all;
}

}  // namespace

Tensor identity(const Tensor& x) {
  Attrs attrs;
  for (int i = 0; i < x->rank(); ++i) attrs.axes.push_back(i);
  return apply1(OpId::transpose, {x}, attrs);
}

Tensors switch_case(const Tensor& index, std::vector<SubGraph> branches) {
  const Variables assigned = assigned_by_any(branches);
  OpInputs inputs({ops::cast(index, DType::int32)});
  std::vector<std::vector<int>> slots;
  for (SubGraph& branch : branches) {
    order_assigned(branch, assigned);
    slots.push_back(inputs.slots_of(branch, {}));
  }
  std::vector<std::pair<int, int>> overwrites;
  for (int i = 0; i < int(assigned.size()); ++i)
    overwrites.push_back({inputs.slot(assigned[size_t(i)]->value()), branches[0].num_outputs + i});
  std::vector<ProgramPtr> programs;
  for (size_t b = 0; b < branches.size(); ++b) {
    arrange_inputs(branches[b].graph, slots[b], inputs.specs());
    branches[b].graph.overwrites = overwrites;
    programs.push_back(make_program(std::move(branches[b].graph)));
  }
  return assign_rest(apply_body(OpId::switch_case, inputs.tensors(),
                                std::make_shared<SwitchBody>(std::move(programs))),
                     branches[0].num_outputs, assigned);
}

Tensors with_gradient(const Tensors& outputs, const Tensors& arguments, SubGraph gradient) {
  const int count = int(outputs.size());
  if (!gradient.assigned.empty())
    value_error(
        "pynn.custom_gradient: expected a gradient that assigns no variable; received one "
        "that assigns '",
        gradient.assigned[0]->name(), "'");
  // The rule's inputs after the gradients of the outputs are the last ones of the op, in order.
  Tensors in = outputs;
  in.insert(in.end(), arguments.begin(), arguments.end());
  in.insert(in.end(), gradient.captured.begin(), gradient.captured.end());
  for (const auto& variable : gradient.variables) in.push_back(variable->value());
  return apply_body(OpId::custom_gradient, in,
                    std::make_shared<CustomGradientBody>(count, int(arguments.size()),
                                                         make_program(std::move(gradient.graph))));
}

Tensors with_gradient(const Tensors& outputs, const Tensors& arguments,
                      std::shared_ptr<const OpBody> rule) {
  Tensors in = outputs, out;
  in.insert(in.end(), arguments.begin(), arguments.end());
  for (const Tensor& t : outputs) out.push_back(make_tensor(t->view, t->storage));
  Attrs attrs;
  attrs.body = std::move(rule);
  if (Recorder* recorder = current_recorder())
    recorder->record(op_def(OpId::custom_gradient), attrs, in, out);
  return out;
}

Tensors call_host(const Tensors& inputs, std::shared_ptr<const OpBody> function) {
  return apply_body(OpId::py_function, inputs, std::move(function));
}

CompiledFunction::CompiledFunction(Trace& trace, const Tensors& outputs)
    : CompiledFunction(trace.finish(outputs), int(outputs.size())) {}

CompiledFunction::CompiledFunction(Graph graph, int outputs)
    : executable_(graph), as_op_(lift_variables(std::move(graph), outputs)) {
  body_ = std::make_shared<CallBody>(make_program(std::move(as_op_.graph)));
}

Tensors CompiledFunction::operator()(const Tensors& inputs) {
  if (!any_tape_records()) return executable_.run(inputs);
  Tensors in;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Spec spec = executable_.input_spec(int(i));
    in.push_back(ops::cast(inputs[i], spec.dtype));
  }
  for (const auto& variable : as_op_.variables) in.push_back(variable->value());
  return assign_rest(apply_body(OpId::call, in, body_), as_op_.num_outputs, as_op_.assigned);
}

Graph without_gradients(Graph graph) {
  // A function with a gradient of its own is its outputs, and a boundary of control flow its input.
  std::vector<int> same(graph.values.size());
  std::iota(same.begin(), same.end(), 0);
  std::vector<GraphNode> kept;
  for (GraphNode& node : graph.nodes) {
    for (int& v : node.in) v = same[v];
    if (node.op == OpId::custom_gradient || is_identity(node))
      for (size_t j = 0; j < node.out.size(); ++j) same[node.out[j]] = node.in[j];
    else
      kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
  for (int& v : graph.outputs) v = same[v];
  for (auto& [variable, v] : graph.assigns) v = same[v];
  graph.remove_dead_nodes();
  // The carries of each iteration are kept for a gradient that uses them.
  std::vector<bool> used(graph.values.size(), false);
  for (int v : graph.outputs) used[v] = true;
  for (const auto& [variable, v] : graph.assigns) used[v] = true;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    for (int v : node->in) used[v] = true;
    if (node->op != OpId::scan) continue;
    auto [body, count] = scan_without_history(*node->attrs.body);
    if (std::any_of(node->out.begin() + count, node->out.end(), [&](int v) { return used[v]; }))
      continue;
    node->out.resize(size_t(count));
    node->attrs.body = std::move(body);
  }
  return graph;
}

}  // namespace pynn
