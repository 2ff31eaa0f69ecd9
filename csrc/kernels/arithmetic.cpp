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

inline float remainder_to_zero(float a, float b) { return __builtin_fmodf(a, b); }
inline double remainder_to_zero(double a, double b) { return __builtin_fmod(a, b); }
inline float round_down(float x) { return __builtin_floorf(x); }
inline double round_down(double x) { return __builtin_floor(x); }
template <class T>
inline T signed_zero(T sign_of) {
  return sign_of < 0 ? -T(0) : T(0);
}

// Python's a % b: the sign of b, also that of a zero result.
template <class T>
inline T python_mod(T a, T b) {
  const T rest = remainder_to_zero(a, b);
  if (rest == 0) return signed_zero(b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

// Python's a // b, consistent with its %; a / b where b is 0.
template <class T>
inline T python_floor_divide(T a, T b) {
  if (b == 0) return a / b;
  const T rest = remainder_to_zero(a, b);
  T quotient = (a - rest) / b;  // an integer up to rounding
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
  if (quotient == 0) return signed_zero(a / b);
  const T low = round_down(quotient);
  return quotient - low > T(0.5) ? low + 1 : low;
}

template <class T>
void floor_divide(const void* a, bool as, const void* b, bool bs, Output y, int64_t n,
                  const double*) {
  loop2<T, T>(a, as, b, bs, y, n, [](T u, T v) { return python_floor_divide(u, v); });
}
template <class T>
void mod(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, T>(a, as, b, bs, y, n, [](T u, T v) { return python_mod(u, v); });
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
