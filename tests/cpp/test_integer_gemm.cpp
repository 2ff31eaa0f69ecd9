// Integer and bool matrix products against a loop in uint64: every element size, tile edges,
// blocks, any strides, and the same result for every number of threads.
#include <algorithm>
#include <string>
#include <vector>

#include "check.h"
#include "core/dtype.h"
#include "ops/gemm.h"
#include "runtime/parallel.h"

namespace {

using namespace pynn;

struct Shape {
  int64_t m, n, k;
};

// Strides of an operand with `rows` x `columns` elements, and where its first element is.
struct Layout {
  const char* name;
  int64_t rs, cs, first;
};

std::vector<Layout> layouts(int64_t rows, int64_t columns) {
  const int64_t last = (rows - 1) * (columns + 5) + columns - 1;
  return {{"rows", columns + 5, 1, 0},
          {"columns", 1, rows + 3, 0},
          {"reversed", -(columns + 5), -1, std::max<int64_t>(last, 0)},
          {"every second", 2 * columns, 2, 0},
          {"one row", 0, 1, 0},
          {"one column", 1, 0, 0}};
}

constexpr int64_t storage_for(int64_t rows, int64_t columns) {
  return 2 * (rows + 6) * (columns + 6);
}

template <class T>
std::vector<T> random_elements(int64_t size, uint64_t seed, bool is_bool) {
  check::Random random(seed);
  std::vector<T> values(static_cast<size_t>(size));
  for (T& v : values) v = is_bool ? T(random.bits() % 16 == 0) : T(random.bits());
  return values;
}

// What element (i, j) of C must be.
template <class T>
T expected_element(const GemmArgs& g, int64_t i, int64_t j) {
  const T* a = static_cast<const T*>(g.a) + i * g.a_rs;
  const T* b = static_cast<const T*>(g.b) + j * g.b_cs;
  const bool is_bool = g.dtype == DType::bool_;
  uint64_t sum = g.bias ? uint64_t(static_cast<const T*>(g.bias)[j]) : 0;
  for (int64_t p = 0; p < g.k; ++p) {
    const uint64_t x = uint64_t(a[p * g.a_cs]), y = uint64_t(b[p * g.b_rs]);
    sum = is_bool ? uint64_t(sum || (x && y)) : sum + x * y;
  }
  return T(sum);
}

template <class T>
void test_product(DType dtype, Shape s, int a_layout, int b_layout, bool with_bias) {
  const bool is_bool = dtype == DType::bool_;
  const Layout la = layouts(s.m, s.k)[size_t(a_layout)], lb = layouts(s.k, s.n)[size_t(b_layout)];
  // One element of misalignment.
  const auto a = random_elements<T>(storage_for(s.m, s.k) + 1, 1, is_bool);
  const auto b = random_elements<T>(storage_for(s.k, s.n) + 1, 2, is_bool);
  const auto bias = random_elements<T>(s.n + 1, 3, is_bool);
  const int64_t ldc = s.n + 2;
  const T untouched = T(99);
  std::vector<T> c(size_t(s.m * ldc) + 1, untouched);
  GemmArgs g{};
  g.dtype = dtype;
  g.m = s.m, g.n = s.n, g.k = s.k;
  g.a = a.data() + 1 + la.first, g.a_rs = la.rs, g.a_cs = la.cs;
  g.b = b.data() + 1 + lb.first, g.b_rs = lb.rs, g.b_cs = lb.cs;
  g.c = c.data() + 1, g.ldc = ldc;
  g.bias = with_bias ? bias.data() + 1 : nullptr;
  gemm(g);
  bool equal = true, inside = c[0] == untouched;
  for (int64_t i = 0; i < s.m; ++i) {
    const T* row = c.data() + 1 + i * ldc;
    for (int64_t j = 0; j < s.n; ++j) equal &= row[j] == expected_element<T>(g, i, j);
    inside &= row[s.n] == untouched && row[s.n + 1] == untouched;
  }
  const std::string what = std::string(dtype_name(dtype)) + " " + std::to_string(s.m) + "x" +
                           std::to_string(s.n) + "x" + std::to_string(s.k) + " " + la.name + " * " +
                           lb.name + (with_bias ? " + bias" : "");
  check::that(equal, "values of " + what);
  check::that(inside, "nothing beyond n: " + what);
}

template <class T>
void test_dtype(DType dtype) {
  const kernels::IntegerGemmKernel& kernel = kernel_table().integer_gemm[int(dtype)];
  const int64_t mr = kernel.mr, nr = kernel.nr;
  for (int64_t m = 1; m <= 2 * mr + 1; ++m) test_product<T>(dtype, {m, nr + 1, 7}, 0, 0, m % 2);
  for (const int64_t n : {int64_t(1), int64_t(2), nr / 2, nr - 1, nr, nr + 1, 2 * nr + 3})
    test_product<T>(dtype, {mr + 1, n, 7}, 0, 0, n % 2);
  const int64_t slice = 1024 / int64_t(sizeof(T));
  for (const int64_t k : {int64_t(0), int64_t(1), int64_t(2), slice - 1, slice, slice + 1})
    test_product<T>(dtype, {mr, nr, k}, 0, 0, k % 2 == 0);
  for (int a_layout = 0; a_layout < 6; ++a_layout) {
    for (int b_layout = 0; b_layout < 6; ++b_layout) {
      test_product<T>(dtype, {5, nr + 3, 41}, a_layout, b_layout, false);
      test_product<T>(dtype, {29, 131, 37}, a_layout, b_layout, true);
    }
  }
  // More than one block of rows, columns and slices; the transposes with primes.
  test_product<T>(dtype, {131, 521, 67}, 0, 0, true);
  test_product<T>(dtype, {67, 73, 1031}, 1, 1, true);
}

// Rows a page apart, in all four orders.
template <class T>
void test_page_strides(DType dtype) {
  const int64_t n = 4096 / int64_t(sizeof(T)), m = 20;
  const auto a = random_elements<T>(m * n, 5, false), b = random_elements<T>(m * n, 6, false);
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      // Both are stored as m rows of a page.
      GemmArgs g{};
      g.dtype = dtype;
      g.m = transpose_a ? 37 : m;
      g.k = m;
      g.n = transpose_b ? m : 37;
      g.a = a.data(), g.a_rs = transpose_a ? 1 : n, g.a_cs = transpose_a ? n : 1;
      g.b = b.data(), g.b_rs = transpose_b ? 1 : n, g.b_cs = transpose_b ? n : 1;
      std::vector<T> c(size_t(g.m * g.n));
      g.c = c.data(), g.ldc = g.n;
      gemm(g);
      bool equal = true;
      for (int64_t i = 0; i < g.m; ++i)
        for (int64_t j = 0; j < g.n; ++j)
          equal &= c[size_t(i * g.n + j)] == expected_element<T>(g, i, j);
      check::that(equal, std::string("strides of a page: ") + dtype_name(dtype));
    }
  }
}

