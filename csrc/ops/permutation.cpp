#include "ops/permutation.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "runtime/arena.h"
#include "runtime/cpu.h"

namespace pynn {

void permutation(kernels::RandomKey key, int64_t* order, int64_t n) {
  if (n < 0) value_error("pynn.permutation: expected n >= 0; received ", n);
  std::iota(order, order + n, int64_t(0));
  // Fisher-Yates (Knuth, TAOCP 3.4.2, algorithm P). 64 random bits scaled to [0, i]: the bias is
  // below 2^-30 for any n in memory.
  constexpr int64_t kBlock = 2048;
  Scratch scratch;
  auto* words = scratch.get<uint32_t>(2 * kBlock);
  uint64_t drawn = 0;
  int64_t left = 0;
  for (int64_t i = n - 1; i > 0; --i) {
    if (left == 0) {
      left = std::min(kBlock, (i + 1) / 2 * 2 + 2);
      kernel_table().random_bits(key, drawn, words, 2 * left);
      drawn += uint64_t(2 * left + 3) / 4 * 4;
    }
    --left;
    const uint64_t bits = uint64_t(words[2 * left]) << 32 | words[2 * left + 1];
    const auto j = int64_t((unsigned __int128)(bits)*uint64_t(i + 1) >> 64);
    std::swap(order[i], order[j]);
  }
}

}  // namespace pynn
