// Products of bfloat16 pieces: splitting and packing, tiles bit for bit where they run on the model
// of AMX, errors against float64 and against the multiply-add kernel.
#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "check.h"
#include "core/dtype.h"
#include "runtime/fpenv.h"

namespace pynn::kernels {
const KernelTable* amx_model_table();
}

namespace {

using namespace pynn;
using kernels::GemmKernel;
using kernels::GemmTile;
using kernels::KernelTable;
using kernels::PieceGemm;
using kernels::PieceTile;

constexpr uint16_t kUntouched = 0x5a5a;

int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }
float as_float(uint16_t bits) {
  const uint32_t wide = uint32_t(bits) << 16;
  float x;
  std::memcpy(&x, &wide, sizeof x);
  return x;
}
uint16_t upper_half(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return uint16_t(bits >> 16);
}
// To nearest, ties to even; finite x.
uint16_t rounded(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Memory that starts at a multiple of 64 bytes.
class Packed {
 public:
  explicit Packed(int64_t halves)
      : storage_(size_t(halves) + 64, kUntouched),
        data(reinterpret_cast<uint16_t*>((reinterpret_cast<uintptr_t>(storage_.data()) + 63) / 64 *
                                         64)) {}

 private:
  std::vector<uint16_t> storage_;

 public:
  uint16_t* const data;
};

// m x k elements in row-major, column-major or scattered order.
template <class T>
struct Matrix {
  static constexpr int kLayouts = 4;

  Matrix(int64_t m, int64_t k, int layout)
      : m(m),
        k(k),
        rs(layout == 0   ? k + 3
           : layout == 1 ? 1
           : layout == 2 ? 2 * k + 1
                         : -k),
        cs(layout == 0   ? 1
           : layout == 1 ? m + 2
           : layout == 2 ? 2
                         : 1),
        storage(size_t(2 * (m + 2) * (k + 3)), T(0)) {}
  T* origin() { return storage.data() + (rs < 0 ? -rs * m : 0); }
  const T* origin() const { return storage.data() + (rs < 0 ? -rs * m : 0); }
  T& operator()(int64_t i, int64_t p) { return origin()[i * rs + p * cs]; }
  T operator()(int64_t i, int64_t p) const { return origin()[i * rs + p * cs]; }
  template <class F>
  void fill(F f) {
    for (int64_t i = 0; i < m; ++i)
      for (int64_t p = 0; p < k; ++p) (*this)(i, p) = f(i, p);
  }

  int64_t m, k, rs, cs;
  std::vector<T> storage;
};

// ---- Packing

// Where element (i, p) of a piece stands, counted in halves of pairs.
struct Layout {
  const PieceGemm& kernel;
  bool is_a;
  int64_t m, k;

  int64_t width() const { return is_a ? kernel.mr : kernel.nr; }
  int64_t depth() const { return round_up(k, kernel.kr); }
  int64_t size() const { return round_up(m, width()) * depth() * kernel.pieces; }
  int64_t at(int64_t i, int64_t p, int64_t piece) const {
    const int64_t panel = i / width(), row = i % width();
    if (kernel.kr == 2) return ((panel * depth() + p / 2 * 2) * width()) + row * 2 + p % 2;
    const int64_t step = panel * (depth() / 32) + p / 32, q = p % 32;
    const int64_t tile = (step * kernel.pieces + piece) * 2 + row / 16;
    const int64_t inside = is_a ? row % 16 * 32 + q : q / 2 * 32 + row % 16 * 2 + q % 2;
    return tile * 512 + inside;
  }
};

template <class T>
Packed pack(const Layout& layout, const Matrix<T>& x, float scale) {
  Packed out(layout.size() + 1);
  const auto f = layout.is_a ? layout.kernel.pack_a : layout.kernel.pack_b;
  f(x.origin(), x.rs, x.cs, x.m, x.k, scale, out.data);
  return out;
}

// Every element where it belongs, zeros around, nothing beyond.
template <class T, class F>
void check_packed(const PieceGemm& kernel, int layout, int64_t m, int64_t k, F expected) {
  Matrix<T> x(m, k, layout);
  check::Random random(uint64_t(m * 1000 + k * 10 + layout));
  x.fill([&](int64_t, int64_t) {
    return sizeof(T) == 2 ? T(0x3f00 + random.bits() % 0x100) : T(random.uniform(-4, 4));
  });
  for (const bool is_a : {true, false}) {
    const Layout to{kernel, is_a, m, k};
    const Packed out = pack(to, x, 2.0f);
    std::vector<uint16_t> wanted(size_t(to.size()), 0);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t p = 0; p < k; ++p)
        for (int64_t piece = 0; piece < kernel.pieces; ++piece)
          wanted[size_t(to.at(i, p, piece))] = expected(x(i, p), piece);
    check::that(
        check::same_bits(out.data, wanted.data(), to.size()) && out.data[to.size()] == kUntouched,
        "packed " + std::string(is_a ? "A" : "B") + " pieces " + std::to_string(kernel.pieces) +
            " layout " + std::to_string(layout) + " " + std::to_string(m) + " x " +
            std::to_string(k));
  }
}

