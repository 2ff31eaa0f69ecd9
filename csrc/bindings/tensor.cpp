// pynn._core.Tensor
#include <pybind11/stl.h>

#include "bindings/convert.h"
#include "bindings/fast_function.h"
#include "bindings/modules.h"
#include "ops/functional.h"
#include "ops/index.h"

namespace pynn {

namespace {

ops::IndexItem to_index_item(py::handle object) {
  ops::IndexItem item{};
  if (object.is_none()) {
    item.kind = ops::IndexItem::kNewAxis;
  } else if (object.is(py::ellipsis())) {
    item.kind = ops::IndexItem::kEllipsis;
  } else if (py::isinstance<py::slice>(object)) {
    item.kind = ops::IndexItem::kSlice;
    auto bound = [&](const char* name, int64_t& value) {
      const py::object given = object.attr(name);
      if (given.is_none()) return false;
      value = to_dims(given)[0];
      return true;
    };
    item.has_start = bound("start", item.start);
    item.has_stop = bound("stop", item.stop);
    bound("step", item.step);
  } else if (PyLong_Check(object.ptr()) && !PyBool_Check(object.ptr())) {
    item.kind = ops::IndexItem::kInteger;
    item.integer = object.cast<int64_t>();
  } else {
    item.kind = ops::IndexItem::kTensor;
    item.tensor = to_tensor(object);
    if (!is_integer(item.tensor->dtype()))
      throw IndexError(concat("pynn.Tensor: expected an index of integers; received dtype ",
                              dtype_name(item.tensor->dtype())));
  }
  return item;
}

Tensor get_item(const Tensor& x, py::handle key) {
  std::vector<ops::IndexItem> items;
  if (py::isinstance<py::tuple>(key)) {
    for (py::handle item : key) items.push_back(to_index_item(item));
  } else {
    items.push_back(to_index_item(key));
  }
  return ops::index(x, items);
}

py::object scalar(py::handle self) {
  const Tensor t = self.cast<Tensor>();
  if (t->view.shape.size() && num_elements(t->shape()) != 1)
    value_error("pynn.Tensor: expected a tensor of one element; received shape=", t->shape());
  return to_numpy(t, self).attr("item")();
}

// What of the type is not hot, or not made of slots, pybind11 defines.
class TensorClass {
 public:
  explicit TensorClass(py::module_& m) : module_(m), type_(make_tensor_type()) {
    m.attr("Tensor") = type_;
  }

  py::object& type() { return type_; }

  template <class F, class... Extra>
  void def(const char* name, F&& f, const Extra&... extra) {
    py::cpp_function method(std::forward<F>(f), py::name(name), py::is_method(type_), extra...);
    type_.attr(name) = method;
  }
  template <class F>
  void def_property(const char* name, const char* returns, F f) {
    const std::string text = concat("(self: pynn._core.Tensor) -> ", returns);
    const auto property = py::handle(reinterpret_cast<PyObject*>(&PyProperty_Type));
    type_.attr(name) = property(make_fast(module_, name, text.c_str(), f));
  }

