// How exact products of float32 matrices must be: the user's choice, for the whole process.
#pragma once

#include <string>

namespace pynn {

// The meaning is PyTorch's. highest: never less accurate than float32 multiply-adds. high: about as
// two bfloat16 pieces of every element, 16 bits. medium: as one, 8 bits. Sums are float32 always.
enum class MatmulPrecision : int { highest, high, medium };

MatmulPrecision matmul_precision();
void set_matmul_precision(MatmulPrecision precision);

const char* to_string(MatmulPrecision precision);
MatmulPrecision parse_matmul_precision(const std::string& name);  // ValueError

}  // namespace pynn