// Pieces of x as plain arithmetic has them. The splitting leaves ties open; there are none among
// these numbers, but for those that one piece rounds to even.
uint16_t piece_of(float x, int64_t piece, int64_t pieces) {
  if (pieces == 1) return rounded(x);
  for (; piece > 0; --piece) x -= as_float(rounded(x));
  return rounded(x);
}

void test_packing(const PieceGemm (&table)[4]) {
  for (const PieceGemm& kernel : table) {
    if (!kernel.tile) continue;
    const bool narrow = &kernel == &table[0];
    for (int layout = 0; layout < Matrix<float>::kLayouts; ++layout) {
      for (const int64_t m : {1, 2, 13, 14, 15, 16, 17, 31, 32, 33, 70}) {
        for (const int64_t k : {1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100}) {
          if (narrow) {
            check_packed<uint16_t>(kernel, layout, m, k, [](uint16_t x, int64_t) { return x; });
          } else {
            check_packed<float>(kernel, layout, m, k, [&](float x, int64_t piece) {
              return piece_of(2 * x, piece, kernel.pieces);
            });
          }
        }
      }
    }
  }
}

// ---- Splitting

std::vector<float> interesting_floats() {
  std::vector<float> xs = {0.0f, 1.0f, 0x1.fffffep0f, 0x1.fep0f, 0x1.ffp0f, 0x1.01p0f, 0x1.03p0f};
  // The second piece rounds up to a power of two, is a tie, is 0; the third has all its bits.
  for (const float x : {0x1.00fffep0f, 0x1.00ff00p0f, 0x1.008080p0f, 0x1.000002p0f, 0x1.fe00fep0f,
                        0x1.aa55aap0f, 0x1.55aa56p0f, 0x1.7f7f7ep0f, 0x1.80fffep0f}) {
    xs.push_back(x);
  }
  check::Random random(77);
  while (xs.size() < 4096) {
    const uint32_t bits = uint32_t(random.bits() & 0x7fffff) | 0x3f800000u;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    xs.push_back(x);
  }
  const size_t count = xs.size();
  for (size_t i = 0; i < count; ++i) {
    for (const float scale : {-1.0f, 0x1p59f, -0x1p59f, 0x1p-100f, 0x1.0p-17f}) {
      xs.push_back(xs[i] * scale);
    }
  }
  return xs;
}

