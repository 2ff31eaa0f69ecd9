// Cross-entropy of the softmax of rows of logits, and its gradient. Exact to a few ULP however
// sure the logits are.
#include "kernels/fill.h"
#include "kernels/rows.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
inline void sparse_xent_columns(const T* x, int64_t rows, int64_t n, const int64_t* label,
                                T* loss) {
  Columns<T> columns, exps;
  load_columns(x, rows, n, columns);
  const ColumnLogSumExp<T> lse = log_sum_exp(columns, n, exps);
  T maximum[kLanes<T>], log_rest[kLanes<T>];
  store(maximum, lse.maximum);
  store(log_rest, lse.log_rest());
  for (int64_t r = 0; r < rows && r < kLanes<T>; ++r) {
    loss[r] = (maximum[r] - x[r * n + label[r]]) + log_rest[r];
  }
}

template <class T>
void sparse_xent(const void* x, int64_t rows, int64_t n, const int64_t* label, void* loss) {
  const T* xs = static_cast<const T*>(x);
  T* losses = static_cast<T*>(loss);
  if (n <= kShortRow) {
    for_row_groups<T>(rows, [=](int64_t first, int64_t left) {
      sparse_xent_columns(xs + first * n, left, n, label + first, losses + first);
    });
    return;
  }
  for (int64_t i = 0; i < rows; ++i, xs += n) {
    const LogSumExp<T> lse = log_sum_exp(xs, n);
    losses[i] = (lse.maximum - xs[label[i]]) + lse.log_rest();
  }
}

// The gradient at the label, softmax(x) - 1 times dloss, where `p` is softmax(x) * dloss: of the
// largest logit p - 1 = -rest / (1 + rest), without cancellation where p is nearly 1.
template <class T>
inline T label_slope(const LogSumExp<T>& lse, T logit, T p, T dloss) {
  return logit == lse.maximum ? -lse.rest * lse.scale() * dloss : p - dloss;
}

template <class T>
inline void sparse_xent_grad_columns(const T* x, int64_t rows, int64_t n, const int64_t* label,
                                     const T* dloss, T* dx) {
  Columns<T> columns, exps;
  load_columns(x, rows, n, columns);
  const ColumnLogSumExp<T> lse = log_sum_exp(columns, n, exps);
  const int64_t count = rows < kLanes<T> ? rows : kLanes<T>;
  const Vec<T> slope = count < kLanes<T> ? load_partial(dloss, count, T(0)) : load(dloss);
  const Vec<T> scale = lse.scale() * slope;
  for (int64_t j = 0; j < n; ++j) exps.set(j, exps[j] * scale);
  T maximum[kLanes<T>], rest[kLanes<T>];
  store(maximum, lse.maximum);
  store(rest, lse.rest);
  for (int64_t r = 0; r < count; ++r) {
    T& at_label = exps.at[label[r]][r];
    const T logit = columns.at[label[r]][r];
    at_label = label_slope(LogSumExp<T>{maximum[r], rest[r]}, logit, at_label, dloss[r]);
  }
  store_columns(exps, dx, rows, n);
}

// dx = (softmax(x) - onehot(label)) * dloss
template <class T>
void sparse_xent_grad(const void* x, int64_t rows, int64_t n, const int64_t* label,
                      const void* dloss, void* dx) {
  const T* xs = static_cast<const T*>(x);
  const T* slopes = static_cast<const T*>(dloss);
  T* dxs = static_cast<T*>(dx);
  if (n <= kShortRow) {
    for_row_groups<T>(rows, [=](int64_t first, int64_t left) {
      sparse_xent_grad_columns(xs + first * n, left, n, label + first, slopes + first,
                               dxs + first * n);
    });
    return;
  }
  for (int64_t i = 0; i < rows; ++i, xs += n, dxs += n) {
    const LogSumExp<T> lse = log_sum_exp(xs, n);
    const Vec<T> shift = splat<Vec<T>>(lse.maximum), scale = splat<Vec<T>>(lse.scale() * slopes[i]);
    const T logit = xs[label[i]];
    map1<T>(xs, dxs, n, [=](Vec<T> v) { return exp(v - shift) * scale; });
    dxs[label[i]] = label_slope(lse, logit, dxs[label[i]], slopes[i]);
  }
}

// One class of the loss below. A class of weight 0 adds nothing, even with logit -inf.
template <class V>
inline V weighted_surprise(V x, V weight, V maximum, V log_rest) {
  return weight == 0 ? V{} : weight * ((maximum - x) + log_rest);
}

