// The error of every function of one float argument, over all 2^32 arguments, against double.
//
//   campaign_ulp [--stride N] [--threads N] [function...]
//
// --stride N tries every N-th argument. The exit status is 1 if a function exceeds the bound that
// its header states. .ci/campaign builds and runs this for every instruction set.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "vector_math.h"

namespace {

using pynn::DType;
using pynn::kernels::UnaryFn;
using Function = vector_math::Case<double>;

struct Worst {
  double ulp = 0;
  float at = 0;
};

// The arguments are cut into chunks of which each thread takes the next one.
constexpr uint64_t kArguments = uint64_t(1) << 32;
constexpr uint64_t kChunk = 1 << 16;

float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// As check::ulp_error, with a power of two from the exponent bits instead of calls to the library:
// this runs 2^32 times for every function.
double ulp_error(float got, double exact, double smallest_normal) {
  const bool usual = std::isfinite(got) && std::fabs(exact) < 0x1p127;
  if (!usual) return check::ulp_error(got, exact, smallest_normal * 0x1p126);
  const double magnitude = std::max(std::fabs(exact), smallest_normal);
  uint64_t bits;
  std::memcpy(&bits, &magnitude, sizeof bits);
  bits &= uint64_t(0x7ff) << 52;
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return std::fabs(double(got) - exact) / power * 0x1p23;
}

Worst worst_of_chunk(UnaryFn kernel, const Function& f, uint64_t first, uint64_t stride) {
  thread_local std::vector<float> x(kChunk), y(kChunk);
  size_t n = 0;
  for (uint64_t bits = first; n < kChunk && bits < kArguments; bits += stride)
    x[n++] = float_of(uint32_t(bits));
  const double params[2] = {};
  kernel(x.data(), {y.data(), false}, int64_t(n), params);
  Worst worst;
  for (size_t i = 0; i < n; ++i) {
    const double error = ulp_error(y[i], f.reference(double(x[i])), f.smallest * 0x1p-126);
    if (error > worst.ulp) worst = {error, x[i]};
  }
  return worst;
}

Worst worst_of_all(UnaryFn kernel, const Function& f, uint64_t stride, unsigned threads) {
  std::atomic<uint64_t> next{0};
  std::vector<Worst> found(threads);
  std::vector<std::thread> team;
  for (unsigned t = 0; t < threads; ++t) {
    team.emplace_back([&, t] {
      for (;;) {
        const uint64_t first = next.fetch_add(kChunk * stride);
        if (first >= kArguments) return;
        const Worst worst = worst_of_chunk(kernel, f, first, stride);
        if (worst.ulp > found[t].ulp) found[t] = worst;
      }
    });
  }
  for (std::thread& thread : team) thread.join();
  return *std::max_element(found.begin(), found.end(),
                           [](const Worst& a, const Worst& b) { return a.ulp < b.ulp; });
}

struct Options {
  uint64_t stride = 1;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::string> functions;  // empty: all
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool has_value = word == "--stride" || word == "--threads";
    if (!has_value) {
      options.functions.push_back(word);
      continue;
    }
    const unsigned long value = i + 1 < argc ? std::strtoul(argv[++i], nullptr, 10) : 0;
    if (value == 0) {
      std::fprintf(stderr, "campaign_ulp: expected a positive number after %s\n", word.c_str());
      std::exit(2);
    }
    if (word == "--stride")
      options.stride = value;
    else
      options.threads = unsigned(value);
  }
  return options;
}

int campaign(const Options& options) {
  using Clock = std::chrono::steady_clock;
  const pynn::kernels::KernelTable& table = pynn::kernel_table();
  std::printf("float32, %s, every argument at stride %llu\n", table.isa,
              static_cast<unsigned long long>(options.stride));
  std::printf("%-12s %10s %8s  %-16s %8s\n", "function", "max ULP", "bound", "worst argument", "s");
  int exceeded = 0, done = 0;
  for (const Function& f : vector_math::cases<double>()) {
    const auto& names = options.functions;
    if (!names.empty() && std::find(names.begin(), names.end(), f.name) == names.end()) continue;
    const auto start = Clock::now();
    const UnaryFn kernel = table.unary[int(f.op)][int(DType::float32)];
    const Worst worst = worst_of_all(kernel, f, options.stride, options.threads);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const bool ok = worst.ulp <= f.float_ulp;
    std::printf("%-12s %10.4f %8.2f  %-16.9g %8.1f%s\n", f.name, worst.ulp, f.float_ulp,
                double(worst.at), seconds, ok ? "" : "  EXCEEDED");
    std::fflush(stdout);
    exceeded += !ok;
    ++done;
  }
  if (done == 0) std::fprintf(stderr, "campaign_ulp: no such function\n");
  return exceeded || done == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  try {
    pynn::select_isa();
  } catch (const pynn::ValueError& error) {
    std::fprintf(stderr, "campaign_ulp: %s\n", error.what());
    return 77;
  }
  return campaign(options);
}
