// The update rules that need nothing but the element itself: formulas in kernels/table.h.
#include "kernels/optimizer.h"

#include "kernels/fill.h"
#include "simd/math.h"
#include "simd/special.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
struct Sgd {
  static constexpr int kStates = 0, kStored = 0;
  Vec<T> step_size;
  explicit Sgd(const double* s) : step_size(every_lane<T>(-s[0])) {}
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>*) const { return mul_add(step_size, g, w); }
};

template <class T, bool kNesterov>
struct MomentumRule {
  static constexpr int kStates = 1, kStored = 1;
  Vec<T> step_size, keep;
  explicit MomentumRule(const double* s)
      : step_size(every_lane<T>(-s[0])), keep(every_lane<T>(s[1])) {}
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* m) const {
    const Vec<T> push = step_size * g;
    m[0] = mul_add(keep, m[0], push);
    return w + (kNesterov ? mul_add(keep, m[0], push) : m[0]);
  }
};
template <class T>
using Momentum = MomentumRule<T, false>;
template <class T>
using Nesterov = MomentumRule<T, true>;

// average = rho * average + (1 - rho) * x.
template <class T>
struct Average {
  Vec<T> rho, rest;
  explicit Average(double value) : rho(every_lane<T>(value)), rest(every_lane<T>(1 - value)) {}
  Vec<T> operator()(Vec<T> average, Vec<T> x) const { return mul_add(rho, average, rest * x); }
};

template <class T, bool kMomentum, bool kCentered>
struct RmspropRule {
  static constexpr int kStates = 1 + kMomentum + kCentered, kStored = kStates;
  Vec<T> rate, keep, eps;
  Average<T> average;
  explicit RmspropRule(const double* s)
      : rate(every_lane<T>(s[0])),
        keep(every_lane<T>(s[2])),
        eps(every_lane<T>(s[3])),
        average(s[1]) {}
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* state) const {
    state[0] = average(state[0], g * g);
    Vec<T> variance = state[0];
    if constexpr (kCentered) {
      Vec<T>& mean = state[kStates - 1];
      mean = average(mean, g);
      variance = variance - mean * mean;
    }
    Vec<T> move = rate * g / sqrt(variance + eps);
    if constexpr (kMomentum) move = state[1] = mul_add(keep, state[1], move);
    return w - move;
  }
};
template <class T>
using Rmsprop = RmspropRule<T, false, false>;
template <class T>
using RmspropMomentum = RmspropRule<T, true, false>;
template <class T>
using RmspropCentered = RmspropRule<T, false, true>;
template <class T>
using RmspropCenteredMomentum = RmspropRule<T, true, true>;

// The first two moments of the gradient, as Adam averages them.
template <class T>
struct Moments {
  Vec<T> gain1, gain2;
  Moments(double beta1, double beta2)
      : gain1(every_lane<T>(1 - beta1)), gain2(every_lane<T>(1 - beta2)) {}
  void add(Vec<T> g, Vec<T>* m, Vec<T>* v) const {
    *m = mul_add(g - *m, gain1, *m);
    *v = mul_add(g * g - *v, gain2, *v);
  }
};

template <class T, bool kAmsgrad>
struct AdamRule {
  static constexpr int kStates = 2 + kAmsgrad, kStored = kStates;
  Vec<T> alpha, eps;
  Moments<T> moments;
  explicit AdamRule(const double* s)
      : alpha(every_lane<T>(s[0])), eps(every_lane<T>(s[3])), moments(s[1], s[2]) {}
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* state) const {
    moments.add(g, &state[0], &state[1]);
    if constexpr (kAmsgrad) state[2] = maximum(state[2], state[1]);
    return w - state[0] * alpha / (sqrt(state[kStates - 1]) + eps);
  }
};
template <class T>
using Adam = AdamRule<T, false>;
template <class T>
using Amsgrad = AdamRule<T, true>;

template <class T>
struct Adagrad {
  static constexpr int kStates = 1, kStored = 1;
  Vec<T> rate, eps;
  explicit Adagrad(const double* s) : rate(every_lane<T>(s[0])), eps(every_lane<T>(s[1])) {}
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* sum) const {
    sum[0] = mul_add(g, g, sum[0]);
    return w - rate * g / sqrt(sum[0] + eps);
  }
};

