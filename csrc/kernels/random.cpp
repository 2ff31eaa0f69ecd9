// Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random
// numbers: as easy as 1, 2, 3, SC 2011). Block b has the counter {low half of b, high half of b, 0,
// 0}.
#include "kernels/fill.h"
#include "simd/loops.h"
#include "simd/special.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

using Words =
    Vec<uint64_t>;  // one block per lane; a word is the low half of a lane, the high half is noise

constexpr int kBlocksPerVector = kLanes<uint64_t>;
#if defined(PYNN_ISA_AVX512) || defined(PYNN_ISA_NEON)
constexpr int kChains = 4;  // vectors at once: one alone waits for its multiplications
#else
constexpr int kChains = 2;  // as many as 16 registers hold
#endif
constexpr int kWordsAtOnce = 4 * kBlocksPerVector * kChains;
constexpr int kChunk = 256;  // words made at once: 1 KiB on the stack
static_assert(kChunk % kWordsAtOnce == 0, "a chunk is made of whole groups");

// Four words of kBlocksPerVector blocks, block by block.
inline void store_blocks(Words w0, Words w1, Words w2, Words w3, uint32_t* out) {
  const WordPair pair =
      interleave((w0 & 0xffffffffu) | (w1 << 32), (w2 & 0xffffffffu) | (w3 << 32));
  __builtin_memcpy(out, &pair, sizeof pair);
}

// kWordsAtOnce words from `first_block` on.
inline void philox_blocks(RandomKey key, uint64_t first_block, uint32_t* out) {
  constexpr uint32_t kMultiply0 = 0xd2511f53, kMultiply1 = 0xcd9e8d57;
  constexpr uint32_t kWeyl0 = 0x9e3779b9, kWeyl1 = 0xbb67ae85;
  const Words multiply0 = Words{} + kMultiply0, multiply1 = Words{} + kMultiply1;
  Words w0[kChains], w1[kChains], w2[kChains] = {}, w3[kChains] = {};
  Words lane = {};
  for (int i = 0; i < kBlocksPerVector; ++i) lane[i] = uint64_t(i);
  for (int j = 0; j < kChains; ++j) {
    w0[j] = lane + (first_block + uint64_t(j * kBlocksPerVector));
    w1[j] = w0[j] >> 32;
  }
  for (int round = 0; round < 10; ++round) {
    for (int j = 0; j < kChains; ++j) {
      const Words product0 = mul_low32(w0[j], multiply0), product1 = mul_low32(w2[j], multiply1);
      w0[j] = (product1 >> 32) ^ w1[j] ^ uint64_t(key.key[0]);
      w2[j] = (product0 >> 32) ^ w3[j] ^ uint64_t(key.key[1]);
      w1[j] = product1;
      w3[j] = product0;
    }
    key.key[0] += kWeyl0;
    key.key[1] += kWeyl1;
  }
  for (int j = 0; j < kChains; ++j) {
    store_blocks(w0[j], w1[j], w2[j], w3[j], out + 4 * kBlocksPerVector * j);
  }
}

// Words start .. start + n, n <= kChunk, and what completes the last group; start is a multiple of
// 4.
inline void philox_chunk(RandomKey key, uint64_t start, int64_t n, uint32_t* out) {
  for (int64_t i = 0; i < n; i += kWordsAtOnce) {
    philox_blocks(key, (start + uint64_t(i)) / 4, out + i);
  }
}

// Calls f(words, offset, count) for the chunks of the range [start, start + n).
template <class F>
inline void for_chunks(RandomKey key, uint64_t start, int64_t n, F f) {
  uint32_t words[kChunk];
  for (int64_t i = 0; i < n; i += kChunk) {
    const int64_t count = n - i < kChunk ? n - i : int64_t(kChunk);
    philox_chunk(key, start + uint64_t(i), count, words);
    f(words, i, count);
  }
}

void random_bits(RandomKey key, uint64_t start, uint32_t* out, int64_t n) {
  for_chunks(key, start, n, [=](const uint32_t* words, int64_t i, int64_t count) {
    __builtin_memcpy(out + i, words, uint64_t(count) * sizeof(uint32_t));
  });
}

