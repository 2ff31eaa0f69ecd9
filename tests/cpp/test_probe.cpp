// The probes do what their rates claim, at the level PYNN_ISA asks for.
#include <vector>

#include "check.h"
#include "runtime/parallel.h"
#include "runtime/probe.h"

namespace {

using namespace pynn::kernels;
using pynn::DType;

constexpr int64_t kBytes = 4096;
constexpr int64_t kCount = kBytes / 8;

struct Buffer {
  alignas(64) uint64_t words[kCount];
};

// Random words, and behind the range nothing that may change.
void test_traffic(ProbeTrafficFn probe, Traffic traffic, const char* what) {
  static Buffer a, b, y;
  check::Random random(uint64_t(traffic) + 1);
  for (int64_t i = 0; i < kCount; ++i) {
    a.words[i] = i % 8 == 0 ? random.bits() : a.words[i - i % 8];  // equal words in a line
    b.words[i] = random.bits();
    y.words[i] = random.bits();
  }
  const Buffer before = y;
  const int64_t n = kBytes - 256;  // the last step stays as it is
  probe(&a, &b, &y, n);
  uint64_t seen[8] = {};
  for (int64_t i = 0; i < n / 8; ++i) seen[i % 8] ^= a.words[i];
  for (int64_t i = 0; i < kCount; ++i) {
    uint64_t expected = before.words[i];
    if (traffic == Traffic::read && i < 8) expected = seen[i];
    if (traffic == Traffic::copy && i < n / 8) expected = a.words[i];
    if (traffic == Traffic::add && i < n / 8) expected = a.words[i] + b.words[i];
    if (traffic == Traffic::update && i < n / 8) expected = before.words[i] + a.words[0];
    check::that(y.words[i] == expected, std::string(what) + " word " + std::to_string(i));
  }
}

template <class T>
void test_flops(ProbeFlopsFn probe, const char* what) {
  alignas(64) T out[64 / sizeof(T)] = {};
  // With many rounds every chain ends in the fixed point of x * 0.999 + 0.001, which is 1.
  const double flops = probe(20'000, out);
  check::that(check::near(double(out[0]), 12, 1e-2), std::string(what) + " value");
  check::that(flops == 2 * probe(10'000, out), std::string(what) + " count");
}

// The sums of products of pairs or tiles grow with the rounds; small ones are exact.
void test_bfloat16_flops(ProbeFlopsFn probe) {
  alignas(64) float out[16] = {};
  check::that(probe(0, out) == 0, "bfloat16 count of nothing");
  const float start = out[0];
  const double flops = probe(8, out);
  const float sum = out[0] - start;
  check::that(sum > 0 && flops > 0, "bfloat16 value");
  check::that(probe(16, out) == 2 * flops && out[0] - start == 2 * sum, "bfloat16 count");
  check::that(pynn::measure_flops(DType::bfloat16) > 0, "bfloat16 rate");
}

void test_rates() {
  for (const int threads : {1, 2}) {
    pynn::set_num_threads(threads);
    // How fast is for the machine and its load to say.
    check::that(pynn::measure_flops(DType::float32) > 0, "float32 rate");
    check::that(pynn::measure_flops(DType::float64) > 0, "float64 rate");
    check::that(pynn::measure_flops(DType::int8) == 0, "no rate without a kernel");
    for (int traffic = 0; traffic < int(Traffic::count); ++traffic) {
      for (const int64_t bytes : {0, 5000, 100'000}) {
        check::that(pynn::measure_bandwidth(Traffic(traffic), bytes) > 0, "bandwidth");
      }
    }
  }
}

}  // namespace

int main() {
  return check::run("test_probe", [](const KernelTable& t) {
    const char* names[] = {"read", "copy", "add", "update"};
    for (int i = 0; i < int(Traffic::count); ++i) {
      test_traffic(t.probe_traffic[i], Traffic(i), names[i]);
      if (t.probe_streaming[i]) test_traffic(t.probe_streaming[i], Traffic(i), names[i]);
    }
    test_flops<float>(t.probe_flops[int(DType::float32)], "float32");
    test_flops<double>(t.probe_flops[int(DType::float64)], "float64");
    if (const auto probe = t.probe_flops[int(DType::bfloat16)]) test_bfloat16_flops(probe);
    test_rates();
  });
}
