// Right operands of matrix products in the packed form of a kernel, kept while their values do not
// change: weights in inference.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "kernels/table.h"

namespace pynn {

// What a packed form was made of, and for whom.
struct PackedKey {
  const void* kernel;  // the table entry that packs it and reads it
  const void* b;
  int64_t b_rs, b_cs, k, n;
  DType dtype;
  float scale;  // 1, or what every element was multiplied by

  bool operator==(const PackedKey& o) const {
    return kernel == o.kernel && b == o.b && b_rs == o.b_rs && b_cs == o.b_cs && k == o.k &&
           n == o.n && dtype == o.dtype && scale == o.scale;
  }
};

// The packed forms of one array. Whoever changes the array makes sure that nobody reads it, and
// calls clear().
class PackedCache {
 public:
  PackedCache() = default;
  ~PackedCache() { clear(); }
  PackedCache(const PackedCache&) = delete;
  PackedCache& operator=(const PackedCache&) = delete;

  // To be called once per run that reads the array. True from the second on: an array that is read
  // only once between changes is not worth a packed form.
  bool note_run() { return runs_.load(std::memory_order_relaxed) > 0 || runs_.fetch_add(1) > 0; }

  // The form, of `bytes` bytes; `pack` fills it in where it is not there yet. Null where there is
  // no memory for it, or the array has too many forms already.
  const char* get(const PackedKey& key, size_t bytes, const std::function<void(char*)>& pack);
  // Without a lock: nobody else uses the array now, and every training step comes by.
  void clear();

 private:
  struct Form {
    PackedKey key;
    char* data;
    size_t bytes;
  };
  std::atomic<int> runs_{0};
  std::mutex mutex_;
  std::vector<Form> forms_;
};

}  // namespace pynn
