#include "bindings/modules.h"
#include "core/error.h"
#include "runtime/cpu.h"

namespace py = pybind11;

PYBIND11_MODULE(_core, m) {
  m.doc() = "The engine of pynn. Use it through the package pynn.";
  static py::exception<pynn::TraceError> trace_error(m, "TraceError", PyExc_RuntimeError);
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const pynn::TypeError& e) {
      PyErr_SetString(PyExc_TypeError, e.what());
    } catch (const pynn::ValueError& e) {
      PyErr_SetString(PyExc_ValueError, e.what());
    } catch (const pynn::IndexError& e) {
      PyErr_SetString(PyExc_IndexError, e.what());
    } catch (const pynn::TraceError& e) {
      PyErr_SetString(trace_error.ptr(), e.what());
    }
  });
  pynn::select_isa();
  pynn::bind_tensor(m);
  pynn::bind_op(m);
  pynn::bind_ops(m);
  pynn::bind_random(m);
  pynn::bind_control_flow(m);
  pynn::bind_graph(m);
  pynn::bind_runtime(m);
}
