#include "bindings/convert.h"

#include <algorithm>
#include <utility>

#include "graph/trace.h"
#include "ops/functional.h"

namespace pynn {

namespace {

DType float_default = DType::float32;
thread_local std::optional<DType> autocast;

std::optional<DType> try_dtype(const py::dtype& dtype) {
  if (!dtype.attr("isnative").cast<bool>()) return std::nullopt;
  const char kind = dtype.kind();
  const int size = int(dtype.itemsize());
  switch (kind) {
    case 'b':
      return DType::bool_;
    case 'f':
      if (size == 8) return DType::float64;
      if (size == 4) return DType::float32;
      if (size == 2) return DType::float16;
      return std::nullopt;
    case 'i':
    case 'u': {
      const DType base = kind == 'i' ? DType::int8 : DType::uint8;
      if (size > 8) return std::nullopt;
      return DType(int(base) + __builtin_ctz(unsigned(size)));
    }
    default:
      if (size == 2 && dtype.attr("name").cast<std::string>() == "bfloat16") return DType::bfloat16;
      return std::nullopt;
  }
}

// An array that a View can describe: known native dtype, strides in whole elements.
py::array standard_array(py::array array) {
  const auto dtype = try_dtype(array.dtype());
  if (!dtype) {
    const bool swapped = !array.dtype().attr("isnative").cast<bool>();
    if (!swapped)
      type_error("pynn: expected an array of numbers or bools; received dtype=",
                 py::str(array.dtype()).cast<std::string>());
    return standard_array(array.attr("astype")(array.dtype().attr("newbyteorder")("=")));
  }
  const py::ssize_t size = array.itemsize();
  bool whole = true;
  for (py::ssize_t i = 0; i < array.ndim(); ++i) whole = whole && array.strides(i) % size == 0;
  const bool aligned = reinterpret_cast<uintptr_t>(array.data()) % size_t(size) == 0;
  return whole && aligned ? array : py::array(array.attr("copy")());
}

void release_array(void*, size_t, void* context) {
  py::gil_scoped_acquire gil;
  py::reinterpret_steal<py::object>(static_cast<PyObject*>(context));
}

Tensor copy_of(const py::array& given) {
  const py::array array = standard_array(given);
  const View view = view_of(array);
  Tensor t = empty({view.dtype, view.shape});
  copy_view(view, t->view);
  return t;
}

bool holds_tensor(py::handle object) {
  if (is_tensor(object) || py::isinstance<Variable>(object)) return true;
  if (!py::isinstance<py::list>(object) && !py::isinstance<py::tuple>(object)) return false;
  for (py::handle item : object)
    if (holds_tensor(item)) return true;
  return false;
}

bool fits_int32(int64_t v) { return v == int64_t(int32_t(v)); }

bool all_fit_int32(const Tensor& t) {
  const auto* values = static_cast<const int64_t*>(t->view.data);
  return std::all_of(values, values + num_elements(t->shape()), fits_int32);
}

Tensor from_sequence(py::handle object) {
  if (holds_tensor(object)) {
    Tensors rows;
    for (py::handle item : object) rows.push_back(to_tensor(item));
    DType dtype = rows[0]->dtype();
    for (const Tensor& row : rows) dtype = promote(dtype, row->dtype());
    for (Tensor& row : rows) row = ops::cast(row, dtype);
    return ops::stack(rows, 0);
  }
  py::array array;
  try {
    array = py::module_::import("numpy").attr("asarray")(object);
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_ValueError)) throw;
    value_error("pynn: expected a list whose rows have equal lengths; received one that is ragged");
  }
  const Tensor t = copy_of(array);
  // Python numbers have no width of their own.
  if (t->dtype() == DType::float64) return ops::cast(t, float_default);
  if (t->dtype() == DType::int64 && all_fit_int32(t)) return ops::cast(t, DType::int32);
  return t;
}

