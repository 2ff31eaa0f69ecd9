// Kernels that are not elementwise arithmetic: softmax and cross-entropy rows, casts, copies,
// random numbers.
#include <algorithm>
#include <cmath>
#include <vector>

#include "check.h"

namespace {

using namespace pynn::kernels;
using pynn::DType;

constexpr double kInf = std::numeric_limits<double>::infinity();

template <class T>
constexpr int kType = sizeof(T) == 4 ? int(DType::float32) : int(DType::float64);
template <class T>
const char* kName = sizeof(T) == 4 ? " float" : " double";

template <class T>
std::vector<T> numbers(int64_t n, uint64_t seed, double low, double high) {
  check::Random random(seed);
  std::vector<T> x(static_cast<size_t>(n));
  for (T& v : x) v = T(random.uniform(low, high));
  return x;
}

// ---- softmax and cross-entropy ----

struct Softmax {  // in long double
  std::vector<long double> p, log_p;
  template <class T>
  explicit Softmax(const std::vector<T>& x) {
    const long double largest = *std::max_element(x.begin(), x.end());
    long double rest = 0;
    bool skipped = false;
    for (T v : x) {
      if (v == T(largest) && !skipped) {
        skipped = true;
      } else {
        rest += std::exp(v - largest);
      }
    }
    for (T v : x) {
      log_p.push_back((v - largest) - std::log1p(rest));
      p.push_back(std::exp(log_p.back()));
    }
  }
};

template <class T>
bool close(const std::vector<T>& got, const std::vector<long double>& expected, double relative,
           double absolute) {
  for (size_t i = 0; i < got.size(); ++i) {
    if (!check::near(got[i], double(expected[i]),
                     relative * std::fabs(double(expected[i])) + absolute))
      return false;
  }
  return true;
}

// What rounding x - max(x) alone may do to exp of it, and as much again for the arithmetic.
template <class T>
double row_tolerance(const std::vector<T>& x) {
  double low = kInf, high = -kInf;
  for (T v : x) {
    if (std::isfinite(v)) low = std::min(low, double(v)), high = std::max(high, double(v));
  }
  return (16 + (high - low)) * double(std::numeric_limits<T>::epsilon());
}

template <class T>
void test_softmax_row(const KernelTable& t, const std::vector<T>& x, const std::string& name) {
  constexpr int type = kType<T>;
  const double eps = std::numeric_limits<T>::epsilon();
  const int64_t n = int64_t(x.size());
  const Softmax exact(x);
  std::vector<T> y(x.size());
  t.softmax[type](x.data(), y.data(), 1, n);
  check::that(close(y, exact.p, row_tolerance(x), 1e-37), "softmax " + name);
  std::vector<T> in_place = x;
  t.softmax[type](in_place.data(), in_place.data(), 1, n);
  check::that(check::same_bits(in_place.data(), y.data(), n), "softmax in place " + name);

  const std::vector<T> dy = numbers<T>(n, 8, -1, 1);
  std::vector<T> dx(x.size());
  t.softmax_grad[type](y.data(), dy.data(), dx.data(), 1, n);
  long double dot = 0, total = 0;
  for (size_t i = 0; i < x.size(); ++i) dot += exact.p[i] * dy[i], total += dy[i];
  std::vector<long double> expected;
  for (size_t i = 0; i < x.size(); ++i) expected.push_back(exact.p[i] * (dy[i] - dot));
  check::that(close(dx, expected, 0, 16 * eps), "softmax_grad " + name);

  t.log_softmax[type](x.data(), y.data(), 1, n);
  check::that(close(y, exact.log_p, row_tolerance(x), 0), "log_softmax " + name);
  t.log_softmax_grad[type](y.data(), dy.data(), dx.data(), 1, n);
  for (size_t i = 0; i < x.size(); ++i) expected[i] = dy[i] - exact.p[i] * total;
  check::that(close(dx, expected, 16 * eps, 64 * eps), "log_softmax_grad " + name);
}

template <class T>
void test_cross_entropy_row(const KernelTable& t, const std::vector<T>& x,
                            const std::string& name) {
  constexpr int type = kType<T>;
  const double eps = std::numeric_limits<T>::epsilon();
  const int64_t n = int64_t(x.size());
  const Softmax exact(x);
  std::vector<T> dx(x.size());
  std::vector<long double> expected(x.size());
  const T dloss = T(0.7);
  for (int64_t label = 0; label < n; label += 1 + n / 5) {
    T loss;
    t.sparse_xent[type](x.data(), 1, n, &label, &loss);
    const double exact_loss = double(-exact.log_p[size_t(label)]);
    check::that(check::near(loss, exact_loss, row_tolerance(x) * exact_loss),
                "sparse_xent " + name);
    t.sparse_xent_grad[type](x.data(), 1, n, &label, &dloss, dx.data());
    for (size_t i = 0; i < x.size(); ++i) expected[i] = exact.p[i] * dloss;
    // p - 1 without cancellation
    expected[size_t(label)] = std::expm1(exact.log_p[size_t(label)]) * dloss;
    check::that(close(dx, expected, row_tolerance(x), 1e-37), "sparse_xent_grad " + name);
  }
  std::vector<T> weights = numbers<T>(n, 9, 0, 1);
  weights[0] = 0;
  long double exact_loss = 0, total = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (weights[i] != 0) exact_loss -= weights[i] * exact.log_p[i];
    total += weights[i];
  }
  T loss;
  t.dense_xent[type](x.data(), weights.data(), 1, n, &loss);
  check::that(check::near(loss, double(exact_loss), 16 * eps * double(exact_loss)),
              "dense_xent " + name);
  t.dense_xent_grad[type](x.data(), weights.data(), 1, n, &dloss, dx.data());
  for (size_t i = 0; i < x.size(); ++i) expected[i] = (exact.p[i] * total - weights[i]) * dloss;
  check::that(close(dx, expected, 16 * eps, 16 * eps * double(total)), "dense_xent_grad " + name);
}