template <class T>
struct Adadelta {
  static constexpr int kStates = 2, kStored = 2;
  Vec<T> rate, eps;
  Average<T> average;
  explicit Adadelta(const double* s)
      : rate(every_lane<T>(s[0])), eps(every_lane<T>(s[2])), average(s[1]) {}
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* state) const {
    state[0] = average(state[0], g * g);
    const Vec<T> move = g * sqrt((state[1] + eps) / (state[0] + eps));
    state[1] = average(state[1], move * move);
    return w - rate * move;
  }
};

template <class T>
struct Adamax {
  static constexpr int kStates = 2, kStored = 2;
  Vec<T> alpha, gain1, beta2, eps;
  explicit Adamax(const double* s)
      : alpha(every_lane<T>(s[0])),
        gain1(every_lane<T>(1 - s[1])),
        beta2(every_lane<T>(s[2])),
        eps(every_lane<T>(s[3])) {}
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* state) const {
    state[0] = mul_add(g - state[0], gain1, state[0]);
    state[1] = maximum(beta2 * state[1], abs(g));
    return w - alpha * state[0] / (state[1] + eps);
  }
};

template <class T>
struct Nadam {
  static constexpr int kStates = 2, kStored = 2;
  Vec<T> of_mean, of_gradient, eps;
  Moments<T> moments;
  explicit Nadam(const double* s)
      : of_mean(every_lane<T>(s[0])),
        of_gradient(every_lane<T>(s[1])),
        eps(every_lane<T>(s[4])),
        moments(s[2], s[3]) {}
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* state) const {
    moments.add(g, &state[0], &state[1]);
    return w - mul_add(of_mean, state[0], of_gradient * g) / (sqrt(state[1]) + eps);
  }
};

template <class T>
struct Ftrl {
  static constexpr int kStates = 2, kStored = 2;
  Vec<T> inverse_rate, exponent, l1, twice_l2, twice_shrinkage;
  bool is_root;  // the exponent of the paper
  explicit Ftrl(const double* s)
      : inverse_rate(every_lane<T>(s[0])),
        exponent(every_lane<T>(s[1])),
        l1(every_lane<T>(s[2])),
        twice_l2(every_lane<T>(s[3])),
        twice_shrinkage(every_lane<T>(s[4])),
        is_root(s[1] == 0.5) {}
  Vec<T> raise(Vec<T> x) const { return is_root ? sqrt(x) : power(x, exponent); }
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* state) const {
    const Vec<T> sum = mul_add(g, g, state[0]), raised = raise(sum);
    const Vec<T> sigma = (raised - raise(state[0])) * inverse_rate;
    const Vec<T> z = state[1] + (mul_add(twice_shrinkage, w, g) - sigma * w);
    state[0] = sum;
    state[1] = z;
    Vec<T> clipped = z > l1 ? l1 : z;
    clipped = clipped < -l1 ? -l1 : clipped;
    return (clipped - z) / mul_add(raised, inverse_rate, twice_l2);
  }
};

template <class T>
struct Lion {
  static constexpr int kStates = 1, kStored = 1;
  Vec<T> rate;
  Average<T> look, average;
  explicit Lion(const double* s) : rate(every_lane<T>(s[0])), look(s[1]), average(s[2]) {}
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* m) const {
    const Vec<T> direction = look(m[0], g);
    m[0] = average(m[0], g);
    const Vec<T> down = direction < 0 ? -rate : direction;  // what is left is zero, or NaN
    return w - (direction > 0 ? rate : down);
  }
};

template <class T, template <class> class Rule>
void set(KernelTable& table, Update which) {
  table.update[int(which)][kIndex<T>] = update<T, Rule>;
  table.plain_update[int(which)][kIndex<T>] = plain_update<T, Rule>;
}

template <class T>
void fill_float(KernelTable& table) {
  set<T, Sgd>(table, Update::sgd);
  set<T, Momentum>(table, Update::momentum);
  set<T, Nesterov>(table, Update::nesterov);
  set<T, Rmsprop>(table, Update::rmsprop);
  set<T, RmspropMomentum>(table, Update::rmsprop_momentum);
  set<T, RmspropCentered>(table, Update::rmsprop_centered);
  set<T, RmspropCenteredMomentum>(table, Update::rmsprop_centered_momentum);
  set<T, Adam>(table, Update::adam);
  set<T, Amsgrad>(table, Update::amsgrad);
  set<T, Adagrad>(table, Update::adagrad);
  set<T, Adadelta>(table, Update::adadelta);
  set<T, Adamax>(table, Update::adamax);
  set<T, Nadam>(table, Update::nadam);
  set<T, Ftrl>(table, Update::ftrl);
  set<T, Lion>(table, Update::lion);
}

}  // namespace

void fill_optimizer(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
