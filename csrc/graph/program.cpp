#include "graph/program.h"

#include <algorithm>

#include "graph/workspace.h"
#include "ops/functional.h"

namespace pynn {

Program::Program(Graph graph) : graph_(std::move(graph)) {}
Program::~Program() = default;

bool Program::has_effects() const {
  return std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [](const GraphNode& node) {
    return node.attrs.body && node.attrs.body->has_effects();
  });
}

Executable& Program::executable() const {
  std::lock_guard lock(mutex_);
  if (!executable_) executable_ = std::make_unique<Executable>(graph_);
  return *executable_;
}

void Program::run(char* const* inputs, char* const* outputs) const {
  executable().run_on(inputs, outputs);
}

Tensors replay(const Graph& graph, const Tensors& inputs) {
  Tensors values(graph.values.size());
  for (size_t i = 0; i < inputs.size(); ++i) values[graph.inputs[i]] = inputs[i];
  for (size_t v = 0; v < values.size(); ++v)
    if (graph.values[v].kind == GraphValue::kConstant)
      values[v] = graph.constants[graph.values[v].index];
  for (const GraphNode& node : graph.nodes) {
    Tensors in;
    for (int v : node.in) in.push_back(values[v]);
    const Tensors out = apply(node.op, in, node.attrs);
    for (size_t j = 0; j < out.size(); ++j) values[node.out[j]] = out[j];
  }
  Tensors outputs;
  for (int v : graph.outputs) outputs.push_back(values[v]);
  return outputs;
}

GradientGraph make_gradient(const Graph& graph, const GradientRequest& request) {
  EagerScope apart;  // a graph of its own, wherever the gradient is asked for
  TapeBarrier barrier;
  Trace trace;
  trace.start();
  Tensors in, seeds(graph.outputs.size()), sources, begun;
  for (int v : graph.inputs) in.push_back(trace.input(graph.values[v].spec));
  for (size_t k = 0; k < seeds.size(); ++k)
    if (request.given[k]) seeds[k] = trace.input(graph.values[graph.outputs[k]].spec);
  Tape tape;
  for (size_t i = 0; i < in.size(); ++i) {
    if (!request.need[i]) continue;
    sources.push_back(in[i]);
    begun.push_back(request.begun[i] ? trace.input(in[i]->spec()) : nullptr);
    tape.watch(in[i]);
  }
  tape.start();
  const Tensors out = replay(graph, in);
  tape.stop();
  Tensors grads = tape.gradients(out, seeds, sources, begun);
  GradientGraph result{{}, std::vector<bool>(in.size(), false)};
  for (size_t i = 0, s = 0; i < in.size(); ++i) {
    if (!request.need[i]) continue;
    result.found[i] = grads[s] && grads[s] != begun[s];
    if (!grads[s]) grads[s] = ops::broadcast_to(full({}, 0, in[i]->dtype()), in[i]->shape());
    ++s;
  }
  result.graph = trace.finish(grads);
  result.graph.remove_dead_nodes(Graph::kEffectsToo);
  return result;
}

void arrange_inputs(Graph& graph, const std::vector<int>& slots, const std::vector<Spec>& specs) {
  std::vector<int> inputs(specs.size(), -1);
  for (size_t i = 0; i < slots.size(); ++i) inputs[slots[i]] = graph.inputs[i];
  for (size_t s = 0; s < inputs.size(); ++s) {
    if (inputs[s] < 0) {
      inputs[s] = int(graph.values.size());
      graph.values.push_back({GraphValue::kInput, specs[s], 0});
    }
    graph.values[inputs[s]].index = int(s);
  }
  graph.inputs = std::move(inputs);
}

SubGraph lift_variables(Graph traced, int num_outputs) {
  SubGraph sub;
  sub.graph = std::move(traced);
  Graph& graph = sub.graph;
  sub.num_inputs = int(graph.inputs.size());
  sub.num_outputs = num_outputs;
  for (size_t v = 0; v < graph.values.size(); ++v) {
    GraphValue& value = graph.values[v];
    if (value.kind != GraphValue::kVariable) continue;
    sub.variables.push_back(graph.variables[value.index]);
    value.kind = GraphValue::kInput;
    value.index = int(graph.inputs.size());
    graph.inputs.push_back(int(v));
  }
  for (const auto& [variable, v] : graph.assigns) {
    sub.assigned.push_back(graph.variables[variable]);
    graph.outputs.push_back(v);
  }
  graph.variables.clear();
  graph.assigns.clear();
  return sub;
}

SubGraph make_subgraph(Trace& trace, const Tensors& outputs) {
  Graph graph = trace.finish(outputs);
  SubGraph sub = lift_variables(std::move(graph), int(outputs.size()));
  sub.captured = trace.captured();
  sub.num_inputs -= int(sub.captured.size());
  return sub;
}

}  // namespace pynn