template <class T>
inline void dense_xent_columns(const T* x, const T* t, int64_t rows, int64_t n, T* loss) {
  Columns<T> columns, targets, exps;
  load_columns(x, rows, n, columns);
  load_columns(t, rows, n, targets);
  const ColumnLogSumExp<T> lse = log_sum_exp(columns, n, exps);
  const Vec<T> log_rest = lse.log_rest();
  Vec<T> sum = {};
  for (int64_t j = 0; j < n; ++j)
    sum += weighted_surprise(columns[j], targets[j], lse.maximum, log_rest);
  if (rows < kLanes<T>) {
    store_partial(loss, sum, rows);
  } else {
    store(loss, sum);
  }
}

// loss = sum_j t[j] * (logsumexp(x) - x[j]).
template <class T>
void dense_xent(const void* x, const void* t, int64_t rows, int64_t n, void* loss) {
  const T* xs = static_cast<const T*>(x);
  const T* ts = static_cast<const T*>(t);
  T* losses = static_cast<T*>(loss);
  if (n <= kShortRow) {
    for_row_groups<T>(rows, [=](int64_t first, int64_t left) {
      dense_xent_columns(xs + first * n, ts + first * n, left, n, losses + first);
    });
    return;
  }
  for (int64_t i = 0; i < rows; ++i, xs += n, ts += n) {
    const LogSumExp<T> lse = log_sum_exp(xs, n);
    const Vec<T> shift = splat<Vec<T>>(lse.maximum), log_rest = splat<Vec<T>>(lse.log_rest());
    losses[i] = sum_lanes<T>(
        n, [=](auto at) { return weighted_surprise(at.load(xs), at.load(ts), shift, log_rest); });
  }
}

template <class T>
inline void dense_xent_grad_columns(const T* x, const T* t, int64_t rows, int64_t n, const T* dloss,
                                    T* dx) {
  Columns<T> columns, targets;
  load_columns(x, rows, n, columns);
  load_columns(t, rows, n, targets);
  const ColumnLogSumExp<T> lse = log_sum_exp(columns, n, columns);
  Vec<T> weight = {};
  for (int64_t j = 0; j < n; ++j) weight += targets[j];
  const Vec<T> slope = rows < kLanes<T> ? load_partial(dloss, rows, T(0)) : load(dloss);
  const Vec<T> scale = lse.scale() * weight;
  for (int64_t j = 0; j < n; ++j) columns.set(j, (columns[j] * scale - targets[j]) * slope);
  store_columns(columns, dx, rows, n);
}

// dx = (softmax(x) * sum(t) - t) * dloss
template <class T>
void dense_xent_grad(const void* x, const void* t, int64_t rows, int64_t n, const void* dloss,
                     void* dx) {
  const T* xs = static_cast<const T*>(x);
  const T* ts = static_cast<const T*>(t);
  const T* slopes = static_cast<const T*>(dloss);
  T* dxs = static_cast<T*>(dx);
  if (n <= kShortRow) {
    for_row_groups<T>(rows, [=](int64_t first, int64_t left) {
      dense_xent_grad_columns(xs + first * n, ts + first * n, left, n, slopes + first,
                              dxs + first * n);
    });
    return;
  }
  for (int64_t i = 0; i < rows; ++i, xs += n, ts += n, dxs += n) {
    const LogSumExp<T> lse = log_sum_exp(xs, n);
    const T weight = sum_lanes<T>(n, [=](auto at) { return at.load(ts); });
    const Vec<T> slope = splat<Vec<T>>(slopes[i]);
    const Vec<T> shift = splat<Vec<T>>(lse.maximum), scale = splat<Vec<T>>(lse.scale() * weight);
    map2<T>(xs, false, ts, false, dxs, n,
            [=](Vec<T> v, Vec<T> target) { return (exp(v - shift) * scale - target) * slope; });
  }
}

template <class T>
void fill_float(KernelTable& table) {
  table.sparse_xent[kIndex<T>] = sparse_xent<T>;
  table.sparse_xent_grad[kIndex<T>] = sparse_xent_grad<T>;
  table.dense_xent[kIndex<T>] = dense_xent<T>;
  table.dense_xent_grad[kIndex<T>] = dense_xent_grad<T>;
}

}  // namespace

void fill_cross_entropy(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