void test_split(const PieceGemm (&table)[4]) {
  const std::vector<float> xs = interesting_floats();
  Matrix<float> x(1, int64_t(xs.size()), 0);
  x.fill([&](int64_t, int64_t p) { return xs[size_t(p)]; });
  for (int pieces = 1; pieces <= 3; ++pieces) {
    if (!table[pieces].tile) continue;
    const Layout layout{table[pieces], true, 1, x.k};
    const Packed out = pack(layout, x, 1.0f);
    for (int64_t p = 0; p < x.k; ++p) {
      const float value = x(0, p);
      float piece[3] = {};
      for (int i = 0; i < pieces; ++i) piece[i] = as_float(out.data[layout.at(0, p, i)]);
      const double unit = value == 0 ? 0 : std::ldexp(1.0, std::ilogb(value));
      const double rest = double(value) - piece[0] - piece[1] - piece[2];
      bool right = std::fabs(double(value) - piece[0]) <= unit * 0x1p-8;
      if (pieces == 1) right &= upper_half(piece[0]) == rounded(value);
      if (pieces >= 2) right &= std::fabs(rest) <= unit * 0x1p-17;
      if (pieces == 3) right &= rest == 0 && (piece[0] + piece[1]) + piece[2] == value;
      check::that(right, "split of " + std::to_string(value) + " into " + std::to_string(pieces));
    }
  }
}

// ---- Products

using Reals = Matrix<float>;

struct Problem {
  Reals a, b;  // m x k, and k x n as its transpose
  int64_t m() const { return a.m; }
  int64_t n() const { return b.m; }
  int64_t k() const { return a.k; }
};

// The largest power of two that brings x to at most 2^55, and two of them no further than 2^126.
float scale_of(const KernelTable& table, const Reals& x) {
  const float most = table.max_abs(x.storage.data(), int64_t(x.storage.size()));
  return most == 0 ? 1 : float(std::ldexp(1.0, std::min(63, 55 - std::ilogb(most))));
}

struct Options {
  float scale_a = 1, scale_b = 1;
  const float* bias = nullptr;
  bool accumulate = false;
};

// C, row-major with stride ldc, by blocks of kc as csrc/ops would have it.
template <class T>
void multiply(const PieceGemm& g, const Matrix<T>& a, const Matrix<T>& b, float* c, int64_t ldc,
              const Options& options) {
  if (g.begin) g.begin();
  for (int64_t p = 0; p < a.k; p += g.kc) {
    const int64_t depth = std::min<int64_t>(g.kc, a.k - p);
    const Layout to_a{g, true, a.m, depth}, to_b{g, false, b.m, depth};
    Packed panels_a(to_a.size()), panels_b(to_b.size());
    g.pack_a(a.origin() + p * a.cs, a.rs, a.cs, a.m, depth, options.scale_a, panels_a.data);
    g.pack_b(b.origin() + p * b.cs, b.rs, b.cs, b.m, depth, options.scale_b, panels_b.data);
    for (int64_t j = 0; j < b.m; j += g.nr) {
      for (int64_t i = 0; i < a.m; i += g.mr) {
        g.tile({std::min<int64_t>(g.mr, a.m - i), std::min<int64_t>(g.nr, b.m - j), depth,
                panels_a.data + i * to_a.depth() * g.pieces,
                panels_b.data + j * to_b.depth() * g.pieces, c + i * ldc + j, ldc,
                options.accumulate || p > 0, 1 / (options.scale_a * options.scale_b),
                options.bias && p + depth == a.k ? options.bias + j : nullptr});
      }
    }
  }
  if (g.end) g.end();
}

std::vector<float> multiply(const KernelTable& table, const PieceGemm& g, const Problem& x) {
  std::vector<float> c(size_t(x.m() * x.n()));
  multiply(g, x.a, x.b, c.data(), x.n(), {scale_of(table, x.a), scale_of(table, x.b)});
  return c;
}

