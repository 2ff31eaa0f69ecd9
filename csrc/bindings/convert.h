// Python objects to tensors and back.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>

#include "bindings/tensor_object.h"
#include "graph/variable.h"

namespace pynn {

namespace py = pybind11;

// Tensor, Variable, array, number or (nested) list of them. Python numbers are weak: beside
// `beside` they take its dtype where that can hold them. With `dtype` the result is cast.
Tensor to_tensor(py::handle object, const TensorImpl* beside = nullptr);
Tensor to_tensor(py::handle object, std::optional<DType> dtype);
// Both operands of a binary op, each weak beside the other.
std::pair<Tensor, Tensor> to_tensors(py::handle x, py::handle y);

// Shares the memory of the array, which is kept alive.
Tensor from_numpy(const py::array& array);
View view_of(const py::array& array);  // its memory; TypeError for a dtype without a counterpart
py::array to_numpy(const Tensor& t, py::handle owner);
py::dtype numpy_dtype(DType dtype);

Dims to_dims(py::handle object);  // an int or a sequence of ints
Dims to_axes(py::handle object);  // an int, or a list or tuple of them
// Python's own error where it is no integer, or none of 64 bits.
int64_t to_size(py::handle object);
py::tuple to_tuple(const Dims& dims);
// A dtype name, NumPy dtype or type.
DType to_dtype(py::handle object);

// While set for a thread, variables whose `_autocast` is true and that hold floats are read in this
// dtype: the calls of mixed-precision layers. Returns what was set before.
std::optional<DType> set_autocast(std::optional<DType> dtype);

// The dtype of Python floats: keras.config.floatx().
DType default_float();
void set_default_float(DType dtype);

}  // namespace pynn
