// Functions of which float has a vector version, and double one lane at a time from the C library:
// erf, gelu and its gradient, sin, cos, power, and the quantile of the normal distribution (float
// only).
//
// Errors in ULP, as in simd/math.h:
//
//              float   double
//   erf          1.5     1
//   gelu         2       4     down to 2^10 times the smallest normal number
//   sin, cos     2       1     any argument
//   power        1       1
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
  return map_lanes<double>(x, [](double v) { return __builtin_erf(v); });
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

inline constexpr double kRootHalf = 0.70710678118654752440;
inline constexpr double kDensityAtZero = 0.39894228040143267794;

// exp(-t^2 / 2).
template <class V>
inline Extended<V> bell_curve(V t) {
  const Extended<V> square = extended_product(t, t);
  Extended<V> bell = extended_exp(square.value * Scalar<V>(-0.5));
  bell.lost = mul_add(bell.value, square.lost * Scalar<V>(-0.5), bell.lost);
  return bell;
}

inline NormalTail<Vec<float>> normal_tail(Vec<float> t) {
  using V = Vec<float>;
  // Mills' ratio, tail / exp(-t^2 / 2), times t + 4, in w = (t - 4) / (t + 4), t <= 14.5: the first
  // coefficient, in two parts, and the others.
  constexpr float kFirst = 0.755285144f, kFirstLow = -8.46814752e-09f;
  static constexpr float others[] = {-0.607896588f,  0.387136901f,    -0.186523441f,
                                     0.0604038311f,  -0.00752527122f, -0.003512554f,
                                     0.00156992324f, 0.000179354172f, -0.000131971736f};
  t = smaller_of(splat<V>(14.5f), t);  // the density is 0 beyond
  const Extended<V> bell = bell_curve(t);
  const V below = t + 4;
  const V lost_below = t - (below - 4);
  const V v = 1 / below;
  const V w = mul_add(v, splat<V>(-8), splat<V>(1));
  const V rest = polynomial(w, others);
  const V numerator = mul_add(w, rest, splat<V>(kFirst));
  const V excess = residual(w, rest, numerator - kFirst) - kFirstLow;
  const V ratio = v * numerator;
  // This is the ratio at 1 / v - 4, which is t + shift. Its derivative is t * ratio - phi(0).
  const V shift = (residual(below, v, splat<V>(1)) - lost_below * v) * below;
  const V slope = mul_add(t, ratio, splat<V>(float(-kDensityAtZero)));
  V lost_ratio = mul_add(-v, excess, -residual(v, numerator, ratio));
  lost_ratio = mul_add(-slope, shift, lost_ratio);
  const V tail = bell.value * ratio;
  V lost = mul_add(bell.lost, ratio, -residual(bell.value, ratio, tail));
  lost = mul_add(bell.value, lost_ratio, lost);
  return {tail, lost, bell.value * float(kDensityAtZero)};
}

// As exact as the C library's erfc.
inline NormalTail<Vec<double>> normal_tail(Vec<double> t) {
  using V = Vec<double>;
  // t * sqrt(1/2) = z + lost, exactly but for 2^-80: erfc would multiply the rounding error by z^2.
  constexpr double kRootHalfLow = -4.8336466567264567e-17;  // sqrt(1/2) - kRootHalf
  const Extended<V> z = extended_product(t, splat<V>(kRootHalf));
  const V lost = mul_add(t, splat<V>(kRootHalfLow), z.lost);
  const V density = exp(t * t * -0.5) * kDensityAtZero;
  const V tail = map_lanes<double>(z.value, [](double v) { return 0.5 * __builtin_erfc(v); });
  return {tail, density * (-2 * kRootHalf) * lost, density};
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

// Whether some |x| is too large for reduce_angle (or infinite); NaN is not.
inline bool any_large_angle(Vec<float> x) {
  const Vec<int32_t> large = abs(x) > 0x1p20f;
  int32_t any = 0;
  for (int i = 0; i < kLanes<float>; ++i) any |= large[i];
  return any != 0;
}

inline Vec<float> sin(Vec<float> x) {
  if (any_large_angle(x)) {
    return map_lanes<float>(x, [](float v) { return float(__builtin_sin(double(v))); });
  }
  const Vec<float> value = sin_angle(reduce_angle(x));
  return x == 0 ? x : value;  // sin(-0) = -0
}
inline Vec<float> cos(Vec<float> x) {
  if (any_large_angle(x)) {
    return map_lanes<float>(x, [](float v) { return float(__builtin_cos(double(v))); });
  }
  Angle a = reduce_angle(x);
  a.quadrant += 1;
  return sin_angle(a);
}
inline Vec<double> sin(Vec<double> x) {
  return map_lanes<double>(x, [](double v) { return __builtin_sin(v); });
}
inline Vec<double> cos(Vec<double> x) {
  return map_lanes<double>(x, [](double v) { return __builtin_cos(v); });
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