// out[i] = f(a vector of words). Lanes beyond the range compute on words that are there but not
// asked for.
template <class F>
inline void map_words(RandomKey key, uint64_t start, float* out, int64_t n, F f) {
  for_chunks(key, start, n, [=](const uint32_t* words, int64_t i, int64_t count) {
    for_lanes<float>(count, [=](auto at) { at.store(out + i, f(load(words + at.i))); });
  });
}

inline Vec<float> to_float(Vec<uint32_t> words) {  // words below 2^31
  return __builtin_convertvector(Vec<int32_t>(words), Vec<float>);
}

// The largest float below x.
inline float next_below(float x) {
  if (x == 0) return -bits_float(1);
  return bits_float(float_bits(x) + (x > 0 ? -1u : 1u));
}

void uniform(RandomKey key, uint64_t start, float* out, int64_t n, const double* params) {
  const float low = float(params[0]), high = float(params[1]);
  const Vec<float> lows = splat<Vec<float>>(low), width = splat<Vec<float>>(high - low);
  // low + u * width may round up to high, which is outside.
  const Vec<float> last = splat<Vec<float>>(high > low ? next_below(high) : low);
  map_words(key, start, out, n, [=](Vec<uint32_t> words) {
    const Vec<float> u = to_float(words >> 8) * 0x1p-24f;
    const Vec<float> value = mul_add(u, width, lows);
    return value > last ? last : value;
  });
}

// A standard normal number, cut so that either tail beyond has probability `cut`. The top bit of a
// word is the sign; the other 31 bits count from the tail to the middle, so that both the tail and
// the middle keep their digits.
inline Vec<float> normal_from_words(Vec<uint32_t> words, float cut) {
  using V = Vec<float>;
  const Vec<uint32_t> step = words & 0x7fffffffu;
  const float unit = (0.5f - cut) * 0x1p-31f;
  const V p = mul_add(to_float(step) + 0.5f, splat<V>(unit), splat<V>(cut));
  const V q = (to_float(0x7fffffffu - step) + 0.5f) * unit;
  return copysign(normal_quantile(p, q), V(words));
}

void normal(RandomKey key, uint64_t start, float* out, int64_t n, const double* params) {
  const Vec<float> mean = splat<Vec<float>>(float(params[0]));
  const Vec<float> deviation = splat<Vec<float>>(float(params[1]));
  map_words(key, start, out, n, [=](Vec<uint32_t> words) {
    return mul_add(normal_from_words(words, 0), deviation, mean);
  });
}

void truncated_normal(RandomKey key, uint64_t start, float* out, int64_t n, const double* params) {
  constexpr float kBeyondTwo = 0.0227501319481792f;  // probability of more than two deviations
  const Vec<float> mean = splat<Vec<float>>(float(params[0]));
  const Vec<float> deviation = splat<Vec<float>>(float(params[1]));
  map_words(key, start, out, n, [=](Vec<uint32_t> words) {
    Vec<float> z = normal_from_words(words, kBeyondTwo);
    z = z > 2 ? splat<Vec<float>>(2) : z;  // against rounding
    z = z < -2 ? splat<Vec<float>>(-2) : z;
    return mul_add(z, deviation, mean);
  });
}

// Keeps an element where uniform(word) >= rate, in integers: word >> 8 >= rate * 2^24.
template <class T>
void dropout(RandomKey key, uint64_t start, const void* x, void* y, int64_t n,
             const double* params) {
  const T* xs = static_cast<const T*>(x);
  T* ys = static_cast<T*>(y);
  const int32_t threshold = int32_t(__builtin_ceil(params[0] * 0x1p24));
  const T scale = T(params[1]);
  for_chunks(key, start, n, [=](const uint32_t* words, int64_t begin, int64_t count) {
    PYNN_VECTORIZE
    for (int64_t i = 0; i < count; ++i) {
      const T scaled = xs[begin + i] * scale;
      ys[begin + i] = int32_t(words[i] >> 8) >= threshold ? scaled : T(0);
    }
  });
}

}  // namespace

void fill_random(KernelTable& table) {
  table.random_bits = random_bits;
  table.uniform = uniform;
  table.normal = normal;
  table.truncated_normal = truncated_normal;
  table.dropout[kIndex<float>] = dropout<float>;
  table.dropout[kIndex<double>] = dropout<double>;
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
