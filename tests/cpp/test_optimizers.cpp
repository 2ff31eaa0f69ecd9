// Optimizer kernels: what holds for every rule. Values are compared with the papers' formulas in
// tests/optimizer_op_cases.py.
#include <cmath>
#include <vector>

#include "check.h"

namespace {

using namespace pynn::kernels;
using pynn::DType;

template <class T>
constexpr int kType = sizeof(T) == 4 ? int(DType::float32) : int(DType::float64);

constexpr int64_t kSizes[] = {0, 1, 7, 15, 16, 17, 33, 100, 2051};
constexpr int kRules = int(Update::count);
constexpr double kInf = std::numeric_limits<double>::infinity();
// Scalars that are possible for every rule.
constexpr double kScalars[] = {0.125, 0.5, 0.25, 0.01, 0.02};

// w, three states that are positive, g and an average, with a mark behind each.
template <class T>
struct Arrays {
  static constexpr int kCount = 1 + kMaxUpdateStates + 2;
  static constexpr T kMark = T(-77);
  std::vector<T> x[kCount];

  Arrays(int64_t n, bool random) {
    check::Random source{11};
    for (int j = 0; j < kCount; ++j) {
      const bool is_state = j > 0 && j <= kMaxUpdateStates;
      x[j].assign(size_t(n) + 1, T(0));
      for (T& v : x[j]) v = random ? T(source.uniform(is_state ? 0.1 : -1, 1)) : T(0);
      x[j].back() = kMark;
    }
  }
  // Bits are compared: the centered rules give NaN where the mean is too large for the square.
  bool equal(int j, const Arrays& o) const {
    return check::same_bits(x[j].data(), o.x[j].data(), int64_t(x[j].size()));
  }
  bool operator==(const Arrays& o) const {
    for (int j = 0; j < kCount; ++j)
      if (!equal(j, o)) return false;
    return true;
  }
};

// Calls `kernel` on [first, first + n) of `in`, writing to the same range of `out`.
template <class T, class F>
void call(F kernel, Arrays<T>& in, Arrays<T>& out, int64_t first, int64_t n, bool surrounded) {
  constexpr int last = Arrays<T>::kCount - 1;
  const void* from[1 + kMaxUpdateStates];
  void* to[1 + kMaxUpdateStates];
  for (int j = 0; j <= kMaxUpdateStates; ++j) {
    from[j] = in.x[j].data() + first;
    to[j] = out.x[j].data() + first;
  }
  UpdateArgs args{
      from, to,   in.x[last - 1].data() + first, nullptr, nullptr, n, kScalars, {1, kInf, 0},
      0,    false};
  if (surrounded) {
    args.average = in.x[last].data() + first;
    args.average_out = out.x[last].data() + first;
    args.before = {0.5, 0.3, 0.01};
    args.ema_momentum = 0.75;
  }
  kernel(args);
}

template <class T>
void test_rule(const KernelTable& t, int rule) {
  const UpdateFn update = t.update[rule][kType<T>], plain = t.plain_update[rule][kType<T>];
  const std::string name =
      "update " + std::to_string(rule) + (sizeof(T) == 4 ? " float" : " double");
  for (int64_t n : kSizes) {
    const Arrays<T> zeros(n, false);
    Arrays<T> in(n, true), whole(n, false), parts(n, false), same(n, true), alone(n, false);
    call(update, in, whole, 0, n, true);
    const int64_t cut = n / 3;
    call(update, in, parts, 0, cut, true);
    call(update, in, parts, cut, n - cut, true);
    check::that(parts == whole, name + ": in two parts");
    call(update, same, same, 0, n, true);
    // States that the rule does not have, or only reads, stay as they are.
    for (int j = 0; j < Arrays<T>::kCount; ++j)
      check::that(same.equal(j, whole) || (whole.equal(j, zeros) && same.equal(j, in)),
                  name + ": in place");
    check::that(whole.x[0].back() == Arrays<T>::kMark, name + ": nothing behind the end");

    Arrays<T> neutral(n, false);
    call(update, in, neutral, 0, n, false);
    call(plain, in, alone, 0, n, false);
    check::that(alone == neutral, name + ": plain is the rule with nothing around it");
  }
}

template <class T>
void test_surroundings(const KernelTable& t) {
  constexpr int last = Arrays<T>::kCount - 1;
  const double eps = std::numeric_limits<T>::epsilon();
  const int64_t n = 37;
  Arrays<T> in(n, true), out(n, false);
  in.x[last - 1][3] = T(NAN);
  call(t.update[int(Update::sgd)][kType<T>], in, out, 0, n, true);
  bool ok = std::isnan(out.x[0][3]);
  for (size_t i = 0; i < size_t(n); ++i) {
    if (i == 3) continue;
    const double g = std::fmax(-0.3, std::fmin(0.3, 0.5 * double(in.x[last - 1][i])));
    const double w = double(in.x[0][i]) * (1 - 0.01) - kScalars[0] * g;
    ok &= check::near(out.x[0][i], w, 4 * eps);
    ok &= check::near(out.x[last][i], 0.75 * double(in.x[last][i]) + 0.25 * w, 4 * eps);
  }
  check::that(ok, "scale, clip, decay, average");
}

template <class T>
void test_sum_squares(const KernelTable& t) {
  for (int64_t n : kSizes) {
    if (n == 0) continue;
    const Arrays<T> in(n, true);
    long double exact = 0;
    for (size_t i = 0; i < size_t(n); ++i) exact += (long double)in.x[0][i] * in.x[0][i];
    const double sum = t.sum_squares[kType<T>](in.x[0].data(), n);
    check::that(
        check::near(sum, double(exact), 8 * std::numeric_limits<T>::epsilon() * double(exact)),
        "sum of squares");
  }
}

template <class T>
void test_type(const KernelTable& t) {
  for (int rule = 0; rule < kRules; ++rule) test_rule<T>(t, rule);
  test_surroundings<T>(t);
  test_sum_squares<T>(t);
}

void test_all(const KernelTable& t) {
  test_type<float>(t);
  test_type<double>(t);
}

}  // namespace

int main() { return check::run("test_optimizers", test_all); }
