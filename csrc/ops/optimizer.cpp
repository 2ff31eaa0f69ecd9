// Optimizer updates: one pass over memory per parameter.
//
// Inputs: w, states..., [moving average of w], g, learning rate, iterations, scale of the gradient.
// What depends on the step alone is computed here, in double, once per parameter.
#include "ops/optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/contiguous_input.h"
#include "ops/launch.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

using kernels::Update;

constexpr int64_t kGrain = 8192;
constexpr int64_t kSumBlock = 16384;  // elements that one task sums
constexpr int kMaxScalars = 5;

double read_scalar(const View& v) {
  switch (v.dtype) {
    case DType::float64:
      return *static_cast<const double*>(v.data);
    case DType::float32:
      return double(*static_cast<const float*>(v.data));
    case DType::int64:
      return double(*static_cast<const int64_t*>(v.data));
    default:
      return double(*static_cast<const int32_t*>(v.data));
  }
}

// All parameters of a step ask for the same two powers, and beside a small parameter they cost.
double remembered_power(double base, double exponent) {
  struct Power {
    double base, exponent, value;
  };
  thread_local Power last[2] = {{1, 1, 1}, {1, 1, 1}};
  thread_local int oldest = 0;
  for (const Power& p : last)
    if (p.base == base && p.exponent == exponent) return p.value;
  oldest ^= 1;
  last[oldest] = {base, exponent, std::pow(base, exponent)};
  return last[oldest].value;
}

// ---- scalars of the rules, in the order of kernels/table.h

void copy_params(const UpdateCall& call, double* s) {
  s[0] = call.rate;
  std::copy(call.params, call.params + kMaxScalars - 1, s + 1);
}

void adam_scalars(const UpdateCall& call, double* s) {
  copy_params(call, s);
  s[0] *= std::sqrt(1 - call.power(s[2], call.t)) / (1 - call.power(s[1], call.t));
}

void adamax_scalars(const UpdateCall& call, double* s) {
  copy_params(call, s);
  s[0] /= 1 - call.power(s[1], call.t);
}

// Dozat, "Incorporating Nesterov momentum into Adam", 2016. Both sides of the quotient are
// multiplied by the root of the bias correction of v.
void nadam_scalars(const UpdateCall& call, double* s) {
  const double beta1 = call.params[0], beta2 = call.params[1];
  const double u = beta1 * (1 - 0.5 * call.power(0.96, call.t));
  const double next_u = beta1 * (1 - 0.5 * call.power(0.96, call.t + 1));
  const double root = std::sqrt(1 - call.power(beta2, call.t));
  s[0] = call.rate * root * next_u / (1 - call.product * next_u);
  s[1] = call.rate * root * (1 - u) / (1 - call.product);
  s[2] = beta1;
  s[3] = beta2;
  s[4] = call.params[2] * root;
}

void ftrl_scalars(const UpdateCall& call, double* s) {
  const double *p = call.params, l1 = p[1], l2 = p[2], shrinkage = p[3], beta = p[4];
  s[0] = 1 / call.rate;
  s[1] = -p[0];
  s[2] = l1;
  s[3] = 2 * l2 + beta / call.rate;
  s[4] = 2 * shrinkage;
}

struct Rule {
  int states;
  void (*scalars)(const UpdateCall& call, double* s);  // null: the rule has two passes
};

// In the order of Update.
constexpr Rule kRules[int(Update::count)] = {
    {0, copy_params},     // sgd
    {1, copy_params},     // momentum
    {1, copy_params},     // nesterov
    {1, copy_params},     // rmsprop
    {2, copy_params},     // rmsprop_momentum
    {2, copy_params},     // rmsprop_centered
    {3, copy_params},     // rmsprop_centered_momentum
    {2, adam_scalars},    // adam
    {3, adam_scalars},    // amsgrad
    {1, copy_params},     // adagrad
    {2, copy_params},     // adadelta
    {2, adamax_scalars},  // adamax
    {2, nadam_scalars},   // nadam
    {2, ftrl_scalars},    // ftrl
    {1, copy_params},     // lion
    {2, nullptr},         // lamb
    {1, nullptr},         // adafactor
};

const void* at(const void* p, int64_t bytes) { return static_cast<const char*>(p) + bytes; }
void* at(void* p, int64_t bytes) { return static_cast<char*>(p) + bytes; }

}  // namespace

