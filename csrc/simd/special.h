// erf, gelu and its gradient, sin, cos, remainder, power, and the quantile of the normal
// distribution (float only).
//
// Errors in ULP, as in simd/math.h:
//
//              float   double
//   erf          1.5     2
//   gelu         2       4     down to 2^10 times the smallest normal number
//   sin, cos     2       1.5   any argument; beyond 2^20 one lane at a time from the C library
//   remainder    0       0     lane by lane where the quotient has more digits than a number
//   power        1       1     double one lane at a time from the C library
#pragma once

#include "simd/math.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T, class F>
inline Vec<T> map_lanes(Vec<T> x, F f) {
  T lanes[kLanes<T>];
  store(lanes, x);
  for (T& lane : lanes) lane = f(lane);
  return load(lanes);
}

// ---- Error function and the normal distribution ----

inline Vec<float> erf_by_exp(Vec<float> x) {
  using V = Vec<float>;
  // erf(x) / x - 1 in x^2, |x| <= 0.93.
  static constexpr float small[] = {0.128379166620644272f,    -0.376126335171408078f,
                                    0.112836915197330958f,    -0.0268591514724389256f,
                                    0.00520036858686484837f,  -0.000813470933211802249f,
                                    0.0000833471861520623387f};
  // -log(erfc(x)), 0.9 <= x <= 4.
  static constexpr float large[] = {
      -0.00031853966241225595f,  1.13023105522318734f,      0.631823918105759472f,
      0.110087166495500404f,     -0.026427637153529878f,    0.00476262583251299235f,
      -0.000597585770230233089f, 0.0000461638586252445708f, -1.64306365569061725e-6f};
  const V near = mul_add(x, polynomial(x * x, small), x);
  V magnitude = abs(x);
  magnitude = magnitude > 4 ? splat<V>(4) : magnitude;  // erf(4) rounds to 1
  const V far = copysign(1 - exp(-polynomial(magnitude, large)), x);
  return abs(x) < 0.92f ? near : far;
}
inline Vec<double> erf_by_exp(Vec<double> x) {
  using V = Vec<double>;
  // erf(x) / x - 1 in x^2, |x| <= 1.02.
  static constexpr double small[] = {
      0.12837916709551256,    -0.3761263890318343,     0.1128379167094034,
      -0.026866170642471748,  0.0052239776006983134,   -0.0008548325662985376,
      0.00012055285459427028, -1.4924554098062961e-05, 1.6445158366973543e-06,
      -1.619108233456487e-07, 1.3644731773842444e-08,  -7.655361488281847e-10};
  // exp(x^2) erfc(x) (x + 2) in (x - 2) / (x + 2), 0.98 <= x <= 6.02.
  static constexpr double large[] = {
      1.021582705242023,      -0.6871606844138107,     0.2794720925560375,
      -0.03644223150682086,   -0.02151066188740719,    0.006479185060997993,
      0.003090611966496704,   -0.0008372957353921005,  -0.0006630716174504231,
      3.4363630444891736e-05, 0.00014445340777406897,  3.424547472787669e-05,
      -2.165781646395372e-05, -1.6714437255724903e-05, -7.329009844350051e-07,
      5.070956473437046e-06};
  const V near = mul_add(x, polynomial(x * x, small), x);
  const V magnitude = smaller_of(splat<V>(6), abs(x));  // erf(6) rounds to 1
  const V inverse = 1 / (magnitude + 2);
  const V ratio = polynomial(mul_add(inverse, splat<V>(-4), splat<V>(1)), large) * inverse;
  const V far = copysign(mul_add(-exp(-magnitude * magnitude), ratio, splat<V>(1)), x);
  return abs(x) < 1 ? near : far;
}
template <class V>
inline V erf(V x) {
  if constexpr (kByLookup<V>) return lookup_erf(x);
  return erf_by_exp(x);
}

// The standard normal distribution at t >= 0: its density, and the distribution function at -t,
// which is tail + lost.
template <class V>
struct NormalTail {
  V tail, lost, density;
};

inline constexpr double kDensityAtZero = 0.39894228040143267794;

// exp(-t^2 / 2).
template <class V>
inline Extended<V> bell_curve(V t) {
  const Extended<V> square = extended_product(t, t);
  Extended<V> bell = extended_exp(square.value * Scalar<V>(-0.5));
  bell.lost = mul_add(bell.value, square.lost * Scalar<V>(-0.5), bell.lost);
  return bell;
}

// Mills' ratio, tail / exp(-t^2 / 2), times t + shift, in w = (t - shift) / (t + shift), 0 <= t <=
// border: the first coefficient, in two parts, and the others. The density is 0 beyond.
template <class V>
struct MillsRatio;

