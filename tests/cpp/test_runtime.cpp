// Threads, memory, floating-point mode and the choice of the instruction set.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "core/error.h"
#include "runtime/arena.h"
#include "runtime/cpu.h"
#include "runtime/fpenv.h"
#include "runtime/parallel.h"

namespace {

using namespace pynn;

#define CHECK(condition) \
  check::that((condition), "line " + std::to_string(__LINE__) + ": " #condition)

template <class F>
bool raises_value_error(const F& f, const char* part) {
  try {
    f();
  } catch (const ValueError& e) {
    return std::strstr(e.what(), part) != nullptr;
  }
  return false;
}

// ---- parallel_for

void test_every_index_once() {
  for (int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    for (int64_t n : {0, 1, 2, 7, 8, 9, 1000}) {
      for (int64_t grain : {1, 3, 2000}) {
        std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
        std::atomic<int> calls{0};
        parallel_for(n, grain, [&](int64_t begin, int64_t end) {
          ++calls;
          for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
        });
        for (const auto& v : visits) CHECK(v == 1);
        CHECK(calls <= (n + grain - 1) / grain);
        if (threads == 1) CHECK(calls == (n > 0));
      }
    }
  }
}

void test_first_exception_reaches_the_caller() {
  set_num_threads(3);
  bool caught = false;
  try {
    parallel_for(300, 1, [](int64_t begin, int64_t) {
      if (begin > 0) throw std::runtime_error("from a worker");
    });
  } catch (const std::runtime_error& e) {
    caught = std::strcmp(e.what(), "from a worker") == 0;
  }
  CHECK(caught);
  std::atomic<int64_t> sum{0};  // and the next region works
  parallel_for(100, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
  CHECK(sum == 100);
}

// Jobs shorter than it takes a thread to wake up, and pauses in which threads fall asleep: no part
// is lost or done twice.
void test_many_short_jobs() {
  set_num_threads(4);
  std::vector<int64_t> cells(64, 0);
  for (int job = 0; job < 20000; ++job) {
    parallel_for(64, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++cells[static_cast<size_t>(i)];
    });
    if (job % 4000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  for (int64_t cell : cells) CHECK(cell == 20000);
}

void test_leaders_from_many_threads() {
  set_num_threads(3);
  std::vector<std::thread> leaders;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t) {
    leaders.emplace_back([&right] {
      for (int job = 0; job < 500; ++job) {
        std::atomic<int64_t> sum{0};
        parallel_for(1000, 10, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) sum += i;
        });
        right += sum == 499500;
      }
    });
  }
  for (std::thread& leader : leaders) leader.join();
  CHECK(right == 2000);
}

void test_nested_regions_are_serial() {
  set_num_threads(2);
  std::atomic<int> whole_ranges{0};
  parallel_for(2, 1, [&](int64_t, int64_t) {
    if (!in_parallel_region()) return;
    parallel_for(100, 1,
                 [&](int64_t begin, int64_t end) { whole_ranges += begin == 0 && end == 100; });
  });
  CHECK(whole_ranges == 2);
  CHECK(!in_parallel_region());
}

void test_forked_child_is_serial() {
  set_num_threads(3);
  const auto count_calls = [] {
    std::atomic<int> calls{0};
    parallel_for(300, 1, [&](int64_t, int64_t) { ++calls; });
    return calls.load();
  };
  CHECK(count_calls() > 1);
  const pid_t child = fork();
  if (child == 0) {
    void* block = allocate(1000);
    deallocate(block, 1000);
    _exit(count_calls() == 1 ? 0 : 1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(count_calls() > 1);
}

void test_number_of_threads() {
  CHECK(raises_value_error([] { set_num_threads(0); }, "received 0"));
  CHECK(raises_value_error([] { set_num_threads(-2); }, "received -2"));
  set_num_threads(5);
  CHECK(num_threads() == 5);
  CHECK(thread_info().reason == "set_num_threads");
  CHECK(!openmp_runtime().empty());
}

// ---- cgroup quota, on made-up file trees

class Tree {
 public:
  Tree() {
    char name[] = "/tmp/pynn_cgroup_XXXXXX";
    CHECK(mkdtemp(name) != nullptr);
    root_ = name;
  }
  ~Tree() {
    for (auto file = files_.rbegin(); file != files_.rend(); ++file) unlink(file->c_str());
    for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder)
      rmdir(folder->c_str());
    rmdir(root_.c_str());
  }
  Tree& add(const std::string& path, const std::string& text) {
    for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
      const std::string folder = root_ + path.substr(0, at);
      if (mkdir(folder.c_str(), 0700) == 0) folders_.push_back(folder);
    }
    files_.push_back(root_ + path);
    std::ofstream(files_.back()) << text;
    return *this;
  }
  double quota() const { return cgroup_cpu_quota(root_); }

 private:
  std::string root_;
  std::vector<std::string> files_, folders_;
};

void test_cgroup_quota() {
  CHECK(std::isinf(Tree().quota()));
  CHECK(std::isinf(Tree().add("/proc/self/cgroup", "nonsense\n\n0:\n").quota()));
  {  // version 2
    Tree t;
    t.add("/proc/self/cgroup", "0::/\n");
    CHECK(std::isinf(t.quota()));
    CHECK(std::isinf(t.add("/sys/fs/cgroup/cpu.max", "max 100000\n").quota()));
    CHECK(t.add("/sys/fs/cgroup/cpu.max", "150000 100000\n").quota() == 1.5);
  }
  {  // the least of all levels counts
    Tree t;
    t.add("/proc/self/cgroup", "0::/pod/box\n");
    t.add("/sys/fs/cgroup/pod/box/cpu.max", "max 100000\n");
    CHECK(t.add("/sys/fs/cgroup/pod/cpu.max", "300000 100000\n").quota() == 3);
    CHECK(t.add("/sys/fs/cgroup/pod/box/cpu.max", "50000 100000\n").quota() == 0.5);
  }
  {  // the host's path is not visible in the container, its root is
    Tree t;
    t.add("/proc/self/cgroup", "0::/../../other\n");
    CHECK(t.add("/sys/fs/cgroup/cpu.max", "200000 100000\n").quota() == 2);
  }
  {  // version 1
    Tree t;
    t.add("/proc/self/cgroup", "9:cpuset:/a\n4:cpu,cpuacct:/docker/1\n1:name=systemd:/b\n");
    t.add("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    CHECK(std::isinf(t.add("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n").quota()));
    t.add("/sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "50000\n");
    CHECK(t.add("/sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "125000\n").quota() == 2.5);
  }
}

// ---- Floating-point mode

// The rest of the register says which exceptions have occurred.
FpMode flush_bits() { return read_fp_mode() & kFlushBits; }

int threads_in_mode(FpMode bits) {
  std::atomic<int> count{0};
  parallel_for(3, 1, [&](int64_t, int64_t) { count += flush_bits() == bits; });
  return count;
}

void test_denormals() {
  const FpMode before = flush_bits();
  volatile float smallest = std::numeric_limits<float>::min();
  {
    const FlushDenormals outer;
    {
      const FlushDenormals inner;
    }
    CHECK(flush_bits() == kFlushBits);
    if (kFlushBits != 0) CHECK(smallest * 0.5f == 0.0f);
    set_num_threads(3);
    CHECK(threads_in_mode(kFlushBits) == 3);
  }
  CHECK(flush_bits() == before);
  CHECK(smallest * 0.5f > 0.0f);
  CHECK(threads_in_mode(before) == 3);
}

// ---- Memory

bool aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % kAlignment == 0; }

void test_blocks() {
  const size_t before = allocated_bytes();
  std::vector<size_t> sizes = {0, 1, 63, 64, 65, 255, 256, 257, 319, 320, 321};
  for (size_t s = 512; s <= (size_t{1} << 27); s *= 2) sizes.insert(sizes.end(), {s - 1, s, s + 1});
  for (const size_t bytes : sizes) {
    char* block = static_cast<char*>(allocate(bytes));
    CHECK(aligned(block));
    if (bytes) block[0] = block[bytes - 1] = 1;
    CHECK(allocated_bytes() >= before + bytes);
    deallocate(block, bytes);
  }
  deallocate(nullptr, 100);
  CHECK(allocated_bytes() == before);
  CHECK(cached_bytes() <= size_t{256} << 20);
  trim();
  CHECK(cached_bytes() == 0);
}

void test_blocks_are_reused() {
#if !defined(__SANITIZE_ADDRESS__)
  void* first = allocate(100000);
  deallocate(first, 100000);
  void* second = allocate(99000);
  CHECK(second == first);
  deallocate(second, 99000);
#endif
}

void test_impossible_sizes_raise() {
  const size_t before = allocated_bytes();
  for (const size_t bytes : {std::numeric_limits<size_t>::max(), size_t{1} << 60}) {
    bool raised = false;
    try {
      allocate(bytes);
    } catch (const std::bad_alloc&) {
      raised = true;
    }
    CHECK(raised);
  }
  CHECK(allocated_bytes() == before);
}

void test_blocks_from_many_threads() {
  const size_t before = allocated_bytes();
  std::vector<std::thread> threads;
  std::atomic<bool> intact{true};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &intact] {
      for (int round = 0; round < 2000; ++round) {
        const size_t bytes = size_t(1 + (round * 37 + t * 101) % 5000);
        char* block = static_cast<char*>(allocate(bytes));
        std::memset(block, t, bytes);
        for (size_t i = 0; i < bytes; i += 64) {
          if (block[i] != t) intact = false;
        }
        deallocate(block, bytes);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(intact);
  CHECK(allocated_bytes() == before);
}

void test_scratch() {
  for (int round = 0; round < 3; ++round) {
    Scratch outer;
    double* a = outer.get<double>(1000);
    CHECK(aligned(a));
    a[0] = a[999] = 1;
    for (const int64_t n : {1, 100000, 10, 3000000}) {
      Scratch inner;
      float* b = inner.get<float>(n);
      float* c = inner.get<float>(n);
      CHECK(aligned(b) && aligned(c));
      CHECK(c >= b + n || c + n <= b);
      std::memset(b, 0, size_t(n) * sizeof(float));
      std::memset(c, 0, size_t(n) * sizeof(float));
    }
    CHECK(a[0] == 1 && a[999] == 1);
  }
  const char* first = nullptr;  // the steady state takes the same place again
  for (int round = 0; round < 5; ++round) {
    Scratch scratch;
    const char* here = scratch.get<char>(100000);
    if (round > 0) CHECK(here == first);
    first = here;
  }
}

// ---- Instruction set

void test_isa() {
  const IsaInfo info = isa_info();
  CHECK(info.active == kernel_table().isa);
  CHECK(!info.reason.empty() && !info.available.empty() && !cpu_name().empty());
  const char* forced = std::getenv("PYNN_ISA");
  if (forced) CHECK(info.active == forced);
  for (const std::string& level : info.available) {
    setenv("PYNN_ISA", level.c_str(), 1);
    select_isa();
    CHECK(isa_info().active == level && kernel_table().isa == level);
  }
  setenv("PYNN_ISA", "sse9", 1);
  CHECK(raises_value_error(select_isa, "received 'sse9'"));
  setenv("PYNN_ISA", info.compiled.front() == "neon" ? "avx2" : "neon", 1);
  CHECK(raises_value_error(select_isa, "can run here"));
  unsetenv("PYNN_ISA");
  select_isa();
  CHECK(isa_info().active == info.available.front());
}

void test_all(const kernels::KernelTable&) {
  test_every_index_once();
  test_first_exception_reaches_the_caller();
  test_many_short_jobs();
  test_leaders_from_many_threads();
  test_nested_regions_are_serial();
  test_forked_child_is_serial();
  test_number_of_threads();
  test_cgroup_quota();
  test_denormals();
  test_blocks();
  test_blocks_are_reused();
  test_impossible_sizes_raise();
  test_blocks_from_many_threads();
  test_scratch();
  test_isa();
}

}  // namespace

int main() { return check::run("test_runtime", test_all); }
