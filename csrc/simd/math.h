// Elementary functions on vectors of float and double.
//
// Errors are in units in the last place (ULP) of the exact result, for results that are normal
// numbers; NaN gives NaN, and infinities, zeros and signs are those of C's <math.h>.
// tests/cpp/test_simd.cpp enforces the figures on a sample, at every instruction set;
// .ci/campaign tries every float:
//
//              float   double
//   exp          1       1       the whole range; overflow to inf, gradual underflow
//   expm1        2       2
//   log          1.5     1
//   log1p        1       1
//   tanh         1.5     3
//   sigmoid      2       2
//   silu         2       2       down to 2^10 times the smallest normal number; below, the
//   gelu_tanh    2       2       absolute error stays the same
//   softplus     2       2
//
// Polynomials were fitted here, in Chebyshev points; the reductions are the classical ones (Cody
// and Waite 1980; Tang 1989 and 1990).
#pragma once

#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class V>
struct MathConstants;

template <>
struct MathConstants<Vec<float>> {
  static constexpr int kMantissaBits = 23;
  static constexpr int32_t kOneBits = 0x3f800000;
  static constexpr int32_t kSqrtHalfBits = 0x3f3504f3;
  static constexpr int32_t kMantissaMask = 0x007fffff;
  static constexpr int32_t kSignBit = INT32_MIN;
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
  static constexpr float kRound = 0x1.8p23f;
  static constexpr float kInteger = 0x1p23f;  // from here on every number is an integer
  static constexpr float kInfinity = __builtin_inff();
  static constexpr float kMinNormal = 0x1p-126f;
  static constexpr float kScaleUp = 0x1p24f;
  static constexpr int kScaleBits = 24;
  static constexpr int kMiddle = 64;        // half the largest exponent
  static constexpr float kTiny = 0x1p-26f;  // f(x) = x for the functions with f(x) = x + O(x^2)
  static constexpr float kLog2e = 1.44269504f;
  // ln 2 in two parts; the first has few bits, so that its product with an exponent is exact.
  static constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  static constexpr float kExpLow = -104.0f, kExpHigh = 89.0f, kExpm1High = 88.8f;
  // 0.044715 and 2 sqrt(2 / pi) in two parts.
  static constexpr float kGeluCubicHigh = 0.0447149985f, kGeluCubicLow = 1.54614443e-09f;
  static constexpr float kGeluSlopeHigh = 1.59576917f, kGeluSlopeLow = -4.53406805e-08f;
  // (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2.
  static constexpr float kExp[] = {0.500000001353872989f,   0.16666666681704215f,
                                   0.0416664641974056923f,  0.00833331084464786256f,
                                   0.00139337307157920825f, 0.00019891080463998842f};
};

template <>
struct MathConstants<Vec<double>> {
  static constexpr int kMantissaBits = 52;
  static constexpr int64_t kOneBits = 0x3ff0000000000000;
  static constexpr int64_t kSqrtHalfBits = 0x3fe6a09e667f3bcd;
  static constexpr int64_t kMantissaMask = 0x000fffffffffffff;
  static constexpr int64_t kSignBit = INT64_MIN;
  static constexpr double kRound = 0x1.8p52;
  static constexpr double kInteger = 0x1p52;
  static constexpr double kInfinity = __builtin_inf();
  static constexpr double kMinNormal = 0x1p-1022;
  static constexpr double kScaleUp = 0x1p54;
  static constexpr int kScaleBits = 54;
  static constexpr int kMiddle = 512;
  static constexpr double kTiny = 0x1p-55;
  static constexpr double kLog2e = 1.44269504088896338700;
  static constexpr double kLn2High = 6.93147180369123816490e-01;
  static constexpr double kLn2Low = 1.90821492927058770002e-10;
  static constexpr double kExpLow = -746.0, kExpHigh = 710.0, kExpm1High = 709.9;
  static constexpr double kGeluCubicHigh = 0.044714999999999998,
                          kGeluCubicLow = 2.1960211427085595e-18;
  static constexpr double kGeluSlopeHigh = 1.5957691216057308,
                          kGeluSlopeLow = -9.9693088091109202e-17;
  static constexpr double kExp[] = {
      0.5,
      0.166666666666666667,
      0.0416666666666666769,
      0.00833333333333333401,
      0.00138888888888790031,
      0.000198412698412632519,
      0.000024801587336630947,
      2.75573192473445095e-6,
      2.75572630773094115e-7,
      2.5052070959803662e-8,
      2.09182123191339782e-9,
      1.60866776667873615e-10,
  };
};

// ---- Bits ----

