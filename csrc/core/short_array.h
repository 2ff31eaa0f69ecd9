// An array whose size is known when it is made, without a heap allocation for the usual few
// elements.
#pragma once

#include <cstddef>
#include <vector>

namespace pynn {

template <class T, int few>
class ShortArray {
 public:
  explicit ShortArray(int size) {
    if (size <= few) return;
    many_.resize(std::size_t(size));
    data_ = many_.data();
  }
  ShortArray(const ShortArray&) = delete;
  ShortArray& operator=(const ShortArray&) = delete;

  T* data() { return data_; }
  T& operator[](int i) { return data_[i]; }

 private:
  T few_[few];
  std::vector<T> many_;
  T* data_ = few_;
};

}  // namespace pynn
