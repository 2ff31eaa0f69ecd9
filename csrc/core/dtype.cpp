#include "core/dtype.h"

#include "core/error.h"

namespace pynn {

namespace {

struct DTypeInfo {
  const char* name;
  size_t size;
};

constexpr DTypeInfo kInfo[kNumDTypes] = {
    {"bool", 1},     {"uint8", 1},   {"uint16", 2},  {"uint32", 4}, {"uint64", 8},
    {"int8", 1},     {"int16", 2},   {"int32", 4},   {"int64", 8},  {"float16", 2},
    {"bfloat16", 2}, {"float32", 4}, {"float64", 8},
};

}  // namespace

size_t item_size(DType dtype) { return kInfo[int(dtype)].size; }
const char* dtype_name(DType dtype) { return kInfo[int(dtype)].name; }

DType parse_dtype(const std::string& name) {
  for (int i = 0; i < kNumDTypes; ++i)
    if (name == kInfo[i].name) return DType(i);
  std::string known;
  for (const DTypeInfo& info : kInfo) known += concat(known.empty() ? "" : ", ", info.name);
  value_error("pynn: unknown dtype '", name, "'; known: ", known);
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (a == DType::bool_) return b;
  if (b == DType::bool_) return a;
  if (is_float(a) && is_float(b)) {
    // float16 and bfloat16 have no common 16-bit type; otherwise the wider one, in enum order.
    if (a <= DType::bfloat16 && b <= DType::bfloat16) return DType::float32;
    return a > b ? a : b;
  }
  if (is_float(a)) return a;
  if (is_float(b)) return b;
  if (is_unsigned(a) == is_unsigned(b)) return item_size(a) > item_size(b) ? a : b;
  // Signed with unsigned: a signed type that holds both; none holds uint64, which then becomes
  // float32 (weak float).
  const DType u = is_unsigned(a) ? a : b, s = is_unsigned(a) ? b : a;
  if (u == DType::uint64) return DType::float32;
  const DType wide = u == DType::uint8    ? DType::int16
                     : u == DType::uint16 ? DType::int32
                                          : DType::int64;
  return item_size(s) > item_size(wide) ? s : wide;
}

DType float_dtype(DType dtype) { return is_float(dtype) ? dtype : DType::float32; }

}  // namespace pynn