int update_states(const OpDef& op) { return kRules[op.kernel].states; }

UpdateCall::UpdateCall(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out,
                       int first, int states)
    : params(attrs.params),
      dtype_(in[0].dtype),
      n_(num_elements(in[0].shape)),
      arrays_(1 + states) {
  for (int j = 0; j < arrays_; ++j) {
    const int k = j == 0 ? 0 : first + j - 1;
    in_[j] = contiguous_input(in[k], scratch_);
    out_[j] = out[k].data;
  }
  const int results = num_outputs(op, num_in), g = results;
  if (results > first + states) {
    args_.average = contiguous_input(in[results - 1], scratch_);
    args_.average_out = out[results - 1].data;
  }
  args_.g = contiguous_input(in[g], scratch_);
  rate = read_scalar(in[g + 1]);
  const double iterations = read_scalar(in[g + 2]);
  t = iterations + 1;
  product = g + 4 < num_in ? read_scalar(in[g + 4]) : 0;
  const double* p = attrs.params;
  args_.before.scale = read_scalar(in[g + 3]);
  args_.before.bound = p[kClipValue] > 0 ? p[kClipValue] : std::numeric_limits<double>::infinity();
  args_.before.decay = p[kWeightDecay] * rate;
  // The average starts as the weight itself.
  args_.ema_momentum = iterations == 0 ? 0 : p[kEmaMomentum];
  args_.overwrite = p[kEmaFrequency] > 0 && std::fmod(t, p[kEmaFrequency]) == 0;
}

template <class F>
void UpdateCall::on_range(int64_t first, int64_t count, const F& call) const {
  const int64_t shift = first * int64_t(item_size(dtype_));
  const void* in[1 + kernels::kMaxUpdateStates];
  void* out[1 + kernels::kMaxUpdateStates];
  for (int j = 0; j < arrays_; ++j) {
    in[j] = at(in_[j], shift);
    out[j] = at(out_[j], shift);
  }
  kernels::UpdateArgs args = args_;
  args.in = in;
  args.out = out;
  args.g = at(args_.g, shift);
  if (args_.average) {
    args.average = at(args_.average, shift);
    args.average_out = at(args_.average_out, shift);
  }
  args.n = count;
  call(args);
}

double UpdateCall::power(double base, double exponent) const {
  if (dtype_ == DType::float64) return remembered_power(base, exponent);
  return double(float(remembered_power(double(float(base)), exponent)));
}

bool UpdateCall::is_plain() const {
  const kernels::UpdatePrologue& b = args_.before;
  return b.scale == 1 && std::isinf(b.bound) && b.decay == 0 && !args_.average;
}

void UpdateCall::run(Update rule, const double* scalars) {
  args_.scalars = scalars;
  const auto& table = kernel_table();
  const kernels::UpdateFn kernel =
      (is_plain() ? table.plain_update : table.update)[int(rule)][int(dtype_)];
  // Ranges start at multiples of 64 elements, so that threads share no cache line.
  parallel_for((n_ + 63) / 64, kGrain / 64, [&](int64_t begin, int64_t end) {
    on_range(begin * 64, std::min(end * 64, n_) - begin * 64, kernel);
  });
}

void UpdateCall::sum(kernels::UpdateSumsFn kernel, const double* scalars, double (&sums)[2]) {
  args_.scalars = scalars;
  const int64_t blocks = (n_ + kSumBlock - 1) / kSumBlock;
  Scratch scratch;
  double* partial = scratch.get<double>(2 * blocks);
  parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      on_range(i * kSumBlock, std::min(kSumBlock, n_ - i * kSumBlock),
               [&](const kernels::UpdateArgs& args) { kernel(args, partial + 2 * i); });
  });
  sums[0] = sums[1] = 0;
  for (int64_t i = 0; i < 2 * blocks; ++i) sums[i % 2] += partial[i];
  read_new_states();
}

void UpdateCall::read_new_states() { std::copy(out_ + 1, out_ + arrays_, in_ + 1); }

void launch_update(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out) {
  const Rule& rule = kRules[op.kernel];
  UpdateCall call(op, attrs, in, num_in, out, 1, rule.states);
  double scalars[kMaxScalars];
  rule.scalars(call, scalars);
  call.run(Update(op.kernel), scalars);
}

}  // namespace pynn