template <class V>
inline V abs(V x) {
  return V(IntVec<V>(x) & ~MathConstants<V>::kSignBit);
}
template <class V>
inline V negative_abs(V x) {
  return V(IntVec<V>(x) | MathConstants<V>::kSignBit);
}
// The magnitude of x with the sign of s.
template <class V>
inline V copysign(V x, V s) {
  constexpr auto sign = MathConstants<V>::kSignBit;
  return V((IntVec<V>(x) & ~sign) | (IntVec<V>(s) & sign));
}

// ---- Order and rounding ----

// NaN if either is NaN.
template <class V>
inline V maximum(V a, V b) {
  const V larger = a > b ? a : b;  // b where either is NaN
  return a != a ? a : larger;
}
template <class V>
inline V minimum(V a, V b) {
  const V smaller = a < b ? a : b;
  return a != a ? a : smaller;
}

// To the nearest integer, ties to even. Keeps the sign of zero.
template <class V>
inline V round(V x) {
  const V magnitude = abs(x);
  const V shift = splat<V>(MathConstants<V>::kInteger);
  const V rounded = (magnitude + shift) - shift;
  return magnitude < shift ? copysign(rounded, x) : x;
}
template <class V>
inline V floor(V x) {
  const V near = round(x);
  return near > x ? near - 1 : near;
}
template <class V>
inline V ceil(V x) {
  const V near = round(x);
  return near < x ? copysign(near + 1, x) : near;
}

// ---- More digits than V has ----

// The number value + lost, where `lost` is what rounding to `value` left out.
template <class V>
struct Extended {
  V value, lost;
};

// a * b, exactly but where `lost` underflows. Dekker 1971, unless there is a fused multiply-add.
template <class V>
inline Extended<V> extended_product(V a, V b) {
  const V product = a * b;
  if constexpr (kHasFma) return {product, mul_add(a, b, -product)};
  // Of the 24 (53) digits, the high part keeps half: its products are exact.
  constexpr auto low_half = (IntScalar<V>(1) << (MathConstants<V>::kMantissaBits + 2) / 2) - 1;
  const V a_high = V(IntVec<V>(a) & ~low_half), a_low = a - a_high;
  const V b_high = V(IntVec<V>(b) & ~low_half), b_low = b - b_high;
  const V lost = ((a_high * b_high - product) + a_high * b_low) + a_low * b_high;
  return {product, lost + a_low * b_low};
}
// c - a * b with one rounding, or as good as that, where the difference is small.
template <class V>
inline V residual(V a, V b, V c) {
  if constexpr (kHasFma) return mul_add(-a, b, c);
  const Extended<V> product = extended_product(a, b);
  return (c - product.value) - product.lost;
}
template <class V>
inline Extended<V> extended_product(Extended<V> a, Extended<V> b) {
  const Extended<V> product = extended_product(a.value, b.value);
  return {product.value, product.lost + mul_add(a.value, b.lost, a.lost * b.value)};
}

// ---- Polynomials ----

