// A graph, and the trace that makes one by listening to apply() while Python code runs on symbolic
// tensors.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "graph/variable.h"
#include "ops/op.h"

namespace pynn {

struct GraphValue {
  enum Kind { kInput, kConstant, kVariable, kResult };
  Kind kind;
  Spec spec;
  int index;  // of the input, constant or variable; of the node for a result
};

struct GraphNode {
  OpId op;
  Attrs attrs;
  std::vector<int> in, out;  // values
};

// Op calls in order. Variables are read once, at the start; assignments take effect at the end.
struct Graph {
  std::vector<GraphValue> values;
  std::vector<GraphNode> nodes;
  std::vector<int> inputs;  // values
  std::vector<Tensor> constants;
  std::vector<std::shared_ptr<Variable>> variables;
  std::vector<int> outputs;                  // values
  std::vector<std::pair<int, int>> assigns;  // variable, value

  // Drops nodes that neither an output nor an assignment needs.
  void remove_dead_nodes();
  std::string dump() const;
};

class Trace : public Tracer {
 public:
  Trace();
  ~Trace() override;
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  static Trace* current();

  // Tracing starts and ends for this thread. Traces do not nest.
  void start();
  void stop();

  Tensor input(const Spec& spec);
  Tensor read(Variable& variable);
  void assign(Variable& variable, const Tensor& value);
  void append(const OpDef& op, const Attrs& attrs, const TensorRefs& inputs, const Spec* specs,
              Tensor* outputs) override;

  // The graph of what was traced, with dead nodes removed. Once.
  Graph finish(const Tensors& outputs);

 private:
  Tensor add_value(GraphValue::Kind kind, const Spec& spec, int index);
  int value_of(const Tensor& t);
  int index_of(Variable& variable);

  uint64_t id_;
  Graph graph_;
  bool started_ = false;
  std::unordered_map<const TensorImpl*, int> constants_;
  std::unordered_map<const Variable*, int> variables_;
  std::vector<Tensor> reads_;    // per variable: its value at the start
  std::vector<Tensor> current_;  // per variable: its value now
  std::vector<bool> assigned_;
};

// Suspends the trace of this thread, for work that belongs to set-up (initial values of variables).
class EagerScope {
 public:
  EagerScope();
  ~EagerScope();
  EagerScope(const EagerScope&) = delete;
  EagerScope& operator=(const EagerScope&) = delete;

 private:
  Trace* suspended_;
  Tracer* tracer_;
};

}  // namespace pynn