// The same by the multiply-add kernel, whatever csrc/ops would choose.
std::vector<float> multiply_add(const GemmKernel& g, const Problem& x) {
  const int64_t m = x.m(), n = x.n();
  std::vector<float> c(size_t(m * n));
  for (int64_t p = 0; p < x.k(); p += g.kc) {
    const int64_t depth = std::min<int64_t>(g.kc, x.k() - p);
    std::vector<float> a(size_t(round_up(m, g.mr) * depth)), b(size_t(round_up(n, g.nr) * depth));
    g.pack_a(x.a.origin() + p * x.a.cs, x.a.rs, x.a.cs, m, depth, a.data());
    g.pack_b(x.b.origin() + p * x.b.cs, x.b.rs, x.b.cs, n, depth, b.data());
    for (int64_t j = 0; j < n; j += g.nr) {
      for (int64_t i = 0; i < m; i += g.mr) {
        GemmTile t{};
        t.m = std::min<int64_t>(g.mr, m - i), t.n = std::min<int64_t>(g.nr, n - j), t.kc = depth;
        t.a = a.data() + i * depth, t.a_rs = 1, t.a_cs = g.mr;
        t.b = b.data() + j * depth, t.b_rs = g.nr;
        t.c = c.data() + i * n + j, t.ldc = n, t.accumulate = p > 0;
        g.tile(t);
      }
    }
  }
  return c;
}

struct Exact {
  std::vector<double> product, magnitude;  // A B and |A| |B|
};

Exact exact_product(const Problem& x) {
  Exact e{std::vector<double>(size_t(x.m() * x.n())), std::vector<double>(size_t(x.m() * x.n()))};
  for (int64_t i = 0; i < x.m(); ++i) {
    for (int64_t j = 0; j < x.n(); ++j) {
      for (int64_t p = 0; p < x.k(); ++p) {
        const double term = double(x.a(i, p)) * double(x.b(j, p));
        e.product[size_t(i * x.n() + j)] += term;
        e.magnitude[size_t(i * x.n() + j)] += std::fabs(term);
      }
    }
  }
  return e;
}

// Relative to |A| |B|: of the worst element, and in the Frobenius norm.
struct Errors {
  double worst, frobenius;
};

Errors errors(const std::vector<float>& c, const Exact& exact) {
  double worst = 0, squares = 0, of = 0;
  for (size_t i = 0; i < c.size(); ++i) {
    const double error = std::fabs(c[i] - exact.product[i]);
    if (!(error <= exact.magnitude[i])) worst = 2;  // NaN too
    if (exact.magnitude[i] > 0) worst = std::max(worst, error / exact.magnitude[i]);
    squares += error * error;
    of += exact.magnitude[i] * exact.magnitude[i];
  }
  return {worst, of > 0 ? std::sqrt(squares / of) : 0};
}

// ---- Random problems

enum Kind { symmetric, positive, scattered, scaled_rows, scaled_all, cancelling, tiny, kKinds };

Problem random_problem(Kind kind, int64_t m, int64_t n, int64_t k, check::Random& random) {
  const auto power = [&](double low, double high) {
    return std::ldexp(1.0, int(std::lround(random.uniform(low, high))));
  };
  Problem x{Reals(m, k, int(random.bits() % 2)), Reals(n, k, int(random.bits() % 2))};
  for (Reals* matrix : {&x.a, &x.b}) {
    const double all = kind == scaled_all               ? power(-50, 58)
                       : kind == tiny && matrix == &x.a ? power(-120, -100)
                       : kind == tiny                   ? power(20, 50)
                                                        : 1;
    std::vector<double> of_row(size_t(matrix->m), all);
    if (kind == scaled_rows)
      for (double& scale : of_row) scale = power(-30, 30);
    matrix->fill([&](int64_t i, int64_t) {
      const double spread = kind == scattered ? power(-20, 20) : 1;
      return float(random.uniform(kind == positive ? 0 : -1, 1) * spread * of_row[size_t(i)]);
    });
  }
  if (kind == cancelling) {  // the second half of k takes back the first, but for a little
    x.a.fill([&, a = x.a](int64_t i, int64_t p) { return p < k / 2 ? a(i, p) : -a(i, p - k / 2); });
    x.b.fill([&, b = x.b](int64_t j, int64_t p) {
      return p < k / 2 ? b(j, p) : b(j, p - k / 2) * float(1 + random.uniform(-1e-6, 1e-6));
    });
  }
  return x;
}

