#include "kernels/fill.h"
#include "simd/simd.h"

namespace pynn::kernels {

namespace PYNN_ISA_NAMESPACE {
namespace {

KernelTable table;  // zero until the first call below

void fill_all() {
  fill_math(table);
  fill_activations(table);
  fill_arithmetic(table);
  fill_integer(table);
  fill_compare(table);
  fill_cast(table);
  fill_copy(table);
  fill_reduce(table);
  fill_arg(table);
  fill_softmax(table);
  fill_cross_entropy(table);
  fill_normalization(table);
  fill_optimizer(table);
  fill_optimizer_norms(table);
  fill_random(table);
  fill_gemm(table);
  fill_activation_grad_sum(table);
  fill_integer_gemm(table);
  fill_max_abs(table);
  fill_probe(table);
  if (kHasStreaming) table.stream_end = end_streaming;
  table.isa = PYNN_STRING(PYNN_ISA_NAMESPACE);
}

}  // namespace
}  // namespace PYNN_ISA_NAMESPACE

// Two first calls at once do no harm: both write the same values.
const KernelTable* PYNN_JOIN(PYNN_ISA_NAMESPACE, _table)() {
  if (PYNN_ISA_NAMESPACE::table.isa == nullptr) PYNN_ISA_NAMESPACE::fill_all();
  return &PYNN_ISA_NAMESPACE::table;
}

}  // namespace pynn::kernels
