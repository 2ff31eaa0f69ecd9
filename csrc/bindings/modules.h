// What each file of bindings/ adds to pynn._core.
#pragma once

#include <pybind11/pybind11.h>

namespace pynn {

void bind_tensor(pybind11::module_& m);
void bind_op(pybind11::module_& m);
void bind_ops(pybind11::module_& m);
void bind_random(pybind11::module_& m);
void bind_graph(pybind11::module_& m);
void bind_control_flow(pybind11::module_& m);  // before bind_graph, which names its classes
void bind_runtime(pybind11::module_& m);

// DLPack (bindings/dlpack.cpp)
pybind11::capsule to_dlpack(pybind11::handle tensor, bool versioned);
pybind11::object from_dlpack(pybind11::handle object);

}  // namespace pynn
