// Variables, tapes, traces, executables.
#include <pybind11/stl.h>

#include "autograd/tape.h"
#include "bindings/convert.h"
#include "bindings/modules.h"
#include "graph/control_flow.h"
#include "ops/functional.h"

namespace pynn {

namespace {

void bind_variable(py::module_& m) {
  py::class_<Variable, std::shared_ptr<Variable>> c(m, "Variable", py::dynamic_attr());
  c.def(py::init([](py::handle value, bool trainable, const std::string& name) {
          return std::make_shared<Variable>(to_tensor(value), trainable, name);
        }),
        py::arg("value"), py::arg("trainable") = true, py::arg("name") = "");
  c.def_property_readonly("value", &Variable::value);
  c.def(
      "assign",
      [](Variable& v, py::handle value) {
        TensorImpl like;
        like.view.dtype = v.spec().dtype;
        v.assign(to_tensor(value, &like));
      },
      py::arg("value"));
  c.def_property_readonly("shape", [](const Variable& v) { return to_tuple(v.spec().shape); });
  c.def_property_readonly("dtype", [](const Variable& v) { return dtype_name(v.spec().dtype); });
  c.def_property("trainable", &Variable::trainable, &Variable::set_trainable);
  c.def_property_readonly("name", &Variable::name);
  m.def(
      "set_autocast",
      [](const std::optional<std::string>& dtype) -> std::optional<std::string> {
        const auto before = set_autocast(dtype ? std::optional(parse_dtype(*dtype)) : std::nullopt);
        return before ? std::optional<std::string>(dtype_name(*before)) : std::nullopt;
      },
      py::arg("dtype"),
      "In which dtype this thread reads float variables; None: their own. Returns what was set.");
}

// A tape as Python holds it. Records between __enter__ and __exit__ (or start and stop).
class PyTape {
 public:
  PyTape(bool persistent, bool watch_accessed)
      : tape_(std::make_unique<Tape>()), persistent_(persistent) {
    tape_->set_watch_variables(watch_accessed);
  }
  ~PyTape() { stop(); }

  void start() {
    if (active_) value_error("pynn.GradientTape: the tape is already recording");
    tape_->start();
    active_ = true;
  }
  void stop() {
    if (active_) tape_->stop();
    active_ = false;
  }
  void watch(py::handle object) {
    if (py::isinstance<Variable>(object)) {
      auto& variable = object.cast<Variable&>();
      tape_->watch(variable.value(), &variable);
    } else {
      tape_->watch(object.cast<Tensor>());
    }
  }
  py::list gradient(const Tensor& target, const py::list& sources, py::object seed, bool zero) {
    if (used_ && !persistent_)
      throw std::runtime_error(
          "pynn.GradientTape.gradient: a tape that is not persistent gives gradients once; "
          "use GradientTape(persistent=True)");
    used_ = true;
    Tensors wanted;
    std::vector<int> owner;
    for (size_t i = 0; i < sources.size(); ++i) {
      for (const Tensor& t : tensors_of(sources[i])) {
        wanted.push_back(t);
        owner.push_back(int(i));
      }
    }
    const Tensors grads =
        tape_->gradient(target, wanted, seed.is_none() ? nullptr : to_tensor(seed));
    std::vector<Tensor> total(sources.size());
    for (size_t k = 0; k < grads.size(); ++k) {
      if (!grads[k]) continue;
      Tensor& slot = total[owner[k]];
      slot = slot ? ops::add(slot, grads[k]) : grads[k];
    }
    if (!persistent_ && !active_) tape_->reset();
    py::list out;
    for (size_t i = 0; i < total.size(); ++i) {
      if (total[i])
        out.append(total[i]);
      else if (zero)
        out.append(full(spec_of(sources[i]).shape, 0, spec_of(sources[i]).dtype));
      else
        out.append(py::none());
    }
    return out;
  }
  void reset() { tape_->reset(); }
  void pause() { tape_->pause(); }
  void resume() { tape_->resume(); }

 private:
  Tensors tensors_of(py::handle source) const {
    if (py::isinstance<Variable>(source)) return tape_->watched(&source.cast<Variable&>());
    return {source.cast<Tensor>()};
  }
  static Spec spec_of(py::handle source) {
    if (py::isinstance<Variable>(source)) return source.cast<Variable&>().spec();
    return source.cast<Tensor>()->spec();
  }

