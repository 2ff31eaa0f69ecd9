// Row functions that several families need.
#pragma once

#include "simd/loops.h"
#include "simd/math.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// The index of the first element equal to `value` (the first NaN, if that is one), which must be
// there. The blocks have no early exit, so that the compiler makes vector code of them.
template <class T>
inline int64_t first_index_of(const T* x, int64_t n, T value) {
  constexpr int64_t kBlock = 64;
  const bool want_nan = value != value;
  const auto matches = [=](T v) { return want_nan ? v != v : v == value; };
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    bool found = false;
    for (int64_t j = 0; j < kBlock; ++j) found |= matches(x[i + j]);
    if (found) break;
  }
  while (i + 1 < n && !matches(x[i])) ++i;
  return i;
}

// NaN if either is NaN, on vectors and on single elements.
struct Maximum {
  template <class V>
  V operator()(V a, V b) const {
    return maximum(a, b);
  }
  float operator()(float a, float b) const { return a > b || a != a ? a : b; }
  double operator()(double a, double b) const { return a > b || a != a ? a : b; }
};
struct Minimum {
  template <class V>
  V operator()(V a, V b) const {
    return minimum(a, b);
  }
  float operator()(float a, float b) const { return a < b || a != a ? a : b; }
  double operator()(double a, double b) const { return a < b || a != a ? a : b; }
};

// Of all elements the one that comes first in an order, or NaN if there is one. better(v, best) may
// ignore a v that is NaN: whether there is one is found on the side, which costs less than to pass
// it on at each step. `both` is the same order, but passes NaN on.
template <class T, class Better, class Both>
inline T extreme_of_row(const T* x, int64_t n, T identity, Better better, Both both) {
  using V = Vec<T>;
  constexpr int kChains = 4;  // independent chains hide the latency
  constexpr int64_t kStep = kChains * kLanes<T>;
  V best[kChains];
  for (V& b : best) b = splat<V>(identity);
  IntVec<V> nan[kChains] = {};
  int64_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    for (int j = 0; j < kChains; ++j) {
      const V v = load(x + i + j * kLanes<T>);
      best[j] = better(v, best[j]);
      nan[j] |= v != v;
    }
  }
  for_lanes<T>(n - i, [&](auto at) {
    const V v = at.load(x + i, identity);
    best[0] = better(v, best[0]);
    nan[0] |= v != v;
  });
  const V first = better(better(best[0], best[1]), better(best[2], best[3]));
  // All bits set are a NaN.
  const V any = V((nan[0] | nan[1]) | (nan[2] | nan[3]));
  return fold_lanes<T>(any != any ? any : first, both);
}

template <class T>
inline T float_row_maximum(const T* x, int64_t n) {
  return extreme_of_row(
      x, n, -MathConstants<Vec<T>>::kInfinity, [](auto v, auto best) { return larger_of(v, best); },
      Maximum{});
}
template <class T>
inline T float_row_minimum(const T* x, int64_t n) {
  return extreme_of_row(
      x, n, MathConstants<Vec<T>>::kInfinity, [](auto v, auto best) { return smaller_of(v, best); },
      Minimum{});
}
inline float row_maximum(const float* x, int64_t n) { return float_row_maximum(x, n); }
inline double row_maximum(const double* x, int64_t n) { return float_row_maximum(x, n); }
inline float row_minimum(const float* x, int64_t n) { return float_row_minimum(x, n); }
inline double row_minimum(const double* x, int64_t n) { return float_row_minimum(x, n); }

template <class T>
inline T row_maximum(const T* x, int64_t n) {
  T best = x[0];
  for (int64_t i = 1; i < n; ++i) best = x[i] > best ? x[i] : best;
  return best;
}
template <class T>
inline T row_minimum(const T* x, int64_t n) {
  T best = x[0];
  for (int64_t i = 1; i < n; ++i) best = x[i] < best ? x[i] : best;
  return best;
}

// log(sum(exp(x))) = maximum + log1p(rest), where rest = sum of exp(x - maximum) over all elements
// but the (first) largest. Leaving out its 1 keeps the digits of a small rest.
template <class T>
struct LogSumExp {
  T maximum, rest;

  T log_rest() const { return log1p(splat<Vec<T>>(rest))[0]; }
  T scale() const { return T(1) / (T(1) + rest); }  // softmax = exp(x - maximum) * scale
};

template <class T>
inline LogSumExp<T> log_sum_exp(const T* x, int64_t n) {
  const T maximum = row_maximum(x, n);
  if (maximum != maximum) return {maximum, maximum};
  const Vec<T> shift = splat<Vec<T>>(maximum);
  Vec<T> hits = {};  // how often the maximum occurs
  const T below = sum_lanes<T>(n, [&](auto at) {
    const Vec<T> v = at.load(x);
    hits += at.active(v == shift ? splat<Vec<T>>(1) : Vec<T>{});
    return at.active(v == shift ? Vec<T>{} : exp(v - shift));
  });
  return {maximum, below + (fold_lanes<T>(hits, [](auto a, auto b) { return a + b; }) - 1)};
}

// ---- Short rows ----
//
// A row of ten elements leaves a vector half empty and waits for its own sums. So rows of at most
// kShortRow elements are computed kLanes at a time, one per lane, with their columns as vectors.

inline constexpr int64_t kShortRow = 24;

template <class T>
struct Columns {
  alignas(kVectorBytes) T at[kShortRow][kLanes<T>];

  Vec<T> operator[](int64_t j) const { return load(at[j]); }
  void set(int64_t j, Vec<T> v) { store(at[j], v); }
};

// The first kLanes rows of x, or fewer with the last one repeated.
template <class T>
inline void load_columns(const T* x, int64_t rows, int64_t n, Columns<T>& columns) {
  for (int64_t r = 0; r < kLanes<T>; ++r) {
    const T* row = x + (r < rows ? r : rows - 1) * n;
    for (int64_t j = 0; j < n; ++j) columns.at[j][r] = row[j];
  }
}
template <class T>
inline void store_columns(const Columns<T>& columns, T* y, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows && r < kLanes<T>; ++r) {
    for (int64_t j = 0; j < n; ++j) y[r * n + j] = columns.at[j][r];
  }
}

// Calls f(first row, rows left) for groups of kLanes rows.
template <class T, class F>
inline void for_row_groups(int64_t rows, F f) {
  for (int64_t first = 0; first < rows; first += kLanes<T>) f(first, rows - first);
}

template <class T>
inline Vec<T> column_maximum(const Columns<T>& x, int64_t n) {
  Vec<T> largest = splat<Vec<T>>(-MathConstants<Vec<T>>::kInfinity);
  for (int64_t j = 0; j < n; ++j) largest = maximum(largest, x[j]);
  return largest;
}

// LogSumExp of every lane. Puts exp(x - maximum) into `exps`.
template <class T>
struct ColumnLogSumExp {
  Vec<T> maximum, rest;

  Vec<T> log_rest() const { return log1p(rest); }
  Vec<T> scale() const { return 1 / (1 + rest); }
};
template <class T>
inline ColumnLogSumExp<T> log_sum_exp(const Columns<T>& x, int64_t n, Columns<T>& exps) {
  const Vec<T> largest = column_maximum(x, n);
  Vec<T> hits = splat<Vec<T>>(-1), rest = {};
  for (int64_t j = 0; j < n; ++j) {
    const Vec<T> e = exp(x[j] - largest);
    exps.set(j, e);
    hits = x[j] == largest ? hits + 1 : hits;
    rest += x[j] == largest ? Vec<T>{} : e;
  }
  return {largest, rest + hits};
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
