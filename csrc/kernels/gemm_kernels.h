// What the parts of the matrix product of one instruction set share: the shape of a tile.
#pragma once

#include "kernels/table.h"
#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {

void set_gemm_packing(GemmKernel& float32, GemmKernel& float64);
void set_gemm_dot(GemmKernel& float32, GemmKernel& float64);

namespace {

// Tile height and width in vectors: the accumulators, one row of B and one broadcast of A fill the
// registers.
#if defined(PYNN_ISA_AVX512)
constexpr int kRows = 14, kVectors = 2;  // 28 + 2 + 1 of 32
#elif defined(PYNN_ISA_AVX2)
constexpr int kRows = 6, kVectors = 2;  // 12 + 2 + 1 of 16
#elif defined(PYNN_ISA_NEON)
constexpr int kRows = 8, kVectors = 3;  // 24 + 3 + 2 of 32
#else
constexpr int kRows = 4, kVectors = 2;  // 8 + 2 + 1 and a product, of 16
#endif
// A single row has only its columns to hide the latency of the multiply-adds behind: about 8
// vectors.
constexpr int kWideVectors = (8 + kVectors - 1) / kVectors * kVectors;

template <class T>
constexpr int kColumns = kVectors * kLanes<T>;

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
