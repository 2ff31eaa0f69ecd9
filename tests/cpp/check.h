// What the C++ tests share: checks that count, and the set-up of the instruction set under test.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>

#include "core/error.h"
#include "runtime/cpu.h"

namespace check {

struct Counts {
  long checks = 0;
  long failures = 0;
};
inline Counts& counts() {
  static Counts instance;
  return instance;
}

// Counts a check; the first 50 failures are shown.
inline bool that(bool ok, const std::string& what) {
  Counts& c = counts();
  ++c.checks;
  if (!ok && ++c.failures <= 50) std::printf("FAILED: %s\n", what.c_str());
  return ok;
}

// Equal, both NaN, or within `tolerance` of each other.
inline bool near(double got, double expected, double tolerance) {
  if (std::isnan(expected)) return std::isnan(got);
  return got == expected || std::fabs(got - expected) <= tolerance;
}

template <class T>
bool same_bits(const T* a, const T* b, int64_t n) {
  return std::memcmp(a, b, size_t(n) * sizeof(T)) == 0;
}

// Distance of `got` from `exact` in units in the last place of `exact` as a T. Where the exact
// result is beyond the range of T, infinity and the largest number are both right. Below `smallest`
// times the smallest normal number units no longer shrink.
template <class T, class Exact>
double ulp_error(T got, Exact exact, double smallest = 1) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(exact)) return std::isnan(got) ? 0 : 1e30;
  const T rounded = T(exact);
  if (std::isinf(rounded))
    return got == rounded || got == std::copysign(Limits::max(), rounded) ? 0 : 1e30;
  if (!std::isfinite(got)) return std::fabs(exact) >= Exact(Limits::max()) ? 0 : 1e30;
  int exponent = 0;
  std::frexp(exact, &exponent);  // exact = m * 2^exponent, 1/2 <= m < 1
  const int lowest = Limits::min_exponent + std::ilogb(smallest);
  const Exact ulp =
      std::ldexp(Exact(1), (exponent < lowest || exact == 0 ? lowest : exponent) - Limits::digits);
  return double(std::fabs(Exact(got) - exact) / ulp);
}

// A small generator for test data: the same everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t bits() {  // splitmix64, Steele et al. 2014
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double uniform(double low, double high) {
    return low + (high - low) * double(bits() >> 11) * 0x1p-53;
  }

 private:
  uint64_t state_;
};

// Runs `tests` at the level that PYNN_ISA asks for. 77: the machine lacks it.
template <class F>
int run(const char* name, F tests) {
  try {
    pynn::select_isa();
  } catch (const pynn::ValueError& error) {
    std::printf("%s: skipped: %s\n", name, error.what());
    return 77;
  }
  tests(pynn::kernel_table());
  const Counts& c = counts();
  std::printf("%s [%s]: %ld checks, %ld failures\n", name, pynn::kernel_table().isa, c.checks,
              c.failures);
  return c.failures == 0 ? 0 : 1;
}

}  // namespace check