// Many rows at once give the bits of each row alone, and nothing behind the last row is written.
template <class T>
void test_row_groups(const KernelTable& t, int64_t n) {
  constexpr int type = kType<T>;
  constexpr int64_t kMost = 37;
  const std::string name = std::to_string(n) + kName<T>;
  const std::vector<T> x = numbers<T>(kMost * n, 17, -5, 5), w = numbers<T>(kMost * n, 18, 0, 1);
  const std::vector<T> dloss = numbers<T>(kMost, 19, -1, 1);
  std::vector<int64_t> label;
  for (int64_t r = 0; r < kMost; ++r) label.push_back(r * 7 % n);
  std::vector<T> at_once(size_t(kMost * n + 1)), alone(size_t(kMost * n + 1));
  // run(rows, first row, output) computes `rows` rows of `width` numbers each.
  const auto compare = [&](const char* what, int64_t width, const auto& run) {
    for (int64_t rows : {int64_t(1), int64_t(2), int64_t(15), int64_t(16), int64_t(17), kMost}) {
      at_once[size_t(rows * width)] = T(12345);
      run(rows, 0, at_once.data());
      for (int64_t r = 0; r < rows; ++r) run(1, r, alone.data() + r * width);
      check::that(check::same_bits(at_once.data(), alone.data(), rows * width) &&
                      at_once[size_t(rows * width)] == T(12345),
                  what + (" rows " + name));
    }
  };
  compare("softmax", n, [&](int64_t rows, int64_t r, T* out) {
    t.softmax[type](x.data() + r * n, out, rows, n);
  });
  compare("log_softmax", n, [&](int64_t rows, int64_t r, T* out) {
    t.log_softmax[type](x.data() + r * n, out, rows, n);
  });
  compare("softmax_grad", n, [&](int64_t rows, int64_t r, T* out) {
    t.softmax_grad[type](w.data() + r * n, x.data() + r * n, out, rows, n);
  });
  compare("log_softmax_grad", n, [&](int64_t rows, int64_t r, T* out) {
    t.log_softmax_grad[type](w.data() + r * n, x.data() + r * n, out, rows, n);
  });
  compare("sparse_xent", 1, [&](int64_t rows, int64_t r, T* out) {
    t.sparse_xent[type](x.data() + r * n, rows, n, label.data() + r, out);
  });
  compare("sparse_xent_grad", n, [&](int64_t rows, int64_t r, T* out) {
    t.sparse_xent_grad[type](x.data() + r * n, rows, n, label.data() + r, dloss.data() + r, out);
  });
  compare("dense_xent", 1, [&](int64_t rows, int64_t r, T* out) {
    t.dense_xent[type](x.data() + r * n, w.data() + r * n, rows, n, out);
  });
  compare("dense_xent_grad", n, [&](int64_t rows, int64_t r, T* out) {
    t.dense_xent_grad[type](x.data() + r * n, w.data() + r * n, rows, n, dloss.data() + r, out);
  });
}

