// AMX tiles: eight registers of up to 16 rows of 64 bytes, and products of bfloat16 between them
// (Intel SDM volume 1, chapter 18; volume 2: LDTILECFG, TILELOADD, TILESTORED, TDPBF16PS). The
// compiler knows nothing of tile registers: code here names them, and nobody else may.
//
// instructions (or their model, amx_model.h)   load_tile_config, release_tiles, zero_tile,
//                                              load_tile, store_tile, multiply_tiles
// on top of them                               configure_tiles
#pragma once

#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// The operand of LDTILECFG. Palette 1 has tiles 0 to 7; what belongs to the others must be zero.
struct alignas(64) TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(TileConfig) == 64 && __builtin_offsetof(TileConfig, row_bytes) == 16 &&
              __builtin_offsetof(TileConfig, rows) == 48);

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE

#if defined(PYNN_EMULATE_AMX)
#include "simd/amx_model.h"
#else

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// Assembler text, because the intrinsics want literal register numbers. AT&T order: the destination
// is last.
inline void load_tile_config(const TileConfig& config) {
  asm volatile("ldtilecfg %0" : : "m"(config));
}
inline void release_tiles() { asm volatile("tilerelease" : : : "memory"); }

template <int kTile>
inline void zero_tile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
}
// Row r is at p + r * stride, in bytes.
template <int kTile>
inline void load_tile(const void* p, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
inline void store_tile(void* p, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(stride), "i"(kTile) : "memory");
}
// C[i][j] += sum over k of A[i][k] * B[k][j], where C is float32, row i of A holds the bfloat16
// elements k = 0, 1, ... and row q of B holds the pairs (2 q, 2 q + 1) of k of every column j.
template <int kC, int kA, int kB>
inline void multiply_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kC), "i"(kA), "i"(kB));
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE

#endif

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// All eight tiles with 16 rows of 64 bytes. Every run of tile instructions ends with release_tiles:
// a unit in use keeps the core from deep sleep and makes each context switch save 8 KiB.
inline void configure_tiles() {
  static constexpr TileConfig kWholeTiles = {
      1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
  load_tile_config(kWholeTiles);
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
