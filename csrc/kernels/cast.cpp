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
// 1 for any byte but 0, without a comparison: the compiler makes no vector code of those.
inline uint8_t decode(Bool v) { return uint8_t((v.byte + 0xffu) >> 8); }
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

// Between float and half there are instructions, or a few of them at least.
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

// Between half and other types by way of floats, a few at a time.
constexpr int64_t kFloatsAtOnce = 256;

template <class From>
void cast_to_half(const void* x, void* y, int64_t n) {
  float floats[kFloatsAtOnce];
  for (int64_t i = 0; i < n; i += kFloatsAtOnce) {
    const int64_t count = n - i < kFloatsAtOnce ? n - i : kFloatsAtOnce;
    cast<From, float>(static_cast<const From*>(x) + i, floats, count);
    float_to_half_range(floats, static_cast<uint16_t*>(y) + i, count);
  }
}
template <class To>
void cast_from_half(const void* x, void* y, int64_t n) {
  float floats[kFloatsAtOnce];
  for (int64_t i = 0; i < n; i += kFloatsAtOnce) {
    const int64_t count = n - i < kFloatsAtOnce ? n - i : kFloatsAtOnce;
    half_to_float_range(static_cast<const uint16_t*>(x) + i, floats, count);
    cast<float, To>(floats, static_cast<To*>(y) + i, count);
  }
}

// The kernel between two types.
template <class From, class To>
struct Cast {
  static constexpr CastFn kernel = cast<From, To>;
};
template <class To>
struct Cast<Half, To> {
  static constexpr CastFn kernel = cast_from_half<To>;
};
template <class From>
struct Cast<From, Half> {
  static constexpr CastFn kernel = cast_to_half<From>;
};
template <>
struct Cast<Half, float> {
  static constexpr CastFn kernel = half_to_float_range;
};
template <>
struct Cast<float, Half> {
  static constexpr CastFn kernel = float_to_half_range;
};
template <>
struct Cast<Half, Half> {
  static constexpr CastFn kernel = cast<uint16_t, uint16_t>;
};

template <class From>
void fill_from(KernelTable& table, DType from) {
  CastFn* row = table.cast[int(from)];
  row[int(DType::bool_)] = Cast<From, Bool>::kernel;
  row[int(DType::uint8)] = Cast<From, uint8_t>::kernel;
  row[int(DType::uint16)] = Cast<From, uint16_t>::kernel;
  row[int(DType::uint32)] = Cast<From, uint32_t>::kernel;
  row[int(DType::uint64)] = Cast<From, uint64_t>::kernel;
  row[int(DType::int8)] = Cast<From, int8_t>::kernel;
  row[int(DType::int16)] = Cast<From, int16_t>::kernel;
  row[int(DType::int32)] = Cast<From, int32_t>::kernel;
  row[int(DType::int64)] = Cast<From, int64_t>::kernel;
  row[int(DType::float16)] = Cast<From, Half>::kernel;
  row[int(DType::bfloat16)] = Cast<From, BFloat16>::kernel;
  row[int(DType::float32)] = Cast<From, float>::kernel;
  row[int(DType::float64)] = Cast<From, double>::kernel;
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
}

}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
