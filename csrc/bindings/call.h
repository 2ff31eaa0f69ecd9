// Shared by everything that runs ops for Python: errors, and letting other threads run.
#pragma once

#include "bindings/tensor_object.h"

namespace pynn {

// In a catch block: what was thrown becomes the Python error that pybind11 would make of it.
inline void set_python_error() {
  try {
    throw;
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (...) {
    py::detail::try_translate_exceptions();
  }
}

// Work on this many elements is worth letting other Python threads run meanwhile.
inline constexpr int64_t kReleaseElements = 1 << 16;

template <class F>
auto run(int64_t elements, const F& f) {
  if (elements < kReleaseElements) return f();
  py::gil_scoped_release release;
  return f();
}

inline int64_t size_of(const Tensor& t) { return num_elements(t->shape()); }

}  // namespace pynn
