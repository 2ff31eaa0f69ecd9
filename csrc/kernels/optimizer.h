// One pass over memory for any update rule: what surrounds the rule is written here, once.
//
// A rule is a struct with its scalars in vectors, the number of its states, and
//   Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* states) const
// which returns the new weight and changes the states in place. With kStored = 0 they are only
// read.
#pragma once

#include "kernels/table.h"
#include "simd/loops.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// A number in every lane. Differences such as 1 - beta are formed in double before.
template <class T>
inline Vec<T> every_lane(double value) {
  return splat<Vec<T>>(T(value));
}

template <class T>
struct Prologue {
  Vec<T> scale, bound, decay;
  explicit Prologue(const UpdatePrologue& p)
      : scale(every_lane<T>(p.scale)),
        bound(every_lane<T>(p.bound)),
        decay(every_lane<T>(p.decay)) {}
  // NaN stays NaN: no comparison with it holds.
  Vec<T> gradient(Vec<T> g) const {
    g = g * scale;
    g = g > bound ? bound : g;
    return g < -bound ? -bound : g;
  }
  // One rounding: 1 - decay in the weight's precision would lose the digits of a small decay.
  Vec<T> weight(Vec<T> w) const { return mul_add(-decay, w, w); }
};

// The arrays w and states..., as typed pointers.
template <class T, int kStates>
struct UpdateArrays {
  const T* w;
  const T* g;
  T* w_out;
  const T* state[kStates + 1];
  T* state_out[kStates + 1];

  explicit UpdateArrays(const UpdateArgs& args)
      : w(static_cast<const T*>(args.in[0])),
        g(static_cast<const T*>(args.g)),
        w_out(static_cast<T*>(args.out[0])) {
    for (int j = 0; j < kStates; ++j) {
      state[j] = static_cast<const T*>(args.in[1 + j]);
      state_out[j] = static_cast<T*>(args.out[1 + j]);
    }
  }
};

// The hot path: nothing but the rule.
template <class T, template <class> class Rule>
void plain_update(const UpdateArgs& args) {
  using R = Rule<T>;
  const R rule(args.scalars);
  const UpdateArrays<T, R::kStates> arrays(args);
  for_lanes<T>(args.n, [&](auto at) {
    Vec<T> states[R::kStates + 1];
    for (int j = 0; j < R::kStates; ++j) states[j] = at.load(arrays.state[j]);
    at.store(arrays.w_out, rule.step(at.load(arrays.w), at.load(arrays.g), states));
    for (int j = 0; j < R::kStored; ++j) at.store(arrays.state_out[j], states[j]);
  });
}

template <class T, template <class> class Rule>
void update(const UpdateArgs& args) {
  using R = Rule<T>;
  const R rule(args.scalars);
  const UpdateArrays<T, R::kStates> arrays(args);
  const Prologue<T> before(args.before);
  const T* average = static_cast<const T*>(args.average);
  T* average_out = static_cast<T*>(args.average_out);
  const Vec<T> keep = every_lane<T>(args.ema_momentum), gain = every_lane<T>(1 - args.ema_momentum);
  for_lanes<T>(args.n, [&](auto at) {
    Vec<T> states[R::kStates + 1];
    for (int j = 0; j < R::kStates; ++j) states[j] = at.load(arrays.state[j]);
    const Vec<T> w = before.weight(at.load(arrays.w)), g = before.gradient(at.load(arrays.g));
    Vec<T> next = rule.step(w, g, states);
    if (average) {
      const Vec<T> mean = mul_add(keep, at.load(average), gain * next);
      at.store(average_out, mean);
      if (args.overwrite) next = mean;
    }
    at.store(arrays.w_out, next);
    for (int j = 0; j < R::kStored; ++j) at.store(arrays.state_out[j], states[j]);
  });
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