Tensor integer_scalar(py::handle object, std::optional<DType> dtype) {
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
  if (overflow) {
    if (dtype && is_float(*dtype)) return full({}, PyLong_AsDouble(object.ptr()), *dtype);
    const unsigned long long big = PyLong_AsUnsignedLongLong(object.ptr());
    if (PyErr_Occurred()) throw py::error_already_set();
    Tensor t = empty({DType::uint64, {}});
    *static_cast<uint64_t*>(t->view.data) = big;
    return dtype ? ops::cast(t, *dtype) : t;
  }
  const DType wanted = dtype.value_or(fits_int32(value) ? DType::int32 : DType::int64);
  if (is_float(wanted)) return full({}, double(value), wanted);
  Tensor t = empty({DType::int64, {}});
  *static_cast<int64_t*>(t->view.data) = value;
  return ops::cast(t, wanted);
}

std::optional<Tensor> from_number(py::handle object, const TensorImpl* beside) {
  PyObject* p = object.ptr();
  if (PyBool_Check(p)) return full({}, p == Py_True, beside ? beside->dtype() : DType::bool_);
  if (PyLong_Check(p)) {
    std::optional<DType> dtype;
    if (beside && beside->dtype() != DType::bool_) dtype = beside->dtype();
    return integer_scalar(object, dtype);
  }
  if (PyFloat_Check(p)) {
    const DType dtype = beside && is_float(beside->dtype()) ? beside->dtype() : float_default;
    return full({}, PyFloat_AS_DOUBLE(p), dtype);
  }
  return std::nullopt;
}

// The value of a variable, in the dtype of the mixed-precision layer that reads it.
Tensor read(py::handle object) {
  Tensor value = object.cast<Variable&>().value();
  if (!autocast || !is_float(value->dtype()) ||
      !py::getattr(object, "_autocast", py::bool_(false)).cast<bool>())
    return value;
  return ops::cast(value, *autocast);
}

bool is_number(py::handle object) {
  PyObject* p = object.ptr();
  return PyBool_Check(p) || PyLong_Check(p) || PyFloat_Check(p);
}

}  // namespace

std::optional<DType> set_autocast(std::optional<DType> dtype) {
  return std::exchange(autocast, dtype);
}

DType default_float() { return float_default; }
void set_default_float(DType dtype) { float_default = dtype; }

Tensor to_tensor(py::handle object, const TensorImpl* beside) {
  if (is_tensor(object)) return tensor_of(object);
  if (py::isinstance<Variable>(object)) return read(object);
  if (auto number = from_number(object, beside)) return *number;
  if (py::isinstance<py::array>(object)) return copy_of(py::reinterpret_borrow<py::array>(object));
  if (py::isinstance<py::list>(object) || py::isinstance<py::tuple>(object))
    return from_sequence(object);
  if (py::hasattr(object, "__array__") || PyObject_CheckBuffer(object.ptr()))
    return copy_of(py::module_::import("numpy").attr("asarray")(object));
  type_error("pynn: expected a tensor, array, number or list of numbers; received ",
             py::str(py::type::of(object).attr("__name__")).cast<std::string>());
}

Tensor to_tensor(py::handle object, std::optional<DType> dtype) {
  if (!dtype) return to_tensor(object);
  // A number is made in the dtype itself, so that it is rounded once.
  TensorImpl like;
  like.view.dtype = *dtype;
  return ops::cast(to_tensor(object, &like), *dtype);
}

std::pair<Tensor, Tensor> to_tensors(py::handle x, py::handle y) {
  if (!is_number(x)) {
    Tensor a = to_tensor(x);
    return {a, to_tensor(y, a.get())};
  }
  if (is_number(y)) return {to_tensor(x), to_tensor(y)};
  Tensor b = to_tensor(y);
  return {to_tensor(x, b.get()), b};
}

View view_of(const py::array& array) {
  const auto dtype = try_dtype(array.dtype());
  if (!dtype)
    type_error("pynn: expected an array of numbers or bools; received dtype=",
               py::str(array.dtype()).cast<std::string>());
  View v;
  v.data = const_cast<void*>(array.data());
  v.dtype = *dtype;
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    v.shape.push_back(array.shape(i));
    v.strides.push_back(array.strides(i) / array.itemsize());
  }
  return v;
}

