// Packing of the matrix product: out[panel][p][i], panels of W rows.
#include "kernels/gemm_kernels.h"
#include "simd/transpose.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// m >= S rows whose elements are neighbours: out[p * width + i] = x[i * rs + p], S x S elements at
// a time. Whole cache lines of each row are used up at once, because rows a power of two apart
// share one set of the cache.
template <class T, int S>
inline void transpose_rows(const T* x, int64_t rs, int64_t m, int64_t k, T* out, int64_t width) {
  constexpr int kLine = 64 / int(sizeof(T));
  if (k < S) {
    for (int64_t p = 0; p < k; ++p) {
      for (int64_t i = 0; i < m; ++i) out[p * width + i] = x[i * rs + p];
    }
    return;
  }
  for (int64_t p = 0; p < k; p += kLine) {
    const int64_t stop = p + kLine < k ? p + kLine : k;
    for (int64_t i = 0; i < m; i += S) {
      // The last square of a row or column may overlap the one before.
      const int64_t first = i + S <= m ? i : m - S;
      for (int64_t q = p; q < stop; q += S) {
        const int64_t left = q + S <= k ? q : k - S;
        transpose_square<T, S>(x + first * rs + left, rs, out + left * width + first, width);
      }
    }
  }
}

template <class T>
void transpose(const void* x, int64_t stride, int64_t m, int64_t n, void* out, int64_t out_stride) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(out);
  if (m >= kLargeSquare<T> && n >= kLargeSquare<T>) {
    transpose_rows<T, kLargeSquare<T>>(from, stride, m, n, to, out_stride);
  } else if (m >= 4) {
    transpose_rows<T, 4>(from, stride, m, n, to, out_stride);
  } else {
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t i = 0; i < m; ++i) to[p * out_stride + i] = from[i * stride + p];
    }
  }
}

// m rows that are neighbours themselves (rs == 1).
template <class T, int W>
inline void pack_columns(const T* x, int64_t cs, int64_t m, int64_t k, T* out) {
  for (int64_t p = 0; p < k; ++p, x += cs, out += W) {
    if (m == W) {
      __builtin_memcpy(out, x, W * sizeof(T));
    } else {
      int64_t i = 0;
      for (; i + kLanes<T> <= m; i += kLanes<T>) store(out + i, load(x + i));
      if (i < m) store_partial(out + i, load_partial(x + i, m - i, T(0)), m - i);
    }
  }
}

template <class T, int W>
inline void pack_panel(const T* x, int64_t rs, int64_t cs, int64_t rows, int64_t k, T* out) {
  constexpr int kLarge = kLargeSquare<T>;
  if (cs == 1 && W >= kLarge && rows >= kLarge) {
    transpose_rows<T, kLarge>(x, rs, rows, k, out, W);
  } else if (cs == 1 && rows >= 4) {
    transpose_rows<T, 4>(x, rs, rows, k, out, W);
  } else {
    for (int64_t p = 0; p < k; ++p) {
      for (int64_t i = 0; i < rows; ++i) out[p * W + i] = x[i * rs + p * cs];
    }
  }
}

template <class T, int W>
inline void pack_panels(const T* x, int64_t rs, int64_t cs, int64_t m, int64_t k, bool pad,
                        T* out) {
  if (pad && m % W) {
    T* last = out + m / W * W * k;
    __builtin_memset(last, 0, size_t(W * k) * sizeof(T));
  }
  // Some lines at a time go to all panels: memory is read in its own order, which the hardware
  // foresees.
  constexpr int64_t kLines = 8;
  const int64_t step = rs == 1 ? kLines : k;
  for (int64_t p = 0; p < k; p += step) {
    const int64_t depth = step < k - p ? step : k - p;
    for (int64_t i = 0; i < m; i += W) {
      const int64_t rows = m - i < W ? m - i : W;
      const T* from = x + i * rs + p * cs;
      T* to = out + i * k + p * W;
      if (rs == 1) {
        pack_columns<T, W>(from, cs, rows, depth, to);
      } else {
        pack_panel<T, W>(from, rs, cs, rows, depth, to);
      }
    }
  }
}

template <class T>
void pack_a(const void* x, int64_t rs, int64_t cs, int64_t m, int64_t k, void* out) {
  pack_panels<T, kRows>(static_cast<const T*>(x), rs, cs, m, k, false, static_cast<T*>(out));
}

template <class T>
void pack_b(const void* x, int64_t rs, int64_t cs, int64_t m, int64_t k, void* out) {
  pack_panels<T, kColumns<T>>(static_cast<const T*>(x), rs, cs, m, k, true, static_cast<T*>(out));
}

}  // namespace

void set_gemm_packing(GemmKernel& float32, GemmKernel& float64) {
  float32.pack_a = pack_a<float>;
  float32.pack_b = pack_b<float>;
  float64.pack_a = pack_a<double>;
  float64.pack_b = pack_b<double>;
  float32.transpose = transpose<float>;
  float64.transpose = transpose<double>;
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