// c[0] + c[1] x + c[2] x^2 + ...
template <class V, int N>
inline V polynomial(V x, const Scalar<V> (&c)[N]) {
  V sum = splat<V>(c[N - 1]);
  for (int i = N - 2; i >= 0; --i) sum = mul_add(sum, x, splat<V>(c[i]));
  return sum;
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE

#include "simd/lookup_math.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// ---- Exponential ----

// x = n ln 2 + r, |r| <= ln(2) / 2; tail = exp(r) - 1. n is given both as a number and as an
// integer.
template <class V>
struct ReducedExp {
  V whole;
  IntVec<V> n;
  V tail;
};

template <class V>
inline ReducedExp<V> reduce_exp(V x) {
  using C = MathConstants<V>;
  const V round = splat<V>(C::kRound);
  const V shifted = mul_add(x, splat<V>(C::kLog2e), round);
  const V n = shifted - round;
  V r = mul_add(n, splat<V>(-C::kLn2High), x);
  r = mul_add(n, splat<V>(-C::kLn2Low), r);
  const V tail = mul_add(r * r, polynomial(r, C::kExp), r);
  return {n, IntVec<V>(shifted) - IntVec<V>(round), tail};
}

// 2^n for a normal result.
template <class V>
inline V power_of_two(IntVec<V> n) {
  using C = MathConstants<V>;
  return V((n << C::kMantissaBits) + C::kOneBits);
}

// v * 2^n for the n of e, v in [1/2, 2] or close to 0. Overflow to infinity, gradual underflow.
template <class V>
inline V scale(V v, const ReducedExp<V>& e) {
  if constexpr (kHasScale) return scale_by_power_of_two(v, e.whole);
  // In two steps, because 2^n alone may overflow or underflow.
  const IntVec<V> half = e.n >> 1;
  return v * power_of_two<V>(half) * power_of_two<V>(e.n - half);
}

// exp(x), clamped to 0 and infinity.
template <class V>
inline Extended<V> extended_exp(V x) {
  using C = MathConstants<V>;
  x = larger_of(splat<V>(C::kExpLow), x);
  x = smaller_of(splat<V>(C::kExpHigh), x);
  const ReducedExp<V> e = reduce_exp(x);
  const V sum = e.tail + 1;
  return {scale(sum, e), scale(e.tail - (sum - 1), e)};
}

template <class V>
inline V exp(V x) {
  if constexpr (kByLookup<V>) return lookup_exp(x);
  return extended_exp(x).value;
}

template <class V>
inline V expm1(V x) {
  using C = MathConstants<V>;
  const V raised = larger_of(splat<V>(-40), x);  // exp(-40) - 1 rounds to -1
  const V clamped = smaller_of(splat<V>(C::kExpm1High), raised);
  const ReducedExp<V> e = reduce_exp(clamped);
  // Half the result first: 2^n alone may overflow.
  const V half = power_of_two<V>(e.n - 1);
  const V result = mul_add(half, e.tail, half - Scalar<V>(0.5)) * 2;
  return abs(x) < C::kTiny ? x : result;
}

// ---- Logarithm ----

// t(f) with log(1 + f) = f - (f^2 / 2 - t(f)), f in [sqrt(1/2) - 1, sqrt(2) - 1].
inline Vec<float> log_tail(Vec<float> f, Vec<float>) {
  static constexpr float c[] = {
      0.333333311800300481f,  -0.24999996957950882f,  0.200007157488921017f,
      -0.166678023195012541f, 0.142490576456974804f,  -0.124256873314511061f,
      0.116854199234867393f,  -0.114797338466376356f, 0.0697161147145117783f};
  return f * f * f * polynomial(f, c);
}
inline Vec<double> log_tail(Vec<double> f, Vec<double> half_square) {
  static constexpr double c[] = {0.666666666666666665, 0.400000000000008832, 0.28571428570799785,
                                 0.222222223925810452, 0.181817955475211311, 0.15386244737621897,
                                 0.13268638369261609,  0.130880348509747683};
  const Vec<double> s = f / (f + 2);
  const Vec<double> z = s * s;
  return s * mul_add(z, polynomial(z, c), half_square);
}

// log(x) + correction for positive, finite x; correction is far below log(x) in size, or log(x) is
// 0.
template <class V>
inline V log_positive(V x, V correction) {
  using C = MathConstants<V>;
  const IntVec<V> subnormal = x < C::kMinNormal;
  x = subnormal ? x * C::kScaleUp : x;
  const IntVec<V> bits = IntVec<V>(x) - C::kSqrtHalfBits;
  const IntVec<V> scaled = subnormal & C::kScaleBits;
  const IntVec<V> exponent = (bits >> C::kMantissaBits) - scaled;
  const V round = splat<V>(C::kRound);
  const V e = V(exponent + IntVec<V>(round)) - round;
  const V f = V((bits & C::kMantissaMask) + C::kSqrtHalfBits) - 1;
  const V half_square = f * f * Scalar<V>(0.5);
  const V low = mul_add(e, splat<V>(C::kLn2Low), log_tail(f, half_square) + correction);
  return mul_add(e, splat<V>(C::kLn2High), f - (half_square - low));
}

// `value`, but the limits of the logarithm where x is not positive and finite.
template <class V>
inline V log_limits(V x, V value) {
  using C = MathConstants<V>;
  value = x < C::kInfinity ? value : x;  // infinity and NaN
  value = x < 0 ? splat<V>(__builtin_nan("")) : value;
  return x == 0 ? splat<V>(-C::kInfinity) : value;
}

template <class V>
inline V log(V x) {
  if constexpr (kByLookup<V>) return lookup_log(x);
  return log_limits(x, log_positive(x, V{}));
}

template <class V>
inline V log1p(V x) {
  using C = MathConstants<V>;
  const V u = x + 1;
  const V back = u - 1;
  const V lost = (1 - (u - back)) + (x - back);  // 1 + x = u + lost, exactly
  const V value = log_limits(u, log_positive(u, lost / u));
  return abs(x) < C::kTiny ? x : value;
}

// ---- Activations ----

inline Vec<float> tanh_by_exp(Vec<float> x) {
  using V = Vec<float>;
  // (tanh(x) / x - 1) / x^2 in x^2, |x| <= 0.625.
  static constexpr float small[] = {-0.333333331721403616f,   0.133333035569157404f,
                                    -0.0539592595772043477f,  0.0217689186510270749f,
                                    -0.00834394551583625785f, 0.00229274481617545708f};
  const V magnitude = smaller_of(splat<V>(10), abs(x));  // tanh(10) rounds to 1
  const V square = magnitude * magnitude;
  const V near = mul_add(magnitude * square, polynomial(square, small), magnitude);
  const ReducedExp<V> e = reduce_exp(magnitude + magnitude);
  const V power = power_of_two<V>(e.n);
  const V far = 1 - 2 / mul_add(power, e.tail, power + 1);
  return copysign(magnitude < 0.625f ? near : far, x);
}
inline Vec<double> tanh_by_exp(Vec<double> x) {
  using V = Vec<double>;
  V magnitude = abs(x);
  magnitude = magnitude > 22 ? splat<V>(22) : magnitude;  // tanh(22) rounds to 1
  const V e = expm1(magnitude + magnitude);
  return copysign(e / (e + 2), x);
}

template <class V>
inline V tanh(V x) {
  if constexpr (kByLookup<V>) return lookup_tanh(x);
  return tanh_by_exp(x);
}

// The sigmoid of x from e = exp(-|x|).
template <class V>
inline Extended<V> sigmoid_from_exp(V x, Extended<V> e) {
  const V below = e.value + 1;
  const V lost_below = (e.value - (below - 1)) + e.lost;
  const V top = x < 0 ? e.value : splat<V>(1);
  const V lost_top = x < 0 ? e.lost : V{};
  const V ratio = top / below;
  // One step of correction by what the roundings lost; 1 / below is the ratio or its complement.
  const V inverse = x < 0 ? 1 - ratio : ratio;
  return {ratio, mul_add(-ratio, lost_below, lost_top) * inverse};
}

// 1 / (1 + exp(-x)). Both terms of the sum are 2^-kMiddle as large, so that it stays finite where
// the result is subnormal. The tail joins the 1 first: 1 + 2^n would lose it beyond n = 24.
template <class V>
inline V sigmoid(V x) {
  if constexpr (kByLookup<V>) return lookup_sigmoid(x);
  using C = MathConstants<V>;
  // 1 and 0 beyond.
  const V clamped = larger_of(splat<V>(-40), smaller_of(splat<V>(-C::kExpLow), -x));
  const ReducedExp<V> e = reduce_exp(clamped);
  const V one = power_of_two<V>(IntVec<V>{} - C::kMiddle);
  const V power = power_of_two<V>(e.n - C::kMiddle);
  return one / (mul_add(power, e.tail, one) + power);
}

// x times a sigmoid s that is 0 at minus infinity and 1 at infinity.
template <class V>
inline V times_sigmoid(V x, Extended<V> s) {
  V product = mul_add(x, s.value, x * s.lost);
  if constexpr (!kHasFma) {
    const Extended<V> exact = extended_product(x, s.value);
    product = copysign(exact.value + (x * s.lost + exact.lost), x);  // for x = -0
  }
  const V limit = x > 0 ? x : V{};
  return abs(x) == MathConstants<V>::kInfinity ? limit : product;
}

template <class V>
inline V silu(V x) {
  return times_sigmoid(x, sigmoid_from_exp(x, extended_exp(negative_abs(x))));
}

// x * sigmoid(2 u), u = sqrt(2 / pi) * (x + 0.044715 x^3): the same as x / 2 * (1 + tanh(u)),
// without cancellation for negative x. Hendrycks and Gimpel 2016. The exponential makes an absolute
// error of its argument a relative one of the result, so the argument has extra digits.
template <class V>
inline V gelu_tanh(V x) {
  using C = MathConstants<V>;
  // The sigmoid is 0 and 1 beyond 22.
  const V near = larger_of(splat<V>(-22), smaller_of(splat<V>(22), x));
  const Extended<V> cubic = extended_product(
      {splat<V>(C::kGeluCubicHigh), splat<V>(C::kGeluCubicLow)}, extended_product(near, near));
  const V sum = cubic.value + 1;
  const V back = sum - 1;
  const V lost = ((cubic.value - back) + (1 - (sum - back))) + cubic.lost;
  const Extended<V> scaled = extended_product(
      {splat<V>(C::kGeluSlopeHigh), splat<V>(C::kGeluSlopeLow)}, Extended<V>{near, V{}});
  const Extended<V> argument = extended_product(scaled, Extended<V>{sum, lost});
  // exp(-|value + lost|) = exp(-|value|) * (1 -+ lost), but for squares of `lost`.
  Extended<V> e = extended_exp(negative_abs(argument.value));
  e.lost = mul_add(e.value, x < 0 ? argument.lost : -argument.lost, e.lost);
  return times_sigmoid(x, sigmoid_from_exp(x, e));
}

template <class V>
inline V softplus(V x) {
  return (x > 0 ? x : V{}) + log1p(exp(-abs(x)));
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
