#include "runtime/precision.h"

#include <atomic>

#include "core/error.h"

namespace pynn {
namespace {

std::atomic<MatmulPrecision> chosen{MatmulPrecision::highest};

}  // namespace

MatmulPrecision matmul_precision() { return chosen.load(std::memory_order_relaxed); }
void set_matmul_precision(MatmulPrecision precision) {
  chosen.store(precision, std::memory_order_relaxed);
}

const char* to_string(MatmulPrecision precision) {
  switch (precision) {
    case MatmulPrecision::highest:
      return "highest";
    case MatmulPrecision::high:
      return "high";
    case MatmulPrecision::medium:
      return "medium";
  }
  return "";
}

MatmulPrecision parse_matmul_precision(const std::string& name) {
  for (const MatmulPrecision precision :
       {MatmulPrecision::highest, MatmulPrecision::high, MatmulPrecision::medium}) {
    if (name == to_string(precision)) return precision;
  }
  value_error(
      "pynn.config.set_float32_matmul_precision: expected 'highest', 'high' or 'medium'; received "
      "'",
      name, "'");
}

}  // namespace pynn