template <>
struct MillsRatio<Vec<float>> {
  static constexpr float kShift = 4, kBorder = 14.5f;
  static constexpr float kFirst = 0.755285144f, kFirstLow = -8.46814752e-09f;
  static constexpr float kOthers[] = {-0.607896588f,  0.387136901f,    -0.186523441f,
                                      0.0604038311f,  -0.00752527122f, -0.003512554f,
                                      0.00156992324f, 0.000179354172f, -0.000131971736f};
};

template <>
struct MillsRatio<Vec<double>> {
  static constexpr double kShift = 5, kBorder = 39;
  static constexpr double kFirst = 0.769193049750063, kFirstLow = -1.409796794506065e-17;
  static constexpr double kOthers[] = {
      -0.66538250289005685,    0.49530561596997602,     -0.31353315667128806,
      0.16502036617041027,     -0.069118638706857569,   0.020795066799189046,
      -0.0029933767622062086,  -0.00079786938847496703, 0.00054489899590549158,
      -5.9375812753691171e-05, -4.9762474496766689e-05, 1.6681660994386736e-05,
      3.979874825085155e-06,   -2.7707717807394148e-06, -3.347517759780378e-07,
      4.3636133036457e-07,     4.047744732681982e-08,   -7.0173867785004285e-08,
      -8.8759968112332717e-09, 1.0758671296705753e-08,  2.4179767768513569e-09,
      -1.101110973432383e-09,  -4.3476482340821674e-10, -2.3934540287307478e-11};
};

template <class V>
inline NormalTail<V> normal_tail(V t) {
  using M = MillsRatio<V>;
  t = smaller_of(splat<V>(M::kBorder), t);
  const Extended<V> bell = bell_curve(t);
  const V below = t + M::kShift;
  const V lost_below = t - (below - M::kShift);
  const V v = 1 / below;
  const V w = mul_add(v, splat<V>(-2 * M::kShift), splat<V>(1));
  const V rest = polynomial(w, M::kOthers);
  const V numerator = mul_add(w, rest, splat<V>(M::kFirst));
  const V excess = residual(w, rest, numerator - M::kFirst) - M::kFirstLow;
  const V ratio = v * numerator;
  // This is the ratio at 1 / v - shift, which is t + lost_t. Its derivative is t * ratio - phi(0).
  const V lost_t = (residual(below, v, splat<V>(1)) - lost_below * v) * below;
  const V slope = mul_add(t, ratio, splat<V>(Scalar<V>(-kDensityAtZero)));
  V lost_ratio = mul_add(-v, excess, -residual(v, numerator, ratio));
  lost_ratio = mul_add(-slope, lost_t, lost_ratio);
  const V tail = bell.value * ratio;
  V lost = mul_add(bell.lost, ratio, -residual(bell.value, ratio, tail));
  lost = mul_add(bell.value, lost_ratio, lost);
  return {tail, lost, bell.value * Scalar<V>(kDensityAtZero)};
}

// x times the distribution function at x. The tail keeps negative x accurate, where 1 + erf(x)
// would cancel.
template <class V>
inline V gelu(V x) {
  if constexpr (kByLookup<V>) return lookup_gelu(x);
  const V magnitude = smaller_of(splat<V>(40), abs(x));  // keeps infinity * 0 out
  const NormalTail<V> normal = normal_tail(magnitude);
  const V limit = x < 0 ? V{} : x;
  const V near = mul_add(-magnitude, normal.tail, limit);
  const V lost = residual(magnitude, normal.tail, limit - near);
  const V value = copysign(near + mul_add(-magnitude, normal.lost, lost), x);  // for gelu(-0)
  return x > 40 ? x : value;
}

// distribution + x * density.
template <class V>
inline V gelu_derivative(V x) {
  if constexpr (kByLookup<V>) return lookup_gelu_derivative(x);
  x = larger_of(splat<V>(-40), smaller_of(splat<V>(40), x));
  const NormalTail<V> normal = normal_tail(abs(x));
  const V tail = normal.tail + normal.lost;
  return mul_add(x, normal.density, x < 0 ? tail : 1 - tail);
}

// ---- Sine and cosine ----

// |x| = quadrant * pi / 2 + r, quadrant modulo 4, |r| <= pi / 4.
struct Angle {
  Vec<int32_t> quadrant;
  Vec<float> r;
};

inline Vec<double> reduce_quarter_turn(Vec<double> x, Vec<double>* remainder) {
  constexpr double kTwoOverPi = 0.63661977236758134308;
  // pi / 2 in two parts: the first has 33 bits, so its product with a quadrant below 2^20 is exact.
  constexpr double kHigh = 1.57079632673412561417e+00, kLow = 6.07710050650619224932e-11;
  const Vec<double> n = round(x * kTwoOverPi);
  *remainder = (x - n * kHigh) - n * kLow;
  return n;
}