// Three pieces are never worse than the multiply-add kernel, in neither norm, on no problem. But
// the worst element of a sum of at most 32, which csrc/ops has no reason to send here, may be by
// luck: it is rounded k / 2 + 2 times (a chain of every second product, the two chains, C) instead
// of k.
void test_errors(const KernelTable& table, const PieceGemm (&pieces)[4], const char* name) {
  // Of the worst element: 2^-8 for each operand; 2^-17 for each and 2^-16 for what is left out.
  constexpr double kBounds[] = {0, 0x1.02p-7, 0x1.02p-15};
  constexpr double kNorms[] = {0, 4e-3, 1e-5};
  check::Random random(2024);
  Errors sums[4] = {}, worst_ratio = {};
  int problems = 0;
  for (int round = 0; round < 42; ++round) {
    for (int kind = 0; kind < kKinds; ++kind, ++problems) {
      const int64_t m = 1 + int64_t(random.bits() % 70), n = 1 + int64_t(random.bits() % 70);
      const int64_t k = round < 10 ? 1 + round : 1 + int64_t(std::exp2(random.uniform(0, 10.2)));
      const Problem x = random_problem(Kind(kind), m, n, k, random);
      const Exact exact = exact_product(x);
      const Errors plain = errors(multiply_add(table.gemm[int(DType::float32)], x), exact);
      const double least = k > 32 ? 0 : double(k / 2 + 2) * 0x1p-24;
      const std::string what = std::string(name) + " kind " + std::to_string(kind) + " " +
                               std::to_string(m) + " x " + std::to_string(n) + " x " +
                               std::to_string(k);
      sums[0].worst += plain.worst, sums[0].frobenius += plain.frobenius;
      for (int count = 1; count <= 3; ++count) {
        if (!pieces[count].tile) continue;
        const Errors got = errors(multiply(table, pieces[count], x), exact);
        sums[count].worst += got.worst, sums[count].frobenius += got.frobenius;
        if (count == 3) {
          check::that(got.worst <= std::max(plain.worst, least), what + ": worst element");
          check::that(got.frobenius <= std::max(plain.frobenius, least), what + ": norm");
          if (k > 32) worst_ratio.worst = std::max(worst_ratio.worst, got.worst / plain.worst);
          if (k > 32)
            worst_ratio.frobenius =
                std::max(worst_ratio.frobenius, got.frobenius / plain.frobenius);
        } else {
          check::that(got.worst <= kBounds[count] && got.frobenius <= kNorms[count],
                      what + ": error of pieces " + std::to_string(count));
        }
      }
    }
  }
  std::printf("%s, mean of %d problems (worst element, norm):", name, problems);
  std::printf(" multiply-add %.2g %.2g", sums[0].worst / problems, sums[0].frobenius / problems);
  for (int count = 1; count <= 3; ++count) {
    if (!pieces[count].tile) continue;
    std::printf(", pieces %d: %.2g %.2g", count, sums[count].worst / problems,
                sums[count].frobenius / problems);
  }
  if (pieces[3].tile) {
    std::printf("; where k > 32, three pieces have at most %.2f and %.2f of multiply-add",
                worst_ratio.worst, worst_ratio.frobenius);
  }
  std::printf("\n");
}

// ---- Tiles

