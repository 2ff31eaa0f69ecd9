// Elementwise functions of integers and bools. Plain loops: the compiler makes vector code of them.
// Overflow wraps round, so sums and products are formed in the unsigned type.
#include "kernels/fill.h"
#include "simd/loops.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// Unsigned, and wide enough not to be promoted to (signed) int.
template <class T>
struct WrapOf {
  using type = uint32_t;
};
template <>
struct WrapOf<uint64_t> {
  using type = uint64_t;
};
template <>
struct WrapOf<int64_t> {
  using type = uint64_t;
};
template <class T>
using Wrap = typename WrapOf<T>::type;

template <class T>
inline constexpr bool kSigned = T(-1) < T(0);

template <class T>
inline T wrapped_negative(T v) {
  return T(Wrap<T>(0) - Wrap<T>(v));
}
template <class T>
inline T wrapped_product(T u, T v) {
  return T(Wrap<T>(u) * Wrap<T>(v));
}

// ---- One argument ----

template <class T>
void negative(const void* x, Output y, int64_t n, const double*) {
  loop1<T, T>(x, y, n, [](T v) { return wrapped_negative(v); });
}
template <class T>
void absolute(const void* x, Output y, int64_t n, const double*) {
  loop1<T, T>(x, y, n, [](T v) { return v < T(0) ? wrapped_negative(v) : v; });
}
template <class T>
void sign(const void* x, Output y, int64_t n, const double*) {
  loop1<T, T>(x, y, n, [](T v) { return T((v > T(0)) - (v < T(0))); });
}
template <class T>
void square(const void* x, Output y, int64_t n, const double*) {
  loop1<T, T>(x, y, n, [](T v) { return wrapped_product(v, v); });
}
template <class T>
void identity(const void* x, Output y, int64_t n, const double*) {
  if (x != y.data) __builtin_memcpy(y.data, x, uint64_t(n) * sizeof(T));
}
template <class T>
void relu(const void* x, Output y, int64_t n, const double*) {
  loop1<T, T>(x, y, n, [](T v) { return v > T(0) ? v : T(0); });
}

// The integer nearest to `bound` in the range of T.
template <class T>
inline T saturate(double bound) {
  constexpr T lowest = kSigned<T> ? T(Wrap<T>(1) << (8 * sizeof(T) - 1)) : T(0);
  constexpr T highest = T(~lowest);
  if (!(bound > double(lowest))) return lowest;
  return bound >= double(highest) ? highest : T(bound);
}
template <class T>
void clip(const void* x, Output y, int64_t n, const double* params) {
  const T low = saturate<T>(params[0]), high = saturate<T>(params[1]);
  loop1<T, T>(x, y, n, [=](T v) {
    const T raised = v < low ? low : v;
    return raised > high ? high : raised;
  });
}

// ---- Two arguments ----

template <class T>
void add(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, T>(a, as, b, bs, y, n, [](T u, T v) { return T(Wrap<T>(u) + Wrap<T>(v)); });
}
template <class T>
void subtract(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, T>(a, as, b, bs, y, n, [](T u, T v) { return T(Wrap<T>(u) - Wrap<T>(v)); });
}
template <class T>
void multiply(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, T>(a, as, b, bs, y, n, [](T u, T v) { return wrapped_product(u, v); });
}
template <class T>
void larger(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, T>(a, as, b, bs, y, n, [](T u, T v) { return u > v ? u : v; });
}
template <class T>
void smaller(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, T>(a, as, b, bs, y, n, [](T u, T v) { return u < v ? u : v; });
}

// Division by -1 apart: lowest / -1 overflows, which stops the process on x86.
template <class T>
inline T python_floor_divide(T u, T v) {
  if (v == T(0)) return T(0);
  if (kSigned<T> && v == T(-1)) return wrapped_negative(u);
  const T quotient = T(u / v);
  const bool inexact = T(quotient * v) != u;
  return T(quotient - T(inexact && (u < T(0)) != (v < T(0))));
}
template <class T>
inline T python_mod(T u, T v) {
  if (v == T(0) || (kSigned<T> && v == T(-1))) return T(0);
  const T rest = T(u % v);
  return T(rest != T(0) && (rest < T(0)) != (v < T(0)) ? rest + v : rest);
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

// By repeated squaring. A negative exponent gives the truncated result: 0 but for bases 1 and -1.
template <class T>
inline T integer_power(T base, T exponent) {
  if (exponent < T(0)) {
    if (base == T(1)) return T(1);
    return base == T(-1) ? T(exponent & 1 ? -1 : 1) : T(0);
  }
  T result = T(1);
  for (Wrap<T> rest = Wrap<T>(exponent); rest != 0; rest >>= 1) {
    if (rest & 1) result = wrapped_product(result, base);
    base = wrapped_product(base, base);
  }
  return result;
}
template <class T>
void raise(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, T>(a, as, b, bs, y, n, [](T u, T v) { return integer_power(u, v); });
}

template <class T>
void fill_integer_type(KernelTable& table) {
  const auto unary = [&](Unary op, UnaryFn kernel) { table.unary[int(op)][kIndex<T>] = kernel; };
  unary(Unary::negative, negative<T>);
  unary(Unary::abs, absolute<T>);
  unary(Unary::sign, sign<T>);
  unary(Unary::square, square<T>);
  unary(Unary::floor, identity<T>);
  unary(Unary::ceil, identity<T>);
  unary(Unary::round, identity<T>);
  unary(Unary::relu, relu<T>);
  unary(Unary::clip, clip<T>);
  const auto binary = [&](Binary op, BinaryFn kernel) {
    table.binary[int(op)][kIndex<T>] = kernel;
  };
  binary(Binary::add, add<T>);
  binary(Binary::subtract, subtract<T>);
  binary(Binary::multiply, multiply<T>);
  binary(Binary::floor_divide, floor_divide<T>);
  binary(Binary::mod, mod<T>);
  binary(Binary::power, raise<T>);
  binary(Binary::maximum, larger<T>);
  binary(Binary::minimum, smaller<T>);
}

// On bools, stored as 0 and 1, "or" is the larger and "and" the smaller.
void fill_bool(KernelTable& table) {
  table.binary[int(Binary::add)][kBool] = larger<uint8_t>;
  table.binary[int(Binary::maximum)][kBool] = larger<uint8_t>;
  table.binary[int(Binary::multiply)][kBool] = smaller<uint8_t>;
  table.binary[int(Binary::minimum)][kBool] = smaller<uint8_t>;
}

}  // namespace

void fill_integer(KernelTable& table) {
  fill_integer_type<uint8_t>(table);
  fill_integer_type<uint16_t>(table);
  fill_integer_type<uint32_t>(table);
  fill_integer_type<uint64_t>(table);
  fill_integer_type<int8_t>(table);
  fill_integer_type<int16_t>(table);
  fill_integer_type<int32_t>(table);
  fill_integer_type<int64_t>(table);
  fill_bool(table);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
