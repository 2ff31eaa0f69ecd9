// pynn._core.Tensor as CPython sees it. A type of its own rather than a class of pybind11: making,
// finding and freeing the Python object was half the time of a small op.
#pragma once

#include <pybind11/pybind11.h>

#include "core/tensor.h"

namespace pynn {

namespace py = pybind11;

struct TensorObject {
  PyObject_HEAD Tensor tensor;
  PyObject* attributes;  // __dict__; null until there is one
  PyObject* weak_references;
};

// Null until make_tensor_type(). Has no subclasses, so that comparing pointers is enough.
extern PyTypeObject* tensor_type;
py::object make_tensor_type();

inline bool is_tensor(py::handle object) { return Py_TYPE(object.ptr()) == tensor_type; }
// The tensor that an object with is_tensor() holds.
inline const Tensor& tensor_of(py::handle object) {
  return reinterpret_cast<TensorObject*>(object.ptr())->tensor;
}
// A new reference to the object of a tensor: always the same one while it lives. None for null.
// Needs the GIL.
PyObject* wrap(Tensor tensor);

// The operators of a tensor (bindings/operators.cpp), ended by {0, nullptr}.
extern PyType_Slot tensor_operators[];

}  // namespace pynn

namespace PYBIND11_NAMESPACE {
namespace detail {

// Tensors as arguments and results of functions that pybind11 dispatches.
template <>
struct type_caster<pynn::Tensor> {
  PYBIND11_TYPE_CASTER(pynn::Tensor, const_name("pynn._core.Tensor"));

  bool load(handle source, bool) {
    if (!pynn::is_tensor(source)) return false;
    value = pynn::tensor_of(source);
    return true;
  }
  static handle cast(pynn::Tensor tensor, return_value_policy, handle) {
    return pynn::wrap(std::move(tensor));
  }
};

}  // namespace detail
}  // namespace PYBIND11_NAMESPACE
