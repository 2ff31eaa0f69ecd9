#include "bindings/buffer.h"

#include <algorithm>
#include <new>

#include "bindings/tensor_object.h"

namespace pynn {

namespace {

struct Layout {
  Py_ssize_t shape[kMaxRank], strides[kMaxRank];  // in bytes
};

const char* format_of(DType dtype) {
  static const char* const formats[kNumDTypes] = {"?", "B", "H", "I", "Q", "b", "h",
                                                  "i", "q", "e", "",  "f", "d"};
  return formats[int(dtype)];
}

Dims reversed(const Dims& dims) {
  Dims r = dims;
  std::reverse(r.begin(), r.end());
  return r;
}

bool asks_for(int flags, int what) { return (flags & what) == what; }

// What stands in the way of the request, or null.
const char* refusal(const TensorImpl& t, int flags) {
  if (t.is_traced()) return "pynn.Tensor: a traced tensor has no memory";
  if (t.dtype() == DType::bfloat16)
    return "pynn.Tensor: the buffer protocol has no bfloat16; use numpy()";
  if (asks_for(flags, PyBUF_WRITABLE)) return "pynn.Tensor: the memory of a tensor is read-only";
  const bool c_order = t.view.contiguous();
  const bool f_order = is_contiguous(reversed(t.shape()), reversed(t.view.strides));
  const bool needs_c = asks_for(flags, PyBUF_C_CONTIGUOUS) || !asks_for(flags, PyBUF_STRIDES);
  const bool needs_f = asks_for(flags, PyBUF_F_CONTIGUOUS);
  const bool needs_any = asks_for(flags, PyBUF_ANY_CONTIGUOUS);
  if ((needs_c && !c_order) || (needs_f && !f_order) || (needs_any && !c_order && !f_order))
    return "pynn.Tensor: the memory of this tensor is not contiguous in the order asked for";
  return nullptr;
}

}  // namespace

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  const TensorImpl& t = *tensor_of(self);
  view->obj = nullptr;
  if (const char* reason = refusal(t, flags)) {
    PyErr_SetString(PyExc_BufferError, reason);
    return -1;
  }
  auto* const layout = new (std::nothrow) Layout;
  if (!layout) {
    PyErr_NoMemory();
    return -1;
  }
  const Py_ssize_t size = Py_ssize_t(item_size(t.dtype()));
  for (int i = 0; i < t.rank(); ++i) {
    layout->shape[i] = t.shape()[i];
    layout->strides[i] = t.view.strides[i] * size;
  }
  view->buf = t.view.data;
  view->len = Py_ssize_t(t.view.bytes());
  view->itemsize = size;
  view->readonly = 1;
  view->format = asks_for(flags, PyBUF_FORMAT) ? const_cast<char*>(format_of(t.dtype())) : nullptr;
  view->ndim = asks_for(flags, PyBUF_ND) ? t.rank() : 1;
  view->shape = asks_for(flags, PyBUF_ND) ? layout->shape : nullptr;
  view->strides = asks_for(flags, PyBUF_STRIDES) ? layout->strides : nullptr;
  view->suboffsets = nullptr;
  view->internal = layout;
  Py_INCREF(self);
  view->obj = self;
  return 0;
}

void release_buffer(PyObject*, Py_buffer* view) { delete static_cast<Layout*>(view->internal); }

}  // namespace pynn
