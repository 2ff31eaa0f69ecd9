#include "runtime/cpu.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>

#include "core/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace pynn {
namespace {

#if defined(__x86_64__)

struct Registers {
  uint32_t eax, ebx, ecx, edx;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Registers r{0, 0, 0, 0};
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

constexpr bool has_bits(uint64_t value, uint64_t bits) { return (value & bits) == bits; }

// Register state that the operating system saves at a context switch (XCR0).
uint64_t saved_register_state() {
  constexpr uint32_t kOsxsave = 1u << 27;
  if (!has_bits(cpuid(1).ecx, kOsxsave)) return 0;
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

bool has_avx2() {
  constexpr uint32_t kFma = 1u << 12, kAvx = 1u << 28, kF16c = 1u << 29;  // leaf 1, ecx
  constexpr uint32_t kAvx2 = 1u << 5;                                     // leaf 7, ebx
  constexpr uint64_t kXmmYmm = 0x6;
  return has_bits(saved_register_state(), kXmmYmm) && has_bits(cpuid(1).ecx, kFma | kAvx | kF16c) &&
         has_bits(cpuid(7).ebx, kAvx2);
}

bool has_avx512() {
  constexpr uint32_t kF = 1u << 16, kDq = 1u << 17, kBw = 1u << 30, kVl = 1u << 31;  // leaf 7, ebx
  constexpr uint64_t kXmmYmmOpmaskZmm = 0xe6;
  return has_avx2() && has_bits(saved_register_state(), kXmmYmmOpmaskZmm) &&
         has_bits(cpuid(7).ebx, kF | kDq | kBw | kVl);
}

[[maybe_unused]] bool has_avx512_bf16() {
  constexpr uint32_t kBf16 = 1u << 5;  // leaf 7.1, eax
  return has_avx512() && has_bits(cpuid(7, 1).eax, kBf16);
}

// Linux saves the 8 KiB of tiles only for a process that asks; a system that is too old, or a
// process with an alternate signal stack too small for them, is refused. Asked once: the answer
// holds for all threads, those to come too.
bool may_use_tiles() {
#if defined(__linux__)
  static const bool granted = [] {
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // arch_prctl, XCR0 bit
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return granted;
#else
  return false;
#endif
}

[[maybe_unused]] bool has_amx() {
  constexpr uint32_t kBf16 = 1u << 22, kTile = 1u << 24;  // leaf 7, edx
  constexpr uint64_t kTileConfigAndData = 0x60000;        // XCR0
  if (!has_avx512() || !has_bits(cpuid(7).edx, kBf16 | kTile) ||
      !has_bits(saved_register_state(), kTileConfigAndData)) {
    return false;
  }
  // Palette 1 as the kernels know it: 8 tiles of 16 rows of 64 bytes.
  const Registers palette = cpuid(0x1d, 1);
  return palette.ebx == (8u << 16 | 64u) && (palette.ecx & 0xffffu) == 16 && may_use_tiles();
}

std::string brand_string() {
  char text[49] = {};
  for (uint32_t i = 0; i < 3; ++i) {
    const Registers r = cpuid(0x80000002u + i);
    std::memcpy(text + 16 * i, &r, sizeof r);
  }
  std::string name(text);
  const size_t first = name.find_first_not_of(' ');
  return first == std::string::npos ? "x86-64"
                                    : name.substr(first, name.find_last_not_of(' ') - first + 1);
}

#else

std::string brand_string() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(": ") + 2);
  }
#if defined(__aarch64__)
  return "aarch64";
#else
  return "unknown";
#endif
}

#endif

struct Level {
  const char* name;
  const kernels::KernelTable* (*table)();
  bool (*supported)();
  const char* features;
};

bool always() { return true; }

#if defined(PYNN_HAVE_AVX512)
const kernels::KernelTable* best_avx512_table() {
#if defined(PYNN_HAVE_AVX512_BF16)
  if (has_avx512_bf16()) return kernels::avx512_bf16_table();
#endif
  return kernels::avx512_table();
}
#endif

// Best first. PYNN_HAVE_* comes from cmake/isa.cmake, which decides what is compiled.
const Level kLevels[] = {
#if defined(PYNN_EMULATE_AMX)
    {"amx", kernels::amx_table, has_avx512, "AVX-512, and this build has a software model of AMX"},
#elif defined(PYNN_HAVE_AMX)
    {"amx", kernels::amx_table, has_amx, "AVX-512 F, BW, DQ and VL and AMX for bfloat16"},
#endif
#if defined(PYNN_HAVE_AVX512)
    {"avx512", best_avx512_table, has_avx512, "AVX-512 F, BW, DQ and VL"},
#endif
#if defined(PYNN_HAVE_AVX2)
    {"avx2", kernels::avx2_table, has_avx2, "AVX2, FMA and F16C"},
#endif
#if defined(PYNN_HAVE_NEON)
    {"neon", kernels::neon_table, always, "NEON"},
#endif
    {"baseline", kernels::baseline_table, always, "nothing beyond the architecture's baseline"},
};

constexpr const char* kKnownNames[] = {"baseline", "avx2", "avx512", "amx", "neon"};

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

[[noreturn]] void reject(const std::string& wanted, const IsaInfo& info) {
  for (const char* name : kKnownNames) {
    if (wanted != name) continue;
    value_error("pynn: PYNN_ISA: expected a level that can run here (", join(info.available),
                "); received '", wanted, "', which this ",
                join(info.compiled).find(wanted) == std::string::npos ? "build" : "machine",
                " does not have");
  }
  value_error("pynn: PYNN_ISA: expected one of ",
              join({std::begin(kKnownNames), std::end(kKnownNames)}),
              " (here: ", join(info.available), "); received '", wanted, "'");
}

const Level& find_level(IsaInfo& info) {
  const Level* best = nullptr;
  for (const Level& level : kLevels) {
    info.compiled.push_back(level.name);
    if (!level.supported()) continue;
    info.available.push_back(level.name);
    if (!best) best = &level;
  }
  const char* forced = std::getenv("PYNN_ISA");
  if (!forced || !*forced) {
    info.reason = concat("best of this machine: it has ", best->features);
    return *best;
  }
  for (const Level& level : kLevels) {
    if (std::strcmp(level.name, forced) == 0 && level.supported()) {
      info.reason = concat("forced by PYNN_ISA=", forced);
      return level;
    }
  }
  reject(forced, info);
}

const char* bfloat16_unit(const kernels::KernelTable& table) {
  if (!table.pieces[0].tile) return "converted to float32";
  if (std::strcmp(table.isa, "amx") != 0) return "AVX512-BF16";
#if defined(PYNN_EMULATE_AMX)
  return "AMX (software model)";
#else
  return "AMX";
#endif
}

std::mutex& choice_mutex() {
  static std::mutex mutex;
  return mutex;
}

IsaInfo& chosen_info() {
  static IsaInfo info;
  return info;
}

void select_locked() {
  IsaInfo info;
  const Level& level = find_level(info);
  const kernels::KernelTable* table = level.table();
  info.active = level.name;
  info.bfloat16 = bfloat16_unit(*table);
  chosen_info() = std::move(info);
  detail::active_table.store(table, std::memory_order_release);
}

}  // namespace

