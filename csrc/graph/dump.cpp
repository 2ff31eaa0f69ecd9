// Graphs for people: as text, and as a picture for Graphviz.
#include "graph/trace.h"

namespace pynn {

std::string Graph::name_of(int v) const {
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
}

std::string Graph::dump() const {
  std::ostringstream s;
  for (const GraphNode& node : nodes) {
    for (size_t i = 0; i < node.out.size(); ++i) {
      const Spec& spec = values[node.out[i]].spec;
      s << (i ? ", " : "") << name_of(node.out[i]) << ": " << dtype_name(spec.dtype) << spec.shape;
    }
    s << " = " << op_def(node.op).name << "(";
    for (size_t i = 0; i < node.in.size(); ++i) s << (i ? ", " : "") << name_of(node.in[i]);
    s << ")\n";
    if (node.attrs.body) node.attrs.body->print(s, "  ");
  }
  for (const auto& [variable, v] : assigns)
    s << "'" << variables[variable]->name() << "' <- " << name_of(v) << "\n";
  s << "return";
  for (int v : outputs) s << " " << name_of(v);
  s << "\n";
  return s.str();
}

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '\n') {
      out += "\\l";  // ends a line that begins at the left
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

class DotWriter {
 public:
  explicit DotWriter(const Graph& graph) : graph_(graph), drawn_(graph.values.size(), false) {}

  std::string write() {
    s_ << "digraph {\n"
          "  node [shape=box, style=filled, fillcolor=white, fontname=\"monospace\"];\n";
    for (int i = 0; i < int(graph_.nodes.size()); ++i) draw_node(i);
    // A variable that is assigned appears twice: with its old value and with its new one.
    for (const auto& [variable, v] : graph_.assigns)
      draw_end(concat("a", variable), "lightblue",
               concat("'", graph_.variables[variable]->name(), "' <-"), v);
    for (int i = 0; i < int(graph_.outputs.size()); ++i)
      draw_end(concat("r", i), "lightgreen", concat("return ", i), graph_.outputs[i]);
    s_ << "}\n";
    return s_.str();
  }

 private:
  bool is_result(int v) const { return graph_.values[v].kind == GraphValue::kResult; }
  std::string spec_of(int v) const {
    const Spec& spec = graph_.values[v].spec;
    return concat(dtype_name(spec.dtype), spec.shape);
  }

  void draw_node(int i) {
    const GraphNode& node = graph_.nodes[i];
    std::ostringstream label;
    label << op_def(node.op).name;
    if (node.attrs.body) {
      label << "\n";
      node.attrs.body->print(label, "");
    }
    s_ << "  n" << i << " [label=" << quoted(label.str()) << "];\n";
    for (int v : node.in) draw_edge(v, concat("n", i));
  }

  void draw_end(const std::string& id, const char* color, const std::string& label, int value) {
    s_ << "  " << id << " [shape=ellipse, fillcolor=" << color << ", label=" << quoted(label)
       << "];\n";
    draw_edge(value, id);
  }

  void draw_edge(int v, const std::string& to) {
    if (is_result(v)) {
      s_ << "  n" << graph_.values[v].index << " -> " << to << " [label=" << quoted(spec_of(v))
         << "];\n";
      return;
    }
    if (!drawn_[v]) {
      const bool variable = graph_.values[v].kind == GraphValue::kVariable;
      s_ << "  v" << v << " [shape=ellipse, fillcolor=" << (variable ? "lightblue" : "lightgrey")
         << ", label=" << quoted(concat(graph_.name_of(v), "\n", spec_of(v), "\n")) << "];\n";
      drawn_[v] = true;
    }
    s_ << "  v" << v << " -> " << to << ";\n";
  }

  const Graph& graph_;
  std::vector<bool> drawn_;
  std::ostringstream s_;
};

}  // namespace

std::string Graph::dot() const { return DotWriter(*this).write(); }

}  // namespace pynn