Tensor from_numpy(const py::array& given) {
  const py::array array = standard_array(given);
  const View view = view_of(array);
  PyObject* owner = py::object(array).release().ptr();
  return make_tensor(view,
                     std::make_shared<Storage>(view.data, view.bytes(), release_array, owner));
}

py::dtype numpy_dtype(DType dtype) {
  if (dtype == DType::bfloat16)
    return py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16"));
  return py::dtype(dtype_name(dtype));
}

namespace {

// The line of the user's code that is running: "file:line".
std::string user_place() {
  py::object frame =
      py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  std::string place;
  while (frame && !frame.is_none()) {
    place = py::str(frame.attr("f_code").attr("co_filename")).cast<std::string>() + ":" +
            py::str(frame.attr("f_lineno")).cast<std::string>();
    const std::string module =
        py::str(frame.attr("f_globals").attr("get")("__name__", "")).cast<std::string>();
    if (module.rfind("pynn.", 0) != 0 && module.rfind("numpy", 0) != 0) break;
    frame = frame.attr("f_back");
  }
  return place;
}

}  // namespace

py::array to_numpy(const Tensor& t, py::handle owner) {
  if (t->is_traced()) {
    if (Trace* trace = Trace::current()) trace->note_value_asked(user_place());
    throw TraceError(
        concat("pynn.Tensor: the value of a tensor of shape=", t->shape(),
               " was asked for while the step is being traced; run eagerly (run_eagerly=True) or "
               "compute with pynn.ops"));
  }
  const py::dtype dtype = numpy_dtype(t->dtype());
  std::vector<py::ssize_t> shape(t->shape().begin(), t->shape().end()), strides;
  for (int64_t s : t->view.strides) strides.push_back(s * dtype.itemsize());
  py::array array(dtype, shape, strides, t->view.data, owner);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

int64_t to_size(py::handle object) {
  if (PyLong_CheckExact(object.ptr())) {
    const int64_t size = PyLong_AsLongLong(object.ptr());
    if (size == -1 && PyErr_Occurred()) throw py::error_already_set();
    return size;
  }
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
  if (!number) throw py::error_already_set();
  return to_size(number);
}

namespace {

// The items of a list or tuple.
Dims sizes_in(py::handle object) {
  Dims dims;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object.ptr()); ++i) {
    // Held: an item's __index__ may change the list.
    const auto item = py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(object.ptr(), i));
    dims.push_back(to_size(item));
  }
  return dims;
}

bool is_list(py::handle object) {
  return PyList_Check(object.ptr()) || PyTuple_Check(object.ptr());
}

}  // namespace

Dims to_axes(py::handle object) {
  return is_list(object) ? sizes_in(object) : Dims{to_size(object)};
}

Dims to_dims(py::handle object) {
  if (is_list(object)) return sizes_in(object);
  // Arrays have __index__ too, which only those of no dimension answer.
  const bool array = py::isinstance<py::array>(object);
  if (array ? object.attr("ndim").cast<int>() == 0 : bool(PyIndex_Check(object.ptr())))
    return {to_size(object)};
  Dims dims;
  for (py::handle item : py::iter(object)) dims.push_back(to_size(item));
  return dims;
}

py::tuple to_tuple(const Dims& dims) {
  py::tuple t(dims.size());
  for (int i = 0; i < dims.size(); ++i) {
    PyObject* const size = PyLong_FromLongLong(dims[i]);
    if (!size) throw py::error_already_set();
    PyTuple_SET_ITEM(t.ptr(), i, size);
  }
  return t;
}

DType to_dtype(py::handle object) {
  if (py::isinstance<py::str>(object)) return parse_dtype(object.cast<std::string>());
  const py::dtype dtype = py::dtype::from_args(py::reinterpret_borrow<py::object>(object));
  if (const auto known = try_dtype(dtype)) return *known;
  type_error("pynn: expected a dtype of numbers or bools; received ",
             py::str(dtype).cast<std::string>());
}

}  // namespace pynn
