#include "bindings/dlpack.h"

#include "bindings/convert.h"
#include "bindings/modules.h"

namespace pynn {

namespace {

dlpack::DataType to_dlpack_dtype(DType dtype) {
  const uint8_t bits = uint8_t(item_size(dtype) * 8);
  if (dtype == DType::bool_) return {6, 8, 1};
  if (dtype == DType::bfloat16) return {4, 16, 1};
  if (is_float(dtype)) return {2, bits, 1};
  return {uint8_t(is_unsigned(dtype) ? 1 : 0), bits, 1};
}

DType from_dlpack_dtype(dlpack::DataType given) {
  for (int i = 0; i < kNumDTypes; ++i) {
    const dlpack::DataType d = to_dlpack_dtype(DType(i));
    if (d.code == given.code && d.bits == given.bits && given.lanes == 1) return DType(i);
  }
  type_error("pynn.from_dlpack: expected numbers or bools; received DLPack type code ",
             int(given.code), " with ", int(given.bits), " bits");
}

// Keeps the tensor, and its shape, alive for the consumer.
template <class M>
struct Export {
  M managed;
  Tensor tensor;
  Dims shape, strides;
};

template <class M>
M* make_export(const Tensor& t) {
  auto* e = new Export<M>{{}, t, t->shape(), t->view.strides};
  e->managed.array = {
      t->view.data,       {1, 0}, t->rank(), to_dlpack_dtype(t->dtype()), e->shape.begin(),
      e->strides.begin(), 0};
  e->managed.context = e;
  e->managed.deleter = [](M* m) { delete static_cast<Export<M>*>(m->context); };
  return &e->managed;
}

// A capsule that nobody took still owns its tensor.
template <class M>
void drop(PyObject* capsule) {
  if (const char* name = PyCapsule_GetName(capsule);
      name && std::string(name).rfind("dltensor", 0) == 0) {
    auto* m = static_cast<M*>(PyCapsule_GetPointer(capsule, name));
    m->deleter(m);
  }
}

template <class M>
Tensor import_capsule(PyObject* capsule, const char* name, const char* used) {
  auto* m = static_cast<M*>(PyCapsule_GetPointer(capsule, name));
  if (!m) throw py::error_already_set();
  const dlpack::Array& a = m->array;
  if (a.device.type != 1)
    type_error("pynn.from_dlpack: expected CPU memory; received device type ", a.device.type);
  View v;
  v.dtype = from_dlpack_dtype(a.dtype);
  v.shape = Dims(a.shape, a.shape + a.ndim);
  v.strides = a.strides ? Dims(a.strides, a.strides + a.ndim) : contiguous_strides(v.shape);
  v.data = static_cast<char*>(a.data) + a.byte_offset;
  PyCapsule_SetName(capsule, used);
  // A producer's deleter may run Python code.
  const auto release = [](void*, size_t, void* context) {
    py::gil_scoped_acquire gil;
    auto* managed = static_cast<M*>(context);
    if (managed->deleter) managed->deleter(managed);
  };
  return make_tensor(v, std::make_shared<Storage>(v.data, v.bytes(), release, m));
}

}  // namespace

py::capsule to_dlpack(py::handle tensor, bool versioned) {
  const Tensor t = tensor.cast<Tensor>();
  if (t->is_traced()) throw TraceError("pynn.Tensor: a traced tensor has no memory");
  if (!versioned)
    return py::reinterpret_steal<py::capsule>(
        PyCapsule_New(make_export<dlpack::Managed>(t), "dltensor", &drop<dlpack::Managed>));
  auto* m = make_export<dlpack::ManagedVersioned>(t);
  m->version = {1, 0};
  m->flags = dlpack::kReadOnly;
  return py::reinterpret_steal<py::capsule>(
      PyCapsule_New(m, "dltensor_versioned", &drop<dlpack::ManagedVersioned>));
}

py::object from_dlpack(py::handle object) {
  py::object capsule;
  try {
    capsule = object.attr("__dlpack__")(py::arg("max_version") = py::make_tuple(1, 0));
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_TypeError)) throw;
    capsule = object.attr("__dlpack__")();  // a producer from before DLPack 1.0
  }
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned"))
    return py::cast(import_capsule<dlpack::ManagedVersioned>(capsule.ptr(), "dltensor_versioned",
                                                             "used_dltensor_versioned"));
  return py::cast(import_capsule<dlpack::Managed>(capsule.ptr(), "dltensor", "used_dltensor"));
}

}  // namespace pynn