  std::unique_ptr<Tape> tape_;
  bool persistent_, active_ = false, used_ = false;
};

void bind_tape(py::module_& m) {
  py::class_<PyTape>(m, "Tape")
      .def(py::init<bool, bool>(), py::arg("persistent") = false,
           py::arg("watch_accessed_variables") = true)
      .def("start", &PyTape::start)
      .def("stop", &PyTape::stop)
      .def("pause", &PyTape::pause)
      .def("resume", &PyTape::resume)
      .def("reset", &PyTape::reset)
      .def("__enter__",
           [](py::object self) {
             self.cast<PyTape&>().start();
             return self;
           })
      .def("__exit__", [](PyTape& self, py::args) { self.stop(); })
      .def("watch", &PyTape::watch, py::arg("x"))
      .def("gradient", &PyTape::gradient, py::arg("target"), py::arg("sources"),
           py::arg("output_gradient") = py::none(), py::arg("unconnected_zero") = false);
}

void bind_trace(py::module_& m) {
  py::class_<Trace>(m, "Trace")
      .def(py::init([](bool nested) {
             return std::make_unique<Trace>(nested ? Trace::kNested : Trace::kOutermost);
           }),
           py::arg("nested") = false)
      .def("__enter__",
           [](py::object self) {
             self.cast<Trace&>().start();
             return self;
           })
      .def("__exit__", [](Trace& self, py::args) { self.stop(); })
      .def(
          "input",
          [](Trace& self, py::handle shape, py::handle dtype) {
            return self.input({to_dtype(dtype), to_dims(shape)});
          },
          py::arg("shape"), py::arg("dtype"))
      .def(
          "finish",
          [](Trace& self, py::handle outputs) {
            Tensors out;
            for (py::handle o : py::iter(outputs)) out.push_back(to_tensor(o));
            return std::make_unique<Executable>(self.finish(out));
          },
          py::arg("outputs"))
      .def("finish_subgraph", &make_subgraph, py::arg("outputs"))
      .def(
          "finish_function",
          [](Trace& self, const Tensors& outputs) {
            return std::make_unique<CompiledFunction>(self, outputs);
          },
          py::arg("outputs"));
  m.def("in_trace", [] { return Trace::current() != nullptr; });
  // `with eager_scope():` work that belongs to set-up, not to the step that is being traced.
  struct PyEagerScope {
    std::unique_ptr<EagerScope> scope;
  };
  py::class_<PyEagerScope>(m, "EagerScope")
      .def(py::init<>())
      .def("__enter__",
           [](py::object self) {
             self.cast<PyEagerScope&>().scope = std::make_unique<EagerScope>();
             return self;
           })
      .def("__exit__", [](PyEagerScope& self, py::args) { self.scope.reset(); });
}

py::tuple run_batches(Executable& exe, const std::vector<py::array>& arrays, py::object order,
                      int64_t batch_size, int64_t begin_row, int64_t num_batches, double seconds,
                      py::object collect, py::object check_nan, py::object finite) {
  BatchRun run;
  for (const py::array& a : arrays) run.arrays.push_back(view_of(a));
  py::array_t<int64_t, py::array::c_style> rows;
  if (!order.is_none()) {
    rows = order.cast<py::array_t<int64_t, py::array::c_style>>();
    run.order = rows.data();
    run.order_size = rows.size();
  }
  run.batch_size = batch_size;
  run.begin_row = begin_row;
  run.num_batches = num_batches;
  run.seconds = seconds;
  if (!finite.is_none()) run.finite = &finite.cast<Variable&>();
  if (!check_nan.is_none()) run.check_nan = check_nan.cast<std::vector<std::string>>();
  std::vector<py::array> targets;
  if (!collect.is_none()) targets = collect.cast<std::vector<py::array>>();
  for (size_t i = 0; i < targets.size(); ++i) {
    const View v = view_of(targets[i]);
    const Spec out = exe.output_spec(int(i));
    if (!targets[i].writeable() || v.dtype != out.dtype || !v.contiguous())
      type_error("pynn.Executable.run_batches: expected writeable C-order arrays of dtype ",
                 dtype_name(out.dtype), " to collect in");
    if (v.shape.empty() || v.shape[0] < begin_row + num_batches * batch_size)
      value_error("pynn.Executable.run_batches: expected an array of ",
                  begin_row + num_batches * batch_size,
                  " rows to collect in; received shape=", v.shape);
    run.collect.push_back(v);
  }
  BatchResult result;
  {
    py::gil_scoped_release release;
    result = exe.run_batches(run);
  }
  return py::make_tuple(result.batches_done, result.outputs);
}

void bind_executable(py::module_& m) {
  py::class_<Executable>(m, "Executable")
      .def(
          "run",
          [](Executable& exe, py::handle inputs) {
            Tensors in;
            for (py::handle object : py::iter(inputs)) {
              // Arrays are read in place: they are not changed while Python waits here.
              if (py::isinstance<py::array>(object))
                in.push_back(from_numpy(py::reinterpret_borrow<py::array>(object)));
              else
                in.push_back(to_tensor(object));
            }
            py::gil_scoped_release release;
            return exe.run(in);
          },
          py::arg("inputs"))
      .def("run_batches", &run_batches, py::arg("arrays"), py::arg("order"), py::arg("batch_size"),
           py::arg("begin_row"), py::arg("num_batches"), py::arg("seconds") = 0.0,
           py::arg("collect") = py::none(), py::arg("check_nan") = py::none(),
           py::arg("finite") = py::none())
      .def("dump", [](const Executable& exe) { return exe.graph().dump(); })
      .def("dump_passes", &Executable::dump_passes)
      .def("dot", [](const Executable& exe) { return exe.graph().dot(); })
      .def_property_readonly("num_ops", &Executable::num_steps)
      .def_property_readonly("arena_bytes", &Executable::arena_bytes);
}

}  // namespace

void bind_graph(py::module_& m) {
  bind_variable(m);
  bind_tape(m);
  bind_executable(m);  // before Trace, whose finish() names it
  bind_trace(m);
}

}  // namespace pynn
