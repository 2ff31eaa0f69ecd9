// Optimizer updates: one pass that reads gradient, state and weight, and writes state and weight.
// The formulas are in kernels/table.h; w, m, v, g have n elements each.
#include "kernels/fill.h"
#include "simd/loops.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
const T* in(const void* p) {
  return static_cast<const T*>(p);
}
template <class T>
T* out(void* p) {
  return static_cast<T*>(p);
}
// A hyper-parameter in every lane. Differences such as 1 - beta are formed in double before.
template <class T>
Vec<T> every_lane(double value) {
  return splat<Vec<T>>(T(value));
}

template <class T>
void sgd(const void* w, const void* g, void* w_out, int64_t n, const double* params) {
  const Vec<T> step = every_lane<T>(-params[0]);
  map2<T>(w, false, g, false, w_out, n,
          [=](Vec<T> weight, Vec<T> grad) { return mul_add(step, grad, weight); });
}

template <class T>
void momentum(const void* w, const void* m, const void* g, void* w_out, void* m_out, int64_t n,
              const double* params) {
  const Vec<T> step = every_lane<T>(-params[0]), decay = every_lane<T>(params[1]);
  const bool nesterov = params[2] != 0;
  for_lanes<T>(n, [&](auto at) {
    const Vec<T> push = step * at.load(in<T>(g));
    const Vec<T> velocity = mul_add(decay, at.load(in<T>(m)), push);
    const Vec<T> move = nesterov ? mul_add(decay, velocity, push) : velocity;
    at.store(out<T>(w_out), at.load(in<T>(w)) + move);
    at.store(out<T>(m_out), velocity);
  });
}

template <class T>
void rmsprop(const void* w, const void* v, const void* g, void* w_out, void* v_out, int64_t n,
             const double* params) {
  const Vec<T> rate = every_lane<T>(params[0]), rho = every_lane<T>(params[1]);
  const Vec<T> rest = every_lane<T>(1 - params[1]), eps = every_lane<T>(params[2]);
  for_lanes<T>(n, [&](auto at) {
    const Vec<T> grad = at.load(in<T>(g));
    const Vec<T> square = mul_add(rho, at.load(in<T>(v)), rest * (grad * grad));
    at.store(out<T>(w_out), at.load(in<T>(w)) - rate * grad / sqrt(square + eps));
    at.store(out<T>(v_out), square);
  });
}

template <class T>
void adam(const void* w, const void* m, const void* v, const void* g, void* w_out, void* m_out,
          void* v_out, int64_t n, const double* params) {
  const Vec<T> alpha = every_lane<T>(params[0]), eps = every_lane<T>(params[3]);
  const Vec<T> gain1 = every_lane<T>(1 - params[1]), gain2 = every_lane<T>(1 - params[2]);
  for_lanes<T>(n, [&](auto at) {
    const Vec<T> grad = at.load(in<T>(g));
    const Vec<T> m_old = at.load(in<T>(m)), v_old = at.load(in<T>(v));
    const Vec<T> mean = mul_add(grad - m_old, gain1, m_old);
    const Vec<T> square = mul_add(grad * grad - v_old, gain2, v_old);
    at.store(out<T>(w_out), at.load(in<T>(w)) - mean * alpha / (sqrt(square) + eps));
    at.store(out<T>(m_out), mean);
    at.store(out<T>(v_out), square);
  });
}

template <class T>
void fill_float(KernelTable& table) {
  table.sgd[kIndex<T>] = sgd<T>;
  table.momentum[kIndex<T>] = momentum<T>;
  table.rmsprop[kIndex<T>] = rmsprop<T>;
  table.adam[kIndex<T>] = adam<T>;
}

}  // namespace

void fill_optimizer(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
