// Denormal numbers cost up to 100 times a normal operation, so the engine flushes them to zero
// while it works, and only then: the caller's floating-point mode comes back on scope exit.
#pragma once

#include <cstdint>

namespace pynn {

#if defined(__x86_64__) || defined(__i386__)
using FpMode = uint32_t;
inline constexpr FpMode kFlushBits = 0x8040;  // MXCSR: FTZ (results) and DAZ (operands)
inline FpMode read_fp_mode() { return __builtin_ia32_stmxcsr(); }
inline void write_fp_mode(FpMode mode) { __builtin_ia32_ldmxcsr(mode); }
#elif defined(__aarch64__)
using FpMode = uint64_t;
inline constexpr FpMode kFlushBits = uint64_t{1} << 24;  // FPCR.FZ
inline FpMode read_fp_mode() {
  FpMode mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void write_fp_mode(FpMode mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
using FpMode = uint32_t;
inline constexpr FpMode kFlushBits = 0;
inline FpMode read_fp_mode() { return 0; }
inline void write_fp_mode(FpMode) {}
#endif

// Sets this thread's floating-point mode for a scope. Nested use costs one register read.
class FpModeScope {
 public:
  explicit FpModeScope(FpMode mode) : saved_(read_fp_mode()), changed_(mode != saved_) {
    if (changed_) write_fp_mode(mode);
  }
  ~FpModeScope() {
    if (changed_) write_fp_mode(saved_);
  }
  FpModeScope(const FpModeScope&) = delete;
  FpModeScope& operator=(const FpModeScope&) = delete;

 private:
  FpMode saved_;
  bool changed_;
};

// One per entry into the engine (eager op, executable run). parallel_for hands the mode to its
// workers.
class FlushDenormals : public FpModeScope {
 public:
  FlushDenormals() : FpModeScope(read_fp_mode() | kFlushBits) {}
};

}  // namespace pynn
