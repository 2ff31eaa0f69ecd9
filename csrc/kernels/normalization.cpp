// Normalization: of rows (layer and RMS normalization) and of columns (batch normalization), with
// gradients. Variances are sums of squares of differences from the mean, never E[x^2] - E[x]^2,
// which loses all digits where the mean is large.
#include "kernels/fill.h"
#include "simd/loops.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
inline T square_root(T x) {
  return sqrt(splat<Vec<T>>(x))[0];
}

template <class T>
struct RowStatistics {
  T mean, rstd;  // rstd = 1 / sqrt(variance + epsilon)
};

// Two passes over a row that stays in L1. The second also finds by how much the mean was rounded.
template <class T>
inline RowStatistics<T> centred_statistics(const T* x, int64_t n, T epsilon) {
  const T mean = sum_lanes<T>(n, [=](auto at) { return at.load(x); }) / T(n);
  const Vec<T> centre = splat<Vec<T>>(mean);
  Vec<T> rests = {};
  const T squares = sum_lanes<T>(n, [&](auto at) {
    const Vec<T> d = at.active(at.load(x) - centre);
    rests += d;
    return d * d;
  });
  const T rest = fold_lanes<T>(rests, [](auto a, auto b) { return a + b; });
  const T lost = rest / T(n);
  const T variance = (squares - rest * lost) / T(n);
  return {mean + lost, 1 / square_root<T>((variance < 0 ? T(0) : variance) + epsilon)};
}

// For RMS normalization: the mean counts as 0.
template <class T>
inline RowStatistics<T> plain_statistics(const T* x, int64_t n, T epsilon) {
  const T squares = sum_lanes<T>(n, [=](auto at) { return at.load(x) * at.load(x); });
  return {T(0), 1 / square_root<T>(squares / T(n) + epsilon)};
}

template <class T>
void norm_rows(const NormRows& a) {
  const T* x = static_cast<const T*>(a.x);
  const T* gamma = static_cast<const T*>(a.gamma);
  const T* beta = static_cast<const T*>(a.beta);
  T* y = static_cast<T*>(a.y);
  for (int64_t i = 0; i < a.rows; ++i, x += a.n, y += a.n) {
    const T epsilon = T(a.epsilon);
    const RowStatistics<T> s =
        a.centred ? centred_statistics(x, a.n, epsilon) : plain_statistics(x, a.n, epsilon);
    static_cast<T*>(a.mean)[i] = s.mean;
    static_cast<T*>(a.rstd)[i] = s.rstd;
    const Vec<T> mean = splat<Vec<T>>(s.mean), rstd = splat<Vec<T>>(s.rstd);
    for_lanes<T>(a.n, [=](auto at) {
      Vec<T> v = (at.load(x) - mean) * rstd;
      if (gamma) v *= at.load(gamma);
      if (beta) v += at.load(beta);
      at.store(y, v);
    });
  }
}

// With h = (x - mean) * rstd and g = dy * gamma: dx = rstd * (g - mean(g) - h * mean(g h)), the
// second term only where rows are centred. dgamma += dy * h, dbeta += dy.
template <class T>
void norm_rows_grad(const NormRowsGrad& a) {
  const T* x = static_cast<const T*>(a.x);
  const T* dy = static_cast<const T*>(a.dy);
  const T* gamma = static_cast<const T*>(a.gamma);
  T* dx = static_cast<T*>(a.dx);
  T* dgamma = static_cast<T*>(a.dgamma);
  T* dbeta = static_cast<T*>(a.dbeta);
  for (int64_t i = 0; i < a.rows; ++i, x += a.n, dy += a.n, dx += a.n) {
    const Vec<T> mean = splat<Vec<T>>(static_cast<const T*>(a.mean)[i]);
    const Vec<T> rstd = splat<Vec<T>>(static_cast<const T*>(a.rstd)[i]);
    const auto h = [=](auto at) { return (at.load(x) - mean) * rstd; };
    const auto g = [=](auto at) { return gamma ? at.load(dy) * at.load(gamma) : at.load(dy); };
    const T mean_g = a.centred ? sum_lanes<T>(a.n, g) / T(a.n) : T(0);
    const T mean_gh = sum_lanes<T>(a.n, [=](auto at) { return at.active(g(at) * h(at)); }) / T(a.n);
    const Vec<T> shift = splat<Vec<T>>(mean_g), slope = splat<Vec<T>>(mean_gh);
    for_lanes<T>(a.n, [=](auto at) {
      const Vec<T> normal = h(at), d = at.load(dy);
      at.store(dx, ((g(at) - shift) - normal * slope) * rstd);
      if (dgamma) at.store(dgamma, mul_add(d, normal, at.load(dgamma)));
      if (dbeta) at.store(dbeta, at.load(dbeta) + d);
    });
  }
}

