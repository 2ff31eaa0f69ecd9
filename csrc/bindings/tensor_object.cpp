#include "bindings/tensor_object.h"

#include <structmember.h>

#include <cstddef>
#include <new>
#include <utility>
#include <vector>

#include "bindings/buffer.h"

namespace pynn {

PyTypeObject* tensor_type = nullptr;

namespace {

TensorObject* as_tensor(PyObject* self) { return reinterpret_cast<TensorObject*>(self); }

// Only attributes can lead back to a tensor: without them the garbage collector need not know it.
void track(PyObject* self) {
  if (as_tensor(self)->attributes && !PyObject_GC_IsTracked(self)) PyObject_GC_Track(self);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_tensor(self)->attributes);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(as_tensor(self)->attributes);
  return 0;
}

void dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  TensorObject* const object = as_tensor(self);
  PyObject_GC_UnTrack(self);
  object->tensor->object =
      nullptr;  // first: what follows can run Python code that meets the tensor
  if (object->weak_references) PyObject_ClearWeakRefs(self);
  clear(self);
  object->tensor.~Tensor();
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

int set_attribute(PyObject* self, PyObject* name, PyObject* value) {
  const int status = PyObject_GenericSetAttr(self, name, value);
  track(self);
  return status;
}

PyObject* get_attributes(PyObject* self, void* context) {
  PyObject* const attributes = PyObject_GenericGetDict(self, context);
  track(self);
  return attributes;
}

int set_attributes(PyObject* self, PyObject* value, void* context) {
  const int status = PyObject_GenericSetDict(self, value, context);
  track(self);
  return status;
}

Py_hash_t hash(PyObject* self) {
  // Objects are aligned: the low bits say nothing.
  return Py_hash_t(reinterpret_cast<uintptr_t>(as_tensor(self)->tensor.get()) >> 4);
}

PyObject* refuse_construction(PyTypeObject*, PyObject*, PyObject*) {
  PyErr_SetString(PyExc_TypeError, "pynn._core.Tensor: No constructor defined!");
  return nullptr;
}

PyGetSetDef attributes_getset[] = {
    {"__dict__", get_attributes, set_attributes, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef offsets[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(TensorObject, attributes), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

constexpr char kDoc[] =
    "An immutable n-dimensional array; while a step is traced, a symbol for one.";

template <class F>
PyType_Slot slot(int id, F* f) {
  return {id, reinterpret_cast<void*>(f)};
}

}  // namespace

py::object make_tensor_type() {
  std::vector<PyType_Slot> slots = {
      slot(Py_tp_dealloc, dealloc),
      slot(Py_tp_traverse, traverse),
      slot(Py_tp_clear, clear),
      slot(Py_tp_setattro, set_attribute),
      slot(Py_tp_hash, hash),
      slot(Py_tp_new, refuse_construction),
      slot(Py_bf_getbuffer, get_buffer),
      slot(Py_bf_releasebuffer, release_buffer),
      {Py_tp_getset, attributes_getset},
      {Py_tp_members, offsets},
      {Py_tp_doc, const_cast<char*>(kDoc)},
  };
  for (const PyType_Slot* s = tensor_operators; s->slot; ++s) slots.push_back(*s);
  slots.push_back({0, nullptr});
  PyType_Spec spec = {"pynn._core.Tensor", sizeof(TensorObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots.data()};
  const auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  tensor_type = reinterpret_cast<PyTypeObject*>(type.ptr());
  Py_INCREF(tensor_type);  // for the pointer above
  return type;
}

PyObject* wrap(Tensor tensor) {
  if (!tensor) Py_RETURN_NONE;
  if (tensor->object) {
    PyObject* const known = static_cast<PyObject*>(tensor->object);
    Py_INCREF(known);
    return known;
  }
  TensorObject* const object = PyObject_GC_New(TensorObject, tensor_type);
  if (!object) throw py::error_already_set();
  tensor->object = object;
  ::new (&object->tensor) Tensor(std::move(tensor));
  object->attributes = object->weak_references = nullptr;
  return reinterpret_cast<PyObject*>(object);
}

}  // namespace pynn
