// Loops over contiguous ranges, with the tail written once.
//
// for_lanes calls f with a position: a Whole vector or, at the end, a Part of one. Both load into
// full vectors, so f does the same arithmetic on every element wherever a range is cut: same bits.
#pragma once

#include "simd/simd.h"

// Before a loop whose output may be exactly one of its inputs (in place), which is no obstacle to
// vector code.
#if defined(__clang__)
#define PYNN_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#else
#define PYNN_VECTORIZE _Pragma("GCC ivdep")
#endif

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// Where a map writes. `streaming`: past the caches; the memory is then aligned to a vector.
template <class T>
struct Target {
  T* data;
  bool streaming;
};
template <class T, class Pointee>
inline Target<T> target(Pointee* y) {
  return {static_cast<T*>(y), false};
}
template <class T, class Output>
inline Target<T> target(Output y) {
  return {static_cast<T*>(y.data), y.streaming};
}

template <class T>
struct Whole {
  int64_t i;
  Vec<T> load(const T* p, T = T(0)) const { return PYNN_ISA_NAMESPACE::load(p + i); }
  void store(T* p, Vec<T> v) const { PYNN_ISA_NAMESPACE::store(p + i, v); }
  void store(Target<T> y, Vec<T> v) const {
    if (kHasStreaming && y.streaming) {
      store_streaming(reinterpret_cast<uint64_t*>(y.data + i), Vec<uint64_t>(v));
    } else {
      store(y.data, v);
    }
  }
  Vec<T> active(Vec<T> v) const { return v; }
};

// 0, 1, 2, ... in the lanes.
template <class T>
inline IntVec<Vec<T>> lane_numbers() {
  IntVec<Vec<T>> numbers;
  for (int i = 0; i < kLanes<T>; ++i) numbers[i] = i;
  return numbers;
}

template <class T>
struct Part {
  int64_t i, count;
  // Lanes beyond the range hold `rest`.
  Vec<T> load(const T* p, T rest = T(0)) const { return load_partial(p + i, count, rest); }
  void store(T* p, Vec<T> v) const { store_partial(p + i, v, count); }
  void store(Target<T> y, Vec<T> v) const { store(y.data, v); }
  // v with zeros in the lanes beyond the range.
  Vec<T> active(Vec<T> v) const {
    return lane_numbers<T>() < IntScalar<Vec<T>>(count) ? v : Vec<T>{};
  }
};

template <class T, class F>
inline void for_lanes(int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) f(Whole<T>{i});
  if (i < n) f(Part<T>{i, n - i});
}

// y[i] = f(x[i]) on vectors.
template <class T, class Y, class F>
inline void map1(const void* x, Y y, int64_t n, F f) {
  const T* xs = static_cast<const T*>(x);
  const Target<T> ys = target<T>(y);
  for_lanes<T>(n, [&](auto at) { at.store(ys, f(at.load(xs))); });
}

// y[i] = f(a[i * !a_scalar], b[i * !b_scalar]) on vectors.
template <class T, class Y, class F>
inline void map2(const void* a, bool a_scalar, const void* b, bool b_scalar, Y y, int64_t n, F f) {
  if (n == 0) return;
  const T* as = static_cast<const T*>(a);
  const T* bs = static_cast<const T*>(b);
  const Target<T> ys = target<T>(y);
  const Vec<T> a0 = splat<Vec<T>>(as[0]), b0 = splat<Vec<T>>(bs[0]);
  if (!a_scalar && !b_scalar) {
    for_lanes<T>(n, [&](auto at) { at.store(ys, f(at.load(as), at.load(bs))); });
  } else if (!a_scalar) {
    for_lanes<T>(n, [&](auto at) { at.store(ys, f(at.load(as), b0)); });
  } else if (!b_scalar) {
    for_lanes<T>(n, [&](auto at) { at.store(ys, f(a0, at.load(bs))); });
  } else {
    const Vec<T> value = f(a0, b0);
    for_lanes<T>(n, [&](auto at) { at.store(ys, value); });
  }
}

// y[i] = f(x[i]) on single elements, for types and functions which the compiler vectorizes or
// nothing can.
template <class In, class Out, class Y, class F>
inline void loop1(const void* x, Y y, int64_t n, F f) {
  const In* xs = static_cast<const In*>(x);
  Out* ys = target<Out>(y).data;
  PYNN_VECTORIZE
  for (int64_t i = 0; i < n; ++i) ys[i] = f(xs[i]);
}