inline Angle reduce_angle(Vec<float> x) {
  const DoublePair wide = widen(x);
  DoublePair r;
  const DoublePair n = {reduce_quarter_turn(wide.low, &r.low),
                        reduce_quarter_turn(wide.high, &r.high)};
  const Vec<float> round = splat<Vec<float>>(MathConstants<Vec<float>>::kRound);
  return {Vec<int32_t>(narrow(n) + round) & 3, narrow(r)};
}

// sin(r + quadrant * pi / 2).
inline Vec<float> sin_angle(Angle a) {
  static constexpr float sine[] = {-0.166666666638530441f, 0.00833333187383708802f,
                                   -0.000198400862637554366f, 2.72498646551390871e-6f};
  static constexpr float cosine[] = {0.0416666666643193295f, -0.00138888876712881087f,
                                     0.0000248005999835317044f, -2.73009081679961244e-7f};
  using V = Vec<float>;
  const V z = a.r * a.r;
  const V s = mul_add(a.r * z, polynomial(z, sine), a.r);
  const V c = mul_add(z * z, polynomial(z, cosine), 1 - z * 0.5f);
  const V value = (a.quadrant & 1) != 0 ? c : s;
  return (a.quadrant & 2) != 0 ? -value : value;
}

// Whether a mask has a lane that is set.
template <class I>
inline bool any_lane(I mask) {
  bool any = false;
  for (int i = 0; i < int(sizeof(I) / sizeof(mask[0])); ++i) any |= mask[i] != 0;
  return any;
}

// From here on, or at infinity, reduce_angle is not exact enough.
inline constexpr float kLargeAngle = 0x1p20f;

inline Vec<float> sin(Vec<float> x) {
  if (any_lane(abs(x) > kLargeAngle)) {
    return map_lanes<float>(x, [](float v) { return float(__builtin_sin(double(v))); });
  }
  const Vec<float> value = sin_angle(reduce_angle(x));
  return x == 0 ? x : value;  // sin(-0) = -0
}
inline Vec<float> cos(Vec<float> x) {
  if (any_lane(abs(x) > kLargeAngle)) {
    return map_lanes<float>(x, [](float v) { return float(__builtin_cos(double(v))); });
  }
  Angle a = reduce_angle(x);
  a.quadrant += 1;
  return sin_angle(a);
}

// x = quadrant * pi / 2 + r + lost, quadrant modulo 4.
struct WideAngle {
  Vec<int64_t> quadrant;
  Vec<double> r, lost;
};

inline WideAngle reduce_angle(Vec<double> x) {
  using V = Vec<double>;
  constexpr double kTwoOverPi = 0.63661977236758134308;
  // pi / 2 in three parts: two of 33 bits, so that products with a quadrant are exact.
  constexpr double kHigh = 1.57079632673412561417e+00, kMiddle = 6.07710050630396597660e-11,
                   kLow = 2.02226624879595063154e-21;
  const V round = splat<V>(MathConstants<V>::kRound);
  const V shifted = x * kTwoOverPi + round;
  const V n = shifted - round;
  const V first = x - n * kHigh;  // exact
  const V second = first - n * kMiddle;
  const V lost = ((first - second) - n * kMiddle) - n * kLow;
  const V r = second + lost;
  return {Vec<int64_t>(shifted), r, (second - r) + lost};
}

// sin(r + lost + quadrant * pi / 2).
inline Vec<double> sin_angle(WideAngle a) {
  static constexpr double sine[] = {-0.16666666666666666,    0.008333333333330936,
                                    -0.00019841269836740532, 2.7557316093198404e-06,
                                    -2.505112989645018e-08,  1.5917988979397204e-10};
  static constexpr double cosine[] = {0.041666666666666664,  -0.0013888888888887389,
                                      2.48015872987544e-05,  -2.755731726587808e-07,
                                      2.087614504941318e-09, -1.1382544645349108e-11};
  using V = Vec<double>;
  const V z = a.r * a.r, half = z * 0.5;
  // To first order in `lost`, whose factor cos(r) is 1 - z / 2.
  const V s = mul_add(a.r * z, polynomial(z, sine), a.lost - a.lost * half) + a.r;
  const V one = 1 - half;
  const V c = one + (((1 - one) - half) + mul_add(z * z, polynomial(z, cosine), -a.r * a.lost));
  const V value = (a.quadrant & 1) != 0 ? c : s;
  return (a.quadrant & 2) != 0 ? -value : value;
}

