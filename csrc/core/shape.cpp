#include "core/shape.h"

#include <algorithm>

namespace pynn {

std::ostream& operator<<(std::ostream& out, const Dims& dims) {
  out << '(';
  for (int i = 0; i < dims.size(); ++i) out << (i ? ", " : "") << dims[i];
  return out << (dims.size() == 1 ? ",)" : ")");
}

std::string to_string(const Dims& dims) { return concat(dims); }

int64_t num_elements(const Dims& shape) { return num_elements("", shape); }

int64_t num_elements(const char* who, const Dims& shape) {
  const char* const dot = *who ? "." : "";
  int64_t n = 1;
  bool empty = false;
  for (int64_t d : shape) {
    if (d < 0) value_error("pynn", dot, who, ": expected sizes >= 0; received shape=", shape);
    if (d == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(n, d, &n) || n > kMaxElements) {
      value_error("pynn", dot, who, ": expected at most 2^", kMaxElementsLog2,
                  " elements; received shape=", shape);
    }
  }
  return empty ? 0 : n;
}

int64_t add_sizes(const char* who, int64_t a, int64_t b) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum) || sum > kMaxElements)
    value_error("pynn.", who, ": expected at most 2^", kMaxElementsLog2,
                " elements along an axis; received sizes ", a, " and ", b);
  return sum;
}

bool contains_slice(int64_t size, int64_t first, int64_t step, int64_t count) {
  if (count <= 0) return count == 0;
  int64_t distance, last;
  return first >= 0 && first < size && !__builtin_mul_overflow(count - 1, step, &distance) &&
         !__builtin_add_overflow(first, distance, &last) && last >= 0 && last < size;
}

Dims contiguous_strides(const Dims& shape) {
  Dims strides = shape;
  int64_t step = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= shape[i] > 0 ? shape[i] : 1;
  }
  return strides;
}

bool is_contiguous(const Dims& shape, const Dims& strides) {
  int64_t step = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] != 1 && strides[i] != step) return false;
    step *= shape[i];
  }
  return true;
}

Dims broadcast_shapes(const char* who, const Dims& a, const Dims& b) {
  Dims out = a.size() >= b.size() ? a : b;
  for (int i = 1; i <= out.size(); ++i) {
    const int64_t da = i <= a.size() ? a[a.size() - i] : 1;
    const int64_t db = i <= b.size() ? b[b.size() - i] : 1;
    if (da != db && da != 1 && db != 1)
      value_error("pynn.", who, ": expected shapes that broadcast; received ", a, " and ", b);
    out[out.size() - i] = da == 1 ? db : da;
  }
  return out;
}

Dims broadcast_strides(const Dims& shape, const Dims& strides, const Dims& target) {
  Dims out = Dims::filled(target.size(), 0);
  const int shift = target.size() - shape.size();
  for (int i = 0; i < shape.size(); ++i)
    out[i + shift] = shape[i] == 1 && target[i + shift] != 1 ? 0 : strides[i];
  return out;
}

int normalize_axis(const char* who, int64_t axis, int rank) {
  if (axis < -rank || axis >= rank)
    value_error("pynn.", who, ": expected an axis in [", -rank, ", ", rank, "); received ", axis);
  return int(axis < 0 ? axis + rank : axis);
}

Dims normalize_axes(const char* who, const Dims& axes, int rank) {
  Dims out;
  if (axes.empty()) {
    for (int i = 0; i < rank; ++i) out.push_back(i);
    return out;
  }
  for (int64_t axis : axes) out.push_back(normalize_axis(who, axis, rank));
  std::sort(out.begin(), out.end());
  for (int i = 0; i + 1 < out.size(); ++i)
    if (out[i] == out[i + 1]) value_error("pynn.", who, ": axis ", out[i], " is given twice");
  return out;
}

}  // namespace pynn
