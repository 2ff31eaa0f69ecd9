// The gradient through an activation and the gradient of the bias below it, in one pass.
#include "kernels/fill.h"
#include "simd/loops.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// dz from the saved output and dy; the same arithmetic as kernels/activations.cpp.
struct ReluGrad {
  template <class V>
  V operator()(V y, V dy) const {
    return y > 0 ? dy : V{};
  }
};
struct SigmoidGrad {
  template <class V>
  V operator()(V y, V dy) const {
    return dy * y * (1 - y);
  }
};
struct TanhGrad {
  template <class V>
  V operator()(V y, V dy) const {
    return dy * ((1 - y) * (1 + y));
  }
};

template <class T>
struct Matrices {
  const T *dy, *y;
  T *dz, *sums;
  int64_t rows, n;
};

// Columns from j on, kVectors vectors of them (the last may be a part of one): their sums stay in
// registers.
template <class F, class T, int kVectors, class At>
inline void columns(const Matrices<T>& m, int64_t j, At at) {
  constexpr int64_t lanes = kLanes<T>;
  Vec<T> sum[kVectors] = {};
  for (int64_t r = 0; r < m.rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t first = r * m.n + j + v * lanes;
      const Vec<T> dz = F{}(at.load(m.y + first), at.load(m.dy + first));
      at.store(m.dz + first, dz);
      sum[v] = r == 0 ? dz : sum[v] + dz;
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) at.store(m.sums + j + v * lanes, sum[v]);
}

template <class T, class F>
void activation_grad_sum(const void* dy, const void* y, void* dz, void* sums, int64_t rows,
                         int64_t n) {
  constexpr int kWide = 4;
  constexpr int64_t lanes = kLanes<T>;
  const Matrices<T> m = {static_cast<const T*>(dy),
                         static_cast<const T*>(y),
                         static_cast<T*>(dz),
                         static_cast<T*>(sums),
                         rows,
                         n};
  int64_t j = 0;
  for (; j + kWide * lanes <= n; j += kWide * lanes) columns<F, T, kWide>(m, j, Whole<T>{0});
  for (; j + lanes <= n; j += lanes) columns<F, T, 1>(m, j, Whole<T>{0});
  if (j < n) columns<F, T, 1>(m, j, Part<T>{0, n - j});
}

template <class T>
void fill_float(KernelTable& table) {
  const auto set = [&](Unary activation, ActivationGradSumFn kernel) {
    table.activation_grad_sum[int(activation)][kIndex<T>] = kernel;
  };
  set(Unary::relu, activation_grad_sum<T, ReluGrad>);
  set(Unary::sigmoid, activation_grad_sum<T, SigmoidGrad>);
  set(Unary::tanh, activation_grad_sum<T, TanhGrad>);
}

}  // namespace

void fill_activation_grad_sum(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