// Mean, what rounding left out of it, and the sum of squared differences from both, of each column.
template <class T>
inline void moments_of_columns(const T* x, int64_t rows, int64_t n, int64_t width, T* mean, T* lost,
                               T* squares) {
  for_lanes<T>(width, [=](auto at) {
    at.store(mean, Vec<T>{});
    at.store(lost, Vec<T>{});
    at.store(squares, Vec<T>{});
  });
  for (int64_t i = 0; i < rows; ++i) {
    const T* row = x + i * n;
    for_lanes<T>(width, [=](auto at) { at.store(mean, at.load(mean) + at.load(row)); });
  }
  const Vec<T> count = splat<Vec<T>>(T(rows));
  for_lanes<T>(width, [=](auto at) { at.store(mean, at.load(mean) / count); });
  for (int64_t i = 0; i < rows; ++i) {
    const T* row = x + i * n;
    for_lanes<T>(width, [=](auto at) {
      const Vec<T> d = at.load(row) - at.load(mean);
      at.store(lost, at.load(lost) + d);
      at.store(squares, mul_add(d, d, at.load(squares)));
    });
  }
  for_lanes<T>(width, [=](auto at) {
    const Vec<T> rest = at.load(lost), share = rest / count;
    const Vec<T> sum = at.load(squares) - rest * share;
    at.store(squares, sum < 0 ? Vec<T>{} : sum);
    at.store(lost, share);
  });
}

// In pieces that stay in L2.
template <class T>
void column_moments(const void* x, int64_t rows, int64_t n, void* mean, void* lost, void* squares) {
  constexpr int64_t kWidth = 256;
  for (int64_t i = 0; i < n; i += kWidth) {
    moments_of_columns(static_cast<const T*>(x) + i, rows, n, n - i < kWidth ? n - i : kWidth,
                       static_cast<T*>(mean) + i, static_cast<T*>(lost) + i,
                       static_cast<T*>(squares) + i);
  }
}

// y = (x - mean) * scale + offset, column by column.
template <class T>
void scale_columns(const ScaleColumns& a) {
  const T* x = static_cast<const T*>(a.x);
  const T* mean = static_cast<const T*>(a.mean);
  const T* scale = static_cast<const T*>(a.scale);
  const T* offset = static_cast<const T*>(a.offset);
  T* y = static_cast<T*>(a.y);
  for (int64_t i = 0; i < a.rows; ++i, x += a.n, y += a.n) {
    for_lanes<T>(a.n, [=](auto at) {
      at.store(y, mul_add(at.load(x) - at.load(mean), at.load(scale), at.load(offset)));
    });
  }
}

// dx = dy * scale; dscale += dy * (x - mean), doffset += dy.
template <class T>
void scale_columns_grad(const ScaleColumnsGrad& a) {
  const T* x = static_cast<const T*>(a.x);
  const T* mean = static_cast<const T*>(a.mean);
  const T* scale = static_cast<const T*>(a.scale);
  const T* dy = static_cast<const T*>(a.dy);
  T* dx = static_cast<T*>(a.dx);
  T* dscale = static_cast<T*>(a.dscale);
  T* doffset = static_cast<T*>(a.doffset);
  for (int64_t i = 0; i < a.rows; ++i, x += a.n, dy += a.n, dx += a.n) {
    for_lanes<T>(a.n, [=](auto at) {
      const Vec<T> d = at.load(dy);
      at.store(dscale, mul_add(d, at.load(x) - at.load(mean), at.load(dscale)));
      at.store(doffset, at.load(doffset) + d);
      at.store(dx, d * at.load(scale));
    });
  }
}

template <class T>
void fill_float(KernelTable& table) {
  table.norm_rows[kIndex<T>] = norm_rows<T>;
  table.norm_rows_grad[kIndex<T>] = norm_rows_grad<T>;
  table.column_moments[kIndex<T>] = column_moments<T>;
  table.scale_columns[kIndex<T>] = scale_columns<T>;
  table.scale_columns_grad[kIndex<T>] = scale_columns_grad<T>;
}

}  // namespace

void fill_normalization(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