inline Vec<double> sin(Vec<double> x) {
  if (any_lane(abs(x) > double(kLargeAngle)))
    return map_lanes<double>(x, [](double v) { return __builtin_sin(v); });
  const Vec<double> value = sin_angle(reduce_angle(x));
  return x == 0 ? x : value;
}
inline Vec<double> cos(Vec<double> x) {
  if (any_lane(abs(x) > double(kLargeAngle)))
    return map_lanes<double>(x, [](double v) { return __builtin_cos(v); });
  WideAngle a = reduce_angle(x);
  a.quadrant += 1;
  return sin_angle(a);
}

// ---- Remainder ----

inline float fmod_of(float a, float b) { return __builtin_fmodf(a, b); }
inline double fmod_of(double a, double b) { return __builtin_fmod(a, b); }

// C's fmod: a - n * b with n = a / b rounded towards zero, exactly.
template <class V>
inline V remainder(V a, V b) {
  using C = MathConstants<V>;
  // Where the quotient is an exact integer, and no part of a product over- or underflows.
  const V quotient = a / b, size = abs(b);
  const IntVec<V> usual = (abs(quotient) < C::kInteger / 2) & (abs(a) < C::kInfinity) &
                          (size > C::kMinNormal * C::kScaleUp) & (size < 1 / C::kMinNormal / 4);
  if (any_lane(~usual)) {
    Scalar<V> as[sizeof(V) / sizeof(Scalar<V>)], bs[sizeof(V) / sizeof(Scalar<V>)];
    store(as, a);
    store(bs, b);
    for (int i = 0; i < int(sizeof(V) / sizeof(Scalar<V>)); ++i) as[i] = fmod_of(as[i], bs[i]);
    return load(as);
  }
  const V n = copysign(floor(abs(quotient)), quotient);
  const V rest = residual(n, b, a);
  // The quotient may have been rounded up to an integer; the next one below is then right.
  const V back = rest + copysign(b, a);
  const V value = ((rest < 0) & (a > 0)) | ((rest > 0) & (a < 0)) ? back : rest;
  return copysign(value, a);
}

// ---- Power ----

// |x|^y by way of double; the rules of C's pow for zeros, infinities and NaN.
inline Vec<float> power(Vec<float> x, Vec<float> y) {
  using V = Vec<float>;
  const V magnitude = abs(x);
  const DoublePair base = widen(magnitude), exponent = widen(y);
  V value = narrow({exp(log(base.low) * exponent.low), exp(log(base.high) * exponent.high)});
  value = ((magnitude == 1) & (abs(y) == __builtin_inff())) ? splat<V>(1) : value;
  const Vec<int32_t> negative = Vec<int32_t>(x) < 0;
  const Vec<int32_t> integer = floor(y) == y;
  const Vec<int32_t> odd = integer & (floor(y * 0.5f) * 2 != y);
  value = (negative & odd) != 0 ? -value : value;
  const V undefined = splat<V>(__builtin_nanf(""));
  const Vec<int32_t> finite_negative = (x < 0) & (magnitude < __builtin_inff());
  value = (finite_negative & ~integer) != 0 ? undefined : value;
  return ((x == 1) | (y == 0)) ? splat<V>(1) : value;
}
inline Vec<double> power(Vec<double> x, Vec<double> y) {
  double xs[kLanes<double>], ys[kLanes<double>];
  store(xs, x);
  store(ys, y);
  for (int i = 0; i < kLanes<double>; ++i) xs[i] = __builtin_pow(xs[i], ys[i]);
  return load(xs);
}

// ---- Quantile of the normal distribution ----

// z >= 0 with upper tail probability p, 2^-36 < p <= 1/2, and q = 1/2 - p, both given because one
// alone loses digits of the other. Relative error about 1e-7. Wichura, algorithm AS 241 (PPND7),
// Applied Statistics 37 (1988).
inline Vec<float> normal_quantile(Vec<float> p, Vec<float> q) {
  using V = Vec<float>;
  static constexpr float a[] = {3.3871327179f, 50.434271938f, 159.29113202f, 59.109374720f};
  static constexpr float b[] = {1.0f, 17.895169469f, 78.757757664f, 67.187563600f};
  static constexpr float c[] = {1.4234372777f, 2.7568153900f, 1.3067284816f, 0.17023821103f};
  static constexpr float d[] = {1.0f, 0.73700164250f, 0.12021132975f};
  const V r = 0.180625f - q * q;
  const V central = q * polynomial(r, a) / polynomial(r, b);
  const V s = sqrt(-log(p)) - 1.6f;
  const V tail = polynomial(s, c) / polynomial(s, d);
  return q <= 0.425f ? central : tail;
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