template <class T>
void test_rows(const KernelTable& t) {
  for (int64_t n : {1, 2, 10, 24, 25, 100}) test_row_groups<T>(t, n);
  for (int64_t n : {1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 33, 64, 100, 1000, 1024, 1025, 5003}) {
    const std::string name = std::to_string(n) + kName<T>;
    for (double scale : {1.0, 10.0, 80.0}) {
      const std::vector<T> x = numbers<T>(n, 7, -scale, scale);
      test_softmax_row(t, x, name);
      test_cross_entropy_row(t, x, name);
    }
  }
  test_softmax_row<T>(t, {T(-kInf), 1, 2, T(-kInf)}, "with -inf");
  test_cross_entropy_row<T>(t, {T(-kInf), 1, 2, 30}, "with -inf");
  test_cross_entropy_row<T>(t, {T(20), 0, -1, 0.5}, "sure");
  test_cross_entropy_row<T>(t, {T(1000), T(-1000), 0}, "far apart");
}

// ---- Casts and copies ----

// The number that a 16-bit float pattern stands for, from the definition.
double value_of(uint16_t bits, int exponent_bits, int mantissa_bits) {
  const int exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const double mantissa = bits & ((1 << mantissa_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) return mantissa == 0 ? sign * kInf : std::nan("");
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(1 + std::ldexp(mantissa, -mantissa_bits), exponent - bias);
}

void test_small_floats(const KernelTable& t, DType type, int exponent_bits, int mantissa_bits) {
  const int index = int(type), f32 = int(DType::float32);
  std::vector<uint16_t> all(65536), back(65536);
  for (int i = 0; i < 65536; ++i) all[size_t(i)] = uint16_t(i);
  std::vector<float> values(65536);
  t.cast[index][f32](all.data(), values.data(), 65536);
  t.cast[f32][index](values.data(), back.data(), 65536);
  bool exact = true, round_trip = true;
  for (size_t i = 0; i < 65536; ++i) {
    const double expected = value_of(all[i], exponent_bits, mantissa_bits);
    exact &= check::near(values[i], expected, 0);
    round_trip &= std::isnan(expected) ? std::isnan(value_of(back[i], exponent_bits, mantissa_bits))
                                       : back[i] == all[i];
  }
  check::that(exact, "16-bit float to float");
  check::that(round_trip, "16-bit float there and back");
  // Rounding: between two neighbours lies the midpoint, where the even one wins.
  std::vector<float> x;
  std::vector<uint16_t> y, expected;
  const uint16_t infinity = uint16_t(((1 << exponent_bits) - 1) << mantissa_bits);
  for (uint16_t bits = 0; bits + 1 < infinity; ++bits) {
    const double low = value_of(bits, exponent_bits, mantissa_bits),
                 high = value_of(uint16_t(bits + 1), exponent_bits, mantissa_bits);
    const float middle = float((low + high) / 2);
    for (float v : {std::nextafter(middle, 0.0f), middle, std::nextafter(middle, 1e38f)}) {
      if (v < 1e-44f) continue;
      x.push_back(v);
      const uint16_t even = bits % 2 ? uint16_t(bits + 1) : bits;
      expected.push_back(v < middle ? bits : v > middle ? uint16_t(bits + 1) : even);
    }
  }
  y.resize(x.size());
  t.cast[f32][index](x.data(), y.data(), int64_t(x.size()));
  check::that(y == expected, "float to 16-bit float: rounding");
}

struct Bool {  // std::vector<bool> has no memory to point to
  bool value = false;
  Bool() = default;
  template <class T>
  explicit Bool(T v) : value(bool(v)) {}
  Bool(const Bool& other) = default;
  template <class T>
  explicit operator T() const {
    return T(value);
  }
  bool operator==(Bool other) const { return value == other.value; }
};

template <class From, class To>
void test_cast(const KernelTable& t, DType from, DType to, const std::vector<double>& values) {
  std::vector<From> x;
  for (int copies = 0; copies < 9; ++copies) {
    for (double v : values) x.push_back(From(v));
  }
  std::vector<To> y(x.size());
  t.cast[int(from)][int(to)](x.data(), y.data(), int64_t(x.size()));
  bool ok = true;
  for (size_t i = 0; i < x.size(); ++i) ok &= y[i] == To(x[i]);
  check::that(ok, "cast " + std::to_string(int(from)) + " to " + std::to_string(int(to)));
}

template <class From>
void test_casts_from(const KernelTable& t, DType from, bool is_signed, double largest) {
  std::vector<double> values = {0, 1, 2, 3, 100, largest};
  test_cast<From, uint8_t>(t, from, DType::uint8, {0, 1, 100});
  test_cast<From, uint16_t>(t, from, DType::uint16, {0, 1, 100});
  test_cast<From, uint32_t>(t, from, DType::uint32, {0, 1, 100});
  test_cast<From, uint64_t>(t, from, DType::uint64, {0, 1, 100});
  if (is_signed) values.push_back(-5);
  const std::vector<double> small =
      is_signed ? std::vector<double>{0, 1, 100, -5} : std::vector<double>{0, 1, 100};
  test_cast<From, int8_t>(t, from, DType::int8, small);
  test_cast<From, int16_t>(t, from, DType::int16, small);
  test_cast<From, int32_t>(t, from, DType::int32, small);
  test_cast<From, int64_t>(t, from, DType::int64, small);
  test_cast<From, float>(t, from, DType::float32, values);
  test_cast<From, double>(t, from, DType::float64, values);
  test_cast<From, Bool>(t, from, DType::bool_, values);
}

void test_casts(const KernelTable& t) {
  test_small_floats(t, DType::float16, 5, 10);
  test_small_floats(t, DType::bfloat16, 8, 7);
  test_casts_from<Bool>(t, DType::bool_, false, 1);
  test_casts_from<uint8_t>(t, DType::uint8, false, 255);
  test_casts_from<uint16_t>(t, DType::uint16, false, 65535);
  test_casts_from<uint32_t>(t, DType::uint32, false, 4294967295.0);
  test_casts_from<uint64_t>(t, DType::uint64, false, 0x1p63);
  test_casts_from<int8_t>(t, DType::int8, true, 127);
  test_casts_from<int16_t>(t, DType::int16, true, 32767);
  test_casts_from<int32_t>(t, DType::int32, true, 2147483647.0);
  test_casts_from<int64_t>(t, DType::int64, true, 0x1p62);
  test_casts_from<float>(t, DType::float32, true, 1e30);
  test_casts_from<double>(t, DType::float64, true, 1e30);
  const std::vector<double> x = {-2.9, 2.9, 1e300, -1e300, std::nan(""), 127.9};
  std::vector<int32_t> y(x.size());
  t.cast[int(DType::float64)][int(DType::int32)](x.data(), y.data(), int64_t(x.size()));
  check::that(y == std::vector<int32_t>{-2, 2, 2147483647, -2147483647 - 1, 0, 127},
              "double to int32");
}

template <class T>
void test_copies(const KernelTable& t, int size) {
  for (int64_t n : {0, 1, 5, 16, 33, 100}) {
    std::vector<T> x(400), y(400, T(9)), expected(400, T(9));
    for (size_t i = 0; i < x.size(); ++i) x[i] = T(i);
    for (int64_t sx : {0, 1, 3}) {
      for (int64_t sy : {1, 2}) {
        t.copy[size](x.data(), sx, y.data(), sy, n);
        for (int64_t i = 0; i < n; ++i) expected[size_t(i * sy)] = x[size_t(i * sx)];
        check::that(y == expected, "copy");
      }
    }
    std::vector<uint8_t> c(100);
    for (size_t i = 0; i < c.size(); ++i) c[i] = uint8_t(i % 3 == 0);
    for (int form = 0; form < 8; ++form) {
      const bool cs = form & 1, as = form & 2, bs = form & 4;
      const T *a = x.data() + 1, *b = x.data() + 200;
      t.where[size](c.data(), cs, a, as, b, bs, y.data(), n);
      bool ok = true;
      for (int64_t i = 0; i < n; ++i)
        ok &= y[size_t(i)] == (c[size_t(cs ? 0 : i)] ? a[as ? 0 : i] : b[bs ? 0 : i]);
      check::that(ok, "where");
    }
    y = expected;
  }
}

// ---- Random numbers ----

// Philox 4x32-10 from its definition.
void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]}, k[2] = {key[0], key[1]};
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t(0xd2511f53u) * c[0], p1 = uint64_t(0xcd9e8d57u) * c[2];
    const uint32_t next[4] = {uint32_t(p1 >> 32) ^ c[1] ^ k[0], uint32_t(p1),
                              uint32_t(p0 >> 32) ^ c[3] ^ k[1], uint32_t(p0)};
    std::copy(next, next + 4, c);
    k[0] += 0x9e3779b9u;
    k[1] += 0xbb67ae85u;
  }
  std::copy(c, c + 4, out);
}

