// pynn._core.Op: a public op as Python calls it, in front of the Python function that defines it.
// Made by pynn/ops/symbolic.py, which says what it does; here because a wrapper in Python costs as
// much as a small op. Modelled on functools.lru_cache: a callable that carries the attributes of
// what it wraps, binds as a method does, and is copied and pickled by name.
#include <Python.h>
#include <structmember.h>

#include <cstddef>

#include "bindings/modules.h"
#include "bindings/tensor_object.h"

namespace pynn {

namespace {

struct OpObject {
  PyObject_HEAD PyObject* function;  // the op in Python
  PyTypeObject* symbol;              // type of the tensors of the functional API
  PyObject* record;       // record(function, args, kwargs): the call of an op on such tensors
  PyObject* engine;       // the engine's own function, or null
  Py_ssize_t parameters;  // of the op; the engine's function may have more
  PyObject* attributes;   // __dict__
  PyObject* weak_references;
  vectorcallfunc call;
};

OpObject* as_op(PyObject* self) { return reinterpret_cast<OpObject*>(self); }

int holds_symbol(PyTypeObject* symbol, PyObject* object);

int any_holds_symbol(PyTypeObject* symbol, PyObject* const* objects, Py_ssize_t count) {
  for (Py_ssize_t i = 0; i < count; ++i)
    if (const int found = holds_symbol(symbol, objects[i])) return found;
  return 0;
}

// The items cannot change meanwhile: no Python code runs here.
int items_hold_symbol(PyTypeObject* symbol, PyObject* container) {
  if (PyList_Check(container) || PyTuple_Check(container))
    return any_holds_symbol(symbol, PySequence_Fast_ITEMS(container),
                            PySequence_Fast_GET_SIZE(container));
  Py_ssize_t position = 0;
  PyObject* value;
  while (PyDict_Next(container, &position, nullptr, &value))
    if (const int found = holds_symbol(symbol, value)) return found;
  return 0;
}

// Whether the object is a symbolic tensor or holds one in lists, tuples and dicts at any depth; -1
// and a Python error where they are nested without end.
int holds_symbol(PyTypeObject* symbol, PyObject* object) {
  if (is_tensor(object)) return 0;
  if (PyObject_TypeCheck(object, symbol)) return 1;
  if (!PyList_Check(object) && !PyTuple_Check(object) && !PyDict_Check(object)) return 0;
  if (Py_EnterRecursiveCall(" while looking for symbolic tensors")) return -1;
  const int found = items_hold_symbol(symbol, object);
  Py_LeaveRecursiveCall();
  return found;
}

PyObject* record_call(const OpObject* op, PyObject* const* args, Py_ssize_t count,
                      PyObject* names) {
  const auto positional = py::reinterpret_steal<py::object>(PyTuple_New(count));
  const auto named = py::reinterpret_steal<py::object>(PyDict_New());
  if (!positional || !named) return nullptr;
  for (Py_ssize_t i = 0; i < count; ++i) {
    Py_INCREF(args[i]);
    PyTuple_SET_ITEM(positional.ptr(), i, args[i]);
  }
  for (Py_ssize_t k = 0; names && k < PyTuple_GET_SIZE(names); ++k)
    if (PyDict_SetItem(named.ptr(), PyTuple_GET_ITEM(names, k), args[count + k])) return nullptr;
  return PyObject_CallFunctionObjArgs(op->record, op->function, positional.ptr(), named.ptr(),
                                      nullptr);
}

PyObject* call(PyObject* self, PyObject* const* args, size_t flagged_count, PyObject* names) {
  const OpObject* const op = as_op(self);
  const Py_ssize_t count = PyVectorcall_NARGS(flagged_count);
  const Py_ssize_t all = count + (names ? PyTuple_GET_SIZE(names) : 0);
  if (const int found = any_holds_symbol(op->symbol, args, all))
    return found < 0 ? nullptr : record_call(op, args, count, names);
  const bool direct = op->engine && count > 0 && all <= op->parameters && is_tensor(args[0]) &&
                      is_float(tensor_of(args[0])->dtype());
  return PyObject_Vectorcall(direct ? op->engine : op->function, args, flagged_count, names);
}

// How many parameters a Python function has; -1 and a Python error where it is none.
Py_ssize_t parameters_of(PyObject* function) {
  if (PyFunction_Check(function)) {
    const auto code = py::handle(PyFunction_GET_CODE(function));
    return code.attr("co_argcount").cast<Py_ssize_t>();
  }
  PyErr_SetString(PyExc_TypeError, "pynn.Op: expected a Python function");
  return -1;
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"function", "symbol", "record", "engine", nullptr};
  PyObject *function, *symbol, *record, *engine = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!O|O:Op", const_cast<char**>(names), &function,
                                   &PyType_Type, &symbol, &record, &engine))
    return nullptr;
  const Py_ssize_t parameters = engine == Py_None ? 0 : parameters_of(function);
  if (parameters < 0) return nullptr;
  OpObject* const op = as_op(type->tp_alloc(type, 0));
  if (!op) return nullptr;
  Py_INCREF(function);
  Py_INCREF(symbol);
  Py_INCREF(record);
  op->function = function;
  op->symbol = reinterpret_cast<PyTypeObject*>(symbol);
  op->record = record;
  if (engine != Py_None) {
    Py_INCREF(engine);
    op->engine = engine;
  }
  op->parameters = parameters;
  op->call = call;
  return reinterpret_cast<PyObject*>(op);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_op(self)->function);
  Py_VISIT(as_op(self)->symbol);
  Py_VISIT(as_op(self)->record);
  Py_VISIT(as_op(self)->engine);
  Py_VISIT(as_op(self)->attributes);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(as_op(self)->function);
  Py_CLEAR(as_op(self)->symbol);
  Py_CLEAR(as_op(self)->record);
  Py_CLEAR(as_op(self)->engine);
  Py_CLEAR(as_op(self)->attributes);
  return 0;
}

void dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  if (as_op(self)->weak_references) PyObject_ClearWeakRefs(self);
  clear(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* repr(PyObject* self) { return PyObject_Repr(as_op(self)->function); }

PyObject* bind(PyObject* self, PyObject* instance, PyObject*) {
  if (instance && instance != Py_None) return PyMethod_New(self, instance);
  Py_INCREF(self);
  return self;
}

PyObject* reduce(PyObject* self, PyObject*) {
  return PyObject_GetAttrString(as_op(self)->function, "__qualname__");
}

PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, "__reduce__(self) -> str\n"},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"engine", T_OBJECT, offsetof(OpObject, engine), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(OpObject, attributes), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(OpObject, weak_references), READONLY, nullptr},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(OpObject, call), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

constexpr char kDoc[] =
    "A public op. Calls of `function` with a `symbol` among the arguments are recorded; those\n"
    "whose first argument is a float tensor go to `engine`, where there is one.";

template <class F>
PyType_Slot slot(int id, F* f) {
  return {id, reinterpret_cast<void*>(f)};
}

}  // namespace

void bind_op(py::module_& m) {
  PyType_Slot slots[] = {
      slot(Py_tp_new, make),
      slot(Py_tp_dealloc, dealloc),
      slot(Py_tp_traverse, traverse),
      slot(Py_tp_clear, clear),
      slot(Py_tp_call, PyVectorcall_Call),
      slot(Py_tp_repr, repr),
      slot(Py_tp_descr_get, bind),
      {Py_tp_methods, methods},
      {Py_tp_getset, attributes},
      {Py_tp_members, members},
      {Py_tp_doc, const_cast<char*>(kDoc)},
      {0, nullptr},
  };
  PyType_Spec spec = {"pynn._core.Op", sizeof(OpObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots};
  const auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  m.attr("Op") = type;
}

}  // namespace pynn
