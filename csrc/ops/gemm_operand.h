// Operands and ranges of a matrix product.
#pragma once

#include <algorithm>
#include <cstdint>

namespace pynn {

constexpr int64_t ceil_div(int64_t n, int64_t by) { return (n + by - 1) / by; }

// A matrix where element (i, p) is `rs * i + cs * p` elements behind data.
struct Operand {
  const char* data;
  int64_t rs, cs;
  int64_t item;

  Operand at(int64_t i, int64_t p) const { return {data + (i * rs + p * cs) * item, rs, cs, item}; }
  Operand transposed() const { return {data, cs, rs, item}; }
};

// [begin, end) cut into blocks of `step`, of which only the last is shorter.
struct Blocks {
  int64_t begin, end, step;

  // At most `most` long, multiples of `unit`, as equal as they can be.
  static Blocks balanced(int64_t begin, int64_t end, int64_t most, int64_t unit) {
    if (end - begin <= most) return {begin, end, std::max<int64_t>(1, end - begin)};
    const int64_t count = ceil_div(end - begin, most);
    return {begin, end, std::max<int64_t>(1, ceil_div(ceil_div(end - begin, count), unit) * unit)};
  }
  int64_t size(int64_t at) const { return std::min(step, end - at); }
};

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

}  // namespace pynn
