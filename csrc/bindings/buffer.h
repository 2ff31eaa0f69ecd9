// The buffer protocol of tensors (https://docs.python.org/3/c-api/buffer.html).
#pragma once

#include <Python.h>

namespace pynn {

// Read-only, in place. BufferError where a tensor is traced, holds bfloat16, for which the protocol
// has no name, or has another order than the one asked for.
int get_buffer(PyObject* self, Py_buffer* view, int flags);
void release_buffer(PyObject* self, Py_buffer* view);

}  // namespace pynn