void test_philox(const KernelTable& t) {
  // Known answers of the Random123 library.
  const uint32_t zero[4] = {}, ones[4] = {~0u, ~0u, ~0u, ~0u};
  uint32_t out[4];
  philox(zero, zero, out);
  check::that(
      out[0] == 0x6627e8d5 && out[1] == 0xe169c58d && out[2] == 0xbc57ac4c && out[3] == 0x9b00dbd8,
      "philox of 0");
  philox(ones, ones, out);
  check::that(
      out[0] == 0x408f276d && out[1] == 0x41c83b0e && out[2] == 0xa20bc7c6 && out[3] == 0x6d5451fd,
      "philox of ones");
  const RandomKey key = {{0x12345678u, 0x9abcdef0u}};
  for (uint64_t start :
       {uint64_t(0), uint64_t(4), uint64_t(4) * 0xffffffffu - 40, uint64_t(1) << 60}) {
    for (int64_t n : {1, 4, 5, 31, 32, 33, 255, 256, 257, 1000}) {
      std::vector<uint32_t> words(size_t(n) + 1, 7);
      t.random_bits(key, start, words.data(), n);
      bool ok = words[size_t(n)] == 7;
      for (int64_t i = 0; i < n; ++i) {
        const uint64_t block = (start + uint64_t(i)) / 4;
        const uint32_t counter[4] = {uint32_t(block), uint32_t(block >> 32), 0, 0};
        philox(counter, key.key, out);
        ok &= words[size_t(i)] == out[i % 4];
      }
      check::that(ok, "random_bits");
    }
  }
}

