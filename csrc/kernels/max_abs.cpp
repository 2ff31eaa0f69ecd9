// The largest magnitude of a row, by which products of bfloat16 pieces are scaled.
#include "kernels/fill.h"
#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

constexpr int32_t kMagnitude = 0x7fffffff, kInfinity = 0x7f800000;

// Magnitudes of floats order as their bits do, with every NaN above infinity.
float max_abs(const void* x, int64_t n) {
  constexpr int kChains = 4;  // hides the latency of the maximum
  constexpr int kLanes32 = kLanes<int32_t>;
  const char* bytes = static_cast<const char*>(x);
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
  const auto magnitudes = [bytes](int64_t i) {
    Vec<int32_t> v;
    __builtin_memcpy(&v, bytes + i * 4, sizeof v);
    return v & kMagnitude;
  };
  Vec<int32_t> most[kChains] = {};
  int64_t i = 0;
  for (; i + kChains * kLanes32 <= n; i += kChains * kLanes32) {
    for (int chain = 0; chain < kChains; ++chain) {
      most[chain] = larger(most[chain], magnitudes(i + chain * kLanes32));
    }
  }
  for (; i + kLanes32 <= n; i += kLanes32) most[0] = larger(most[0], magnitudes(i));
  most[0] = larger(larger(most[0], most[1]), larger(most[2], most[3]));
  int32_t result = 0;
  for (int lane = 0; lane < kLanes32; ++lane) result = larger(result, int32_t(most[0][lane]));
  for (; i < n; ++i) {
    int32_t bits;
    __builtin_memcpy(&bits, bytes + i * 4, sizeof bits);
    result = larger(result, bits & kMagnitude);
  }
  return bits_float(uint32_t(result < kInfinity ? result : kInfinity));
}

}  // namespace

void fill_max_abs(KernelTable& table) { table.max_abs = max_abs; }

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
