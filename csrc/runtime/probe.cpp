#include "runtime/probe.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#include "runtime/arena.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {
namespace {

using kernels::ProbeTrafficFn;
using kernels::Traffic;

// The best of several short runs: on a machine shared with others the limit is what was reached
// when nobody disturbed.
constexpr double kRunSeconds = 2e-3;  // long against the start of a thread
constexpr double kAllSeconds = 0.1;
constexpr int kLeastRuns = 10;
constexpr double kCallSeconds = 5e-5;  // of a kernel: long against reading the clock

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Processor time of this thread.
double thread_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

// Most units of work a second. work(thread, repeats) does `repeats` units; it runs on num_threads()
// threads at once.
template <class F>
double best_rate(const F& work) {
  const int threads = num_threads();
  const auto seconds = [&](int64_t repeats) {
    const auto start = std::chrono::steady_clock::now();
    parallel_for(threads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t thread = begin; thread < end; ++thread) work(thread, repeats);
    });
    return seconds_since(start);
  };
  int64_t repeats = 1;
  while (seconds(repeats) < kRunSeconds) repeats *= 2;
  double least = seconds(repeats);
  const auto start = std::chrono::steady_clock::now();
  for (int run = 1; run < kLeastRuns || seconds_since(start) < kAllSeconds; ++run) {
    least = std::min(least, seconds(repeats));
  }
  return double(threads) * double(repeats) / least;
}

constexpr int64_t kStep = 256;  // what the kernels of kernels/probe.cpp take at a time

int arrays_of(Traffic traffic) {
  switch (traffic) {
    case Traffic::add:
      return 3;
    case Traffic::copy:
      return 2;
    default:
      return 1;
  }
}

// The memory of one thread, aligned to pages, and what is done in it.
struct Share {
  std::vector<char> storage;
  char *a, *b, *y;

  Share(Traffic traffic, int64_t n) : storage(size_t(arrays_of(traffic) * n + 2 * kPage)) {
    const auto address = reinterpret_cast<uintptr_t>(storage.data());
    char* first = storage.data() + (kPage - address % kPage) % kPage;
    char* spare = first + arrays_of(traffic) * n;  // for the one line of the operand not streamed
    a = traffic == Traffic::update ? spare : first;
    b = first + n;
    y = traffic == Traffic::read     ? spare
        : traffic == Traffic::update ? first
                                     : first + (arrays_of(traffic) - 1) * n;
  }

  static constexpr int64_t kPage = 4096;
};

}  // namespace

double measure_flops(DType dtype) {
  const auto probe = kernel_table().probe_flops[int(dtype)];
  if (!probe) return 0;
  alignas(kAlignment) char sink[kAlignment];
  int64_t rounds = 64;
  const auto call_seconds = [&] {
    const double start = thread_seconds();
    probe(rounds, sink);
    return thread_seconds() - start;
  };
  while (call_seconds() < kCallSeconds) rounds *= 2;
  std::vector<double> best(size_t(num_threads()), 0.0);
  best_rate([&](int64_t thread, int64_t repeats) {
    alignas(kAlignment) char out[kAlignment];
    double& reached = best[size_t(thread)];
    for (int64_t i = 0; i < repeats; ++i) {
      const double start = thread_seconds();
      const double flops = probe(rounds, out);
      reached = std::max(reached, flops / (thread_seconds() - start));
    }
  });
  return std::accumulate(best.begin(), best.end(), 0.0);
}

double measure_bandwidth(Traffic traffic, int64_t bytes) {
  const int arrays = arrays_of(traffic);
  const int64_t share = bytes / num_threads() / arrays;
  const int64_t n = std::max<int64_t>(kStep, share / kStep * kStep);
  std::vector<Share> shares;
  for (int i = 0; i < num_threads(); ++i) shares.emplace_back(traffic, n);
  const double moved = double(n) * (traffic == Traffic::update ? 2 : arrays);
  double best = 0;
  for (const ProbeTrafficFn probe :
       {kernel_table().probe_traffic[int(traffic)], kernel_table().probe_streaming[int(traffic)]}) {
    if (!probe) continue;
    best = std::max(best, moved * best_rate([&](int64_t thread, int64_t repeats) {
                            const Share& s = shares[size_t(thread)];
                            for (int64_t i = 0; i < repeats; ++i) probe(s.a, s.b, s.y, n);
                          }));
  }
  return best;
}

}  // namespace pynn
