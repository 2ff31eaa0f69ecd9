#include "bindings/fast_function.h"

#include <algorithm>
#include <string_view>

#include "bindings/convert.h"

namespace pynn {

Signature::Signature(const char* name, const char* text)
    : name_(name), text_(text), docstring_(std::string(name) + text + "\n") {
  // "(a: t, b: t = v) -> r": types hold no commas.
  std::string_view rest = std::string_view(text).substr(1, std::string_view(text).find(')') - 1);
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(", "), rest.size());
    const std::string_view parameter = rest.substr(0, comma);
    const std::string parameter_name(parameter.substr(0, parameter.find(':')));
    parameters_[size_] = PyUnicode_InternFromString(parameter_name.c_str());
    if (!parameters_[size_]) throw py::error_already_set();
    ++size_;
    if (parameter.find(" = ") == std::string_view::npos) required_ = size_;
    rest.remove_prefix(std::min(comma + 2, rest.size()));
  }
}

int Signature::index_of(PyObject* name) const {
  for (int i = 0; i < size_; ++i)
    if (parameters_[i] == name) return i;  // names in source code are interned
  for (int i = 0; i < size_; ++i)
    if (PyUnicode_Compare(parameters_[i], name) == 0) return i;
  return -1;
}

PyObject* const* Signature::arranged(PyObject* const* args, Py_ssize_t count, PyObject* names,
                                     PyObject** space) const {
  if (count > size_) refuse(count, names);
  std::fill(std::copy(args, args + count, space), space + size_, nullptr);
  const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  for (Py_ssize_t k = 0; k < named; ++k) {
    const int i = index_of(PyTuple_GET_ITEM(names, k));
    if (i < 0 || space[i]) refuse(count, names);
    space[i] = args[count + k];
  }
  if (std::find(space, space + required_, nullptr) != space + required_) refuse(count, names);
  return space;
}

void Signature::refuse(Py_ssize_t count, PyObject* names) const {
  std::string received = concat(count, " by position");
  if (names) received += ", " + py::str(py::handle(names)).cast<std::string>() + " by name";
  type_error("pynn.", name_, ": expected arguments ", text_.substr(0, text_.find(" -> ")),
             "; received ", received);
}

bool to_bool(PyObject* object, bool otherwise) {
  if (!object) return otherwise;
  if (object == Py_True || object == Py_False) return object == Py_True;
  py::detail::make_caster<bool> caster;
  if (!caster.load(object, true))
    type_error("pynn: expected a bool; received ",
               py::str(py::type::of(object)).cast<std::string>());
  return caster;
}

int64_t to_int(PyObject* object, int64_t otherwise) { return object ? to_size(object) : otherwise; }

double to_double(PyObject* object) {
  const double value = PyFloat_AsDouble(object);
  if (value == -1.0 && PyErr_Occurred()) throw py::error_already_set();
  return value;
}

}  // namespace pynn