void test_bytes_that_are_not_0_or_1() {
  const uint8_t a[] = {2, 0}, b[] = {4, 8};
  uint8_t c[] = {9};
  gemm({DType::bool_, 1, 1, 2, a, 2, 1, b, 1, 1, c, 1});
  check::that(c[0] == 1, "bool: any non-zero byte is true");
  const uint8_t bias[] = {16};
  GemmArgs zero_k{DType::bool_, 1, 1, 0, a, 2, 1, b, 1, 1, c, 1};
  zero_k.bias = bias;
  gemm(zero_k);
  check::that(c[0] == 1, "bool: the bias too");
}

void test_all(const kernels::KernelTable&) {
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    test_dtype<uint8_t>(DType::bool_);
    test_dtype<uint8_t>(DType::uint8);
    test_dtype<int8_t>(DType::int8);
    test_dtype<uint16_t>(DType::uint16);
    test_dtype<int16_t>(DType::int16);
    test_dtype<uint32_t>(DType::uint32);
    test_dtype<int32_t>(DType::int32);
    test_dtype<uint64_t>(DType::uint64);
    test_dtype<int64_t>(DType::int64);
  }
  test_page_strides<int8_t>(DType::int8);
  test_page_strides<int16_t>(DType::int16);
  test_page_strides<int32_t>(DType::int32);
  test_page_strides<int64_t>(DType::int64);
  test_bytes_that_are_not_0_or_1();
}

}  // namespace

int main() { return check::run("test_integer_gemm", test_all); }