// Mean, standard deviation and range; and the same numbers when a range is made in two parts.
void test_distribution(const RandomFloatFn fill, const char* name, double a, double b, double mean,
                       double deviation, double low, double high) {
  const RandomKey key = {{1, 2}};
  const int64_t n = 1 << 20, cut = 12 * 1031;
  const double params[] = {a, b};
  std::vector<float> x(static_cast<size_t>(n)), parts(static_cast<size_t>(n));
  fill(key, 0, x.data(), n, params);
  fill(key, 0, parts.data(), cut, params);
  fill(key, uint64_t(cut), parts.data() + cut, n - cut, params);
  check::that(x == parts, std::string(name) + ": in two parts");
  double sum = 0, squares = 0;
  for (float v : x) sum += v, squares += (v - mean) * (v - mean);
  const double error = deviation / std::sqrt(double(n));
  check::that(std::fabs(sum / double(n) - mean) < 5 * error, std::string(name) + ": mean");
  check::that(std::fabs(std::sqrt(squares / double(n)) - deviation) < 5 * error,
              std::string(name) + ": deviation");
  const auto range = std::minmax_element(x.begin(), x.end());
  check::that(*range.first >= low && *range.second <= high, std::string(name) + ": range");
}

// Between 2^20 and 2^20 + 1 floats are 1/8 apart, and a number just below the end would round up to
// it.
void test_uniform_end(const KernelTable& t) {
  const double params[] = {0x1p20, 0x1p20 + 1};
  std::vector<float> x(100000);
  t.uniform(RandomKey{{1, 2}}, 0, x.data(), int64_t(x.size()), params);
  check::that(*std::max_element(x.begin(), x.end()) == 0x1p20f + 0.875f,
              "uniform: the end is outside");
}

