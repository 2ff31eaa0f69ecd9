// Cross-entropy of the softmax of one row of logits, and its gradient. Exact to a few ULP however
// sure the logits are.
#include "kernels/fill.h"
#include "kernels/rows.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
void sparse_xent(const void* x, int64_t n, int64_t label, void* loss) {
  const T* xs = static_cast<const T*>(x);
  const LogSumExp<T> lse = log_sum_exp(xs, n);
  *static_cast<T*>(loss) = (lse.maximum - xs[label]) + lse.log_rest();
}

// dx = (softmax(x) - onehot(label)) * dloss
template <class T>
void sparse_xent_grad(const void* x, int64_t n, int64_t label, const void* dloss, void* dx) {
  const T* xs = static_cast<const T*>(x);
  T* dxs = static_cast<T*>(dx);
  const LogSumExp<T> lse = log_sum_exp(xs, n);
  const T slope = *static_cast<const T*>(dloss);
  const Vec<T> shift = splat<Vec<T>>(lse.maximum), scale = splat<Vec<T>>(lse.scale() * slope);
  const bool label_is_largest = xs[label] == lse.maximum;
  map1<T>(x, dx, n, [=](Vec<T> v) { return exp(v - shift) * scale; });
  // p - 1 = -rest / (1 + rest) for the largest logit: no cancellation where p is nearly 1.
  dxs[label] = label_is_largest ? -lse.rest * lse.scale() * slope : dxs[label] - slope;
}

// loss = sum_j t[j] * (logsumexp(x) - x[j]). A class of weight 0 adds nothing, even with logit
// -inf.
template <class T>
void dense_xent(const void* x, const void* t, int64_t n, void* loss) {
  const T* xs = static_cast<const T*>(x);
  const T* ts = static_cast<const T*>(t);
  const LogSumExp<T> lse = log_sum_exp(xs, n);
  const Vec<T> shift = splat<Vec<T>>(lse.maximum), log_rest = splat<Vec<T>>(lse.log_rest());
  *static_cast<T*>(loss) = sum_lanes<T>(n, [=](auto at) {
    const Vec<T> weight = at.load(ts);
    const Vec<T> surprise = (shift - at.load(xs)) + log_rest;
    return weight == 0 ? Vec<T>{} : weight * surprise;
  });
}

// dx = (softmax(x) * sum(t) - t) * dloss
template <class T>
void dense_xent_grad(const void* x, const void* t, int64_t n, const void* dloss, void* dx) {
  const T* ts = static_cast<const T*>(t);
  const LogSumExp<T> lse = log_sum_exp(static_cast<const T*>(x), n);
  const T weight = sum_lanes<T>(n, [=](auto at) { return at.load(ts); });
  const Vec<T> slope = splat<Vec<T>>(*static_cast<const T*>(dloss));
  const Vec<T> shift = splat<Vec<T>>(lse.maximum), scale = splat<Vec<T>>(lse.scale() * weight);
  map2<T>(x, false, t, false, dx, n,
          [=](Vec<T> v, Vec<T> target) { return (exp(v - shift) * scale - target) * slope; });
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
