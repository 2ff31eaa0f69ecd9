// The families of kernels of one instruction set: one function and one source file each. table.cpp
// calls them all.
#pragma once

#include "kernels/table.h"

#define PYNN_STRING(name) PYNN_STRING_OF(name)
#define PYNN_STRING_OF(name) #name
#define PYNN_JOIN(a, b) PYNN_JOIN_OF(a, b)
#define PYNN_JOIN_OF(a, b) a##b

namespace pynn::kernels::PYNN_ISA_NAMESPACE {

void fill_math(KernelTable& table);
void fill_activations(KernelTable& table);
void fill_arithmetic(KernelTable& table);
void fill_integer(KernelTable& table);
void fill_compare(KernelTable& table);
void fill_cast(KernelTable& table);
void fill_copy(KernelTable& table);
void fill_reduce(KernelTable& table);
void fill_arg(KernelTable& table);
void fill_softmax(KernelTable& table);
void fill_cross_entropy(KernelTable& table);
void fill_normalization(KernelTable& table);
void fill_optimizer(KernelTable& table);
void fill_optimizer_norms(KernelTable& table);
void fill_random(KernelTable& table);
void fill_gemm(KernelTable& table);
void fill_activation_grad_sum(KernelTable& table);
void fill_integer_gemm(KernelTable& table);
void fill_max_abs(KernelTable& table);
void fill_probe(KernelTable& table);

namespace {

// The index of an element type in the table. bool is stored as uint8_t, so it has no entry here.
template <class T>
inline constexpr int kIndex = -1;
template <>
inline constexpr int kIndex<uint8_t> = int(DType::uint8);
template <>
inline constexpr int kIndex<uint16_t> = int(DType::uint16);
template <>
inline constexpr int kIndex<uint32_t> = int(DType::uint32);
template <>
inline constexpr int kIndex<uint64_t> = int(DType::uint64);
template <>
inline constexpr int kIndex<int8_t> = int(DType::int8);
template <>
inline constexpr int kIndex<int16_t> = int(DType::int16);
template <>
inline constexpr int kIndex<int32_t> = int(DType::int32);
template <>
inline constexpr int kIndex<int64_t> = int(DType::int64);
template <>
inline constexpr int kIndex<float> = int(DType::float32);
template <>
inline constexpr int kIndex<double> = int(DType::float64);
inline constexpr int kBool = int(DType::bool_);

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
