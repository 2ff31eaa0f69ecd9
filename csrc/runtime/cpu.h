// Which kernels run on this machine. The instruction set is found by CPUID, or forced by PYNN_ISA.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "kernels/table.h"

namespace pynn {

struct IsaInfo {
  std::string active;                  // the level in use
  std::string reason;                  // why it was chosen
  std::vector<std::string> available;  // compiled in and supported by this machine, best first
  std::vector<std::string> compiled;   // compiled in, best first
  std::string bfloat16;                // what products of bfloat16 matrices run on
};

struct CacheSizes {  // bytes; as seen by one core, 0 where unknown
  size_t l1d = 0;
  size_t l2 = 0;
  size_t l3 = 0;
};

// Chooses the level anew, from PYNN_ISA ("baseline", "avx2", "avx512", "amx", "neon") or, if that
// is unset or empty, the best one of this machine. ValueError for an unknown name or a level that
// cannot run here. Called at import, so that a bad setting is an error there and not in the middle
// of a computation.
void select_isa();
const IsaInfo& isa_info();

const std::string& cpu_name();
const CacheSizes& cache_sizes();

namespace detail {
extern std::atomic<const kernels::KernelTable*> active_table;
const kernels::KernelTable& choose_table();
}  // namespace detail

// The kernels of the active level, chosen on first use.
inline const kernels::KernelTable& kernel_table() {
  const kernels::KernelTable* table = detail::active_table.load(std::memory_order_acquire);
  return table ? *table : detail::choose_table();
}

}  // namespace pynn
