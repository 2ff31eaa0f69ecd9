// Moving elements by size: strided copy and selection by a condition.
#include "kernels/fill.h"
#include "simd/loops.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
void strided_copy(const void* x, int64_t sx, void* y, int64_t sy, int64_t n) {
  const T* xs = static_cast<const T*>(x);
  T* ys = static_cast<T*>(y);
  if (sx == 1 && sy == 1) {
    __builtin_memmove(ys, xs, uint64_t(n) * sizeof(T));
  } else if (sx == 0 && sy == 1 && n > 0) {
    const T value = *xs;
    for (int64_t i = 0; i < n; ++i) ys[i] = value;
  } else if (sy == 1) {
#pragma GCC unroll 8
    for (int64_t i = 0; i < n; ++i) ys[i] = xs[i * sx];
  } else {
#pragma GCC unroll 4
    for (int64_t i = 0; i < n; ++i) ys[i * sy] = xs[i * sx];
  }
}

template <class T>
void where(const uint8_t* c, bool c_scalar, const void* a, bool a_scalar, const void* b,
           bool b_scalar, void* y, int64_t n) {
  if (n == 0) return;
  if (c_scalar) {
    const bool first = *c != 0;
    return strided_copy<T>(first ? a : b, (first ? a_scalar : b_scalar) ? 0 : 1, y, 1, n);
  }
  const T* as = static_cast<const T*>(a);
  const T* bs = static_cast<const T*>(b);
  T* ys = static_cast<T*>(y);
  const T a0 = as[0], b0 = bs[0];
  if (!a_scalar && !b_scalar) {
    PYNN_VECTORIZE
    for (int64_t i = 0; i < n; ++i) {
      const T u = as[i], v = bs[i];  // both read: no branch
      ys[i] = c[i] ? u : v;
    }
  } else if (!a_scalar) {
    PYNN_VECTORIZE
    for (int64_t i = 0; i < n; ++i) {
      const T u = as[i];
      ys[i] = c[i] ? u : b0;
    }
  } else if (!b_scalar) {
    PYNN_VECTORIZE
    for (int64_t i = 0; i < n; ++i) {
      const T v = bs[i];
      ys[i] = c[i] ? a0 : v;
    }
  } else {
    PYNN_VECTORIZE
    for (int64_t i = 0; i < n; ++i) ys[i] = c[i] ? a0 : b0;
  }
}

}  // namespace

void fill_copy(KernelTable& table) {
  table.copy[0] = strided_copy<uint8_t>;
  table.copy[1] = strided_copy<uint16_t>;
  table.copy[2] = strided_copy<uint32_t>;
  table.copy[3] = strided_copy<uint64_t>;
  table.where[0] = where<uint8_t>;
  table.where[1] = where<uint16_t>;
  table.where[2] = where<uint32_t>;
  table.where[3] = where<uint64_t>;
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
