// The matrix product against a float64 loop: every shape of tile and edge, any strides, every
// dtype; and the same bits whatever the number of threads and the number of rows.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "check.h"
#include "core/dtype.h"
#include "ops/gemm.h"
#include "runtime/fpenv.h"
#include "runtime/parallel.h"

namespace {

using namespace pynn;
using kernels::KernelTable;
using kernels::Unary;

// A matrix of T inside a larger buffer, with the strides of a layout.
template <class T>
struct Matrix {
  enum Layout { rows, columns, wide_rows, wide_columns, reversed, every_second };
  static constexpr int kLayouts = 6;

  Matrix(int64_t m, int64_t n, int layout, check::Random& random, double low = -1, double high = 1)
      : storage(size_t(3 * (m + 3) * (n + 5)) + 1) {
    for (T& x : storage) x = T(random.uniform(low, high));
    const bool transposed = layout == columns || layout == wide_columns;
    const int64_t step = layout == every_second ? 2 : 1;
    const int64_t line = transposed ? m : n;
    const int64_t stride = layout == wide_rows || layout == wide_columns ? line + 3 : line * step;
    rs = transposed ? step : stride;
    cs = transposed ? stride : step;
    data = storage.data() + 1;  // not aligned
    if (layout == reversed) {
      data += (m - 1) * rs + (n - 1) * cs;
      rs = -rs;
      cs = -cs;
    }
  }
  T operator()(int64_t i, int64_t p) const { return data[i * rs + p * cs]; }

  std::vector<T> storage;
  T* data;
  int64_t rs, cs;
};

template <class T>
GemmArgs make_args(DType dtype, int64_t m, int64_t n, int64_t k, const Matrix<T>& a,
                   const Matrix<T>& b, T* c, int64_t ldc) {
  GemmArgs args{};
  args.dtype = dtype;
  args.m = m, args.n = n, args.k = k;
  args.a = a.data, args.a_rs = a.rs, args.a_cs = a.cs;
  args.b = b.data, args.b_rs = b.rs, args.b_cs = b.cs;
  args.c = c, args.ldc = ldc;
  return args;
}

std::string describe(const char* what, const GemmArgs& g) {
  return std::string(what) + " " + dtype_name(g.dtype) + " " + std::to_string(g.m) + "x" +
         std::to_string(g.n) + "x" + std::to_string(g.k) + " strides " + std::to_string(g.a_rs) +
         "," + std::to_string(g.a_cs) + " " + std::to_string(g.b_rs) + "," + std::to_string(g.b_cs);
}

// ---- Values

template <class T>
void test_product(DType dtype, int64_t m, int64_t n, int64_t k, int a_layout, int b_layout,
                  bool with_bias) {
  check::Random random(uint64_t(m * 1000003 + n * 1009 + k));
  const Matrix<T> a(m, k, a_layout, random), b(k, n, b_layout, random);
  const int64_t ldc = n + 3;
  const T untouched = T(77);
  std::vector<T> c(size_t(m * ldc) + 1, untouched), bias(size_t(n) + 1, T(0));
  for (T& x : bias) x = T(random.uniform(-1, 1));
  GemmArgs args = make_args(dtype, m, n, k, a, b, c.data() + 1, ldc);
  if (with_bias) args.bias = bias.data();
  gemm(args);
  bool close = true, inside = true;
  const double epsilon = std::numeric_limits<T>::epsilon();
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < ldc; ++j) {
      const double got = c[size_t(1 + i * ldc + j)];
      if (j >= n) {
        inside &= got == untouched;
        continue;
      }
      double exact = with_bias ? double(bias[size_t(j)]) : 0, magnitude = std::fabs(exact);
      for (int64_t p = 0; p < k; ++p) {
        const double term = double(a(i, p)) * double(b(p, j));
        exact += term;
        magnitude += std::fabs(term);
      }
      // A chain of k roundings is at most k/2 ulp of the sum of magnitudes; in practice the square
      // root.
      close &= check::near(got, exact, epsilon * (4 + std::sqrt(double(k))) * magnitude);
    }
  }
  check::that(close, describe("values", args));
  check::that(inside, describe("writes beyond n", args));
}

