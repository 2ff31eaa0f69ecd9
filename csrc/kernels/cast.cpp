// Conversions between all pairs of element types.
#include "kernels/fill.h"
#include "simd/loops.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// Storage of the types that C++ lacks, or of which the stored byte matters.
struct Bool {
  uint8_t byte;
};
struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

// The value of an element, in a type that holds it exactly.
template <class T>
inline T decode(T v) {
  return v;
}
inline uint8_t decode(Bool v) { return v.byte != 0; }
inline float decode(Half v) { return half_to_float(v.bits); }
inline float decode(BFloat16 v) { return bfloat16_to_float(v.bits); }

// Float to integer is undefined in C++ beyond the range of the integer, so the value is first
// brought into it: NaN gives 0, other values the nearest end of the range.
template <class To, class From>
inline To truncate(From v) {
  constexpr bool is_signed = To(-1) < To(0);
  constexpr int value_bits = 8 * int(sizeof(To)) - int(is_signed);
  constexpr int digits = sizeof(From) == 4 ? 24 : 53;
  // The largest number of type From that To holds: value_bits ones, or the first `digits` of them.
  constexpr From end = From(uint64_t(1) << (value_bits - 1)) * 2;
  constexpr From gap = value_bits > digits ? From(uint64_t(1) << (value_bits - digits)) : From(1);
  constexpr From highest = end - gap;
  constexpr From lowest = is_signed ? -end : From(0);
  From inside = v > lowest ? v : lowest;
  inside = inside < highest ? inside : highest;
  return To(v == v ? inside : From(0));
}

template <class To>
struct Encode {
  template <class From>
  static To from(From v) {
    return To(v);
  }
};
template <class To>
struct EncodeInteger {
  template <class From>
  static To from(From v) {
    return To(v);
  }
  static To from(float v) { return truncate<To>(v); }
  static To from(double v) { return truncate<To>(v); }
};
template <>
struct Encode<uint8_t> : EncodeInteger<uint8_t> {};
template <>
struct Encode<uint16_t> : EncodeInteger<uint16_t> {};
template <>
struct Encode<uint32_t> : EncodeInteger<uint32_t> {};
template <>
struct Encode<uint64_t> : EncodeInteger<uint64_t> {};
template <>
struct Encode<int8_t> : EncodeInteger<int8_t> {};
template <>
struct Encode<int16_t> : EncodeInteger<int16_t> {};
template <>
struct Encode<int32_t> : EncodeInteger<int32_t> {};
template <>
struct Encode<int64_t> : EncodeInteger<int64_t> {};
template <>
struct Encode<Bool> {
  template <class From>
  static Bool from(From v) {
    return {uint8_t(v != From(0))};
  }
};
template <>
struct Encode<Half> {
  template <class From>
  static Half from(From v) {
    return {float_to_half(float(v))};
  }
};
template <>
struct Encode<BFloat16> {
  template <class From>
  static BFloat16 from(From v) {
    return {float_to_bfloat16(float(v))};
  }
};

template <class From, class To>
void cast(const void* x, void* y, int64_t n) {
  loop1<From, To>(x, y, n, [](From v) { return Encode<To>::from(decode(v)); });
}

// Between float and half there are instructions.
void half_to_float_range(const void* x, void* y, int64_t n) {
  const uint16_t* xs = static_cast<const uint16_t*>(x);
  float* ys = static_cast<float*>(y);
  int64_t i = 0;
  for (; i + kLanes<float> <= n; i += kLanes<float>) store(ys + i, load_half(xs + i));
  for (; i < n; ++i) ys[i] = half_to_float(xs[i]);
}
void float_to_half_range(const void* x, void* y, int64_t n) {
  const float* xs = static_cast<const float*>(x);
  uint16_t* ys = static_cast<uint16_t*>(y);
  int64_t i = 0;
  for (; i + kLanes<float> <= n; i += kLanes<float>) store_half(ys + i, load(xs + i));
  for (; i < n; ++i) ys[i] = float_to_half(xs[i]);
}

template <class From>
void fill_from(KernelTable& table, DType from) {
  CastFn* row = table.cast[int(from)];
  row[int(DType::bool_)] = cast<From, Bool>;
  row[int(DType::uint8)] = cast<From, uint8_t>;
  row[int(DType::uint16)] = cast<From, uint16_t>;
  row[int(DType::uint32)] = cast<From, uint32_t>;
  row[int(DType::uint64)] = cast<From, uint64_t>;
  row[int(DType::int8)] = cast<From, int8_t>;
  row[int(DType::int16)] = cast<From, int16_t>;
  row[int(DType::int32)] = cast<From, int32_t>;
  row[int(DType::int64)] = cast<From, int64_t>;
  row[int(DType::float16)] = cast<From, Half>;
  row[int(DType::bfloat16)] = cast<From, BFloat16>;
  row[int(DType::float32)] = cast<From, float>;
  row[int(DType::float64)] = cast<From, double>;
}

}  // namespace

void fill_cast(KernelTable& table) {
  fill_from<Bool>(table, DType::bool_);
  fill_from<uint8_t>(table, DType::uint8);
  fill_from<uint16_t>(table, DType::uint16);
  fill_from<uint32_t>(table, DType::uint32);
  fill_from<uint64_t>(table, DType::uint64);
  fill_from<int8_t>(table, DType::int8);
  fill_from<int16_t>(table, DType::int16);
  fill_from<int32_t>(table, DType::int32);
  fill_from<int64_t>(table, DType::int64);
  fill_from<Half>(table, DType::float16);
  fill_from<BFloat16>(table, DType::bfloat16);
  fill_from<float>(table, DType::float32);
  fill_from<double>(table, DType::float64);
  table.cast[int(DType::float16)][int(DType::float32)] = half_to_float_range;
  table.cast[int(DType::float32)][int(DType::float16)] = float_to_half_range;
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
