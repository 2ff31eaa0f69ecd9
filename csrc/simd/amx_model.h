// The instructions of amx.h on a software model of the tile unit, for machines that have AVX-512
// but no AMX. It follows the operation sections of the Intel SDM, volume 2, bit for bit, and traps
// where the processor would raise an exception. Included by amx.h only.
#pragma once

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

struct TileUnit {
  alignas(64) uint8_t tile[8][16][64];  // rows and bytes beyond the configuration are zero
  TileConfig config;                    // palette 0: initial state
};
__thread TileUnit tile_unit;  // tiles are registers: every thread has its own

inline void trap_unless(bool allowed) {
  if (!allowed) __builtin_trap();
}

__attribute__((noinline)) void load_tile_config(const TileConfig& config) {
  trap_unless(config.palette == 1 && config.start_row == 0);
  for (const uint8_t byte : config.reserved) trap_unless(byte == 0);
  for (int i = 0; i < 16; ++i) {
    const bool used = config.rows[i] != 0;
    trap_unless(used == (config.row_bytes[i] != 0));
    trap_unless(i < 8 ? config.rows[i] <= 16 && config.row_bytes[i] <= 64 : !used);
  }
  __builtin_memset(&tile_unit, 0, sizeof tile_unit);  // the instruction zeroes the tiles
  tile_unit.config = config;
}
inline void release_tiles() { __builtin_memset(&tile_unit, 0, sizeof tile_unit); }

inline void trap_unless_configured(int tile) {
  trap_unless(tile_unit.config.palette == 1 && tile_unit.config.rows[tile] != 0);
}

template <int kTile>
inline void zero_tile() {
  trap_unless_configured(kTile);
  __builtin_memset(tile_unit.tile[kTile], 0, sizeof tile_unit.tile[kTile]);
}
template <int kTile>
inline void load_tile(const void* p, int64_t stride) {
  zero_tile<kTile>();
  for (int r = 0; r < tile_unit.config.rows[kTile]; ++r) {
    __builtin_memcpy(tile_unit.tile[kTile][r], static_cast<const char*>(p) + r * stride,
                     tile_unit.config.row_bytes[kTile]);
  }
}
template <int kTile>
inline void store_tile(void* p, int64_t stride) {
  trap_unless_configured(kTile);
  for (int r = 0; r < tile_unit.config.rows[kTile]; ++r) {
    __builtin_memcpy(static_cast<char*>(p) + r * stride, tile_unit.tile[kTile][r],
                     tile_unit.config.row_bytes[kTile]);
  }
}

// One row of C: the products of the even and of the odd elements of k are summed apart, and their
// sum is added to C. Not inlined, so that it stays between the changes of MXCSR below.
__attribute__((noinline)) void multiply_row(uint8_t* c, const uint8_t* a, const uint8_t (*b)[64],
                                            int pairs) {
  Vec<float> even = {}, odd = {};
  for (int q = 0; q < pairs; ++q) {
    uint32_t x;
    Vec<uint32_t> y;
    __builtin_memcpy(&x, a + 4 * q, sizeof x);
    __builtin_memcpy(&y, b[q], sizeof y);
    even = mul_add(splat<Vec<float>>(bits_float(x << 16)), Vec<float>(y << 16), even);
    odd = mul_add(splat<Vec<float>>(bits_float(x & 0xffff0000u)), Vec<float>(y & 0xffff0000u), odd);
  }
  Vec<float> sum;
  __builtin_memcpy(&sum, c, sizeof sum);
  sum = sum + (even + odd);
  __builtin_memcpy(c, &sum, sizeof sum);
}

template <int kC, int kA, int kB>
inline void multiply_tiles() {
  static_assert(kC != kA && kC != kB && kA != kB, "TDPBF16PS wants three different tiles");
  trap_unless_configured(kC);
  trap_unless_configured(kA);
  trap_unless_configured(kB);
  const TileConfig& config = tile_unit.config;
  const int pairs = config.row_bytes[kA] / 4;
  trap_unless(config.rows[kC] == config.rows[kA] && pairs == config.rows[kB] &&
              config.row_bytes[kC] == config.row_bytes[kB] && config.row_bytes[kA] % 4 == 0 &&
              config.row_bytes[kC] % 4 == 0);
  // To nearest even, denormal operands and results are zero, whatever MXCSR says.
  constexpr uint32_t kTileArithmetic = 0x9fc0;  // FTZ, every exception masked, DAZ
  const uint32_t mode = _mm_getcsr();
  _mm_setcsr(kTileArithmetic);
  for (int i = 0; i < config.rows[kC]; ++i) {
    multiply_row(tile_unit.tile[kC][i], tile_unit.tile[kA][i], tile_unit.tile[kB], pairs);
  }
  _mm_setcsr(mode);
}

}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE
