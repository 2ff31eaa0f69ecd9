// softmax and log_softmax of one row, and their gradients. In place is allowed.
#include "kernels/fill.h"
#include "kernels/rows.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
void softmax(const void* x, void* y, int64_t n) {
  const T* xs = static_cast<const T*>(x);
  T* ys = static_cast<T*>(y);
  const Vec<T> shift = splat<Vec<T>>(row_maximum(xs, n));
  const T sum = sum_lanes<T>(n, [=](auto at) {
    const Vec<T> e = exp(at.load(xs) - shift);
    at.store(ys, e);
    return at.active(e);
  });
  const Vec<T> scale = splat<Vec<T>>(T(1) / sum);
  map1<T>(y, y, n, [=](Vec<T> e) { return e * scale; });
}

template <class T>
void log_softmax(const void* x, void* y, int64_t n) {
  const LogSumExp<T> lse = log_sum_exp(static_cast<const T*>(x), n);
  const Vec<T> shift = splat<Vec<T>>(lse.maximum), log_rest = splat<Vec<T>>(lse.log_rest());
  map1<T>(x, y, n, [=](Vec<T> v) { return (v - shift) - log_rest; });
}

// dx = y * (dy - sum(dy * y))
template <class T>
void softmax_grad(const void* y, const void* dy, void* dx, int64_t n) {
  const T* ys = static_cast<const T*>(y);
  const T* dys = static_cast<const T*>(dy);
  const T dot = sum_lanes<T>(n, [=](auto at) { return at.load(ys) * at.load(dys); });
  const Vec<T> mean = splat<Vec<T>>(dot);
  map2<T>(y, false, dy, false, dx, n, [=](Vec<T> v, Vec<T> d) { return v * (d - mean); });
}

// dx = dy - exp(y) * sum(dy)
template <class T>
void log_softmax_grad(const void* y, const void* dy, void* dx, int64_t n) {
  const T* dys = static_cast<const T*>(dy);
  const Vec<T> sum = splat<Vec<T>>(sum_lanes<T>(n, [=](auto at) { return at.load(dys); }));
  map2<T>(y, false, dy, false, dx, n, [=](Vec<T> v, Vec<T> d) { return mul_add(-exp(v), sum, d); });
}

template <class T>
void fill_float(KernelTable& table) {
  table.softmax[kIndex<T>] = softmax<T>;
  table.log_softmax[kIndex<T>] = log_softmax<T>;
  table.softmax_grad[kIndex<T>] = softmax_grad<T>;
  table.log_softmax_grad[kIndex<T>] = log_softmax_grad<T>;
}

}  // namespace

void fill_softmax(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