// The quantile behind `normal` against the distribution function.
void test_normal_quantile(const KernelTable& t) {
  const RandomKey key = {{3, 4}};
  const int64_t n = 100000;
  std::vector<uint32_t> words(static_cast<size_t>(n));
  std::vector<float> z(static_cast<size_t>(n));
  const double params[] = {0, 1};
  t.random_bits(key, 0, words.data(), n);
  t.normal(key, 0, z.data(), n, params);
  double worst = 0;
  for (size_t i = 0; i < z.size(); ++i) {
    const bool left = words[i] >> 31;
    const double p = ((words[i] & 0x7fffffffu) + 0.5) * 0x1p-32;
    const double x = left ? z[i] : -z[i];
    const double error = 0.5 * std::erfc(-x / std::sqrt(2.0)) - p;
    worst = std::max(worst, std::fabs(error) / (std::exp(-x * x / 2) / std::sqrt(2 * M_PI)) /
                                (1e-6 + std::fabs(x)));
  }
  check::that(worst < 1e-6, "normal: relative error " + std::to_string(worst * 1e6) + "e-6");
}

template <class T>
void test_dropout(const KernelTable& t) {
  const RandomKey key = {{5, 6}};
  const int64_t n = 100001;
  const std::vector<T> x = numbers<T>(n, 1, 1, 2);
  std::vector<T> y(x.size());
  for (double rate : {0.0, 0.25, 0.9}) {
    const double params[] = {rate, 1 / (1 - rate)};
    t.dropout[kType<T>](key, 8, x.data(), y.data(), n, params);
    std::vector<uint32_t> words(x.size());
    t.random_bits(key, 8, words.data(), n);
    bool ok = true;
    for (size_t i = 0; i < x.size(); ++i) {
      ok &= y[i] == ((words[i] >> 8) * 0x1p-24 >= rate ? x[i] * T(1 / (1 - rate)) : T(0));
    }
    check::that(ok, std::string("dropout") + kName<T>);
  }
}

void test_random(const KernelTable& t) {
  test_philox(t);
  const double third = 1 / std::sqrt(12.0);
  test_distribution(t.uniform, "uniform", 0, 1, 0.5, third, 0, double(std::nextafter(1.0f, 0.0f)));
  test_distribution(t.uniform, "uniform", -3, 5, 1, 8 * third, -3,
                    double(std::nextafter(5.0f, 0.0f)));
  test_distribution(t.normal, "normal", 2, 3, 2, 3, -30, 34);
  test_distribution(t.truncated_normal, "truncated_normal", 0, 1, 0, 0.879626, -2, 2);
  test_uniform_end(t);
  test_normal_quantile(t);
  test_dropout<float>(t);
  test_dropout<double>(t);
}

void test_all(const KernelTable& t) {
  test_rows<float>(t);
  test_rows<double>(t);
  test_casts(t);
  test_copies<uint8_t>(t, 0);
  test_copies<uint16_t>(t, 1);
  test_copies<uint32_t>(t, 2);
  test_copies<uint64_t>(t, 3);
  test_random(t);
}

}  // namespace

int main() { return check::run("test_rows", test_all); }
