// What is active and why: instruction set, threads, build.
#include <pybind11/stl.h>

#include "bindings/convert.h"
#include "bindings/modules.h"
#include "runtime/arena.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"
#include "runtime/precision.h"
#include "runtime/probe.h"

namespace pynn {
namespace {

void def_probes(py::module_& m) {
  m.def("cache_sizes", [] {
    const CacheSizes& sizes = cache_sizes();
    py::dict d;
    d["l1d"] = sizes.l1d;
    d["l2"] = sizes.l2;
    d["l3"] = sizes.l3;
    return d;
  });
  m.def(
      "measure_flops",
      [](py::handle dtype) {
        const DType type = to_dtype(dtype);
        py::gil_scoped_release release;
        return measure_flops(type);
      },
      py::arg("dtype"));
  py::enum_<kernels::Traffic>(m, "Traffic")
      .value("read", kernels::Traffic::read)
      .value("copy", kernels::Traffic::copy)
      .value("add", kernels::Traffic::add)
      .value("update", kernels::Traffic::update);
  m.def("measure_bandwidth", &measure_bandwidth, py::arg("traffic"), py::arg("bytes"),
        py::call_guard<py::gil_scoped_release>());
}

}  // namespace

void bind_runtime(py::module_& m) {
  m.def("isa_info", [] {
    const IsaInfo& info = isa_info();
    py::dict d;
    d["active"] = info.active;
    d["reason"] = info.reason;
    d["available"] = info.available;
    d["compiled"] = info.compiled;
    d["bfloat16"] = info.bfloat16;
    return d;
  });
  m.def("thread_info", [] {
    const ThreadInfo info = thread_info();
    py::dict d;
    d["threads"] = info.threads;
    d["reason"] = info.reason;
    return d;
  });
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads, py::arg("threads"));
  m.def("matmul_precision", [] { return std::string(to_string(matmul_precision())); });
  m.def(
      "set_matmul_precision",
      [](const std::string& name) { set_matmul_precision(parse_matmul_precision(name)); },
      py::arg("precision"));
  m.def("build_info", [] {
    py::dict d;
    d["version"] = PYNN_VERSION;
    d["compiler"] = std::string(
#if defined(__clang__)
        "clang " __clang_version__
#else
        "g++ " __VERSION__
#endif
    );
    d["openmp"] = openmp_runtime();
    d["cpu"] = cpu_name();
    return d;
  });
  m.def("allocated_bytes", &allocated_bytes);
  m.def("cached_bytes", &cached_bytes);
  m.def("trim", &trim);
  def_probes(m);
}

}  // namespace pynn