template <class T>
void test_shapes(DType dtype) {
  const kernels::GemmKernel& kernel = kernel_table().gemm[int(dtype)];
  const int64_t mr = kernel.mr, nr = kernel.nr, kc = kernel.kc;
  for (int64_t m = 1; m <= 2 * mr + 1; ++m) {
    test_product<T>(dtype, m, nr + 3, 17, 0, 0, true);
    test_product<T>(dtype, m, 2 * nr, 5, 1, 1, false);
  }
  for (int64_t n = 1; n <= 2 * nr + 1; ++n) {
    test_product<T>(dtype, mr + 1, n, 9, 0, 0, true);
    test_product<T>(dtype, 1, n, 9, 0, 1, false);
  }
  for (const int64_t n : {4 * nr - 1, 4 * nr, 4 * nr + 1, 9 * nr + 1})
    test_product<T>(dtype, 1, n, 40, 0, 0, true);
  for (const int64_t k : {int64_t(0), int64_t(1), int64_t(3), kc - 1, kc, kc + 1, 2 * kc + 3}) {
    test_product<T>(dtype, mr + 2, nr + 1, k, 0, 0, true);
    test_product<T>(dtype, 1, nr * 5, k, 0, 0, false);
  }
  for (const int64_t m : {int64_t(2), int64_t(kernel.mc) + 3}) {
    test_product<T>(dtype, m, 300, 30, 0, 0, true);
    test_product<T>(dtype, m, 530, 100, 0, 0, true);
    test_product<T>(dtype, m, int64_t(kernel.nc) + 5, 7, 0, 1, false);
  }
}

template <class T>
void test_layouts(DType dtype) {
  for (int a_layout = 0; a_layout < Matrix<T>::kLayouts; ++a_layout) {
    for (int b_layout = 0; b_layout < Matrix<T>::kLayouts; ++b_layout) {
      test_product<T>(dtype, 23, 37, 19, a_layout, b_layout, true);
      test_product<T>(dtype, 130, 150, 70, a_layout, b_layout, false);
      test_product<T>(dtype, 1, 70, 21, a_layout, b_layout, true);
    }
  }
}

// Shapes for every way to go about a product: see run_cell in ops/gemm_float.cpp.
template <class T>
void test_ways(DType dtype) {
  const int64_t mr = kernel_table().gemm[int(dtype)].mr, nr = kernel_table().gemm[int(dtype)].nr;
  for (const int64_t m : {int64_t(1), mr - 1, mr, 2 * mr + 1, int64_t(40)}) {
    // B beyond the second-level cache, in place or packed chunk by chunk; 1100 is three slices
    test_product<T>(dtype, m, 1507, 1100, 0, 0, true);
    test_product<T>(dtype, m, 1507, 600, 1, 0, false);
    test_product<T>(dtype, m, 301, 1100, 0, 1, true);  // transposed
  }
  for (int64_t m = 1; m <= 9; ++m) {
    for (const int64_t n : {1, 3, 8, 21}) {  // dot products
      test_product<T>(dtype, m, n, 1003, 0, 1, true);
      test_product<T>(dtype, m, n, 1000, 0, 3, false);
    }
  }
  test_product<T>(dtype, 1, 21, 1003, 5, 1, true);
  test_product<T>(dtype, 17, 21, 8200, 0, 1, true);  // too long a matrix for them
  for (int64_t n = 1; n <= 8; ++n) {                 // dot products of few columns
    for (const int64_t m : {int64_t(1), int64_t(7), 6 * mr + 1}) {
      for (const int layout : {0, 1, 4, 5}) test_product<T>(dtype, m, n, 603, 2, layout, true);
      test_product<T>(dtype, m, n, 40, 0, 0, false);
    }
  }
  for (const int64_t k : {1, 2, 8}) test_product<T>(dtype, 300, 500, k, 1, 0, true);  // shallow
  for (int64_t k = 1; k <= 5; ++k) {  // C row by row, also in more than one block of columns
    for (const int layout : {0, 1, 3, 4, 5})
      test_product<T>(dtype, 37, 2 * nr + 3, k, layout, 0, true);
    test_product<T>(dtype, 9, 4200, k, 0, 2, false);
    test_product<T>(dtype, 30, nr + 1, k, 0, 1, true);  // B packed
  }
  for (const int64_t n : {int64_t(1), int64_t(3), nr / 2, nr / 2 + 1, nr - 1, nr + 1}) {
    // the last columns in place or, for many rows, packed; 600 is two slices
    for (const int64_t m : {int64_t(1), mr, 4 * mr, 4 * mr + 1})
      test_product<T>(dtype, m, n, 600, 0, 2, true);
  }
  // halves of a packed panel of A, whose columns are a page apart
  test_product<T>(dtype, 1024, nr + 1, 20, 1, 0, true);
}

