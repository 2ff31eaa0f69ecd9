// Every kernel but GEMM against plain loops in a wider type, at the level PYNN_ISA asks for. Sizes
// run around the lane counts, pointers are misaligned by one element, results are also computed in
// place.
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "check.h"

namespace {

using namespace pynn::kernels;
using pynn::DType;
using pynn::kNumDTypes;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
const int64_t kSizes[] = {0,  1,  2,  3,  7,  8,   9,    15,   16,  17,
                          31, 33, 63, 64, 65, 129, 1023, 1025, 5000};

template <class T>
constexpr DType dtype_of();
#define PYNN_ROW(type, name)         \
  template <>                        \
  constexpr DType dtype_of<type>() { \
    return DType::name;              \
  }
PYNN_ROW(uint8_t, uint8)
PYNN_ROW(uint16_t, uint16)
PYNN_ROW(uint32_t, uint32)
PYNN_ROW(uint64_t, uint64)
PYNN_ROW(int8_t, int8)
PYNN_ROW(int16_t, int16)
PYNN_ROW(int32_t, int32)
PYNN_ROW(int64_t, int64)
PYNN_ROW(float, float32)
PYNN_ROW(double, float64)
#undef PYNN_ROW

template <class T>
constexpr int kType = int(dtype_of<T>());

template <class T>
std::string label(const char* what) {
  return std::string(what) + " dtype " + std::to_string(kType<T>);
}

// n numbers in [low, high) behind one element of misalignment.
template <class T>
struct Data {
  std::vector<T> storage;
  Data(int64_t n, uint64_t seed, double low, double high) : storage(size_t(n) + 1) {
    check::Random random(seed);
    for (T& v : storage) v = T(random.uniform(low, high));
  }
  T* begin() { return storage.data() + 1; }
  int64_t size() const { return int64_t(storage.size()) - 1; }
};

// ---- Which entries must be there ----

void test_table(const KernelTable& t) {
  for (int type : {int(DType::float32), int(DType::float64)}) {
    for (int op = 0; op < int(Unary::count); ++op)
      check::that(t.unary[op][type], "unary " + std::to_string(op));
    for (int op = 0; op < int(Binary::count); ++op)
      check::that(t.binary[op][type], "binary " + std::to_string(op));
    check::that(
        t.softmax[type] && t.log_softmax[type] && t.softmax_grad[type] && t.log_softmax_grad[type],
        "softmax");
    check::that(t.sparse_xent[type] && t.sparse_xent_grad[type] && t.dense_xent[type] &&
                    t.dense_xent_grad[type],
                "xent");
    for (int op = 0; op < int(Update::count); ++op)
      check::that(t.update[op][type], "update " + std::to_string(op));
    check::that(t.dropout[type], "dropout");
  }
  for (int from = 0; from < kNumDTypes; ++from) {
    const bool converted = from == int(DType::float16) || from == int(DType::bfloat16);
    for (int to = 0; to < kNumDTypes; ++to) check::that(t.cast[from][to], "cast");
    for (int op = 0; op < int(Reduce::count); ++op) {
      check::that(bool(t.reduce_row[op][from]) == !converted, "reduce_row");
      check::that(bool(t.reduce_col[op][from]) == !converted, "reduce_col");
    }
    check::that(bool(t.argmax[from]) == !converted && bool(t.argmin[from]) == !converted, "arg");
    check::that(bool(t.binary[int(Binary::less)][from]) == !converted, "less");
    check::that(bool(t.unary[int(Unary::logical_not)][from]) == !converted, "logical_not");
  }
  check::that(t.random_bits && t.uniform && t.normal && t.truncated_normal, "random");
}

// ---- Binary ----

using Params = const double*;

template <class T, class Out>
void test_binary(const KernelTable& t, Binary op, const char* name, double low, double high,
                 double tolerance, const std::function<double(double, double)>& f,
                 const double* params = nullptr) {
  const BinaryFn kernel = t.binary[int(op)][kType<T>];
  if (!check::that(kernel != nullptr, label<T>(name))) return;
  for (int64_t n : kSizes) {
    Data<T> a(n, 1, low, high), b(n, 2, low, high);
    for (int form = 0; form < 4; ++form) {
      const bool as = form & 1, bs = form & 2;
      std::vector<Out> y(size_t(n) + 2, Out(77));
      kernel(a.begin(), as, b.begin(), bs, {y.data() + 1, false}, n, params);
      bool ok = y[0] == Out(77) && y[size_t(n) + 1] == Out(77);
      for (int64_t i = 0; i < n; ++i) {
        const double expected = f(double(a.begin()[as ? 0 : i]), double(b.begin()[bs ? 0 : i]));
        ok &=
            check::near(double(y[size_t(i) + 1]), expected, tolerance * (1 + std::fabs(expected)));
      }
      check::that(ok, label<T>(name) + " n " + std::to_string(n) + " form " + std::to_string(form));
    }
  }
}

// Past the caches, in every form of the operands: the same bits.
template <class T>
void test_streaming(const KernelTable& t) {
  const BinaryFn kernel = t.binary[int(Binary::add)][kType<T>];
  for (int64_t n : kSizes) {
    Data<T> a(n, 1, -1, 1), b(n, 2, -1, 1);
    for (int form = 0; form < 4; ++form) {
      const bool as = form & 1, bs = form & 2;
      std::vector<T> plain(size_t(n) + 1, T(77)), storage(size_t(n) + 64, T(77));
      kernel(a.begin(), as, b.begin(), bs, {plain.data(), false}, n, nullptr);
      const auto address = reinterpret_cast<uintptr_t>(storage.data());
      T* y = storage.data() + (64 - address % 64) % 64 / sizeof(T);
      kernel(a.begin(), as, b.begin(), bs, {y, true}, n, nullptr);
      check::that(check::same_bits(y, plain.data(), n + 1),
                  label<T>("streaming") + " n " + std::to_string(n));
    }
  }
}

double python_mod(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double normal_pdf(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }
double gelu_tanh(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

// The slope of f at x: central difference, extrapolated to step 0.
double slope(const std::function<double(double)>& f, double x) {
  const auto central = [&](double h) { return (f(x + h) - f(x - h)) / (2 * h); };
  return (4 * central(5e-4) - central(1e-3)) / 3;
}

template <class T>
void test_float_binary(const KernelTable& t) {
  const double eps = std::numeric_limits<T>::epsilon();
  const auto run = [&](Binary op, const char* name, double low, double high, double tolerance,
                       const std::function<double(double, double)>& f,
                       const double* params = nullptr) {
    test_binary<T, T>(t, op, name, low, high, tolerance, f, params);
  };
  run(Binary::add, "add", -9, 9, eps, [](double a, double b) { return a + b; });
  run(Binary::subtract, "subtract", -9, 9, eps, [](double a, double b) { return a - b; });
  run(Binary::multiply, "multiply", -9, 9, eps, [](double a, double b) { return a * b; });
  run(Binary::divide, "divide", 1, 9, eps, [](double a, double b) { return a / b; });
  run(Binary::maximum, "maximum", -9, 9, 0, [](double a, double b) { return std::max(a, b); });
  run(Binary::minimum, "minimum", -9, 9, 0, [](double a, double b) { return std::min(a, b); });
  run(Binary::power, "power", 0.1, 9, eps, [](double a, double b) { return std::pow(a, b); });
  run(Binary::mod, "mod", -9, 9, eps, python_mod);
  run(Binary::floor_divide, "floor_divide", -9, 9, 0,
      [](double a, double b) { return std::floor(a / b); });
  const double alpha[] = {0.3};
  const double tolerance = 8 * eps;
  run(Binary::relu_grad, "relu_grad", -9, 9, 0, [](double y, double d) { return y > 0 ? d : 0; });
  run(
      Binary::leaky_relu_grad, "leaky_relu_grad", -9, 9, tolerance,
      [](double x, double d) { return x > 0 ? d : 0.3 * d; }, alpha);
  run(
      Binary::elu_grad, "elu_grad", -9, 9, tolerance,
      [](double x, double d) { return x > 0 ? d : d * 0.3 * std::exp(x); }, alpha);
  run(Binary::sigmoid_grad, "sigmoid_grad", 0, 1, tolerance,
      [](double y, double d) { return d * y * (1 - y); });
  run(Binary::tanh_grad, "tanh_grad", -1, 1, tolerance,
      [](double y, double d) { return d * (1 - y * y); });
  run(Binary::gelu_grad, "gelu_grad", -6, 6, tolerance,
      [](double x, double d) { return d * (normal_cdf(x) + x * normal_pdf(x)); });
  run(Binary::gelu_tanh_grad, "gelu_tanh_grad", -6, 6, 8 * eps + 1e-10,
      [](double x, double d) { return d * slope(gelu_tanh, x); });
  run(Binary::silu_grad, "silu_grad", -9, 9, tolerance,
      [](double x, double d) { return d * (sigmoid(x) + x * sigmoid(x) * sigmoid(-x)); });
  run(Binary::softplus_grad, "softplus_grad", -9, 9, tolerance,
      [](double x, double d) { return d * sigmoid(x); });
  run(Binary::sigmoid_cross_entropy, "sigmoid_cross_entropy", -9, 9, tolerance,
      [](double x, double t) {
        return std::max(x, 0.0) - x * t + std::log1p(std::exp(-std::fabs(x)));
      });
}

// One value through a binary kernel.
template <class T>
T call(const KernelTable& t, Binary op, T a, T b) {
  T y;
  t.binary[int(op)][kType<T>](&a, false, &b, false, {&y, false}, 1, nullptr);
  return y;
}

template <class T>
void test_float_specials(const KernelTable& t) {
  const T nan = T(kNan), inf = T(kInf);
  check::that(std::isnan(call<T>(t, Binary::maximum, nan, 1)) &&
                  std::isnan(call<T>(t, Binary::maximum, 1, nan)),
              "max NaN");
  check::that(std::isnan(call<T>(t, Binary::minimum, nan, 1)) &&
                  std::isnan(call<T>(t, Binary::minimum, 1, nan)),
              "min NaN");
  check::that(call<T>(t, Binary::floor_divide, 7, -2) == -4 && call<T>(t, Binary::mod, 7, -2) == -1,
              "7 // -2");
  check::that(call<T>(t, Binary::floor_divide, -7, 2) == -4 && call<T>(t, Binary::mod, -7, 2) == 1,
              "-7 // 2");
  check::that(
      call<T>(t, Binary::floor_divide, 1, 0) == inf && std::isnan(call<T>(t, Binary::mod, 1, 0)),
      "1 // 0");
  check::that(std::signbit(call<T>(t, Binary::mod, T(4), T(-2))), "4 % -2 is -0");
  check::that(call<T>(t, Binary::floor_divide, T(1), T(0.1)) == 9, "1 // 0.1");
  check::that(call<T>(t, Binary::sigmoid_cross_entropy, inf, 1) == 0, "sure and right");
  check::that(call<T>(t, Binary::sigmoid_cross_entropy, -inf, 0) == 0, "sure and right, negative");
  check::that(call<T>(t, Binary::sigmoid_cross_entropy, T(-1000), 1) == 1000, "sure and wrong");
  for (T x : {inf, -inf, T(1e30), T(-1e30)}) {
    const T one = x > 0 ? T(1) : T(0);
    check::that(check::near(call<T>(t, Binary::gelu_grad, x, 1), one, 1e-37), "gelu_grad far out");
    check::that(check::near(call<T>(t, Binary::gelu_tanh_grad, x, 1), one, 1e-37),
                "gelu_tanh_grad far out");
    check::that(check::near(call<T>(t, Binary::silu_grad, x, 1), one, 1e-37), "silu_grad far out");
  }
}

// ---- Unary: what test_simd does not cover ----

template <class T>
void test_unary(const KernelTable& t, Unary op, const char* name, double tolerance,
                const std::vector<double>& xs, const std::function<double(double)>& f,
                std::vector<double> params = {0, 0}) {
  const UnaryFn kernel = t.unary[int(op)][kType<T>];
  if (!check::that(kernel != nullptr, label<T>(name))) return;
  std::vector<T> x, y;
  for (int copies = 0; copies < 20; ++copies) x.insert(x.end(), xs.begin(), xs.end());
  y = x;
  kernel(y.data(), {y.data(), false}, int64_t(y.size()), params.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = f(double(x[i]));
    const bool ok = check::near(double(y[i]), expected, tolerance * (std::fabs(expected) + 1));
    if (!check::that(ok, label<T>(name) + " at " + std::to_string(double(x[i])))) return;
  }
}

template <class T>
void test_float_unary(const KernelTable& t) {
  const double eps = std::numeric_limits<T>::epsilon();
  const std::vector<double> xs = {0, 1,  -1, 0.25, -0.25, 2.5,   -2.5, 3.5,
                                  6, -6, 30, -30,  kInf,  -kInf, kNan};
  test_unary<T>(t, Unary::negative, "negative", 0, xs, [](double x) { return -x; });
  test_unary<T>(t, Unary::abs, "abs", 0, xs, [](double x) { return std::fabs(x); });
  test_unary<T>(t, Unary::sign, "sign", 0, xs,
                [](double x) { return std::isnan(x) ? x : double((x > 0) - (x < 0)); });
  test_unary<T>(t, Unary::relu, "relu", 0, xs, [](double x) { return x <= 0 ? 0 : x; });
  test_unary<T>(t, Unary::leaky_relu, "leaky_relu", eps, xs,
                [](double x) { return x < 0 ? 0.2 * x : x; }, {0.2});
  test_unary<T>(t, Unary::elu, "elu", 4 * eps, xs,
                [](double x) { return x > 0 ? x : 0.7 * std::expm1(x); }, {0.7});
  test_unary<T>(t, Unary::gelu_tanh, "gelu_tanh", 4 * eps, xs,
                [](double x) { return x == -kInf ? 0 : gelu_tanh(x); });
  test_unary<T>(t, Unary::clip, "clip", 0, xs,
                [](double x) { return std::isnan(x) ? x : std::min(std::max(x, -1.0), 3.0); },
                {-1, 3});
  const std::vector<T> x = {T(0), T(-3), T(kInf), T(-kInf), T(kNan)};
  const auto predicate = [&](Unary op, std::vector<uint8_t> expected) {
    std::vector<uint8_t> y(x.size());
    t.unary[int(op)][kType<T>](x.data(), {y.data(), false}, int64_t(x.size()), nullptr);
    check::that(y == expected, label<T>("predicate"));
  };
  predicate(Unary::isnan, {0, 0, 0, 0, 1});
  predicate(Unary::isinf, {0, 0, 1, 1, 0});
  predicate(Unary::isfinite, {1, 1, 0, 0, 0});
  predicate(Unary::logical_not, {1, 0, 0, 0, 0});
}

// ---- Integers ----

using Wide = __int128;

Wide floor_divide(Wide a, Wide b) {
  if (b == 0) return 0;
  const Wide q = a / b;
  return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}
Wide power(Wide base, Wide exponent, Wide modulus) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  unsigned __int128 result = 1;  // wraps around, which modulo a power of two changes nothing
  for (Wide i = 0; i < exponent; ++i) result = result * static_cast<unsigned __int128>(base);
  return static_cast<Wide>(result % static_cast<unsigned __int128>(modulus));
}

template <class T>
void test_integer(const KernelTable& t) {
  using Limits = std::numeric_limits<T>;
  const std::vector<T> values = {T(0),
                                 T(1),
                                 T(2),
                                 T(3),
                                 T(7),
                                 T(10),
                                 T(-1),
                                 T(-2),
                                 T(-7),
                                 T(100),
                                 Limits::max(),
                                 Limits::min(),
                                 T(Limits::max() - 1),
                                 T(Limits::min() + 1)};
  std::vector<T> a, b;
  for (T u : values) {
    for (T v : values) a.push_back(u), b.push_back(v);
  }
  const auto run = [&](Binary op, const char* name, const std::function<Wide(Wide, Wide)>& f) {
    std::vector<T> y(a.size());
    t.binary[int(op)][kType<T>](a.data(), false, b.data(), false, {y.data(), false},
                                int64_t(a.size()), nullptr);
    bool ok = true;
    for (size_t i = 0; i < a.size(); ++i) ok &= y[i] == T(f(Wide(a[i]), Wide(b[i])));
    check::that(ok, label<T>(name));
  };
  run(Binary::add, "add", [](Wide u, Wide v) { return u + v; });
  run(Binary::subtract, "subtract", [](Wide u, Wide v) { return u - v; });
  run(Binary::multiply, "multiply",
      [](Wide u, Wide v) { return Wide(T(uint64_t(u) * uint64_t(v))); });
  run(Binary::floor_divide, "floor_divide", floor_divide);
  run(Binary::mod, "mod", [](Wide u, Wide v) { return v == 0 ? 0 : u - floor_divide(u, v) * v; });
  run(Binary::maximum, "maximum", [](Wide u, Wide v) { return std::max(u, v); });
  run(Binary::minimum, "minimum", [](Wide u, Wide v) { return std::min(u, v); });
  for (T base : {T(0), T(1), T(2), T(3), T(-1), T(-3)}) {
    for (T exponent : {T(0), T(1), T(2), T(5), T(33), T(-1), T(-2)}) {
      if (!Limits::is_signed && exponent > T(100)) continue;
      const T expected = T(power(Wide(base), Wide(exponent), Wide(1) << 64));
      check::that(call<T>(t, Binary::power, base, exponent) == expected, label<T>("power"));
    }
  }
  std::vector<double> xs(values.begin(), values.end());
  if (sizeof(T) < 8) {  // exact in double
    test_unary<T>(t, Unary::negative, "negative", 0, xs,
                  [](double x) { return double(T(-int64_t(x))); });
    test_unary<T>(t, Unary::abs, "abs", 0, xs,
                  [](double x) { return double(T(x < 0 ? -int64_t(x) : int64_t(x))); });
    test_unary<T>(t, Unary::sign, "sign", 0, xs,
                  [](double x) { return double((x > 0) - (x < 0)); });
    test_unary<T>(t, Unary::square, "square", 0, xs,
                  [](double x) { return double(T(uint64_t(int64_t(x)) * uint64_t(int64_t(x)))); });
    test_unary<T>(t, Unary::relu, "relu", 0, xs, [](double x) { return std::max(x, 0.0); });
    test_unary<T>(t, Unary::clip, "clip", 0, xs, [](double x) { return std::min(x, 9.0); },
                  {-1e300, 9});
    test_unary<T>(t, Unary::round, "round", 0, xs, [](double x) { return x; });
  }
}

// ---- Comparison and logic, any type ----

template <class T>
void test_compare(const KernelTable& t) {
  const auto run = [&](Binary op, const char* name,
                       const std::function<double(double, double)>& f) {
    test_binary<T, uint8_t>(t, op, name, 0, 4, 0, f);
  };
  run(Binary::equal, "equal", [](double a, double b) { return a == b; });
  run(Binary::not_equal, "not_equal", [](double a, double b) { return a != b; });
  run(Binary::less, "less", [](double a, double b) { return a < b; });
  run(Binary::less_equal, "less_equal", [](double a, double b) { return a <= b; });
  run(Binary::greater, "greater", [](double a, double b) { return a > b; });
  run(Binary::greater_equal, "greater_equal", [](double a, double b) { return a >= b; });
  run(Binary::logical_and, "logical_and", [](double a, double b) { return a != 0 && b != 0; });
  run(Binary::logical_or, "logical_or", [](double a, double b) { return a != 0 || b != 0; });
  run(Binary::logical_xor, "logical_xor", [](double a, double b) { return (a != 0) != (b != 0); });
}

// ---- Reductions ----

template <class T>
void test_reduce(const KernelTable& t) {
  const bool is_float = std::is_floating_point<T>::value;
  const double eps = is_float ? double(std::numeric_limits<T>::epsilon()) : 0;
  for (int64_t n : kSizes) {
    if (n == 0) continue;
    Data<T> x(n, 4, is_float ? 0.9 : 0, is_float ? 1.1 : 3);
    double sum = 0, magnitude = 0, product = 1;
    for (int64_t i = 0; i < n; ++i) {
      sum += double(x.begin()[i]);
      product *= double(x.begin()[i]);
      magnitude += std::fabs(double(x.begin()[i]));
    }
    const auto reduce = [&](Reduce op) {
      T acc;
      t.reduce_row[int(op)][kType<T>](x.begin(), n, &acc);
      return double(acc);
    };
    const double got = reduce(Reduce::sum);
    check::that(is_float ? check::near(got, sum, 8 * eps * magnitude) : T(int64_t(sum)) == T(got),
                label<T>("sum"));
    if (is_float)
      check::that(check::near(reduce(Reduce::prod), product, double(n) * eps * product),
                  label<T>("prod"));
    const double largest = double(*std::max_element(x.begin(), x.begin() + n));
    const double smallest = double(*std::min_element(x.begin(), x.begin() + n));
    check::that(reduce(Reduce::max) == largest && reduce(Reduce::min) == smallest,
                label<T>("max, min"));
    const int64_t at_max = t.argmax[kType<T>](x.begin(), n),
                  at_min = t.argmin[kType<T>](x.begin(), n);
    check::that(at_max == std::max_element(x.begin(), x.begin() + n) - x.begin(),
                label<T>("argmax"));
    check::that(at_min == std::min_element(x.begin(), x.begin() + n) - x.begin(),
                label<T>("argmin"));
    Data<T> acc(n, 5, 0, 3), before = acc;
    t.reduce_col[int(Reduce::max)][kType<T>](acc.begin(), x.begin(), 1, n, n);
    bool ok = true;
    for (int64_t i = 0; i < n; ++i)
      ok &= acc.begin()[i] == std::max(before.begin()[i], x.begin()[i]);
    acc = before;
    t.reduce_col[int(Reduce::sum)][kType<T>](acc.begin(), x.begin(), 1, n, n);
    for (int64_t i = 0; i < n; ++i) ok &= acc.begin()[i] == T(before.begin()[i] + x.begin()[i]);
    check::that(ok, label<T>("reduce_col"));
  }
}

// Rows apart from each other, more than a block of them, and no more than n columns written.
template <class T>
void test_reduce_rows(const KernelTable& t) {
  for (int64_t n : {1, 7, 16, 100, 131}) {
    const int64_t rows = 20000 / n, stride = n + 3;
    Data<T> x(rows * stride, 8, 0, 3), acc(n + 1, 9, 0, 3);
    std::vector<T> expected(acc.begin(), acc.begin() + n + 1);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < n; ++i) expected[size_t(i)] += x.begin()[r * stride + i];
    t.reduce_col[int(Reduce::sum)][kType<T>](acc.begin(), x.begin(), rows, stride, n);
    check::that(check::same_bits(acc.begin(), expected.data(), n + 1),
                label<T>("reduce_col of rows, n ") + std::to_string(n));
  }
}

// The remainder is exact, whatever the quotient: the bits of fmod, but for Python's sign.
template <class T>
void test_mod_exact(const KernelTable& t) {
  check::Random random(11);
  std::vector<T> a, b;
  for (int i = 0; i < 20000; ++i) {
    const T x = T(std::exp(random.uniform(-60, 60))), y = T(std::exp(random.uniform(-60, 60)));
    const T whole = std::round(T(random.uniform(-1000, 1000)));
    a.insert(a.end(), {x, -x, T(random.uniform(-50, 50)), whole, whole * y});
    b.insert(b.end(), {y, y, T(random.uniform(-3, 3)), T(7), y});
  }
  for (double x : {0.0, -0.0, 1.0, -1.0, 1e30, -1e-30, double(kInf), -double(kInf), kNan})
    for (double y : {0.0, 3.0, -3.0, 1e-38, double(kInf), -double(kInf), kNan})
      a.push_back(T(x)), b.push_back(T(y));
  std::vector<T> out(a.size());
  t.binary[int(Binary::mod)][kType<T>](a.data(), false, b.data(), false, {out.data(), false},
                                       int64_t(a.size()), nullptr);
  for (size_t i = 0; i < a.size(); ++i) {
    const T rest = std::fmod(a[i], b[i]);
    const bool other_sign = rest != 0 && std::signbit(rest) != std::signbit(b[i]);
    const T sum = other_sign ? rest + b[i] : rest;
    const T exact = sum == 0 ? std::copysign(sum, b[i]) : sum;
    const bool ok = std::isnan(exact)
                        ? std::isnan(out[i])
                        : out[i] == exact && std::signbit(out[i]) == std::signbit(exact);
    if (!check::that(ok, label<T>("the remainder is exact"))) {
      std::printf("  %.17g %% %.17g = %.17g, not %.17g\n", double(a[i]), double(b[i]),
                  double(out[i]), double(exact));
      return;
    }
  }
}

template <class T>
void test_reduce_nan(const KernelTable& t) {
  for (int64_t n : {1, 5, 40, 200}) {
    for (int64_t at = 0; at < n; at += 3) {
      Data<T> x(n, 6, -1, 1);
      x.begin()[at] = T(kNan);
      T high, low;
      t.reduce_row[int(Reduce::max)][kType<T>](x.begin(), n, &high);
      t.reduce_row[int(Reduce::min)][kType<T>](x.begin(), n, &low);
      const bool ok = std::isnan(high) && std::isnan(low) &&
                      t.argmax[kType<T>](x.begin(), n) == at &&
                      t.argmin[kType<T>](x.begin(), n) == at;
      if (!check::that(ok, label<T>("NaN in max, min, argmax, argmin"))) return;
    }
  }
}

void test_long_sum(const KernelTable& t) {
  const int64_t n = 10'000'019;
  std::vector<float> x(static_cast<size_t>(n), 0.1f);
  float sum;
  t.reduce_row[int(Reduce::sum)][int(DType::float32)](x.data(), n, &sum);
  const double exact = double(n) * double(0.1f);
  check::that(std::fabs(sum - exact) <= 2e-7 * exact, "sum of ten million: " + std::to_string(sum));
}

template <class T>
void test_type(const KernelTable& t) {
  test_compare<T>(t);
  test_reduce<T>(t);
}

void test_elementwise(const KernelTable& t) {
  test_float_binary<float>(t);
  test_float_binary<double>(t);
  test_float_specials<float>(t);
  test_float_specials<double>(t);
  test_float_unary<float>(t);
  test_float_unary<double>(t);
  test_streaming<float>(t);
  test_streaming<double>(t);
  test_integer<uint8_t>(t);
  test_integer<uint16_t>(t);
  test_integer<uint32_t>(t);
  test_integer<uint64_t>(t);
  test_integer<int8_t>(t);
  test_integer<int16_t>(t);
  test_integer<int32_t>(t);
  test_integer<int64_t>(t);
}

void test_all(const KernelTable& t) {
  test_table(t);
  test_elementwise(t);
  test_type<uint8_t>(t);
  test_type<uint16_t>(t);
  test_type<uint32_t>(t);
  test_type<uint64_t>(t);
  test_type<int8_t>(t);
  test_type<int16_t>(t);
  test_type<int32_t>(t);
  test_type<int64_t>(t);
  test_type<float>(t);
  test_type<double>(t);
  test_reduce_rows<float>(t);
  test_reduce_rows<double>(t);
  test_reduce_rows<int32_t>(t);
  test_mod_exact<float>(t);
  test_mod_exact<double>(t);
  test_reduce_nan<float>(t);
  test_reduce_nan<double>(t);
  test_long_sum(t);
}

}  // namespace

int main() { return check::run("test_kernels", test_all); }