template <class In, class Out, class Y, class F>
inline void loop2(const void* a, bool a_scalar, const void* b, bool b_scalar, Y y, int64_t n, F f) {
  if (n == 0) return;
  const In* as = static_cast<const In*>(a);
  const In* bs = static_cast<const In*>(b);
  Out* ys = target<Out>(y).data;
  const In a0 = as[0], b0 = bs[0];
  if (!a_scalar && !b_scalar) {
    PYNN_VECTORIZE
    for (int64_t i = 0; i < n; ++i) ys[i] = f(as[i], bs[i]);
  } else if (!a_scalar) {
    PYNN_VECTORIZE
    for (int64_t i = 0; i < n; ++i) ys[i] = f(as[i], b0);
  } else if (!b_scalar) {
    PYNN_VECTORIZE
    for (int64_t i = 0; i < n; ++i) ys[i] = f(a0, bs[i]);
  } else {
    const Out value = f(a0, b0);
    for (int64_t i = 0; i < n; ++i) ys[i] = value;
  }
}

// The lanes of v combined by f in a fixed tree: lane i with lane i + half, halves again.
template <class T, int Bytes = kVectorBytes, class F>
inline T fold_lanes(typename VecOf<T, Bytes>::type v, F f) {
  if constexpr (Bytes == 16) {
    constexpr int lanes = 16 / int(sizeof(T));
    T low[lanes];
    __builtin_memcpy(low, &v, sizeof low);
    for (int half = lanes / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) low[i] = f(low[i], low[i + half]);
    }
    return low[0];
  } else {
    typename VecOf<T, Bytes / 2>::type halves[2];
    __builtin_memcpy(halves, &v, sizeof v);
    return fold_lanes<T, Bytes / 2>(f(halves[0], halves[1]), f);
  }
}

// Combination of x[0..n) by f, which must be associative and commutative up to rounding and work on
// vectors and scalars. `identity` stands for the elements beyond the range.
template <class T, class F>
inline T reduce_lanes(const T* x, int64_t n, T identity, F f) {
  constexpr int kChains = 8;  // independent chains hide the latency of f
  constexpr int64_t kStep = kChains * kLanes<T>;
  Vec<T> acc[kChains];
  for (Vec<T>& a : acc) a = splat<Vec<T>>(identity);
  int64_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    for (int j = 0; j < kChains; ++j) acc[j] = f(acc[j], load(x + i + j * kLanes<T>));
  }
  for_lanes<T>(n - i, [&](auto at) { acc[0] = f(acc[0], at.load(x + i, identity)); });
  for (int half = kChains / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; ++j) acc[j] = f(acc[j], acc[j + half]);
  }
  return fold_lanes<T>(acc[0], f);
}

// Sum of the vectors f(position) over n elements, n >= 1. f must return zeros beyond the range
// (position.active does that). Blocks of 64 vectors are summed in four accumulators, so that no
// chain is longer than 16, and block sums pairwise: the error grows with log n, and the order
// depends on n alone.
template <class T>
inline constexpr int64_t kSumBlock = 64 * kLanes<T>;

template <class T, class F>
inline T sum_block(int64_t begin, int64_t end, F& f) {
  constexpr int kChains = 4;
  constexpr int64_t kStep = kChains * kLanes<T>;
  Vec<T> acc[kChains] = {};
  int64_t i = begin;
  for (; i + kStep <= end; i += kStep) {
    for (int j = 0; j < kChains; ++j) acc[j] += f(Whole<T>{i + j * kLanes<T>});
  }
  for (; i + kLanes<T> <= end; i += kLanes<T>) acc[0] += f(Whole<T>{i});
  if (i < end) acc[1] += f(Part<T>{i, end - i});
  return fold_lanes<T>((acc[0] + acc[1]) + (acc[2] + acc[3]), [](auto a, auto b) { return a + b; });
}

template <class T, class F>
inline T sum_lanes(int64_t n, F f) {
  constexpr int64_t size = kSumBlock<T>;
  if (n <= size) return sum_block<T>(0, n, f);
  // partial[d] is the sum of 2^k blocks, k falling with d: the binary digits of the number of
  // blocks.
  T partial[56];
  int depth = 0;
  int64_t block = 0;
  for (int64_t begin = 0; begin < n; begin += size, ++block) {
    const int64_t end = begin + size < n ? begin + size : n;
    T sum = sum_block<T>(begin, end, f);
    for (int64_t carry = block; carry & 1; carry >>= 1) sum = partial[--depth] + sum;
    partial[depth++] = sum;
  }
  T sum = partial[--depth];
  while (depth > 0) sum = partial[--depth] + sum;
  return sum;
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
