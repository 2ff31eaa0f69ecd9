#include "graph/bodies.h"

#include <algorithm>
#include <cstring>

#include "ops/functional.h"

namespace pynn {

Tensors apply_body(OpId id, const Tensors& inputs, std::shared_ptr<const OpBody> body) {
  Attrs attrs;
  attrs.body = std::move(body);
  Tracer* tracer = current_tracer();
  const bool traced =
      std::any_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return t->is_traced(); });
  if (!tracer || traced || !attrs.body->has_effects()) return apply(id, inputs, attrs);
  const int num_in = int(inputs.size());
  std::vector<Spec> in, out(size_t(attrs.body->num_outputs(num_in)));
  for (const Tensor& t : inputs) in.push_back(t->spec());
  attrs.body->infer(in.data(), num_in, out.data());
  Tensors outputs(out.size());
  tracer->append(op_def(id), attrs, inputs, out.data(), outputs.data());
  return outputs;
}

int OpInputs::slot(const Tensor& t) {
  const auto found = std::find(tensors_.begin() + shared_from_, tensors_.end(), t);
  if (found == tensors_.end()) {
    tensors_.push_back(t);
    return int(tensors_.size()) - 1;
  }
  return int(found - tensors_.begin());
}

std::vector<int> OpInputs::slots_of(const SubGraph& sub, std::vector<int> own,
                                    const Variables& carried, int first_carried) {
  for (const Tensor& t : sub.captured) own.push_back(slot(t));
  for (const auto& variable : sub.variables) {
    const auto found = std::find(carried.begin(), carried.end(), variable);
    own.push_back(found == carried.end() ? slot(variable->value())
                                         : first_carried + int(found - carried.begin()));
  }
  return own;
}

std::vector<Spec> OpInputs::specs() const {
  std::vector<Spec> specs;
  for (const Tensor& t : tensors_) specs.push_back(t->spec());
  return specs;
}

std::vector<int> counted(int count) {
  std::vector<int> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

void order_assigned(SubGraph& sub, const Variables& variables) {
  Graph& graph = sub.graph;
  const size_t first_variable = graph.inputs.size() - sub.variables.size();
  std::vector<int> outputs(graph.outputs.begin(), graph.outputs.begin() + sub.num_outputs);
  for (const auto& variable : variables) {
    auto read = std::find(sub.variables.begin(), sub.variables.end(), variable);
    if (read == sub.variables.end()) {
      graph.values.push_back({GraphValue::kInput, variable->spec(), int(graph.inputs.size())});
      graph.inputs.push_back(int(graph.values.size()) - 1);
      sub.variables.push_back(variable);
      read = sub.variables.end() - 1;
    }
    const auto assigned = std::find(sub.assigned.begin(), sub.assigned.end(), variable);
    outputs.push_back(
        assigned == sub.assigned.end()
            ? graph.inputs[first_variable + size_t(read - sub.variables.begin())]
            : graph.outputs[size_t(sub.num_outputs + (assigned - sub.assigned.begin()))]);
  }
  graph.outputs = std::move(outputs);
  sub.assigned = variables;
}

Tensors assign_rest(Tensors outputs, int own, const Variables& variables) {
  for (size_t i = 0; i < variables.size(); ++i) variables[i]->assign(outputs[size_t(own) + i]);
  outputs.resize(size_t(own));
  return outputs;
}

Tensor zeros(const Spec& spec, double zero) {
  return ops::broadcast_to(full({}, zero, spec.dtype), spec.shape);
}

void select_outputs(Graph& graph, const std::vector<int>& outputs) {
  std::vector<int> kept;
  for (int k : outputs) kept.push_back(graph.outputs[k]);
  graph.outputs = std::move(kept);
}

void print_program(std::ostream& out, const std::string& indent, const char* name,
                   const Program& program) {
  out << indent << name << ":\n";
  std::istringstream lines(program.graph().dump());
  for (std::string line; std::getline(lines, line);) out << indent << "  " << line << "\n";
}

namespace {

// The outputs that depend, by differentiable calls, on the inputs in `from`.
std::vector<bool> dependent_outputs(const Graph& graph, const std::vector<bool>& from) {
  std::vector<bool> reached(graph.values.size(), false), outputs;
  for (size_t i = 0; i < from.size(); ++i) reached[graph.inputs[i]] = from[i];
  for (const GraphNode& node : graph.nodes) {
    if (!op_def(node.op).differentiable) continue;
    if (std::any_of(node.in.begin(), node.in.end(), [&](int v) { return reached[v]; }))
      for (int v : node.out) reached[v] = is_float(graph.values[v].spec.dtype);
  }
  for (int v : graph.outputs) outputs.push_back(reached[v]);
  return outputs;
}

}  // namespace

LoopGradient make_loop_gradient(const Graph& body, int carries, int shared, std::vector<bool> need,
                                std::vector<bool> given) {
  // A carry that depends on what needs a gradient needs one itself, and where a gradient arrives at
  // a carry it has come to the end of the iteration before.
  for (bool changed = true; changed;) {
    changed = false;
    const std::vector<bool> reached = dependent_outputs(body, need);
    for (int j = 0; j < carries; ++j) {
      changed = changed || (reached[j] && !need[j]);
      need[j] = need[j] || reached[j];
    }
  }
  for (int j = 0; j < carries; ++j) given[j] = given[j] && need[j];
  GradientRequest request{need, std::vector<bool>(need.size(), false), given};
  GradientGraph gradient;
  for (bool changed = true; changed;) {
    changed = false;
    gradient = make_gradient(body, request);
    for (int j = 0; j < carries; ++j) {
      changed = changed || (gradient.found[j] && !request.given[j]);
      request.given[j] = request.given[j] || gradient.found[j];
    }
  }
  LoopGradient result;
  for (int i = 0; i < int(need.size()); ++i) {
    request.need[i] = i < carries ? bool(request.given[i]) : bool(gradient.found[i]);
    request.begun[i] = request.need[i] && i >= shared;
    if (request.need[i]) (i < carries ? result.carries : result.inputs).push_back(i);
  }
  result.graph = make_gradient(body, request).graph;
  return result;
}

Carried::Carried(char* const* first, const View* out, int count, Scratch& scratch)
    : count_(count), out_(out), now_(count), output_(count), spare_(count) {
  for (int j = 0; j < count; ++j) {
    now_[j] = first[j];
    output_[j] = static_cast<char*>(out[j].data);
    spare_[j] = static_cast<char*>(scratch.get_bytes(out[j].bytes()));
  }
  place_[0] = output_.data();
  place_[1] = spare_.data();
}

void Carried::advance() {
  std::copy(place_[side_], place_[side_] + count_, now_.data());
  side_ = 1 - side_;
}

void Carried::finish() {
  for (int j = 0; j < count_; ++j)
    if (now_[j] != output_[j] && out_[j].bytes() > 0)
      std::memcpy(output_[j], now_[j], out_[j].bytes());
}

void fill_addresses(const View* in, int num_in, Scratch& scratch, Addresses& addresses) {
  for (int i = 0; i < num_in; ++i)
    addresses[i] = static_cast<char*>(const_cast<void*>(contiguous_input(in[i], scratch)));
}

}  // namespace pynn
