// Products whose right operand is kept in packed form: the same bits as without, for every dtype,
// layout, precision and number of threads; and nothing is kept of values that are gone.
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "core/dtype.h"
#include "ops/gemm.h"
#include "ops/packed_cache.h"
#include "runtime/arena.h"
#include "runtime/parallel.h"
#include "runtime/precision.h"

namespace {

using namespace pynn;
using kernels::KernelTable;

// m x k times k x n, with B by rows or by columns.
struct Product {
  DType dtype;
  int64_t m, n, k;
  bool b_by_columns;
  std::vector<char> a, b, bias;

  Product(DType type, int64_t rows, int64_t columns, int64_t depth, bool by_columns, uint64_t seed)
      : dtype(type), m(rows), n(columns), k(depth), b_by_columns(by_columns) {
    check::Random random(seed);
    a = values(m * k, random);
    b = values(k * n, random);
    bias = values(n, random);
  }

  std::vector<char> values(int64_t count, check::Random& random) const {
    std::vector<double> wide(size_t(count) + 1);
    for (double& x : wide) x = random.uniform(-1, 1);
    std::vector<char> out((size_t(count) + 1) * item_size(dtype));
    kernel_table().cast[int(DType::float64)][int(dtype)](wide.data(), out.data(), count);
    return out;
  }

  std::vector<char> run(PackedCache* cache) const {
    std::vector<char> c(size_t(m * n) * item_size(dtype));
    GemmArgs args{};
    args.dtype = dtype;
    args.m = m, args.n = n, args.k = k;
    args.a = a.data(), args.a_rs = k, args.a_cs = 1;
    args.b = b.data(), args.b_rs = b_by_columns ? 1 : n, args.b_cs = b_by_columns ? k : 1;
    args.c = c.data(), args.ldc = n;
    args.bias = bias.data();
    args.activation = kernels::Unary::tanh;
    args.b_cache = cache;
    gemm(args);
    return c;
  }
  std::string name() const {
    return std::string(dtype_name(dtype)) + " " + std::to_string(m) + "x" + std::to_string(n) +
           "x" + std::to_string(k) + (b_by_columns ? " by columns" : " by rows");
  }
};

void test_bits(DType dtype) {
  const int64_t shapes[][3] = {{1, 70, 700}, {2, 17, 9},      {3, 1100, 610}, {16, 33, 600},
                               {40, 64, 64}, {130, 257, 300}, {70, 0, 5},     {5, 7, 0}};
  for (const auto& s : shapes) {
    for (bool by_columns : {false, true}) {
      const Product p(dtype, s[0], s[1], s[2], by_columns, uint64_t(s[0] * s[1] + s[2]));
      set_num_threads(1);
      const std::vector<char> expected = p.run(nullptr);
      for (int threads : {1, 2, 3}) {
        set_num_threads(threads);
        PackedCache cache;
        for (int run = 0; run < 2; ++run)
          check::that(p.run(&cache) == expected, p.name() + " threads " + std::to_string(threads));
      }
    }
  }
  set_num_threads(1);
}

// Between changes the values must not change, so a change that is not told shows what was read.
void test_forms_are_kept_until_cleared() {
  Product p(DType::float16, 4, 40, 300, false, 7);
  PackedCache cache;
  const size_t before = allocated_bytes();
  const std::vector<char> first = p.run(&cache);
  check::that(allocated_bytes() > before, "a form is kept");
  const size_t with_form = allocated_bytes();
  std::memset(p.b.data(), 0, p.b.size());
  check::that(p.run(&cache) == first, "the kept form is what is read");
  check::that(allocated_bytes() == with_form, "a form is kept once");
  cache.clear();
  check::that(allocated_bytes() == before, "clear gives the memory back");
  check::that(p.run(&cache) == p.run(nullptr), "after clear the values are read again");
}

void test_number_of_forms() {
  std::vector<char> data(1);
  PackedCache cache;
  const auto get = [&](int64_t n) {
    const PackedKey key{&cache, data.data(), 1, 1, 1, n, DType::float32, 1};
    return cache.get(key, 8, [](char* out) { std::memset(out, 0, 8); });
  };
  const char* first = get(1);
  check::that(first && get(2) && get(3) && get(4), "a few forms are kept");
  check::that(get(5) == nullptr, "their number is bounded");
  check::that(get(1) == first, "those that are kept are found");
}

void test_runs() {
  PackedCache cache;
  check::that(!cache.note_run(), "the first run keeps nothing");
  check::that(cache.note_run() && cache.note_run(), "later ones do");
  cache.clear();
  check::that(!cache.note_run(), "a change begins anew");
}

void test_all(const KernelTable&) {
  for (DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16})
    test_bits(dtype);
  for (MatmulPrecision precision : {MatmulPrecision::high, MatmulPrecision::medium}) {
    set_matmul_precision(precision);
    test_bits(DType::float32);
  }
  set_matmul_precision(MatmulPrecision::highest);
  test_forms_are_kept_until_cleared();
  test_number_of_forms();
  test_runs();
}

}  // namespace

int main() { return check::run("test_packed_cache", test_all); }
