// Data types: names, sizes, classes and promotion.
#pragma once

#include <cstddef>
#include <string>

#include "kernels/table.h"

namespace pynn {

size_t item_size(DType dtype);
const char* dtype_name(DType dtype);         // "float32", "bool", ...
DType parse_dtype(const std::string& name);  // ValueError for an unknown name

inline bool is_float(DType d) { return d >= DType::float16; }
// Computed in as it is; the 16-bit types are computed in float32.
inline bool is_full_precision(DType d) { return d >= DType::float32; }
inline bool is_unsigned(DType d) { return d >= DType::uint8 && d <= DType::uint64; }
inline bool is_integer(DType d) { return d >= DType::uint8 && d <= DType::int64; }

// The dtype of a binary operation: the lattice of Keras (and of JAX), without weak types.
DType promote(DType a, DType b);
// The dtype in which a function with a real result computes: floats stay, integers become float32.
DType float_dtype(DType dtype);

}  // namespace pynn