namespace detail {

std::atomic<const kernels::KernelTable*> active_table{nullptr};

const kernels::KernelTable& choose_table() {
  std::lock_guard<std::mutex> lock(choice_mutex());
  if (!active_table.load(std::memory_order_acquire)) select_locked();
  return *active_table.load(std::memory_order_acquire);
}

}  // namespace detail

void select_isa() {
  std::lock_guard<std::mutex> lock(choice_mutex());
  select_locked();
}

const IsaInfo& isa_info() {
  kernel_table();
  return chosen_info();
}

const std::string& cpu_name() {
  static const std::string name = brand_string();
  return name;
}

namespace {

// What Linux knows of the first core's caches. The C library adds up the last-level caches of a
// whole processor, of which a core may use but one.
bool read_cache_sizes(CacheSizes& sizes) {
  for (int index = 0;; ++index) {
    const std::string cache =
        "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    std::ifstream level_file(cache + "level"), type_file(cache + "type"), size_file(cache + "size");
    int level;
    std::string type;
    size_t kib;
    if (!(level_file >> level)) break;
    if (!(type_file >> type) || type == "Instruction" || !(size_file >> kib)) continue;
    if (size_file.get() != 'K') continue;
    if (level == 1) sizes.l1d = kib << 10;
    if (level == 2) sizes.l2 = kib << 10;
    if (level == 3) sizes.l3 = kib << 10;
  }
  return sizes.l1d != 0;
}

void query_cache_sizes(CacheSizes& sizes) {
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  const auto size = [](int name) {
    const long bytes = sysconf(name);
    return bytes > 0 ? static_cast<size_t>(bytes) : size_t{0};
  };
  sizes.l1d = size(_SC_LEVEL1_DCACHE_SIZE);
  sizes.l2 = size(_SC_LEVEL2_CACHE_SIZE);
  sizes.l3 = size(_SC_LEVEL3_CACHE_SIZE);
#else
  (void)sizes;
#endif
}

}  // namespace

const CacheSizes& cache_sizes() {
  static const CacheSizes sizes = [] {
    CacheSizes s;
    if (!read_cache_sizes(s)) query_cache_sizes(s);
    return s;
  }();
  return sizes;
}

}  // namespace pynn
