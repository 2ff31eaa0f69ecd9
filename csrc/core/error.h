// Errors of the engine. Message: who, what was expected, what came ("pynn.matmul: expected ...;
// received ...").
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace pynn {

// Bad argument: Python's ValueError.
struct ValueError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
// Wrong kind of argument: Python's TypeError.
struct TypeError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
// Index outside of an axis: Python's IndexError, which also ends an iteration.
struct IndexError : std::out_of_range {
  using std::out_of_range::out_of_range;
};
// The value of a tensor was asked for while a step is being traced: pynn.TraceError.
struct TraceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream s;
  (s << ... << parts);
  return s.str();
}

template <class... Parts>
[[noreturn]] void value_error(const Parts&... parts) {
  throw ValueError(concat(parts...));
}

template <class... Parts>
[[noreturn]] void type_error(const Parts&... parts) {
  throw TypeError(concat(parts...));
}

}  // namespace pynn