// Rows of ordinary numbers, of small ones whose products are denormal, and of denormal ones among
// large ones.
Matrix<uint16_t> random_bfloat16(int64_t m, int64_t k, check::Random& random) {
  Matrix<uint16_t> x(m, k, 0);
  x.fill([&](int64_t i, int64_t) -> uint16_t {
    if (i % 3 == 2 && random.bits() % 2) return uint16_t(random.bits() & 0x807f);
    const int exponent = i % 3 == 0 ? 0 : i % 3 == 1 ? -62 : 40;
    return rounded(float(std::ldexp(random.uniform(-1, 1), exponent)));
  });
  return x;
}

float flushed(float x) {
  return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x;
}

// C = A B as the operation section of TDPBF16PS says (Intel SDM, volume 2), 32 elements of k at a
// time.
float tile_sum(const Matrix<uint16_t>& a, int64_t i, const Matrix<uint16_t>& b, int64_t j) {
  float c = 0;
  for (int64_t step = 0; step < a.k; step += 32) {
    float even_odd[2] = {};
    for (int64_t p = step; p < std::min(step + 32, a.k); ++p) {
      const float x = flushed(as_float(a(i, p))), y = flushed(as_float(b(j, p)));
      even_odd[p % 2] = flushed(std::fma(x, y, even_odd[p % 2]));
    }
    c = flushed(c + flushed(even_odd[0] + even_odd[1]));
  }
  return c;
}

void test_model_bits(const PieceGemm& g) {
  check::Random random(8);
  for (const int64_t m : {1, 16, 17, 33}) {
    for (const int64_t n : {1, 15, 16, 32, 40}) {
      for (const int64_t k : {1, 2, 31, 32, 33, 100, 512}) {
        const Matrix<uint16_t> a = random_bfloat16(m, k, random), b = random_bfloat16(n, k, random);
        std::vector<float> c(size_t(m * n));
        multiply(g, a, b, c.data(), n, {});
        bool same = true;
        for (int64_t i = 0; i < m; ++i)
          for (int64_t j = 0; j < n; ++j) same &= c[size_t(i * n + j)] == tile_sum(a, i, b, j);
        check::that(same, "tiles as the manual says " + std::to_string(m) + " x " +
                              std::to_string(n) + " x " + std::to_string(k));
      }
    }
  }
}

// Bias, accumulation, scale; nothing beyond n; the same bits for a part as for the whole.
template <class T>
void test_tile_edges(const PieceGemm& g, const std::function<T(check::Random&)>& draw) {
  check::Random random(19);
  const int64_t m = 2 * g.mr + 3, n = 2 * g.nr + 5, k = g.kc + 37;
  Matrix<T> a(m, k, 0), b(n, k, 1);
  a.fill([&](int64_t, int64_t) { return draw(random); });
  b.fill([&](int64_t, int64_t) { return draw(random); });
  std::vector<float> bias(static_cast<size_t>(n)), plain(size_t(m * n));
  for (float& x : bias) x = float(random.uniform(-1, 1));
  multiply(g, a, b, plain.data(), n, {});
  for (int64_t rows = 1; rows <= m; rows += rows < 4 ? 1 : 7) {
    for (int64_t columns = 1; columns <= n; columns += columns < 4 ? 1 : 13) {
      Matrix<T> part_a = a, part_b = b;
      part_a.m = rows, part_b.m = columns;
      const int64_t ldc = n + 2;
      std::vector<float> c(size_t(rows * ldc), 7.0f);
      Options options;
      options.bias = bias.data();
      multiply(g, part_a, part_b, c.data(), ldc, options);
      bool same = true, inside = true;
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < ldc; ++j) {
          const float got = c[size_t(i * ldc + j)];
          if (j < columns) {
            const float sum = plain[size_t(i * n + j)];
            same &= got == sum + bias[size_t(j)];
          } else {
            inside &= got == 7.0f;
          }
        }
      }
      const std::string what = "pieces " + std::to_string(g.pieces) + ", " + std::to_string(rows) +
                               " x " + std::to_string(columns);
      check::that(same, what + ": bits of a part with bias");
      check::that(inside, what + ": writes beyond n");
    }
  }
  std::vector<float> twice = plain;
  Options options;
  options.accumulate = true;
  multiply(g, a, b, twice.data(), n, options);
  bool added = true;
  for (size_t i = 0; i < twice.size(); ++i)
    added &= check::near(twice[i], 2.0 * plain[i], 1e-5 * double(k));
  check::that(added, "accumulation, pieces " + std::to_string(g.pieces));
}

