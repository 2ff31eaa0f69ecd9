// Threads that stay together for many small jobs. One thread leads: it publishes a job, works on it
// itself and goes on as soon as every part is done; the others take parts while there are any.
// Nobody waits for a thread that the operating system is not running, unless that thread holds a
// part: on a busy machine a barrier per job would cost a time slice.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>

#include "runtime/fpenv.h"

namespace pynn {

class Team {
 public:
  using RangeFn = void (*)(const void* body, int64_t begin, int64_t end);

  // Leader (one at a time): runs call(body, begin, end) on ranges of `chunk` that cover [0, n). The
  // first exception is rethrown.
  void run(int64_t n, int64_t chunk, RangeFn call, const void* body);
  // Leader: no more jobs; help() returns in all other threads.
  void close();
  // Others: take parts of jobs until the team is closed. Spins shortly between jobs, then sleeps.
  void help();

 private:
  bool take_part();
  void wake();

  // Job number in the upper half, parts left in the lower: one word, so that a part is claimed in
  // one step and never from a job that has ended.
  std::atomic<uint64_t> ticket_{0};
  std::atomic<int> helping_{0};  // threads that may be inside a part
  std::atomic<int> sleeping_{0};
  std::atomic<bool> closed_{false};
  std::mutex mutex_;
  std::condition_variable wake_up_;

  // The job. Written by the leader while no thread is inside a part.
  int64_t n_ = 0, chunk_ = 0;
  RangeFn call_ = nullptr;
  const void* body_ = nullptr;
  FpMode mode_ = 0;  // the leader's
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
};

}  // namespace pynn
