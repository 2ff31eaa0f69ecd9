// softmax and log_softmax of rows, and their gradients. In place is allowed.
#include "kernels/fill.h"
#include "kernels/rows.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
inline void softmax_row(const T* x, T* y, int64_t n) {
  const Vec<T> shift = splat<Vec<T>>(row_maximum(x, n));
  const T sum = sum_lanes<T>(n, [=](auto at) {
    const Vec<T> e = exp(at.load(x) - shift);
    at.store(y, e);
    return at.active(e);
  });
  const Vec<T> scale = splat<Vec<T>>(T(1) / sum);
  map1<T>(y, y, n, [=](Vec<T> e) { return e * scale; });
}

template <class T>
inline void softmax_columns(Columns<T>& x, int64_t n) {
  const Vec<T> largest = column_maximum(x, n);
  Vec<T> sum = {};
  for (int64_t j = 0; j < n; ++j) {
    const Vec<T> e = exp(x[j] - largest);
    x.set(j, e);
    sum += e;
  }
  const Vec<T> scale = 1 / sum;
  for (int64_t j = 0; j < n; ++j) x.set(j, x[j] * scale);
}

template <class T>
void softmax(const void* x, void* y, int64_t rows, int64_t n) {
  const T* xs = static_cast<const T*>(x);
  T* ys = static_cast<T*>(y);
  if (n > kShortRow) {
    for (int64_t i = 0; i < rows; ++i) softmax_row(xs + i * n, ys + i * n, n);
    return;
  }
  for_row_groups<T>(rows, [=](int64_t first, int64_t left) {
    Columns<T> columns;
    load_columns(xs + first * n, left, n, columns);
    softmax_columns(columns, n);
    store_columns(columns, ys + first * n, left, n);
  });
}

template <class T>
inline void log_softmax_row(const T* x, T* y, int64_t n) {
  const LogSumExp<T> lse = log_sum_exp(x, n);
  const Vec<T> shift = splat<Vec<T>>(lse.maximum), log_rest = splat<Vec<T>>(lse.log_rest());
  map1<T>(x, y, n, [=](Vec<T> v) { return (v - shift) - log_rest; });
}

template <class T>
void log_softmax(const void* x, void* y, int64_t rows, int64_t n) {
  const T* xs = static_cast<const T*>(x);
  T* ys = static_cast<T*>(y);
  if (n > kShortRow) {
    for (int64_t i = 0; i < rows; ++i) log_softmax_row(xs + i * n, ys + i * n, n);
    return;
  }
  for_row_groups<T>(rows, [=](int64_t first, int64_t left) {
    Columns<T> columns, exps;
    load_columns(xs + first * n, left, n, columns);
    const ColumnLogSumExp<T> lse = log_sum_exp(columns, n, exps);
    const Vec<T> log_rest = lse.log_rest();
    for (int64_t j = 0; j < n; ++j) columns.set(j, (columns[j] - lse.maximum) - log_rest);
    store_columns(columns, ys + first * n, left, n);
  });
}

// dx = y * (dy - sum(dy * y))
template <class T>
void softmax_grad(const void* y, const void* dy, void* dx, int64_t rows, int64_t n) {
  const T* ys = static_cast<const T*>(y);
  const T* dys = static_cast<const T*>(dy);
  T* dxs = static_cast<T*>(dx);
  for (int64_t i = 0; i < rows; ++i, ys += n, dys += n, dxs += n) {
    const T dot = sum_lanes<T>(n, [=](auto at) { return at.load(ys) * at.load(dys); });
    const Vec<T> mean = splat<Vec<T>>(dot);
    map2<T>(ys, false, dys, false, dxs, n, [=](Vec<T> v, Vec<T> d) { return v * (d - mean); });
  }
}

// dx = dy - exp(y) * sum(dy)
template <class T>
void log_softmax_grad(const void* y, const void* dy, void* dx, int64_t rows, int64_t n) {
  const T* ys = static_cast<const T*>(y);
  const T* dys = static_cast<const T*>(dy);
  T* dxs = static_cast<T*>(dx);
  for (int64_t i = 0; i < rows; ++i, ys += n, dys += n, dxs += n) {
    const Vec<T> sum = splat<Vec<T>>(sum_lanes<T>(n, [=](auto at) { return at.load(dys); }));
    map2<T>(ys, false, dys, false, dxs, n,
            [=](Vec<T> v, Vec<T> d) { return mul_add(-exp(v), sum, d); });
  }
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