void test_tiles(const PieceGemm (&pieces)[4]) {
  if (pieces[0].tile) {
    test_tile_edges<uint16_t>(pieces[0],
                              [](check::Random& r) { return rounded(float(r.uniform(-1, 1))); });
  }
  for (int count = 1; count <= 3; ++count) {
    if (!pieces[count].tile) continue;
    check::that(pieces[count].pieces == count, "number of pieces");
    test_tile_edges<float>(pieces[count], [](check::Random& r) { return float(r.uniform(-1, 1)); });
  }
}

// bfloat16 operands against float64: sums are float32.
void test_bfloat16(const PieceGemm& g) {
  check::Random random(4);
  for (const int64_t k : {1, 2, 7, 64, 700}) {
    const int64_t m = 37, n = 51;
    Matrix<uint16_t> a(m, k, 1), b(n, k, 0);
    const auto draw = [&](int64_t, int64_t) { return rounded(float(random.uniform(-1, 1))); };
    a.fill(draw), b.fill(draw);
    std::vector<float> c(size_t(m * n));
    multiply(g, a, b, c.data(), n, {});
    Problem wide{Reals(m, k, 0), Reals(n, k, 0)};
    wide.a.fill([&](int64_t i, int64_t p) { return as_float(a(i, p)); });
    wide.b.fill([&](int64_t j, int64_t p) { return as_float(b(j, p)); });
    check::that(errors(c, exact_product(wide)).worst <= 0x1p-24 * (2 + std::sqrt(double(k))),
                "bfloat16 product, k = " + std::to_string(k));
  }
}

// ---- The largest magnitude

void test_max_abs(const KernelTable& table) {
  const float inf = std::numeric_limits<float>::infinity();
  check::Random random(6);
  std::vector<float> x(300);
  for (float& value : x) value = float(random.uniform(-1, 1));
  for (int64_t offset = 0; offset < 3; ++offset) {
    for (int64_t n = 0; n < 200; ++n) {
      float most = 0;
      for (int64_t i = 0; i < n; ++i) most = std::max(most, std::fabs(x[size_t(offset + i)]));
      check::that(table.max_abs(x.data() + offset, n) == most, "max_abs " + std::to_string(n));
    }
  }
  for (const size_t at : {0, 17, 70, 299}) {
    for (const float value : {-5.0f, inf, -inf, std::numeric_limits<float>::quiet_NaN(),
                              -std::numeric_limits<float>::quiet_NaN()}) {
      const float before = x[at];
      x[at] = value;
      check::that(table.max_abs(x.data(), 300) == (value == -5.0f ? 5.0f : inf), "max_abs special");
      x[at] = before;
    }
  }
}

void test_table(const KernelTable& table, const char* name) {
  test_packing(table.pieces);
  test_split(table.pieces);
  test_tiles(table.pieces);
  if (table.pieces[0].tile) test_bfloat16(table.pieces[0]);
  if (table.pieces[1].tile) test_errors(table, table.pieces, name);
}

void test_all(const KernelTable& table) {
  const FlushDenormals flush;
  test_max_abs(table);
  test_table(table, table.isa);
#if defined(PYNN_HAVE_AMX_MODEL)
  if (isa_info().active == "avx512") {
    const KernelTable& model = *kernels::amx_model_table();
    test_model_bits(model.pieces[0]);
    test_table(model, "model of amx");
  }
#endif
}

}  // namespace

int main() { return check::run("test_pieces", test_all); }