// Rows that are multiples of a page apart share one set of a cache, which changes the ways: the
// same bits as from the same matrices with a stride beside it, and nothing written between the
// rows.
template <class T>
void test_page_strides(DType dtype) {
  check::Random random(13);
  const int64_t page = 8192 / int64_t(sizeof(T)), m = 67, n = 61;  // two of them
  for (const int64_t k : {1, 7, 31, 64, 131, 613}) {
    for (const bool by_columns : {false, true}) {
      const int64_t lines = by_columns ? k : m, length = by_columns ? m : k;
      std::vector<T> a(size_t(lines * (page + 1)), T(0)), spread = a, b(size_t(k * page));
      for (T& x : b) x = T(random.uniform(-1, 1));
      for (int64_t i = 0; i < lines; ++i) {
        for (int64_t p = 0; p < length; ++p)
          a[size_t(i * page + p)] = spread[size_t(i * (page + 1) + p)] = T(random.uniform(-1, 1));
      }
      std::vector<T> c(size_t(m * page), T(77)), expected(size_t(m * n));
      GemmArgs args{dtype, m,        n,    k, spread.data(),   page + 1,
                    1,     b.data(), page, 1, expected.data(), n};
      if (by_columns) std::swap(args.a_rs, args.a_cs);
      gemm(args);
      args.a = a.data(), args.c = c.data(), args.ldc = page;
      (by_columns ? args.a_cs : args.a_rs) = page;
      gemm(args);
      bool same = true, inside = true;
      for (int64_t i = 0; i < m; ++i) {
        const T* row = &c[size_t(i * page)];
        same &= check::same_bits(row, &expected[size_t(i * n)], n);
        inside &= std::all_of(row + n, row + page, [](T x) { return x == T(77); });
      }
      check::that(same, describe("page strides", args));
      check::that(inside, describe("page strides, writes beyond n", args));
    }
  }
}

// A single column, which is computed as a row, against the same column of a wider matrix.
template <class T>
void test_column(DType dtype) {
  check::Random random(8);
  const int64_t m = 130, k = 300;
  for (const int layout : {0, 1, 2, 4}) {
    const Matrix<T> a(m, k, layout, random), b(k, 1, layout, random);
    const T bias = T(0.5);
    std::vector<T> column(static_cast<size_t>(m)), spread(static_cast<size_t>(2 * m));
    for (const Unary activation : {Unary::count, Unary::relu, Unary::tanh}) {
      GemmArgs args = make_args(dtype, m, 1, k, a, b, column.data(), 1);
      args.bias = &bias, args.activation = activation;
      gemm(args);
      args.c = spread.data(), args.ldc = 2;
      gemm(args);
      bool close = true;
      for (int64_t i = 0; i < m; ++i) {
        close &= check::near(column[size_t(i)], spread[size_t(2 * i)],
                             100 * std::numeric_limits<T>::epsilon());
      }
      check::that(close, describe("a column", args));
    }
  }
}

// A row of A repeated by a stride of 0, as in a broadcast.
void test_zero_strides() {
  check::Random random(5);
  Matrix<float> a(1, 50, 0, random), b(50, 40, 0, random);
  std::vector<float> c(30 * 40), one(40);
  GemmArgs args = make_args(DType::float32, 1, 40, 50, a, b, one.data(), 40);
  gemm(args);
  args.m = 30, args.a_rs = 0, args.c = c.data();
  gemm(args);
  for (int i = 0; i < 30; ++i)
    check::that(check::same_bits(c.data() + i * 40, one.data(), 40), "zero strides");
}

// ---- Bits

template <class T>
void test_bits_do_not_depend_on_threads_or_rows(DType dtype, int64_t m, int64_t n, int64_t k) {
  check::Random random(11);
  const Matrix<T> a(m, k, 0, random), b(k, n, 0, random);
  std::vector<T> expected(size_t(m * n)), c(size_t(m * n)), row(static_cast<size_t>(n));
  set_num_threads(1);
  gemm(make_args(dtype, m, n, k, a, b, expected.data(), n));
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    std::fill(c.begin(), c.end(), T(0));
    const GemmArgs args = make_args(dtype, m, n, k, a, b, c.data(), n);
    gemm(args);
    check::that(check::same_bits(c.data(), expected.data(), m * n),
                describe(("bits with " + std::to_string(threads) + " threads").c_str(), args));
  }
  // Through bfloat16 pieces only products of many rows are computed.
  if (dtype == DType::float32 && kernel_table().pieces[3].tile) return;
  for (const int64_t i :
       {int64_t(0), m / 2, m - 1}) {  // a batch of one gives the same bits as the whole batch
    GemmArgs args = make_args(dtype, 1, n, k, a, b, row.data(), n);
    args.a = a.data + i * a.rs;
    gemm(args);
    check::that(check::same_bits(row.data(), expected.data() + i * n, n),
                describe("bits of one row", args));
  }
}

