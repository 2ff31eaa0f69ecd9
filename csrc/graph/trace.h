// A graph, and the trace that makes one by listening to apply() while Python code runs on symbolic
// tensors.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "autograd/tape.h"
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
  // Input, output, by number: the output is written over the input. As an assignment, this takes
  // effect at the end.
  std::vector<std::pair<int, int>> overwrites;

  // Drops nodes that neither an output nor an assignment needs; those with effects only if asked
  // to.
  enum DeadNodes { kPure, kEffectsToo };
  void remove_dead_nodes(DeadNodes which = kPure);
  // Replaces the nodes; their results know then which ones they come from.
  void set_nodes(std::vector<GraphNode> replacement);

  // For people (graph/dump.cpp): one line per call; the same as a picture in Graphviz's language.
  std::string dump() const;
  std::string dot() const;
  std::string name_of(int value) const;
};

class Trace : public Tracer {
 public:
  // A nested trace makes a graph for a branch or the body of a loop of the trace that is running:
  // tensors of that one become inputs, after those asked for. What its tapes hear ends there.
  enum Kind { kOutermost, kNested };
  explicit Trace(Kind kind = kOutermost);
  ~Trace() override;
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  static Trace* current();

  // Tracing starts and ends for this thread.
  void start();
  void stop();

  Tensor input(const Spec& spec);
  Tensor read(Variable& variable);
  void assign(Variable& variable, const Tensor& value);
  // Tensors of enclosing traces that were used, in the order of their inputs.
  const Tensors& captured() const { return captured_; }
  void append(const OpDef& op, const Attrs& attrs, const TensorRefs& inputs, const Spec* specs,
              Tensor* outputs) override;

  // A value was asked for: whoever catches that error, the graph would not be what the code says.
  void note_value_asked(std::string place);
  // A variable that nothing but the graph keeps would be made anew by each call of the code.
  void note_created(const Variable* variable) { created_.insert(variable); }

  // The graph of what was traced, with dead nodes removed. Once.
  Graph finish(const Tensors& outputs);

 private:
  Tensor add_value(GraphValue::Kind kind, const Spec& spec, int index);
  int value_of(const Tensor& t);
  bool is_inside(uint64_t trace) const;
  void check() const;
  int index_of(Variable& variable);

  uint64_t id_;
  Kind kind_;
  Graph graph_;
  bool started_ = false;
  Trace* outer_ = nullptr;  // of a nested trace, while it runs
  std::unique_ptr<TapeBarrier> barrier_;
  std::unordered_map<const TensorImpl*, int> foreign_;  // constants and captured tensors
  Tensors captured_;
  std::string value_asked_;  // where, or empty
  std::unordered_set<const Variable*> created_;
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
