// Sum, product, maximum and minimum: of a row, and of rows into an accumulator.
#include "kernels/fill.h"
#include "kernels/rows.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// ---- float: rows ----

template <class T>
void sum_row(const void* x, int64_t n, void* acc) {
  const T* xs = static_cast<const T*>(x);
  *static_cast<T*>(acc) = sum_lanes<T>(n, [xs](auto at) { return at.load(xs); });
}
template <class T>
void prod_row(const void* x, int64_t n, void* acc) {
  *static_cast<T*>(acc) =
      reduce_lanes<T>(static_cast<const T*>(x), n, T(1), [](auto a, auto b) { return a * b; });
}

template <class T>
void max_row(const void* x, int64_t n, void* acc) {
  *static_cast<T*>(acc) = row_maximum(static_cast<const T*>(x), n);
}
template <class T>
void min_row(const void* x, int64_t n, void* acc) {
  *static_cast<T*>(acc) = row_minimum(static_cast<const T*>(x), n);
}

// ---- float: columns ----

// Some vectors of a row; what has been combined stays in registers from row to row.
template <class T, int kVectors, class At, class F>
inline void reduce_strip(T* acc, const T* x, int64_t rows, int64_t stride, At at, F f) {
  Vec<T> strip[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) strip[v] = at.load(acc + v * kLanes<T>);
  for (int64_t r = 0; r < rows; ++r, x += stride) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) strip[v] = f(strip[v], at.load(x + v * kLanes<T>));
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) at.store(acc + v * kLanes<T>, strip[v]);
}

// A few rows at a time, so that memory is read nearly in order: beyond L2, strips of many rows wait
// for every line.
template <class T, class F>
inline void reduce_columns(void* acc, const void* x, int64_t rows, int64_t stride, int64_t n, F f) {
  constexpr int64_t kRows = 8, lanes = kLanes<T>;
  constexpr int kWide = 4;
  T* to = static_cast<T*>(acc);
  for (int64_t first = 0; first < rows; first += kRows) {
    const T* from = static_cast<const T*>(x) + first * stride;
    const int64_t m = rows - first < kRows ? rows - first : kRows;
    int64_t j = 0;
    for (; j + kWide * lanes <= n; j += kWide * lanes)
      reduce_strip<T, kWide>(to + j, from + j, m, stride, Whole<T>{0}, f);
    for (; j + lanes <= n; j += lanes)
      reduce_strip<T, 1>(to + j, from + j, m, stride, Whole<T>{0}, f);
    if (j < n) reduce_strip<T, 1>(to + j, from + j, m, stride, Part<T>{0, n - j}, f);
  }
}

template <class T>
void sum_col(void* acc, const void* x, int64_t rows, int64_t stride, int64_t n) {
  reduce_columns<T>(acc, x, rows, stride, n, [](auto a, auto b) { return a + b; });
}
template <class T>
void prod_col(void* acc, const void* x, int64_t rows, int64_t stride, int64_t n) {
  reduce_columns<T>(acc, x, rows, stride, n, [](auto a, auto b) { return a * b; });
}
template <class T>
void max_col(void* acc, const void* x, int64_t rows, int64_t stride, int64_t n) {
  reduce_columns<T>(acc, x, rows, stride, n, [](auto a, auto b) { return maximum(a, b); });
}
template <class T>
void min_col(void* acc, const void* x, int64_t rows, int64_t stride, int64_t n) {
  reduce_columns<T>(acc, x, rows, stride, n, [](auto a, auto b) { return minimum(a, b); });
}

// ---- Integers and bool: sums and products wrap round, in any order ----

struct WrappedSum {
  template <class T>
  static T combine(T a, T b) {
    return T(uint64_t(a) + uint64_t(b));
  }
};
struct WrappedProduct {
  template <class T>
  static T combine(T a, T b) {
    return T(uint64_t(a) * uint64_t(b));
  }
};
struct Larger {
  template <class T>
  static T combine(T a, T b) {
    return a > b ? a : b;
  }
};
struct Smaller {
  template <class T>
  static T combine(T a, T b) {
    return a < b ? a : b;
  }
};

template <class T, class F>
void integer_row(const void* x, int64_t n, void* acc) {
  const T* xs = static_cast<const T*>(x);
  T result = xs[0];
  for (int64_t i = 1; i < n; ++i) result = F::combine(result, xs[i]);
  *static_cast<T*>(acc) = result;
}
template <class T, class F>
void integer_col(void* acc, const void* x, int64_t rows, int64_t stride, int64_t n) {
  const T* row = static_cast<const T*>(x);
  for (int64_t r = 0; r < rows; ++r, row += stride)
    loop2<T, T>(acc, false, row, false, acc, n, [](T a, T b) { return F::combine(a, b); });
}

template <class T>
void fill_float(KernelTable& table) {
  constexpr int type = kIndex<T>;
  table.reduce_row[int(Reduce::sum)][type] = sum_row<T>;
  table.reduce_row[int(Reduce::prod)][type] = prod_row<T>;
  table.reduce_row[int(Reduce::max)][type] = max_row<T>;
  table.reduce_row[int(Reduce::min)][type] = min_row<T>;
  table.reduce_col[int(Reduce::sum)][type] = sum_col<T>;
  table.reduce_col[int(Reduce::prod)][type] = prod_col<T>;
  table.reduce_col[int(Reduce::max)][type] = max_col<T>;
  table.reduce_col[int(Reduce::min)][type] = min_col<T>;
}

template <class T, class F>
void fill_integer_reduce(KernelTable& table, Reduce reduce, int type) {
  table.reduce_row[int(reduce)][type] = integer_row<T, F>;
  table.reduce_col[int(reduce)][type] = integer_col<T, F>;
}

template <class T>
void fill_integer_type(KernelTable& table) {
  fill_integer_reduce<T, WrappedSum>(table, Reduce::sum, kIndex<T>);
  fill_integer_reduce<T, WrappedProduct>(table, Reduce::prod, kIndex<T>);
  fill_integer_reduce<T, Larger>(table, Reduce::max, kIndex<T>);
  fill_integer_reduce<T, Smaller>(table, Reduce::min, kIndex<T>);
}

}  // namespace

void fill_reduce(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
  fill_integer_type<uint8_t>(table);
  fill_integer_type<uint16_t>(table);
  fill_integer_type<uint32_t>(table);
  fill_integer_type<uint64_t>(table);
  fill_integer_type<int8_t>(table);
  fill_integer_type<int16_t>(table);
  fill_integer_type<int32_t>(table);
  fill_integer_type<int64_t>(table);
  // bool: sum and max are "any", prod and min are "all".
  fill_integer_reduce<uint8_t, Larger>(table, Reduce::sum, kBool);
  fill_integer_reduce<uint8_t, Smaller>(table, Reduce::prod, kBool);
  fill_integer_reduce<uint8_t, Larger>(table, Reduce::max, kBool);
  fill_integer_reduce<uint8_t, Smaller>(table, Reduce::min, kBool);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