// A product that is computed transposed, because A is stored by columns and C has few of them,
// against the same columns of a wider product, with A stored by rows.
template <class T>
void test_transposed(DType dtype) {
  check::Random random(17);
  const int64_t nr = kernel_table().gemm[int(dtype)].nr;
  for (const int64_t m : {int64_t(5), 2 * nr, 6 * nr + 3, int64_t(1029)}) {
    for (const int64_t n : {int64_t(1), int64_t(2), int64_t(3), int64_t(5), int64_t(10), nr - 1}) {
      for (const int64_t k : {7, 8, 33, 600}) {
        Matrix<T> rows(m, k, 0, random), columns(m, k, 3, random);
        const Matrix<T> b(k, n + 8, 2, random);
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t p = 0; p < k; ++p)
            columns.data[i * columns.rs + p * columns.cs] = rows(i, p);
        }
        std::vector<T> wide(size_t(m * (n + 8))), c(size_t(m * (n + 8)), T(77));
        gemm(make_args(dtype, m, n + 8, k, rows, b, wide.data(), n + 8));
        const GemmArgs args = make_args(dtype, m, n, k, columns, b, c.data(), n + 8);
        gemm(args);
        bool same = true, inside = true;
        for (int64_t i = 0; i < m; ++i) {
          const T* row = &c[size_t(i * (n + 8))];
          same &= check::same_bits(row, &wide[size_t(i * (n + 8))], n);
          inside &= std::all_of(row + n, row + n + 8, [](T x) { return x == T(77); });
        }
        check::that(same, describe("transposed", args));
        check::that(inside, describe("transposed, writes beyond n", args));
      }
    }
  }
}

// ---- Epilogue and special values

template <class T>
void test_activation(DType dtype, int64_t k) {
  check::Random random(3);
  const int64_t m = 400, n = 45;
  const Matrix<T> a(m, k, 0, random), b(k, n, 0, random);
  std::vector<T> bias(n, T(0.25)), plain(size_t(m * n)), fused(size_t(m * (n + 2)));
  for (const Unary activation : {Unary::relu, Unary::sigmoid, Unary::tanh}) {
    GemmArgs args = make_args(dtype, m, n, k, a, b, plain.data(), n);
    args.bias = bias.data();
    gemm(args);
    const kernels::UnaryFn f = kernel_table().unary[int(activation)][int(dtype)];
    f(plain.data(), {plain.data(), false}, m * n, nullptr);
    args.c = fused.data(), args.ldc = n + 2, args.activation = activation;
    gemm(args);
    bool same = true;
    for (int64_t i = 0; i < m; ++i)
      same &= check::same_bits(&plain[size_t(i * n)], &fused[size_t(i * (n + 2))], n);
    check::that(same, describe("activation", args));
  }
}

void test_special_values() {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              inf = std::numeric_limits<float>::infinity();
  check::Random random(9);
  Matrix<float> a(5, 8, 0, random, 0.5, 1), b(8, 6, 0, random, 0.5, 1);
  a.data[1 * a.rs + 2] = nan;
  a.data[2 * a.rs + 3] = inf;
  a.data[3 * a.rs + 0] = inf;
  a.data[3 * a.rs + 1] = -inf;
  std::vector<float> c(30);
  gemm(make_args(DType::float32, 5, 6, 8, a, b, c.data(), 6));
  for (size_t j = 0; j < 6; ++j) {
    check::that(std::isfinite(c[j]) && std::isfinite(c[24 + j]), "rows beside a NaN stay finite");
    check::that(std::isnan(c[6 + j]) && c[12 + j] == inf && std::isnan(c[18 + j]),
                "NaN and infinity come through");
  }
}

// ---- Other dtypes

