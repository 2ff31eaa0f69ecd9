// What the launches of optimizer updates share with each other and with their shape rules.
#pragma once

#include "ops/op.h"
#include "runtime/arena.h"

namespace pynn {

// The fields of Attrs::params of an update; those of the rule are numbered from 0.
enum UpdateParam : int {
  kRuleParams = 5,           // so many, at most
  kClipValue = kRuleParams,  // largest magnitude of an element of the gradient; 0: any
  kWeightDecay,              // w shrinks by this times the learning rate, before the step
  kEmaMomentum,              // of the moving average
  kEmaFrequency,             // after so many steps w becomes its average; 0: never
};

// How many arrays of the shape of w an update has besides w and the moving average.
int update_states(const OpDef& op);

// One call of an update: its arrays, its scalars, and what surrounds the rule.
class UpdateCall {
 public:
  // The states of the rule are the inputs (and outputs) from number `first` on.
  UpdateCall(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out, int first,
             int states);

  // The rule, in one pass.
  void run(kernels::Update rule, const double* scalars);
  // The first pass of a rule that needs sums; the states are read from the outputs after it. The
  // blocks that are summed depend on the size alone.
  void sum(kernels::UpdateSumsFn kernel, const double* scalars, double (&sums)[2]);
  // The states are read from where they were written to.
  void read_new_states();

  // Rounded to the dtype of the weight, as is the base: that is what Keras computes, and in early
  // steps 1 - beta^t depends on it.
  double power(double base, double exponent) const;

  int64_t size() const { return n_; }
  const void* weight() const { return in_[0]; }
  const void* gradient() const { return args_.g; }
  const kernels::UpdatePrologue& before() const { return args_.before; }

  double rate, t;  // learning rate; number of the step, from 1
  double product;  // the scalar after the usual ones, where the rule has one
  const double* params;

 private:
  template <class F>
  void on_range(int64_t first, int64_t count, const F& call) const;
  bool is_plain() const;

  Scratch scratch_;
  DType dtype_;
  int64_t n_;
  int arrays_;  // w and the states
  const void* in_[1 + kernels::kMaxUpdateStates];
  void* out_[1 + kernels::kMaxUpdateStates];
  kernels::UpdateArgs args_{};
};

}  // namespace pynn
