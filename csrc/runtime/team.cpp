#include "runtime/team.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace pynn {
namespace {

// How long an idle thread looks out for the next job: longer than the serial stretches between the
// products of a training step, far shorter than a time slice.
constexpr auto kSpinTime = std::chrono::microseconds(100);
constexpr int kLooksPerClock = 64;

uint32_t parts_left(uint64_t ticket) { return static_cast<uint32_t>(ticket); }

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

// Claims one part of the current job and runs it; false when none is left.
bool Team::take_part() {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  do {
    if (parts_left(ticket) == 0) return false;
  } while (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel));
  const FpModeScope scope(mode_);
  const int64_t begin = static_cast<int64_t>(parts_left(ticket) - 1) * chunk_;
  try {
    call_(body_, begin, std::min(n_, begin + chunk_));
  } catch (...) {
    if (!failed_.exchange(true)) failure_ = std::current_exception();
  }
  return true;
}

void Team::run(int64_t n, int64_t chunk, RangeFn call, const void* body) {
  n_ = n;
  chunk_ = chunk;
  call_ = call;
  body_ = body;
  mode_ = read_fp_mode();
  const uint64_t job = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
  ticket_.store(job << 32 | static_cast<uint64_t>((n - 1) / chunk + 1), std::memory_order_seq_cst);
  if (sleeping_.load(std::memory_order_seq_cst) > 0) wake();
  while (take_part()) {
  }
  // A part that another thread holds is short; but that thread may have lost its processor.
  for (int looks = 0; helping_.load(std::memory_order_acquire) > 0; ++looks)
    looks < 20000 ? relax() : std::this_thread::yield();
  if (failed_.load(std::memory_order_relaxed)) {
    failed_.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

void Team::wake() {
  std::lock_guard<std::mutex> lock(mutex_);  // not between a sleeper's last look and its sleep
  wake_up_.notify_all();
}

void Team::close() {
  closed_.store(true, std::memory_order_seq_cst);
  wake();
}

void Team::help() {
  auto idle_since = std::chrono::steady_clock::now();
  for (int looks = 1; !closed_.load(std::memory_order_acquire); ++looks) {
    if (parts_left(ticket_.load(std::memory_order_relaxed)) > 0) {
      // Announced before a part is claimed, so that the leader sees it when the claim succeeds.
      helping_.fetch_add(1, std::memory_order_seq_cst);
      while (take_part()) {
      }
      helping_.fetch_sub(1, std::memory_order_release);
      idle_since = std::chrono::steady_clock::now();
      looks = 0;
      continue;
    }
    relax();
    if (looks % kLooksPerClock || std::chrono::steady_clock::now() - idle_since < kSpinTime)
      continue;
    std::unique_lock<std::mutex> lock(mutex_);
    sleeping_.fetch_add(1, std::memory_order_seq_cst);
    wake_up_.wait(lock, [this] {
      return closed_.load(std::memory_order_seq_cst) ||
             parts_left(ticket_.load(std::memory_order_seq_cst)) > 0;
    });
    sleeping_.fetch_sub(1, std::memory_order_seq_cst);
    idle_since = std::chrono::steady_clock::now();
  }
}

}  // namespace pynn