void test_half(DType dtype, double epsilon) {
  check::Random random(21);
  const auto to_half = kernel_table().cast[int(DType::float32)][int(dtype)];
  const auto to_float = kernel_table().cast[int(dtype)][int(DType::float32)];
  for (const int layout : {0, 1, 5}) {
    for (const int64_t m : {1, 33, 600}) {
      const int64_t n = 41, k = 700;
      Matrix<float> a(m, k, layout, random), b(k, n, layout, random);
      Matrix<uint16_t> half_a(m, k, layout, random, 0, 1), half_b(k, n, layout, random, 0, 1);
      to_half(a.storage.data(), half_a.storage.data(), int64_t(a.storage.size()));
      to_half(b.storage.data(), half_b.storage.data(), int64_t(b.storage.size()));
      to_float(half_a.storage.data(), a.storage.data(), int64_t(a.storage.size()));
      to_float(half_b.storage.data(), b.storage.data(), int64_t(b.storage.size()));
      std::vector<float> expected(size_t(m * n)), got(size_t(m * n)), wide_bias(size_t(n), 0.5f);
      std::vector<uint16_t> c(size_t(m * n)), bias(static_cast<size_t>(n));
      to_half(wide_bias.data(), bias.data(), n);
      GemmArgs wide = make_args(DType::float32, m, n, k, a, b, expected.data(), n);
      wide.bias = wide_bias.data(), wide.activation = Unary::relu;
      gemm(wide);
      GemmArgs args = make_args(dtype, m, n, k, half_a, half_b, c.data(), n);
      args.bias = bias.data(), args.activation = Unary::relu;
      gemm(args);
      to_float(c.data(), got.data(), m * n);
      bool close = true;
      for (size_t i = 0; i < got.size(); ++i) {
        close &= check::near(got[i], expected[i], 0x1p-24 + epsilon * std::fabs(expected[i]));
      }
      check::that(close, describe("half precision", args));
    }
  }
}

template <class T>
void test_integer(DType dtype) {
  check::Random random(31);
  const int64_t m = 7, n = 9, k = 300;
  const double high = double(std::numeric_limits<T>::max()) / 2,
               low = double(std::numeric_limits<T>::min()) / 2;
  for (const int layout : {0, 1, 4}) {
    const Matrix<T> a(m, k, layout, random, low, high), b(k, n, 0, random, low, high);
    std::vector<T> c(size_t(m * n));
    const GemmArgs args = make_args(dtype, m, n, k, a, b, c.data(), n);
    gemm(args);
    bool equal = true;
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        uint64_t sum = 0;
        for (int64_t p = 0; p < k; ++p) sum += uint64_t(a(i, p)) * uint64_t(b(p, j));
        equal &= c[size_t(i * n + j)] == T(sum);
      }
    }
    check::that(equal, describe("wrap-around", args));
  }
}

void test_bool() {
  const bool a[] = {true, false, false, false}, b[] = {true, false, true, false};
  bool c[4];
  GemmArgs args{DType::bool_, 2, 2, 2, a, 2, 1, b, 2, 1, c, 2};
  gemm(args);
  check::that(c[0] && !c[1] && !c[2] && !c[3], "bool: any of (a and b)");
}

void test_all(const KernelTable&) {
  const FlushDenormals flush;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    test_shapes<float>(DType::float32);
    test_shapes<double>(DType::float64);
    test_layouts<float>(DType::float32);
    test_layouts<double>(DType::float64);
    test_ways<float>(DType::float32);
    test_ways<double>(DType::float64);
    test_column<float>(DType::float32);
    test_column<double>(DType::float64);
    test_page_strides<float>(DType::float32);
    test_page_strides<double>(DType::float64);
    test_transposed<float>(DType::float32);
    test_transposed<double>(DType::float64);
    for (const int64_t k : {0, 3, 33}) {
      test_activation<float>(DType::float32, k);
      test_activation<double>(DType::float64, k);
    }
    test_half(DType::bfloat16, 0x1p-8);
    test_half(DType::float16, 0x1p-11);
    test_integer<int8_t>(DType::int8);
    test_integer<uint16_t>(DType::uint16);
    test_integer<int32_t>(DType::int32);
    test_integer<int64_t>(DType::int64);
  }
  test_zero_strides();
  test_bool();
  test_special_values();
  test_bits_do_not_depend_on_threads_or_rows<float>(DType::float32, 200, 300, 1100);
  test_bits_do_not_depend_on_threads_or_rows<float>(DType::float32, 32, 128, 784);
  test_bits_do_not_depend_on_threads_or_rows<float>(DType::float32, 200, 10, 2048);
  test_bits_do_not_depend_on_threads_or_rows<float>(DType::float32, 600, 999, 3);
  for (const int64_t n : {1, 2, 4, 7})
    test_bits_do_not_depend_on_threads_or_rows<float>(DType::float32, 600, n, 600);
  test_bits_do_not_depend_on_threads_or_rows<double>(DType::float64, 600, 3, 600);
  test_bits_do_not_depend_on_threads_or_rows<double>(DType::float64, 90, 70, 900);
}

}  // namespace

int main() { return check::run("test_gemm", test_all); }
