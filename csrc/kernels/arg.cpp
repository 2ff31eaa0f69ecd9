// Index of the maximum or minimum of a row: the value first, then its first place. Two fast passes
// beat one with a data-dependent branch.
#include "kernels/fill.h"
#include "kernels/rows.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

template <class T>
int64_t argmax(const void* x, int64_t n) {
  const T* xs = static_cast<const T*>(x);
  return first_index_of(xs, n, row_maximum(xs, n));
}
template <class T>
int64_t argmin(const void* x, int64_t n) {
  const T* xs = static_cast<const T*>(x);
  return first_index_of(xs, n, row_minimum(xs, n));
}

template <class T>
void fill_type(KernelTable& table, int index) {
  table.argmax[index] = argmax<T>;
  table.argmin[index] = argmin<T>;
}

}  // namespace

void fill_arg(KernelTable& table) {
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
