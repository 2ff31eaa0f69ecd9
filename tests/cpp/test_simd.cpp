// The vector math against the C library in a wider type: the bounds stated in simd/math.h and
// simd/special.h, over all magnitudes; the special values; and the same bits wherever a range is
// cut.
#include <algorithm>
#include <vector>

#include "vector_math.h"

namespace {

using pynn::DType;
using pynn::kernels::KernelTable;
using pynn::kernels::Unary;
using pynn::kernels::UnaryFn;
using vector_math::Case;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Numbers of all magnitudes: bit patterns at a stride that is prime, and dense ones where functions
// bend.
template <class T, class Bits>
std::vector<T> samples(Bits stride) {
  std::vector<T> xs;
  for (Bits bits = 0; bits <= Bits(-1) - stride; bits += stride) {
    T x;
    std::memcpy(&x, &bits, sizeof x);
    xs.push_back(x);
  }
  check::Random random(1);
  for (int i = 0; i < 500000; ++i) xs.push_back(T(random.uniform(-20, 20)));
  for (int i = 0; i < 200000; ++i) xs.push_back(T(random.uniform(-120, 120)));
  for (int i = 0; i < 200000; ++i) xs.push_back(T(random.uniform(0.5, 2)));
  for (int i = 0; i < 100000; ++i) xs.push_back(T(random.uniform(-760, 760)));
  for (double x : {0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, kInf, -kInf, kNan})
    xs.push_back(T(x));
  return xs;
}

template <class T, class E>
void test_accuracy(UnaryFn kernel, const Case<E>& c, double bound, const std::vector<T>& xs) {
  std::vector<T> ys(xs.size());
  const double params[2] = {};
  kernel(xs.data(), {ys.data(), false}, int64_t(xs.size()), params);
  double worst = 0;
  T worst_at = 0;
  bool zeros = true;
  for (size_t i = 0; i < xs.size(); ++i) {
    const E exact = c.reference(E(xs[i]));
    const double error = check::ulp_error(ys[i], exact, c.smallest);
    if (error > worst) worst = error, worst_at = xs[i];
    if (xs[i] == 0 && std::signbit(ys[i]) != std::signbit(exact) && !std::isnan(exact))
      zeros = false;
  }
  const char* type = sizeof(T) == 4 ? "float" : "double";
  std::printf("  %-10s %-6s %6.3f ULP (bound %.1f) at %.9g\n", c.name, type, worst, bound,
              double(worst_at));
  check::that(worst <= bound, std::string(c.name) + " " + type + ": error above the bound");
  check::that(zeros, std::string(c.name) + " " + type + ": sign of the result for a zero");
}

// Every cut of a range gives the bits of the whole, also past the caches, and nothing beyond the
// range is written.
template <class T>
void test_cuts(UnaryFn kernel, const char* name) {
  constexpr int kMax = 70;
  check::Random random(2);
  T x[kMax], whole[kMax];
  alignas(64) T part[kMax + 1];
  for (T& v : x) v = T(random.uniform(-3, 3));
  const double params[2] = {-1, 1};
  kernel(x, {whole, false}, kMax, params);
  bool same = true, inside = true;
  for (int begin = 0; begin < 18; ++begin) {
    for (int n = 0; begin + n <= kMax; ++n) {
      for (const bool streaming : {false, true}) {
        std::fill(part, part + n + 1, T(12345));
        kernel(x + begin, {part, streaming}, n, params);
        same &= check::same_bits(part, whole + begin, n);
        inside &= part[n] == T(12345);
      }
    }
  }
  check::that(same, std::string(name) + ": cutting the range changes bits");
  check::that(inside, std::string(name) + ": writes beyond the range");
}

// The limits are reached exactly, which a bound in ULP does not say.
template <class T>
void test_limits(const KernelTable& table, DType dtype) {
  const auto call = [&](Unary op, double x) {
    const T in = T(x);
    const double params[2] = {};
    T out;
    table.unary[int(op)][int(dtype)](&in, {&out, false}, 1, params);
    return out;
  };
  for (const double x : {30.0, 1e30, kInf}) {
    for (const Unary op : {Unary::erf, Unary::tanh}) {
      const bool ok = call(op, x) == T(1) && call(op, -x) == T(-1);
      check::that(ok, "erf and tanh are 1 in the limit");
    }
    if (x > 30) check::that(call(Unary::sigmoid, x) == T(1), "sigmoid is 1 in the limit");
    if (x > 30) check::that(call(Unary::sigmoid, -x) == T(0), "sigmoid is 0 in the limit");
  }
}

template <class T, class E, class Bits>
void test_type(const KernelTable& table, DType dtype, Bits stride) {
  const std::vector<T> xs = samples<T, Bits>(stride);
  for (const Case<E>& c : vector_math::cases<E>()) {
    const UnaryFn kernel = table.unary[int(c.op)][int(dtype)];
    if (!check::that(kernel != nullptr, std::string(c.name) + ": missing")) continue;
    test_accuracy(kernel, c, sizeof(T) == 4 ? c.float_ulp : c.double_ulp, xs);
    test_cuts<T>(kernel, c.name);
  }
  test_limits<T>(table, dtype);
}

// Powers of float by way of double, against the C library.
void test_power(const KernelTable& table) {
  const auto kernel = table.binary[int(pynn::kernels::Binary::power)][int(DType::float32)];
  check::Random random(3);
  std::vector<float> a, b;
  for (int i = 0; i < 400000; ++i) {
    a.push_back(float(std::exp(random.uniform(-80, 80))));
    b.push_back(float(random.uniform(-3, 3)));
    a.push_back(float(random.uniform(-5, 5)));
    b.push_back(float(std::round(random.uniform(-9, 9))));
  }
  for (double x : {0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, kInf, -kInf, kNan}) {
    for (double y :
         {0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 0.5, -0.5, 1e10, 16777217.0, kInf, -kInf, kNan}) {
      a.push_back(float(x));
      b.push_back(float(y));
    }
  }
  std::vector<float> y(a.size());
  kernel(a.data(), false, b.data(), false, {y.data(), false}, int64_t(a.size()), nullptr);
  double worst = 0;
  bool signs = true;
  for (size_t i = 0; i < a.size(); ++i) {
    const double exact = std::pow(double(a[i]), double(b[i]));
    const double error = check::ulp_error(y[i], exact);
    if (error > 1e9) std::printf("  power(%g, %g) = %g, not %g\n", a[i], b[i], y[i], exact);
    worst = std::max(worst, error);
    if (!std::isnan(exact)) signs &= std::signbit(exact) == std::signbit(y[i]);
  }
  std::printf("  %-10s float  %6.3f ULP (bound 1.0)\n", "power", worst);
  check::that(worst <= 1, "power float: error above the bound");
  check::that(signs, "power float: sign of the result");
}

void test_all(const KernelTable& table) {
  test_type<float, double, uint32_t>(table, DType::float32, 1021);
  test_type<double, long double, uint64_t>(table, DType::float64, 0x0000'1b0f'0d5a'1db3u);
  test_power(table);
}

}  // namespace

int main() { return check::run("test_simd", test_all); }
