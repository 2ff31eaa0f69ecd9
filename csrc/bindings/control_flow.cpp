// Control flow, host functions and compiled functions.
#include "graph/control_flow.h"

#include <pybind11/stl.h>

#include "bindings/convert.h"
#include "bindings/modules.h"
#include "ops/functional.h"

namespace pynn {

namespace {

// A Python function that any thread may call and let go of. Held weakly it belongs to the Python
// object that owns the graph: Python's garbage collector sees cycles there, and none through here.
class HostFunction {
 public:
  explicit HostFunction(const py::function& function, bool weak = false)
      : held_(weak ? py::object(py::weakref(function, py::handle())) : py::object(function)),
        weak_(weak) {}
  ~HostFunction() {
    if (!Py_IsInitialized()) {  // too late: the interpreter has gone, and the function with it
      held_.release();
      return;
    }
    py::gil_scoped_acquire gil;
    held_ = py::object();
  }
  HostFunction(const HostFunction&) = delete;
  HostFunction& operator=(const HostFunction&) = delete;

  py::object operator()(const py::object& argument) const {
    const py::object function = weak_ ? held_() : held_;
    if (function.is_none())
      throw std::runtime_error("pynn.ops.py_function: the owner of the compiled step has gone");
    return function(argument);
  }

 private:
  py::object held_;
  bool weak_;
};

py::array copied(const View& view) {
  const py::dtype dtype = numpy_dtype(view.dtype);
  std::vector<py::ssize_t> shape(view.shape.begin(), view.shape.end()), strides;
  for (int64_t s : view.strides) strides.push_back(s * dtype.itemsize());
  return py::array(dtype, shape, strides, view.data);
}

// Calls a function of arrays that returns a list of arrays of the right shapes and dtypes.
class PyFunctionBody : public OpBody {
 public:
  PyFunctionBody(const py::function& function, bool weak, std::string name,
                 std::vector<Spec> outputs)
      : function_(function, weak), name_(std::move(name)), outputs_(std::move(outputs)) {}

  int num_outputs(int) const override { return int(outputs_.size()); }
  void infer(const Spec*, int, Spec* out) const override {
    std::copy(outputs_.begin(), outputs_.end(), out);
  }
  void launch(const View* in, int num_in, View* out) const override {
    py::gil_scoped_acquire gil;
    HostCall call;
    py::list arrays;
    for (int i = 0; i < num_in; ++i) arrays.append(copied(in[i]));
    const py::list results = function_(arrays);
    for (size_t k = 0; k < outputs_.size(); ++k)
      copy_view(view_of(results[k].cast<py::array>()), out[k]);
  }
  bool has_effects() const override { return true; }
  bool may_fail() const override { return true; }
  void gradient(const GradContext&) const override {
    value_error(
        "pynn.ops.py_function: expected a function with a gradient where one is asked for; '",
        name_, "' has none. Give it one with ops.custom_gradient, or use ops.stop_gradient");
  }
  void print(std::ostream& out, const std::string& indent) const override {
    out << indent << "host function '" << name_ << "'\n";
  }

 private:
  HostFunction function_;
  std::string name_;
  std::vector<Spec> outputs_;
};

// A gradient rule in Python: from the gradients of the outputs to those of the arguments.
class PyGradientBody : public OpBody {
 public:
  PyGradientBody(const py::function& rule, int outputs) : rule_(rule), outputs_(outputs) {}

  int num_outputs(int) const override { return outputs_; }
  void infer(const Spec* in, int, Spec* out) const override { std::copy(in, in + outputs_, out); }
  void launch(const View* in, int, View* out) const override {
    for (int k = 0; k < outputs_; ++k) copy_view(in[k], out[k]);
  }
  void gradient(const GradContext& c) const override {
    py::gil_scoped_acquire gil;
    py::list upstream;
    for (int k = 0; k < outputs_; ++k)
      upstream.append(c.grads[k] ? c.grads[k] : ops::zeros_like(c.in[k]));
    const py::list results = rule_(upstream);
    for (size_t i = 0; i < results.size(); ++i)
      c.result[size_t(outputs_) + i] = to_tensor(results[i]);
  }
  void print(std::ostream& out, const std::string& indent) const override {
    out << indent << "gradient in Python\n";
  }

 private:
  HostFunction rule_;
  int outputs_;
};

std::vector<Spec> to_specs(const std::vector<std::pair<py::tuple, std::string>>& given) {
  std::vector<Spec> specs;
  for (const auto& [shape, dtype] : given) specs.push_back({parse_dtype(dtype), to_dims(shape)});
  return specs;
}

void bind_control_flow_ops(py::module_& m) {
  py::class_<SubGraph>(m, "SubGraph", "A branch, or the body of a loop, traced.");
  m.def("identity", &identity, py::arg("x"));
  m.def("switch_case", &switch_case, py::arg("index"), py::arg("branches"));
  m.def("while_loop", &while_loop, py::arg("condition"), py::arg("body"), py::arg("init"));
  m.def("scan", &scan, py::arg("body"), py::arg("init"), py::arg("xs"), py::arg("length"),
        py::arg("reverse"));
  m.def(
      "with_gradient",
      [](const Tensors& outputs, const Tensors& arguments, const SubGraph& gradient) {
        return with_gradient(outputs, arguments, gradient);
      },
      py::arg("outputs"), py::arg("arguments"), py::arg("gradient"));
  m.def(
      "with_gradient",
      [](const Tensors& outputs, const Tensors& arguments, const py::function& rule) {
        return with_gradient(outputs, arguments,
                             std::make_shared<PyGradientBody>(rule, int(outputs.size())));
      },
      py::arg("outputs"), py::arg("arguments"), py::arg("gradient"));
  m.def(
      "py_function",
      [](const py::function& function, bool weak, const std::string& name, const Tensors& inputs,
         const std::vector<std::pair<py::tuple, std::string>>& outputs) {
        return call_host(inputs,
                         std::make_shared<PyFunctionBody>(function, weak, name, to_specs(outputs)));
      },
      py::arg("function"), py::arg("weak"), py::arg("name"), py::arg("inputs"), py::arg("outputs"));
}

}  // namespace

void bind_control_flow(py::module_& m) {
  set_wait_hooks({[]() -> void* { return PyGILState_Check() ? PyEval_SaveThread() : nullptr; },
                  [](void* state) {
                    if (state) PyEval_RestoreThread(static_cast<PyThreadState*>(state));
                  }});
  bind_control_flow_ops(m);
  py::class_<CompiledFunction>(m, "CompiledFunction")
      .def(
          "__call__",
          [](CompiledFunction& function, const Tensors& inputs) {
            py::gil_scoped_release release;
            return function(inputs);
          },
          py::arg("inputs"))
      .def("dump", [](const CompiledFunction& f) { return f.executable().graph().dump(); });
}

}  // namespace pynn
