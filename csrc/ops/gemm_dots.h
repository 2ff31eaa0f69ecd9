// Products of few rows with a transposed matrix, and of rows with few columns: dot products.
#pragma once

#include "ops/float_product.h"

namespace pynn {

// Whether that is the best way. The same on every machine, as it decides bits.
bool best_as_dots(const FloatProduct& product);

// The rows and columns of C that begin at c.
void run_dots(const FloatProduct& product, Range rows, Range columns, char* c);

}  // namespace pynn
