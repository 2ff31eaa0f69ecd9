// Shapes, strides and axes: a short vector of int64 with inline storage.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>

#include "core/error.h"

namespace pynn {

inline constexpr int kMaxRank = 16;

class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<int64_t> values) {
    for (int64_t v : values) push_back(v);
  }
  template <class It>
  Dims(It first, It last) {
    for (; first != last; ++first) push_back(*first);
  }
  Dims(const Dims& other) { *this = other; }
  // A small op copies dozens of these, and most have few axes.
  Dims& operator=(const Dims& other) {
    size_ = other.size_;
    if (size_ <= kUsualRank)
      std::memmove(values_.data(), other.values_.data(), kUsualRank * sizeof(int64_t));
    else
      values_ = other.values_;
    return *this;
  }
  static Dims filled(int size, int64_t value) {
    Dims d;
    for (int i = 0; i < size; ++i) d.push_back(value);
    return d;
  }

  void push_back(int64_t v) {
    if (size_ == kMaxRank) value_error("pynn: tensors have at most ", kMaxRank, " dimensions");
    values_[size_++] = v;
  }
  void insert(int at, int64_t v) {
    push_back(v);
    for (int i = size_ - 1; i > at; --i) values_[i] = values_[i - 1];
    values_[at] = v;
  }
  void erase(int at) {
    for (int i = at; i + 1 < size_; ++i) values_[i] = values_[i + 1];
    --size_;
  }

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int64_t& operator[](int i) { return values_[i]; }
  int64_t operator[](int i) const { return values_[i]; }
  int64_t& back() { return values_[size_ - 1]; }
  int64_t back() const { return values_[size_ - 1]; }
  const int64_t* begin() const { return values_.data(); }
  const int64_t* end() const { return values_.data() + size_; }
  int64_t* begin() { return values_.data(); }
  int64_t* end() { return values_.data() + size_; }

  bool operator==(const Dims& o) const {
    if (size_ != o.size_) return false;
    for (int i = 0; i < size_; ++i)
      if (values_[i] != o.values_[i]) return false;
    return true;
  }
  bool operator!=(const Dims& o) const { return !(*this == o); }

 private:
  static constexpr int kUsualRank = 4;
  std::array<int64_t, kMaxRank> values_;
  int size_ = 0;
};

// "(32, 784)", "(3,)", "()"
std::string to_string(const Dims& dims);
std::ostream& operator<<(std::ostream& out, const Dims& dims);

// The most elements of a tensor, views included: their bytes, and sums of a few, are within int64.
inline constexpr int kMaxElementsLog2 = 56;
inline constexpr int64_t kMaxElements = int64_t(1) << kMaxElementsLog2;

// ValueError, naming `who` if given, on a negative size or too many elements.
int64_t num_elements(const Dims& shape);
int64_t num_elements(const char* who, const Dims& shape);
// a + b as the size of an axis; ValueError naming `who` where that is too much.
int64_t add_sizes(const char* who, int64_t a, int64_t b);
// Whether first, first + step, ..., `count` of them, are all in [0, size).
bool contains_slice(int64_t size, int64_t first, int64_t step, int64_t count);
Dims contiguous_strides(const Dims& shape);  // in elements, C order
bool is_contiguous(const Dims& shape, const Dims& strides);
// ValueError naming `who` and both shapes where they do not broadcast.
Dims broadcast_shapes(const char* who, const Dims& a, const Dims& b);
// Strides of a view of `shape` broadcast to `target` (0 on broadcast axes).
Dims broadcast_strides(const Dims& shape, const Dims& strides, const Dims& target);
// Axis in [0, rank); ValueError naming `who`.
int normalize_axis(const char* who, int64_t axis, int rank);
// All axes, sorted, unique; empty input means every axis.
Dims normalize_axes(const char* who, const Dims& axes, int rank);

}  // namespace pynn
