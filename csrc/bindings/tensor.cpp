// pynn._core.Tensor
#include <pybind11/stl.h>

#include "bindings/convert.h"
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

// a op b for an operator; NotImplemented where b is nothing a tensor can meet.
template <OpId op, bool reflected>
py::object operate(py::handle self, py::handle other) {
  std::pair<Tensor, Tensor> pair;
  try {
    pair = reflected ? to_tensors(other, self) : to_tensors(self, other);
  } catch (const TypeError&) {
    return py::reinterpret_borrow<py::object>(Py_NotImplemented);
  }
  if constexpr (op == OpId::matmul)
    return py::cast(ops::matmul(pair.first, pair.second));
  else
    return py::cast(ops::binary(op, pair.first, pair.second));
}

template <OpId op, class Class>
void def_operator(Class& c, const char* name, const char* reflected = nullptr) {
  c.def(name, &operate<op, false>, py::is_operator());
  if (reflected) c.def(reflected, &operate<op, true>, py::is_operator());
}

template <class Class>
void def_operators(Class& c) {
  def_operator<OpId::add>(c, "__add__", "__radd__");
  def_operator<OpId::subtract>(c, "__sub__", "__rsub__");
  def_operator<OpId::multiply>(c, "__mul__", "__rmul__");
  def_operator<OpId::divide>(c, "__truediv__", "__rtruediv__");
  def_operator<OpId::floor_divide>(c, "__floordiv__", "__rfloordiv__");
  def_operator<OpId::mod>(c, "__mod__", "__rmod__");
  def_operator<OpId::power>(c, "__pow__", "__rpow__");
  def_operator<OpId::matmul>(c, "__matmul__", "__rmatmul__");
  def_operator<OpId::equal>(c, "__eq__");
  def_operator<OpId::not_equal>(c, "__ne__");
  def_operator<OpId::less>(c, "__lt__");
  def_operator<OpId::less_equal>(c, "__le__");
  def_operator<OpId::greater>(c, "__gt__");
  def_operator<OpId::greater_equal>(c, "__ge__");
  def_operator<OpId::logical_and>(c, "__and__", "__rand__");
  def_operator<OpId::logical_or>(c, "__or__", "__ror__");
  def_operator<OpId::logical_xor>(c, "__xor__", "__rxor__");
  c.def("__neg__", [](const Tensor& x) { return ops::unary(OpId::negative, x); });
  c.def("__pos__", [](const Tensor& x) { return x; });
  c.def("__abs__", [](const Tensor& x) { return ops::unary(OpId::abs, x); });
  c.def("__invert__", [](const Tensor& x) { return ops::unary(OpId::logical_not, x); });
}

py::buffer_info buffer_of(TensorImpl& t) {
  if (t.is_traced()) throw TraceError("pynn.Tensor: a traced tensor has no memory");
  if (t.dtype() == DType::bfloat16)
    throw py::buffer_error("pynn.Tensor: the buffer protocol has no bfloat16; use numpy()");
  const py::ssize_t size = py::ssize_t(item_size(t.dtype()));
  static const char* const formats[kNumDTypes] = {"?", "B", "H", "I", "Q", "b", "h",
                                                  "i", "q", "e", "",  "f", "d"};
  std::vector<py::ssize_t> shape(t.shape().begin(), t.shape().end()), strides;
  for (int64_t s : t.view.strides) strides.push_back(s * size);
  return py::buffer_info(t.view.data, size, formats[int(t.dtype())], t.shape().size(), shape,
                         strides, true);
}

void def_exchange(py::class_<TensorImpl, Tensor>& c) {
  c.def_buffer(&buffer_of);
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
  c.attr("__array_priority__") = 1000;
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

}  // namespace

void bind_tensor(py::module_& m) {
  py::class_<TensorImpl, Tensor> c(
      m, "Tensor", py::buffer_protocol(), py::dynamic_attr(),
      "An immutable n-dimensional array; while a step is traced, a symbol for one.");
  c.def_property_readonly("shape", [](const TensorImpl& t) { return to_tuple(t.shape()); });
  c.def_property_readonly("dtype", [](const TensorImpl& t) { return dtype_name(t.dtype()); });
  c.def_property_readonly("ndim", &TensorImpl::rank);
  c.def_property_readonly("size", [](const TensorImpl& t) { return num_elements(t.shape()); });
  c.def_property_readonly("nbytes", [](const TensorImpl& t) {
    return num_elements(t.shape()) * int64_t(item_size(t.dtype()));
  });
  c.def_property_readonly("is_traced", &TensorImpl::is_traced);
  c.def_property_readonly("T", [](const Tensor& t) {
    Dims axes;
    for (int i = t->rank() - 1; i >= 0; --i) axes.push_back(i);
    return ops::transpose(t, axes);
  });
  def_operators(c);
  def_exchange(c);
  c.def("__hash__", [](const TensorImpl& t) { return std::hash<const TensorImpl*>()(&t); });
  c.def("__getitem__", &get_item);
  c.def("__len__", [](const TensorImpl& t) {
    if (t.rank() == 0) type_error("pynn.Tensor: a scalar has no length");
    return t.shape()[0];
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
  m.def(
      "tensor",
      [](py::handle object, py::object dtype) {
        return dtype.is_none() ? to_tensor(object)
                               : to_tensor(object, std::optional<DType>(to_dtype(dtype)));
      },
      py::arg("object"), py::arg("dtype") = py::none());
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
