// The limits of one core: multiply-adds that wait for nothing, and plain traffic between registers
// and memory. Benchmarks measure the other kernels against these.
#include "kernels/fill.h"
#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// Two multiply-adds a cycle with a latency of 4 to 5 need 10 chains; with the two factors 14 of 16
// registers are taken.
constexpr int kChains = 12;

template <class T>
double probe_flops(int64_t rounds, void* out) {
  // x -> x * 0.999 + 0.001 stays near 1: neither denormal nor infinite.
  const Vec<T> factor = splat<Vec<T>>(T(0.999)), term = splat<Vec<T>>(T(0.001));
  Vec<T> chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = splat<Vec<T>>(T(1 + i));
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) chain[i] = mul_add(chain[i], factor, term);
  }
  for (int i = 1; i < kChains; ++i) chain[0] += chain[i];
  store(static_cast<T*>(out), chain[0]);
  return 2.0 * kLanes<T> * kChains * double(rounds);
}

// ---- Traffic

using Word = uint64_t;
constexpr int64_t kWords = kLanes<Word>;
// Bytes a step: wide enough that the counter of the loop costs nothing.
constexpr int64_t kStep = 256;
constexpr int kVectors = int(kStep) / kVectorBytes;

const Word* words(const void* p, int64_t byte) {
  return static_cast<const Word*>(p) + byte / int64_t(sizeof(Word));
}
Word* words(void* p, int64_t byte) { return static_cast<Word*>(p) + byte / int64_t(sizeof(Word)); }

template <bool kStreaming>
inline void put(Word* p, Vec<Word> v) {
  if constexpr (kStreaming) {
    store_streaming(p, v);
  } else {
    store(p, v);
  }
}

void read(const void* a, const void*, void* y, int64_t n) {
  Vec<Word> seen[kVectors] = {};
  for (int64_t i = 0; i < n; i += kStep) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) seen[v] ^= load(words(a, i) + v * kWords);
  }
  constexpr int kLineVectors = 64 / kVectorBytes;
  for (int v = kLineVectors; v < kVectors; ++v) seen[v % kLineVectors] ^= seen[v];
  for (int v = 0; v < kLineVectors; ++v) store(words(y, 0) + v * kWords, seen[v]);
}

template <bool kStreaming>
void copy(const void* a, const void*, void* y, int64_t n) {
  for (int64_t i = 0; i < n; i += kStep) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      put<kStreaming>(words(y, i) + v * kWords, load(words(a, i) + v * kWords));
    }
  }
}

template <bool kStreaming>
void add(const void* a, const void* b, void* y, int64_t n) {
  for (int64_t i = 0; i < n; i += kStep) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = v * kWords;
      put<kStreaming>(words(y, i) + at, load(words(a, i) + at) + load(words(b, i) + at));
    }
  }
}

void update(const void* a, const void*, void* y, int64_t n) {
  const Vec<Word> step = load(words(a, 0));
  for (int64_t i = 0; i < n; i += kStep) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      Word* p = words(y, i) + v * kWords;
      store(p, load(p) + step);
    }
  }
}

}  // namespace

void fill_probe(KernelTable& table) {
  table.probe_flops[int(DType::float32)] = probe_flops<float>;
  table.probe_flops[int(DType::float64)] = probe_flops<double>;
  table.probe_traffic[int(Traffic::read)] = read;
  table.probe_traffic[int(Traffic::copy)] = copy<false>;
  table.probe_traffic[int(Traffic::add)] = add<false>;
  table.probe_traffic[int(Traffic::update)] = update;
  table.probe_streaming[int(Traffic::copy)] = copy<true>;
  table.probe_streaming[int(Traffic::add)] = add<true>;
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
