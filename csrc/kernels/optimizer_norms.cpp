// What updates need sums for: norms for clipping, and the rules whose step depends on the whole
// parameter (Lamb, Adafactor). Those take two passes: sums first, then the rule.
#include "kernels/fill.h"
#include "kernels/optimizer.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
double sum_squares(const void* x, int64_t n) {
  const T* xs = static_cast<const T*>(x);
  return sum_lanes<T>(n, [xs](auto at) {
    const Vec<T> v = at.load(xs);
    return v * v;
  });
}

// The sum of w^2 after decay. The lanes beyond a range hold zeros.
template <class T>
double weight_squares(const T* w, int64_t n, const Prologue<T>& before) {
  return sum_lanes<T>(n, [&](auto at) {
    const Vec<T> v = before.weight(at.load(w));
    return v * v;
  });
}

// ---- Lamb ----

// a * m / (sqrt(v) + eps)
template <class T>
struct LambDirection {
  Vec<T> factor, eps;
  LambDirection(double a, double e) : factor(every_lane<T>(a)), eps(every_lane<T>(e)) {}
  Vec<T> operator()(Vec<T> m, Vec<T> v) const { return factor * m / (sqrt(v) + eps); }
};

template <class T>
void lamb_sums(const UpdateArgs& args, double* sums) {
  const double* s = args.scalars;
  const LambDirection<T> direction(s[0], s[1]);
  const Vec<T> gain1 = every_lane<T>(1 - s[2]), gain2 = every_lane<T>(1 - s[3]);
  const UpdateArrays<T, 2> arrays(args);
  const Prologue<T> before(args.before);
  sums[0] = sum_lanes<T>(args.n, [&](auto at) {
    const Vec<T> g = before.gradient(at.load(arrays.g));
    Vec<T> m = at.load(arrays.state[0]), v = at.load(arrays.state[1]);
    m = mul_add(g - m, gain1, m);
    v = mul_add(g * g - v, gain2, v);
    at.store(arrays.state_out[0], m);
    at.store(arrays.state_out[1], v);
    const Vec<T> u = direction(m, v);
    return at.active(u * u);
  });
  sums[1] = weight_squares(arrays.w, args.n, before);
}

template <class T>
struct Lamb {
  static constexpr int kStates = 2, kStored = 0;
  Vec<T> rate;
  LambDirection<T> direction;
  explicit Lamb(const double* s) : rate(every_lane<T>(s[0])), direction(s[1], s[2]) {}
  Vec<T> step(Vec<T> w, Vec<T>, Vec<T>* state) const {
    return w - rate * direction(state[0], state[1]);
  }
};

// ---- Adafactor ----

template <class T>
void adafactor_sums(const UpdateArgs& args, double* sums) {
  const Vec<T> beta2 = every_lane<T>(args.scalars[0]), rest = every_lane<T>(1 - args.scalars[0]);
  const Vec<T> eps = every_lane<T>(args.scalars[1]);
  const UpdateArrays<T, 1> arrays(args);
  const Prologue<T> before(args.before);
  sums[0] = sum_lanes<T>(args.n, [&](auto at) {
    const Vec<T> g = before.gradient(at.load(arrays.g)), square = g * g;
    const Vec<T> v = mul_add(beta2, at.load(arrays.state[0]), rest * (square + eps));
    at.store(arrays.state_out[0], v);
    return at.active(square / v);
  });
  sums[1] = weight_squares(arrays.w, args.n, before);
}

template <class T>
void adafactor_row_sums(const AdafactorRows& block, void* row_sums, void* col_sums,
                        double* weight_sum) {
  const Prologue<T> before(block.before);
  const Vec<T> eps = every_lane<T>(block.eps);
  T* cols = static_cast<T*>(col_sums);
  for (int64_t i = 0; i < block.rows; ++i) {
    const T* g = static_cast<const T*>(block.g) + i * block.cols;
    static_cast<T*>(row_sums)[i] = sum_lanes<T>(block.cols, [&](auto at) {
      const Vec<T> v = before.gradient(at.load(g));
      const Vec<T> square = at.active(mul_add(v, v, eps));
      at.store(cols, at.load(cols) + square);
      return square;
    });
  }
  *weight_sum = weight_squares(static_cast<const T*>(block.w), block.rows * block.cols, before);
}

template <class T>
void adafactor_velocity(const AdafactorRows& block, const void* row_factors, const void* col_means,
                        void* v_out, double* sum) {
  const Prologue<T> before(block.before);
  const T* cols = static_cast<const T*>(col_means);
  *sum = 0;
  for (int64_t i = 0; i < block.rows; ++i) {
    const T* g = static_cast<const T*>(block.g) + i * block.cols;
    T* v = static_cast<T*>(v_out) + i * block.cols;
    const Vec<T> factor = splat<Vec<T>>(static_cast<const T*>(row_factors)[i]);
    *sum += sum_lanes<T>(block.cols, [&](auto at) {
      const Vec<T> grad = before.gradient(at.load(g)), velocity = factor * at.load(cols);
      at.store(v, velocity);
      return at.active(grad * grad / velocity);
    });
  }
}

template <class T>
struct Adafactor {
  static constexpr int kStates = 1, kStored = 0;
  Vec<T> rate;
  explicit Adafactor(const double* s) : rate(every_lane<T>(s[0])) {}
  Vec<T> step(Vec<T> w, Vec<T> g, Vec<T>* v) const { return w - rate * (g / sqrt(v[0])); }
};

template <class T>
void fill_float(KernelTable& table) {
  constexpr int type = kIndex<T>;
  table.update[int(Update::lamb)][type] = update<T, Lamb>;
  table.plain_update[int(Update::lamb)][type] = plain_update<T, Lamb>;
  table.update[int(Update::adafactor)][type] = update<T, Adafactor>;
  table.plain_update[int(Update::adafactor)][type] = plain_update<T, Adafactor>;
  table.lamb_sums[type] = lamb_sums<T>;
  table.adafactor_sums[type] = adafactor_sums<T>;
  table.adafactor_row_sums[type] = adafactor_row_sums<T>;
  table.adafactor_velocity[type] = adafactor_velocity<T>;
  table.sum_squares[type] = sum_squares<T>;
}

}  // namespace

void fill_optimizer_norms(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
