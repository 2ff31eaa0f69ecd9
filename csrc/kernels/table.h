// The one header that crosses between code compiled once per instruction set (csrc/kernels,
// csrc/simd) and everything else. Plain C types only: nothing here may emit code.
//
// A kernel gets raw pointers and a range. It starts no thread, allocates nothing, throws nothing.
// Contiguous data only: strides, broadcasting and dtype conversion are handled above, in csrc/ops.
#pragma once

#include <cstdint>

namespace pynn {

// Order is part of the kernel tables; add at the end.
enum class DType : uint8_t {
  bool_,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
};
inline constexpr int kNumDTypes = 13;

namespace kernels {

// Elementwise, one input. Float kernels exist for float32 and float64; bfloat16 and float16 are
// converted above. Integer kernels exist where the result is an integer.
enum class Unary : int {
  negative,
  abs,
  sign,
  exp,
  expm1,
  log,
  log1p,
  sqrt,
  rsqrt,
  square,
  reciprocal,
  sin,
  cos,
  tanh,
  erf,
  floor,
  ceil,
  round,  // round: to nearest, ties to even
  isnan,
  isinf,
  isfinite,     // output bool
  logical_not,  // input any dtype (non-zero is true), output bool
  relu,
  leaky_relu,  // leaky_relu: params[0] = negative slope
  elu,         // params[0] = alpha
  gelu,
  gelu_tanh,
  sigmoid,
  silu,
  softplus,
  clip,  // params[0] = low, params[1] = high; NaN stays NaN
  count,
};

// Elementwise, two inputs of one dtype. Either may be a scalar (stride 0).
enum class Binary : int {
  add,
  subtract,
  multiply,
  divide,  // divide: floats only
  floor_divide,
  mod,  // Python's meaning: result of mod has the sign of the divisor; integer x//0 = 0, x%0 = 0
  power,
  maximum,
  minimum,  // maximum/minimum: NaN if either is NaN
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,  // output bool
  logical_and,
  logical_or,
  logical_xor,  // output bool
  // Gradients of activations: a = the saved tensor named below, b = dy; output dx.
  relu_grad,        // a = y:  dy where y > 0, else 0
  leaky_relu_grad,  // a = x:  params[0] = negative slope
  elu_grad,         // a = x:  params[0] = alpha
  sigmoid_grad,     // a = y:  dy * y * (1 - y)
  tanh_grad,        // a = y:  dy * (1 - y * y)
  gelu_grad,
  gelu_tanh_grad,
  silu_grad,
  softplus_grad,          // a = x
  sigmoid_cross_entropy,  // a = logits x, b = target t: max(x,0) - x*t + log1p(exp(-|x|))
  count,
};

enum class Reduce : int { sum, prod, max, min, count };

// Where an elementwise kernel writes. `streaming`: with stores that bypass the caches; `data` is
// then aligned to 64 bytes, and other threads see it after StreamEndFn. A kernel may ignore it.
struct Output {
  void* data;
  bool streaming;
};
using StreamEndFn = void (*)();
// y[i] = f(x[i]), i < n.
using UnaryFn = void (*)(const void* x, Output y, int64_t n, const double* params);
// y[i] = f(a[i * !a_scalar], b[i * !b_scalar]), i < n.
using BinaryFn = void (*)(const void* a, bool a_scalar, const void* b, bool b_scalar, Output y,
                          int64_t n, const double* params);
// y[i] = (To)x[i]. Float to integer truncates towards zero; NaN and out-of-range values give an
// unspecified value but never undefined behaviour. To bool: x != 0. float32 -> bfloat16/float16
// rounds to nearest even and keeps NaN.
using CastFn = void (*)(const void* x, void* y, int64_t n);
// y[i * sy] = x[i * sx], element size 1, 2, 4, 8 bytes; strides in elements.
using CopyFn = void (*)(const void* x, int64_t sx, void* y, int64_t sy, int64_t n);
// y[i] = c[i] ? a[i] : b[i]; c is bool; each may be a scalar. Element size 1, 2, 4, 8.
using WhereFn = void (*)(const uint8_t* c, bool c_scalar, const void* a, bool a_scalar,
                         const void* b, bool b_scalar, void* y, int64_t n);
// *acc = reduction of x[0..n), n >= 1; acc has x's dtype. Float sums are pairwise over fixed
// blocks, so that the error grows with log n, and depend on n alone. max and min give NaN if any
// element is NaN.
using ReduceRowFn = void (*)(const void* x, int64_t n, void* acc);
// acc[i] = reduce(acc[i], x[r * stride + i]) for all rows r in order, i < n.
using ReduceColFn = void (*)(void* acc, const void* x, int64_t rows, int64_t stride, int64_t n);
// Index of the first maximum (minimum); the first NaN wins, as in NumPy. n >= 1.
using ArgFn = int64_t (*)(const void* x, int64_t n);
// `rows` rows of length n >= 1 each, one after the other. A row's bits do not depend on the others.
using RowFn = void (*)(const void* x, void* y, int64_t rows, int64_t n);
// dx from the saved output y: softmax dx = y * (dy - sum(dy * y)); log_softmax dx = dy - exp(y) *
// sum(dy).
using RowGradFn = void (*)(const void* y, const void* dy, void* dx, int64_t rows, int64_t n);
// Cross-entropy of softmax(x) with one class per row, 0 <= label < n: loss = logsumexp(x) -
// x[label].
using SparseXentFn = void (*)(const void* x, int64_t rows, int64_t n, const int64_t* label,
                              void* loss);
// dx = (softmax(x) - onehot(label)) * dloss
using SparseXentGradFn = void (*)(const void* x, int64_t rows, int64_t n, const int64_t* label,
                                  const void* dloss, void* dx);
// Cross-entropy with target weights t: loss = sum_j t[j] * (logsumexp(x) - x[j]).
using DenseXentFn = void (*)(const void* x, const void* t, int64_t rows, int64_t n, void* loss);
// dx = (softmax(x) * sum(t) - t) * dloss
using DenseXentGradFn = void (*)(const void* x, const void* t, int64_t rows, int64_t n,
                                 const void* dloss, void* dx);

// Normalization of `rows` rows of length n >= 1: y = (x - mean) * rstd * gamma + beta with rstd = 1
// / sqrt(variance + epsilon). gamma and beta: length n, or null. Without centring mean is 0 and the
// variance is the mean square (RMS normalization).
struct NormRows {
  const void *x, *gamma, *beta;
  void *y, *mean, *rstd;  // mean and rstd: one per row
  int64_t rows, n;
  bool centred;
  double epsilon;
};
using NormRowsFn = void (*)(const NormRows& args);
// dx, and dgamma += sum over rows, dbeta += likewise; both may be null.
struct NormRowsGrad {
  const void *x, *gamma, *mean, *rstd, *dy;
  void *dx, *dgamma, *dbeta;
  int64_t rows, n;
  bool centred;
};
using NormRowsGradFn = void (*)(const NormRowsGrad& args);
// Of each column: mean + lost, where `lost` is what rounding left out of the mean, and the sum of
// squared differences from it. rows >= 1; a few dozen, so that plain sums are exact enough.
using ColumnMomentsFn = void (*)(const void* x, int64_t rows, int64_t n, void* mean, void* lost,
                                 void* squares);
// y = (x - mean) * scale + offset; the three have length n.
struct ScaleColumns {
  const void *x, *mean, *scale, *offset;
  void* y;
  int64_t rows, n;
};
using ScaleColumnsFn = void (*)(const ScaleColumns& args);
// dx = dy * scale; dscale += dy * (x - mean), doffset += dy, summed over rows.
struct ScaleColumnsGrad {
  const void *x, *mean, *scale, *dy;
  void *dx, *dscale, *doffset;
  int64_t rows, n;
};
using ScaleColumnsGradFn = void (*)(const ScaleColumnsGrad& args);

// The backward pass of a layer through its activation and bias, one pass over memory, `rows` rows
// of n: dz = f'(.) dy, with the saved output y, and sums[j] = the sum of column j of dz, in order.
// rows >= 1; dz may be dy.
using ActivationGradSumFn = void (*)(const void* dy, const void* y, void* dz, void* sums,
                                     int64_t rows, int64_t n);

// ---- Optimizer updates
// One pass over memory: gradient, weight and states are read, weight and states written. With the
// scalars of each rule in braces; t counts the steps from 1.
enum class Update : int {
  sgd,                        // {lr}: w -= lr * g
  momentum,                   // {lr, momentum}: m = momentum * m - lr * g; w += m
  nesterov,                   // the same, w += momentum * m - lr * g
  rmsprop,                    // {lr, rho, momentum, eps}: v = rho * v + (1 - rho) * g^2;
                              // w -= d, d = lr * g / sqrt(v + eps)
  rmsprop_momentum,           // v, m: m = momentum * m + d; w -= m
  rmsprop_centered,           // v, a: a = rho * a + (1 - rho) * g; d = lr * g / sqrt(v - a^2 + eps)
  rmsprop_centered_momentum,  // v, m, a
  adam,                       // {alpha, beta1, beta2, eps}: m += (g - m) * (1 - beta1);
                              // v += (g^2 - v) * (1 - beta2); w -= alpha * m / (sqrt(v) + eps)
  amsgrad,                    // m, v, h: h = max(h, v) in place of v under the root
  adagrad,                    // {lr, eps}: a += g^2; w -= lr * g / sqrt(a + eps)
  adadelta,   // {lr, rho, eps}: v as in rmsprop; d = g * sqrt((s + eps) / (v + eps));
              // s = rho * s + (1 - rho) * d^2; w -= lr * d
  adamax,     // {alpha, beta1, beta2, eps}: m as in adam; u = max(beta2 * u, |g|);
              // w -= alpha * m / (u + eps)
  nadam,      // {a, b, beta1, beta2, eps}: m, v as in adam; w -= (a * m + b * g) / (sqrt(v) + eps)
  ftrl,       // {1 / lr, p, l1, 2 * l2, 2 * shrinkage}: n' = n + g^2;
              // z += g + 2 * shrinkage * w - (n'^p - n^p) / lr * w;
              // w = (clip(z, -l1, l1) - z) / (n'^p / lr + 2 * l2); states n, z
  lion,       // {lr, beta1, beta2}: w -= lr * sign(beta1 * m + (1 - beta1) * g);
              // m = beta2 * m + (1 - beta2) * g
  lamb,       // {rate, a, eps}: w -= rate * a * m / (sqrt(v) + eps); m, v are read only
  adafactor,  // {rate}: w -= rate * g / sqrt(v); v is read only
  count,
};
inline constexpr int kMaxUpdateStates = 3;

// What happens to gradient and weight before a rule: g = clip(g * scale, -bound, bound), then
// w -= w * decay.
struct UpdatePrologue {
  double scale, bound, decay;  // 1, infinity, 0: nothing
};
struct UpdateArgs {
  const void* const* in;  // w, then the states of the rule
  void* const* out;       // the same; may be the same memory, never overlaps otherwise
  const void* g;
  const void* average;  // moving average of w, or null
  void* average_out;
  int64_t n;
  const double* scalars;  // of the rule
  UpdatePrologue before;
  // After the rule: average = ema_momentum * average + (1 - ema_momentum) * w; then, if
  // `overwrite`, w = average.
  double ema_momentum;
  bool overwrite;
};
using UpdateFn = void (*)(const UpdateArgs& args);
// A first pass that sums over the parameter what its second pass (the rule) needs:
// sums[0] = sum of u^2, sums[1] = sum of w^2 after decay. in and out are as in UpdateArgs; w is not
// written.
// lamb: {a, eps, beta1, beta2}: m and v as in adam; u = a * m / (sqrt(v) + eps).
// adafactor: {beta2, eps}: v = beta2 * v + (1 - beta2) * (g^2 + eps); u = g / sqrt(v).
using UpdateSumsFn = void (*)(const UpdateArgs& args, double* sums);
// Some rows of a matrix. Sums of g^2 + eps: over each row into row_sums, and added to col_sums;
// *weight_sum = sum of w^2.
struct AdafactorRows {
  const void* g;
  const void* w;
  int64_t rows, cols;
  double eps;
  UpdatePrologue before;
};
using AdafactorSumsFn = void (*)(const AdafactorRows& block, void* row_sums, void* col_sums,
                                 double* weight_sum);
// v[i, j] = row_factors[i] * col_means[j]; *sum = sum of g^2 / v.
using AdafactorVelocityFn = void (*)(const AdafactorRows& block, const void* row_factors,
                                     const void* col_means, void* v, double* sum);
// Sum of x^2, n >= 1, in blocks as the float sums of ReduceRowFn.
using SumSquaresFn = double (*)(const void* x, int64_t n);

// Counter-based random numbers (Philox 4x32-10; Salmon et al., SC 2011). Element i of a tensor is
// word i % 4 of the block with counter i / 4, so any range that starts at a multiple of 4 can be
// filled by itself.
struct RandomKey {
  uint32_t key[2];
};
// Raw words: out[i] for i in [start, start + n); start is a multiple of 4.
using RandomBitsFn = void (*)(RandomKey key, uint64_t start, uint32_t* out, int64_t n);
// float32. uniform: [params[0], params[1]); normal: mean params[0], standard deviation params[1];
// truncated_normal: the same, cut at two standard deviations. One word per element (inverse of the
// distribution function).
using RandomFloatFn = void (*)(RandomKey key, uint64_t start, float* out, int64_t n,
                               const double* params);
// y[i] = word(start + i) kept with probability 1 - params[0] ? x[i] * params[1] : 0. float32 and
// float64.
using DropoutFn = void (*)(RandomKey key, uint64_t start, const void* x, void* y, int64_t n,
                           const double* params);

// ---- GEMM
// -----------------------------------------------------------------------------------------------------------
// One tile of C, at most mr x nr: C = (accumulate ? C : 0) + (from + A * B) + bias.
// a: element (i, p) at a[i * a_rs + p * a_cs]; a packed panel has a_rs = 1, a_cs = mr.
// b: element (p, j) at b[p * b_rs + j]; a packed panel has b_rs = nr, and all nr columns are read,
// even where n is less. in_place: B is not packed; then n may be anything and is all that is read,
// and so may m, if 0 < kc <= shallow and neither accumulate nor from is given.
// c: row-major, row stride ldc. from: null for zeros, or sums with row stride ldf that were begun
// before, in whole multiples of nr columns; may be c. bias: length n, or null. relu: max(0, .) of
// the result. Each element is one chain of fused multiply-adds over p, whatever m and n are, and
// wherever it was interrupted; so its bits depend on k alone.
struct GemmTile {
  int64_t m, n, kc;
  const void* a;
  int64_t a_rs, a_cs;
  const void* b;
  int64_t b_rs;
  void* c;
  int64_t ldc;
  const void* from;
  int64_t ldf;
  const void* bias;
  bool accumulate, relu, in_place;
};
using GemmTileFn = void (*)(const GemmTile& tile);
// Packs an m x k block (element (i, p) at x[i * rs + p * cs]) into panels of mr (nr) rows:
// out[panel][p][i]. B (k x n) is packed as its transpose. In the last panel, rows beyond m are zero
// for B and left alone for A.
using GemmPackFn = void (*)(const void* x, int64_t rs, int64_t cs, int64_t m, int64_t k, void* out);
// out[p * out_stride + i] = x[i * stride + p] for i < m, p < n.
using GemmTransposeFn = void (*)(const void* x, int64_t stride, int64_t m, int64_t n, void* out,
                                 int64_t out_stride);
// C = A * B + bias from rows of A and columns of B whose elements are neighbours:
// c[i * ldc + j] = sum over p of a[i * a_rs + p] * b[j * b_cs + p], + bias[j]. Sums run in parallel
// chains, in an order that depends on k alone.
struct GemmDot {
  int64_t m, n, k;
  const void* a;
  int64_t a_rs;
  const void* b;
  int64_t b_cs;
  void* c;
  int64_t ldc;
  const void* bias;
};
using GemmDotFn = void (*)(const GemmDot& dot);

struct GemmKernel {
  int mr, nr;      // tile
  int shallow;     // depth up to which C is written row by row
  int mc, kc, nc;  // blocks: mc and nc are multiples of mr and nr
  GemmTileFn tile;
  GemmPackFn pack_a, pack_b;
  GemmTransposeFn transpose;
  GemmDotFn dot;
};

// Integer products: one tile of C, m x n with m <= mr and n <= nr,
// C = (accumulate ? C : bias, or zeros) + A * B, wrapping around; of bools "any of (a and b)".
// a: element (i, p) at a[i * a_rs + p * a_cs]. b: element (p, j) at b[p * b_rs + j]; nr columns
// are readable, even where n is less. c: row-major, row stride ldc. bias: length n, or null.
struct IntegerTile {
  int64_t m, n, k;
  const void* a;
  int64_t a_rs, a_cs;
  const void* b;
  int64_t b_rs;
  void* c;
  int64_t ldc;
  bool accumulate;
  const void* bias;
};
using IntegerTileFn = void (*)(const IntegerTile& tile);

struct IntegerGemmKernel {
  int mr, nr;
  IntegerTileFn tile;
  GemmPackFn pack_a, pack_b;  // panels of mr and nr rows; zeros beyond the last row
};

// ---- GEMM by bfloat16 pieces

// Products of float32 matrices through bfloat16 pieces, x = hi (+ mid (+ lo)), accumulated in
// float32; or of bfloat16 matrices.

// Packs an m x k block (element (i, p) at x[i * rs + p * cs]), every element multiplied by `scale`
// (a power of two; ignored for bfloat16 sources, where it is 1) into panels of mr (pack_a) or nr
// (pack_b, given as its transpose) rows; k is padded with zeros to a multiple of kr, and so are the
// rows beyond m. One panel takes width * round_up(k, kr) * item bytes; panels follow each other.
// `out` is aligned to 64 bytes, for speed. Elements are finite and at most 2^60 after scaling.
using PiecePackFn = void (*)(const void* x, int64_t rs, int64_t cs, int64_t m, int64_t k,
                             float scale, void* out);
// One tile of C, at most mr x nr, from one packed panel of A and one of B, of the same kc:
// C = (accumulate ? C : 0) + scale * (A B) + bias. The bits of an element depend on its row of A,
// its column of B and kc alone.
struct PieceTile {
  int64_t m, n, kc;
  const void* a;
  const void* b;
  float* c;
  int64_t ldc;
  bool accumulate;
  float scale;
  const float* bias;  // length n, or null
};
using PieceTileFn = void (*)(const PieceTile& tile);

struct PieceGemm {
  int pieces;        // 1, 2, 3
  int mr, nr, kr;    // tile; granularity of k
  int mc, kc, nc;    // blocks: mc and nc are multiples of mr and nr, kc of kr
  int item;          // bytes per packed element
  PieceTileFn tile;  // null: this level has none
  PiecePackFn pack_a, pack_b;
  // Around a thread's run of tiles (tile configuration and release); null: nothing to do.
  void (*begin)();
  void (*end)();
};
// Largest |x[i]| of float32; infinity if any is infinite or NaN; 0 if n is 0.
using MaxAbsFn = float (*)(const void* x, int64_t n);

// ---- Probes: what one core can do at most at this level, for benchmarks
// `rounds` times a fixed number of multiply-adds in independent registers. Returns the
// floating-point operations done (two per multiply-add); `out`, 64 bytes, gets what keeps them
// alive.
using ProbeFlopsFn = double (*)(int64_t rounds, void* out);
// Memory traffic: what is done to each of n bytes, a multiple of 256.
enum class Traffic : int {
  read,    // y[0..63] = exclusive or of all 64-byte lines of a
  copy,    // y = a
  add,     // y = a + b
  update,  // y = y + v, in place; v is the first vector of a
  count,
};
using ProbeTrafficFn = void (*)(const void* a, const void* b, void* y, int64_t n);

struct KernelTable {
  const char* isa;  // "baseline", "avx2", "avx512", "amx", "neon"
  UnaryFn unary[int(Unary::count)][kNumDTypes];
  BinaryFn binary[int(Binary::count)][kNumDTypes];
  StreamEndFn stream_end;               // null where nothing bypasses the caches
  CastFn cast[kNumDTypes][kNumDTypes];  // [from][to]
  CopyFn copy[4];                       // log2 of the element size
  WhereFn where[4];
  ReduceRowFn reduce_row[int(Reduce::count)][kNumDTypes];
  ReduceColFn reduce_col[int(Reduce::count)][kNumDTypes];
  ArgFn argmax[kNumDTypes], argmin[kNumDTypes];
  RowFn softmax[kNumDTypes], log_softmax[kNumDTypes];
  RowGradFn softmax_grad[kNumDTypes], log_softmax_grad[kNumDTypes];
  SparseXentFn sparse_xent[kNumDTypes];
  SparseXentGradFn sparse_xent_grad[kNumDTypes];
  DenseXentFn dense_xent[kNumDTypes];
  DenseXentGradFn dense_xent_grad[kNumDTypes];
  NormRowsFn norm_rows[kNumDTypes];
  NormRowsGradFn norm_rows_grad[kNumDTypes];
  ColumnMomentsFn column_moments[kNumDTypes];
  ScaleColumnsFn scale_columns[kNumDTypes];
  ScaleColumnsGradFn scale_columns_grad[kNumDTypes];
  // relu, sigmoid and tanh
  ActivationGradSumFn activation_grad_sum[int(Unary::count)][kNumDTypes];
  UpdateFn update[int(Update::count)][kNumDTypes];
  // The same without what surrounds the rule: no UpdatePrologue, no average.
  UpdateFn plain_update[int(Update::count)][kNumDTypes];
  UpdateSumsFn lamb_sums[kNumDTypes], adafactor_sums[kNumDTypes];
  AdafactorSumsFn adafactor_row_sums[kNumDTypes];
  AdafactorVelocityFn adafactor_velocity[kNumDTypes];
  SumSquaresFn sum_squares[kNumDTypes];
  RandomBitsFn random_bits;
  RandomFloatFn uniform, normal, truncated_normal;
  DropoutFn dropout[kNumDTypes];
  GemmKernel gemm[kNumDTypes];  // float32, float64; others are converted in packing above or have
                                // tile == nullptr
  IntegerGemmKernel integer_gemm[kNumDTypes];  // integers and bool
  PieceGemm pieces[4];  // [1..3]: float32 operands in that many pieces; [0]: bfloat16 operands
  MaxAbsFn max_abs;
  ProbeFlopsFn probe_flops[kNumDTypes];
  ProbeTrafficFn probe_traffic[int(Traffic::count)];
  // The same with stores that bypass the caches; null where there are none, or nothing is stored.
  ProbeTrafficFn probe_streaming[int(Traffic::count)];
};

// One per level that was compiled in (see cmake/isa.cmake); each fills the whole table. A null
// pointer means "no kernel for this dtype". Called only after runtime/cpu.cpp has found that the
// machine has the level.
const KernelTable* baseline_table();
const KernelTable* avx2_table();
const KernelTable* avx512_table();
const KernelTable* avx512_bf16_table();  // avx512 with the dot product of bfloat16 pairs
const KernelTable* amx_table();          // avx512 with tiles
const KernelTable* neon_table();

}  // namespace kernels
}  // namespace pynn
