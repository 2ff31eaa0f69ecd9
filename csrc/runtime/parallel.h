// Threads. The only door to OpenMP: no other file includes omp.h.
#pragma once

#include <cstdint>
#include <string>

namespace pynn {

struct ThreadInfo {
  int threads;
  std::string reason;  // where the number comes from
};

// The user's word (set_num_threads, then OMP_NUM_THREADS), else min(affinity, ceil(cgroup quota)).
int num_threads();
ThreadInfo thread_info();
void set_num_threads(int64_t threads);  // ValueError if < 1

// Name and version of the OpenMP runtime, for show_config().
std::string openmp_runtime();

// True inside a body of parallel_for that runs on more than one thread.
bool in_parallel_region();

// CPUs' worth of time that the cgroup of this process allows, +infinity if unlimited. Reads
// <root>/proc/self/cgroup and <root>/sys/fs/cgroup, version 2 and 1; `root` is "" but in tests.
double cgroup_cpu_quota(const std::string& root);

namespace detail {
using RangeFn = void (*)(const void* body, int64_t begin, int64_t end);
void run_parallel(int64_t n, int64_t grain, RangeFn call, const void* body);
}  // namespace detail

// Calls body(begin, end) on disjoint contiguous ranges that cover [0, n): at most one per thread,
// of equal size, and at most ceil(n / grain) of them. One call on this thread where n <= grain, one
// thread is set, the caller is itself inside a region, or the process is a forked child. How [0, n)
// is cut depends on the number of threads, so results must not depend on the cut. Workers get the
// caller's floating-point mode. The first exception is rethrown here, after all ranges have ended.
template <class F>
void parallel_for(int64_t n, int64_t grain, const F& body) {
  if (n <= 0) return;
  if (n <= grain) {
    body(int64_t{0}, n);
    return;
  }
  detail::run_parallel(
      n, grain,
      [](const void* f, int64_t begin, int64_t end) { (*static_cast<const F*>(f))(begin, end); },
      &body);
}

}  // namespace pynn
