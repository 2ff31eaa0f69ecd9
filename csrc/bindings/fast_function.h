// Functions and properties that Python calls without pybind11's dispatcher, which costs as much as
// a small op: the hot ops, and what Python asks every tensor for.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "bindings/call.h"

namespace pynn {

inline constexpr int kMaxParameters = 6;

// The parameters of a function, read from the signature in its docstring: one text for people, for
// the stub generator and for the calls.
class Signature {
 public:
  // "(x: object, axis: object = None) -> pynn._core.Tensor". A default only says that the argument
  // may be left out; the function knows its value.
  Signature(const char* name, const char* text);

  const char* name() const { return name_; }
  const char* docstring() const { return docstring_.c_str(); }

  // The arguments of a call in the order of the parameters, null where none was given: `args`
  // itself, or `space` filled. TypeError where they do not fit.
  PyObject* const* arrange(PyObject* const* args, Py_ssize_t count, PyObject* names,
                           PyObject** space) const {
    return !names && count == size_ ? args : arranged(args, count, names, space);
  }

 private:
  PyObject* const* arranged(PyObject* const* args, Py_ssize_t count, PyObject* names,
                            PyObject** space) const;
  int index_of(PyObject* name) const;
  [[noreturn]] void refuse(Py_ssize_t count, PyObject* names) const;

  const char* name_;
  std::string text_, docstring_;
  PyObject* parameters_[kMaxParameters];  // interned names
  int size_ = 0, required_ = 0;
};

inline PyObject* to_python(Tensor&& t) { return wrap(std::move(t)); }
inline PyObject* to_python(py::object&& o) { return o.release().ptr(); }

// Arguments that are not tensors, with their defaults; null: not given.
bool to_bool(PyObject* object, bool otherwise);
int64_t to_int(PyObject* object, int64_t otherwise);
double to_double(PyObject* object);

// The C entry of a function F(PyObject* const* args), one per type F: each lambda has its own.
template <class F>
struct FastEntry {
  static inline std::optional<F> function;
  static inline const Signature* signature = nullptr;
  static inline PyMethodDef def{};

  static PyObject* call(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    try {
      PyObject* space[kMaxParameters];
      return to_python((*function)(signature->arrange(args, count, names, space)));
    } catch (...) {
      set_python_error();
      return nullptr;
    }
  }
};

// The function as a Python object of `owner`, a module. Never freed, as its code is not.
template <class F>
py::object make_fast(py::handle owner, const char* name, const char* text, F f) {
  using Entry = FastEntry<F>;
  Entry::function.emplace(std::move(f));
  Entry::signature = new Signature(name, text);
  Entry::def = {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&Entry::call)),
                METH_FASTCALL | METH_KEYWORDS, Entry::signature->docstring()};
  return py::reinterpret_steal<py::object>(
      PyCFunction_NewEx(&Entry::def, owner.ptr(), owner.attr("__name__").ptr()));
}

template <class F>
void def_fast(py::module_& m, const char* name, const char* text, F f) {
  m.attr(name) = make_fast(m, name, text, std::move(f));
}

}  // namespace pynn
