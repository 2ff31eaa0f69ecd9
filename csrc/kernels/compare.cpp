// Comparisons and logic: any element type in, bool out.
#include "kernels/fill.h"
#include "simd/loops.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
void equal(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, uint8_t>(a, as, b, bs, y, n, [](T u, T v) -> uint8_t { return u == v; });
}
template <class T>
void not_equal(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, uint8_t>(a, as, b, bs, y, n, [](T u, T v) -> uint8_t { return u != v; });
}
template <class T>
void less(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, uint8_t>(a, as, b, bs, y, n, [](T u, T v) -> uint8_t { return u < v; });
}
template <class T>
void less_equal(const void* a, bool as, const void* b, bool bs, Output y, int64_t n,
                const double*) {
  loop2<T, uint8_t>(a, as, b, bs, y, n, [](T u, T v) -> uint8_t { return u <= v; });
}
template <class T>
void greater(const void* a, bool as, const void* b, bool bs, Output y, int64_t n, const double*) {
  loop2<T, uint8_t>(a, as, b, bs, y, n, [](T u, T v) -> uint8_t { return u > v; });
}
template <class T>
void greater_equal(const void* a, bool as, const void* b, bool bs, Output y, int64_t n,
                   const double*) {
  loop2<T, uint8_t>(a, as, b, bs, y, n, [](T u, T v) -> uint8_t { return u >= v; });
}

// Non-zero is true, NaN too.
template <class T>
void logical_not(const void* x, Output y, int64_t n, const double*) {
  loop1<T, uint8_t>(x, y, n, [](T v) -> uint8_t { return v == T(0); });
}
template <class T>
void logical_and(const void* a, bool as, const void* b, bool bs, Output y, int64_t n,
                 const double*) {
  loop2<T, uint8_t>(a, as, b, bs, y, n,
                    [](T u, T v) -> uint8_t { return (u != T(0)) & (v != T(0)); });
}
template <class T>
void logical_or(const void* a, bool as, const void* b, bool bs, Output y, int64_t n,
                const double*) {
  loop2<T, uint8_t>(a, as, b, bs, y, n,
                    [](T u, T v) -> uint8_t { return (u != T(0)) | (v != T(0)); });
}
template <class T>
void logical_xor(const void* a, bool as, const void* b, bool bs, Output y, int64_t n,
                 const double*) {
  loop2<T, uint8_t>(a, as, b, bs, y, n,
                    [](T u, T v) -> uint8_t { return (u != T(0)) != (v != T(0)); });
}

template <class T>
void fill_type(KernelTable& table, int index) {
  const auto set = [&](Binary op, BinaryFn kernel) { table.binary[int(op)][index] = kernel; };
  set(Binary::equal, equal<T>);
  set(Binary::not_equal, not_equal<T>);
  set(Binary::less, less<T>);
  set(Binary::less_equal, less_equal<T>);
  set(Binary::greater, greater<T>);
  set(Binary::greater_equal, greater_equal<T>);
  set(Binary::logical_and, logical_and<T>);
  set(Binary::logical_or, logical_or<T>);
  set(Binary::logical_xor, logical_xor<T>);
  table.unary[int(Unary::logical_not)][index] = logical_not<T>;
}

}  // namespace

void fill_compare(KernelTable& table) {
  fill_type<uint8_t>(table, kBool);
  fill_type<uint8_t>(table, kIndex<uint8_t>);
  fill_type<uint16_t>(table, kIndex<uint16_t>);
  fill_type<uint32_t>(table, kIndex<uint32_t>);
  fill_type<uint64_t>(table, kIndex<uint64_t>);
  fill_type<int8_t>(table, kIndex<int8_t>);
  fill_type<int16_t>(table, kIndex<int16_t>);
  fill_type<int32_t>(table, kIndex<int32_t>);
  fill_type<int64_t>(table, kIndex<int64_t>);
  fill_type<float>(table, kIndex<float>);
  fill_type<double>(table, kIndex<double>);
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
