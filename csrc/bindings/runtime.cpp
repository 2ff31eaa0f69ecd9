// What is active and why: instruction set, threads, build.
#include <pybind11/stl.h>

#include "bindings/convert.h"
#include "bindings/modules.h"
#include "runtime/arena.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

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
}

}  // namespace pynn