 private:
  py::module_& module_;
  py::object type_;
};

// The tensor whose property is asked for.
const Tensor& receiver(PyObject* const* args) {
  if (!is_tensor(args[0])) type_error("pynn.Tensor: expected a tensor");
  return tensor_of(args[0]);
}

void def_exchange(TensorClass& c) {
  c.def(
      "numpy", [](py::handle self) { return to_numpy(self.cast<Tensor>(), self); },
      "A read-only NumPy array that shares the memory of the tensor.");
  c.def(
      "__array__",
      [](py::handle self, py::object dtype, py::object copy) -> py::object {
        py::object array = to_numpy(self.cast<Tensor>(), self);
        if (!dtype.is_none() && !py::dtype::from_args(dtype).equal(array.attr("dtype")))
          array = array.attr("astype")(dtype);
        else if (!copy.is_none() && copy.cast<bool>())
          array = array.attr("copy")();
        return array;
      },
      py::arg("dtype") = py::none(), py::arg("copy") = py::none());
  c.type().attr("__array_priority__") = 1000;
  c.def(
      "__dlpack__",
      [](py::handle self, py::object, py::object max_version, py::object, py::object copy) {
        if (!copy.is_none() && copy.cast<bool>()) {
          const Tensor t = apply1(OpId::copy, {self.cast<Tensor>()});
          return to_dlpack(py::cast(t), !max_version.is_none());
        }
        return to_dlpack(self, !max_version.is_none());
      },
      py::kw_only(), py::arg("stream") = py::none(), py::arg("max_version") = py::none(),
      py::arg("dl_device") = py::none(), py::arg("copy") = py::none());
  c.def("__dlpack_device__", [](const Tensor&) { return py::make_tuple(1, 0); });
}

template <class T>
py::object to_python_int(T value) {
  return py::reinterpret_steal<py::object>(PyLong_FromLongLong(value));
}

// The name of a dtype: one string for each, so that comparing and hashing names is quick.
py::object interned_name(DType dtype) {
  static PyObject* names[kNumDTypes] = {};
  PyObject*& name = names[int(dtype)];
  if (!name) name = PyUnicode_InternFromString(dtype_name(dtype));
  return py::reinterpret_borrow<py::object>(name);
}

void def_properties(TensorClass& c) {
  c.def_property("shape", "tuple",
                 [](auto args) -> py::object { return to_tuple(receiver(args)->shape()); });
  c.def_property("dtype", "str", [](auto args) { return interned_name(receiver(args)->dtype()); });
  c.def_property("ndim", "int", [](auto args) { return to_python_int(receiver(args)->rank()); });
  c.def_property("size", "int", [](auto args) { return to_python_int(size_of(receiver(args))); });
  c.def_property("nbytes", "int",
                 [](auto args) { return to_python_int(receiver(args)->view.bytes()); });
  c.def_property("is_traced", "bool",
                 [](auto args) -> py::object { return py::bool_(receiver(args)->is_traced()); });
  c.def_property("T", "pynn._core.Tensor", [](auto args) {
    const Tensor& t = receiver(args);
    Dims axes;
    for (int i = t->rank() - 1; i >= 0; --i) axes.push_back(i);
    return ops::transpose(t, axes);
  });
}

}  // namespace

void bind_tensor(py::module_& m) {
  TensorClass c(m);
  def_properties(c);
  def_exchange(c);
  c.def("__getitem__", &get_item);
  c.def("__len__", [](const Tensor& t) {
    if (t->rank() == 0) type_error("pynn.Tensor: a scalar has no length");
    return t->shape()[0];
  });
  c.def("__iter__", [](const Tensor& t) {
    if (t->rank() == 0) type_error("pynn.Tensor: a scalar is not iterable");
    py::list rows;
    ops::IndexItem item{};
    for (item.integer = 0; item.integer < t->shape()[0]; ++item.integer)
      rows.append(ops::index(t, {item}));
    return py::iter(rows);
  });
  c.def("item", &scalar);
  c.def("__float__", [](py::handle self) { return py::float_(scalar(self)); });
  c.def("__int__", [](py::handle self) { return py::int_(scalar(self)); });
  c.def("__index__", [](py::handle self) {
    if (!is_integer(self.cast<Tensor>()->dtype()))
      type_error("pynn.Tensor: expected an integer tensor as an index; received dtype ",
                 dtype_name(self.cast<Tensor>()->dtype()));
    return py::int_(scalar(self));
  });
  c.def("__bool__", [](py::handle self) { return scalar(self).cast<bool>(); });
  c.def("__repr__", [](py::handle self) {
    const Tensor t = self.cast<Tensor>();
    const std::string tail = concat("shape=", t->shape(), ", dtype=", dtype_name(t->dtype()), ")");
    if (t->is_traced()) return "Tensor(traced, " + tail;
    const py::object text = py::module_::import("numpy").attr("array2string")(
        to_numpy(t, self), py::arg("separator") = ", ");
    return concat("Tensor(", text.cast<std::string>(), ", ", tail);
  });
  c.def(
      "astype", [](const Tensor& t, py::handle dtype) { return ops::cast(t, to_dtype(dtype)); },
      py::arg("dtype"));
  c.def("reshape", [](const Tensor& t, py::args shape) {
    return ops::reshape(t, shape.size() == 1 ? to_dims(shape[0]) : to_dims(shape));
  });
  def_fast(m, "tensor", "(object: object, dtype: object = None) -> pynn._core.Tensor",
           [](auto args) {
             return !args[1] || args[1] == Py_None
                        ? to_tensor(args[0])
                        : to_tensor(args[0], std::optional<DType>(to_dtype(args[1])));
           });
  m.def("from_numpy", &from_numpy, py::arg("array"));
  m.def("from_dlpack", &from_dlpack, py::arg("object"));
  m.def(
      "full",
      [](py::handle shape, double value, py::handle dtype) {
        return full(to_dims(shape), value, to_dtype(dtype));
      },
      py::arg("shape"), py::arg("value"), py::arg("dtype"));
  m.def("set_default_float",
        [](const std::string& dtype) { set_default_float(parse_dtype(dtype)); });
}

}  // namespace pynn
