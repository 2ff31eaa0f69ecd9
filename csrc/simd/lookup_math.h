// Functions of float at levels with a lookup instruction: a table of sixteen numbers is in a
// register, and to look up in it is as cheap as an addition. So the range is cut into sixteen
// pieces, and a short polynomial is enough in each. Errors are stated in simd/math.h and
// simd/special.h.
//
// The functions are templates only because other levels, which never call them, lack what they are
// made of.
#pragma once

#include "simd/lookup_tables.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// From there on tanh and erf are 1, and the tail of the normal distribution is 0.
inline constexpr float kTanhBorder = 9.1f, kErfBorder = 3.8749f, kGeluBorder = 14.5f;
// Adding it rounds to a multiple of 1 / 16 and leaves that in the low bits.
inline constexpr float kRoundToSixteenth = 0x1.8p19f;
inline constexpr float kLog2e = 1.44269502f, kLog2eLow = 1.92596303e-08f, kLn2 = 0.693147182f;

// Whether V has the functions of this file.
template <class V>
inline constexpr bool kByLookup = kHasLookup && sizeof(Scalar<V>) == sizeof(float);

// ---- Functions in pieces ----

// f(x) = c0 + slope * t.
template <class V>
struct InPiece {
  V c0, slope, t;

  V value() const { return mul_add(slope, t, c0); }
};

// 0 <= x <= the last border, or NaN.
template <class V, int Degree>
inline InPiece<V> in_pieces(V x, const Pieces<Degree>& f) {
  // Four pieces in each binade of x + shift: narrow ones where f bends.
  const IntVec<V> piece = IntVec<V>(x + f.shift) >> 21;
  const V t = x - lookup(f.centre, piece);
  V slope = lookup(f.c[Degree], piece);
#pragma GCC unroll 8
  for (int i = Degree - 1; i > 0; --i) slope = mul_add(slope, t, lookup(f.c[i], piece));
  return {lookup(f.c[0], piece), slope, t};
}

template <class V>
inline V lookup_tanh(V x) {
  const V magnitude = smaller_of(splat<V>(kTanhBorder), abs(x));
  return copysign(in_pieces(magnitude, kTanh).value(), x);
}

template <class V>
inline V lookup_erf(V x) {
  const V magnitude = smaller_of(splat<V>(kErfBorder), abs(x));
  // Pieces of width 1 / 4 around multiples of it.
  const V round = splat<V>(0x1.8p21f);
  const V shifted = magnitude + round;
  const IntVec<V> piece = IntVec<V>(shifted);
  const V t = magnitude - (shifted - round);
  V slope = lookup(kErf[5], piece);
#pragma GCC unroll 8
  for (int i = 4; i > 0; --i) slope = mul_add(slope, t, lookup(kErf[i], piece));
  // In the first piece, where erf(0) = 0, the slope is what exceeds 1: no bits are lost.
  return copysign(mul_add(slope, t, larger_of(lookup(kErf[0], piece), t)), x);
}

// ---- Exponential ----

// exp(x) = root * (1 + rest) * 2^floor(whole); `whole` is infinite or NaN where x is, and else root
// and rest are as they should be or, for a large |x|, in any case positive together.
template <class V>
struct SplitExp {
  V root, rest, whole;
};

// x * log2(e) = whole + f, whole a multiple of 1 / 16, |f| <= 1 / 32.
template <class V>
inline SplitExp<V> split_exp(V f, V shifted, V whole) {
  const IntVec<V> sixteenths = IntVec<V>(shifted);
  const V slope = polynomial(f, kExp2);
  return {lookup(kRoots, sixteenths), mul_add(f, slope, lookup(kRootRests, sixteenths)), whole};
}
template <class V>
inline SplitExp<V> split_exp(V x, float sign) {
  const V round = splat<V>(kRoundToSixteenth);
  const V shifted = mul_add(x, splat<V>(sign * kLog2e), round);
  const V whole = shifted - round;
  V f = mul_add(x, splat<V>(sign * kLog2e), -whole);
  f = mul_add(x, splat<V>(sign * kLog2eLow), f);
  return split_exp(nearer_zero(f, splat<V>(1)), shifted, whole);  // 1 for NaN
}

template <class V>
inline V lookup_exp(V x) {
  const SplitExp<V> e = split_exp(x, 1);
  return scale_by_power_of_two(mul_add(e.root, e.rest, e.root), e.whole);
}

template <class V>
inline V lookup_sigmoid(V x) {
  const SplitExp<V> e = split_exp(larger_of(splat<V>(-104), x), -1);  // 0 below
  // Both terms of the sum are 2^-64 as large, so that it is finite where the result is subnormal.
  // What is small joins the smaller one first.
  const IntVec<V> one = IntVec<V>(splat<V>(0x1p-64f));
  const IntVec<V> power = IntVec<V>(scale_by_power_of_two(e.root, e.whole - 64));
  const V smaller = V(power < one ? power : one), larger = V(power < one ? one : power);
  return V(one) / (mul_add(V(power), e.rest, smaller) + larger);
}

// ---- Normal distribution ----

// exp(-t^2 / 2) for t >= 0.
template <class V>
inline SplitExp<V> split_bell(V t) {
  const V square = t * t;
  const V lost = mul_add(t, t, -square);
  const V round = splat<V>(kRoundToSixteenth);
  const V shifted = mul_add(square, splat<V>(-0.5f * kLog2e), round);
  const V whole = shifted - round;
  V f = mul_add(square, splat<V>(-0.5f * kLog2e), -whole);
  f = mul_add(square, splat<V>(-0.5f * kLog2eLow), f);
  f = mul_add(lost, splat<V>(-0.5f * kLog2e), f);
  return split_exp(f, shifted, whole);
}

template <class V>
inline V lookup_gelu(V x) {
  const V t = smaller_of(splat<V>(kGeluBorder), abs(x));
  const SplitExp<V> e = split_bell(t);
  const InPiece<V> half = in_pieces(t, kGelu);
  const V g = mul_add(half.slope, half.t, larger_of(half.c0, half.t * 0.5f));
  const V product = g * e.root;
  const V lost = mul_add(g, e.root, -product);
  const V tail = scale_by_power_of_two(product + mul_add(product, e.rest, lost), e.whole);
  return larger_of(splat<V>(-0.0f), x) - tail;  // -0 stays
}

template <class V>
inline V lookup_gelu_derivative(V x) {
  const V t = smaller_of(splat<V>(kGeluBorder), abs(x));
  const SplitExp<V> e = split_bell(t);
  const V h = in_pieces(t, kGeluDerivative).value() * e.root;
  const V tail = scale_by_power_of_two(mul_add(h, e.rest, h), e.whole);
  return x < 0 ? tail : 1 - tail;
}

// ---- Logarithm ----

template <class V>
inline V lookup_log(V x) {
  const V m = mantissa(x);
  const IntVec<V> piece = IntVec<V>(m) >> 19;
  const V r = mul_add(m, lookup(kInverse, piece), splat<V>(-1));
  const V low = mul_add(r * r, polynomial(r, kLogTail), r);
  const V high = mul_add(exponent(x), splat<V>(kLn2), lookup(kLogInverse, piece));
  return high + low;
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
