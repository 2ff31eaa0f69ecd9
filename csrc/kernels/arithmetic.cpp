// Elementwise arithmetic on two float arguments.
#include "kernels/fill.h"
#include "simd/loops.h"
#include "simd/special.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
void add(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  map2<T>(a, as, b, bs, y, n, [](auto u, auto v) { return u + v; });
}
template <class T>
void subtract(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  map2<T>(a, as, b, bs, y, n, [](auto u, auto v) { return u - v; });
}
template <class T>
void multiply(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  map2<T>(a, as, b, bs, y, n, [](auto u, auto v) { return u * v; });
}
template <class T>
void divide(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  map2<T>(a, as, b, bs, y, n, [](auto u, auto v) { return u / v; });
}
template <class T>
void larger(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  map2<T>(a, as, b, bs, y, n, [](auto u, auto v) { return maximum(u, v); });
}
template <class T>
void smaller(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  map2<T>(a, as, b, bs, y, n, [](auto u, auto v) { return minimum(u, v); });
}
template <class T>
void raise(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  if (bs && n > 0 && *static_cast<const T*>(b) == 2) {  // the usual one; the same bits, far cheaper
    map2<T>(a, as, a, as, y, n, [](auto u, auto) { return u * u; });
    return;
  }
  map2<T>(a, as, b, bs, y, n, [](auto u, auto v) { return power(u, v); });
}

// Where the sign of the divisor asks for the next quotient below the one rounded towards zero.
template <class V>
inline IntVec<V> rounds_down(V rest, V b) {
  return (rest != 0) & ((rest < 0) != (b < 0));
}

// Python's a % b: the sign of b, also that of a zero result.
template <class V>
inline V python_mod(V a, V b) {
  const V rest = remainder(a, b);
  const V value = rounds_down(rest, b) ? rest + b : rest;
  return value == 0 ? copysign(value, b) : value;
}

// Python's a // b, consistent with its %; a / b where b is 0.
template <class V>
inline V python_floor_divide(V a, V b) {
  const V rest = remainder(a, b), ratio = a / b;
  V quotient = (a - rest) / b;  // an integer up to rounding
  quotient = rounds_down(rest, b) ? quotient - 1 : quotient;
  const V low = floor(quotient);
  const V whole = quotient - low > Scalar<V>(0.5) ? low + 1 : low;
  const V value = quotient == 0 ? (ratio < 0 ? splat<V>(-0.0) : V{}) : whole;
  return b == 0 ? ratio : value;
}

template <class T>
void floor_divide(const void* a, bool as, const void* b, bool bs, Output y, int64_t n,
                  const double*) {
  map2<T>(a, as, b, bs, y, n, [](auto u, auto v) { return python_floor_divide(u, v); });
}
template <class T>
void mod(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  map2<T>(a, as, b, bs, y, n, [](auto u, auto v) { return python_mod(u, v); });
}

template <class T>
void fill_float(KernelTable& table) {
  const auto set = [&](Binary op, BinaryFn kernel) { table.binary[int(op)][kIndex<T>] = kernel; };
  set(Binary::add, add<T>);
  set(Binary::subtract, subtract<T>);
  set(Binary::multiply, multiply<T>);
  set(Binary::divide, divide<T>);
  set(Binary::floor_divide, floor_divide<T>);
  set(Binary::mod, mod<T>);
  set(Binary::power, raise<T>);
  set(Binary::maximum, larger<T>);
  set(Binary::minimum, smaller<T>);
}

}  // namespace

void fill_arithmetic(KernelTable& table) {
  fill_float<float>(table);
  fill_float<double>(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
