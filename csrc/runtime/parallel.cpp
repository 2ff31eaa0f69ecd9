#include "runtime/parallel.h"

#include <omp.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <limits>
#include <memory>
#include <mutex>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "runtime/fpenv.h"
#include "runtime/team.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace pynn {
namespace {

// Far above any machine; below what makes the OpenMP runtime abort for lack of threads.
constexpr int kMaxThreads = 1024;

// ---- Limits of the machine

int affinity_cpus() {
#if defined(__linux__)
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {  // the kernel refuses a set that is too small
    cpu_set_t* set = CPU_ALLOC(cpus);
    if (!set) break;
    const size_t size = CPU_ALLOC_SIZE(cpus);
    const bool ok = sched_getaffinity(0, size, set) == 0;
    const int count = ok ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

// CPUs allowed by one cgroup directory: cpu.max of version 2 ("max 100000", "150000 100000") or the
// two files of version 1 (a quota of -1 is none).
double directory_quota(const std::string& directory) {
  double quota = 0, period = 0;
  std::ifstream v2(directory + "/cpu.max");
  if (v2) return v2 >> quota >> period && quota > 0 && period > 0 ? quota / period : kUnlimited;
  std::ifstream v1_quota(directory + "/cpu.cfs_quota_us"),
      v1_period(directory + "/cpu.cfs_period_us");
  if (v1_quota >> quota && v1_period >> period && quota > 0 && period > 0) return quota / period;
  return kUnlimited;
}

// The least over `path` and all its parents below `mount`. Directories that do not exist count as
// unlimited: in a container the path of the host is often not visible, its root is.
double hierarchy_quota(const std::string& mount, std::string path) {
  if (path.find("/..") != std::string::npos) path = "/";  // outside of our cgroup namespace
  double quota = kUnlimited;
  while (!path.empty() && path != "/") {
    quota = std::min(quota, directory_quota(mount + path));
    path.erase(path.rfind('/'));
  }
  return std::min(quota, directory_quota(mount));
}

bool lists_cpu_controller(const std::string& controllers) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

// ---- The number of threads

struct Setting {
  std::mutex mutex;
  std::atomic<int> threads{0};  // 0: not chosen yet
  std::string reason;
};

Setting& setting() {
  static Setting* s = new Setting;  // never destroyed: other threads may outlive main
  return *s;
}

// The first number of OMP_NUM_THREADS (a list gives one per nesting level), 0 if unset or not
// valid.
int threads_from_environment() {
  const char* text = std::getenv("OMP_NUM_THREADS");
  if (!text) return 0;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  const bool ends_well = end != text && (*end == '\0' || *end == ',' || *end == ' ');
  return ends_well && value >= 1 ? static_cast<int>(std::min<long>(value, kMaxThreads)) : 0;
}

void choose_threads(Setting& s) {
  std::lock_guard<std::mutex> lock(s.mutex);
  if (s.threads.load(std::memory_order_relaxed)) return;
  int threads = threads_from_environment();
  if (threads) {
    s.reason = concat("OMP_NUM_THREADS=", std::getenv("OMP_NUM_THREADS"));
  } else {
    const int cpus = affinity_cpus();
    const double quota = cgroup_cpu_quota("");
    threads =
        static_cast<int>(std::min<double>({double(cpus), std::ceil(quota), double(kMaxThreads)}));
    s.reason = concat(cpus, cpus == 1 ? " CPU" : " CPUs", " in the affinity mask, ");
    s.reason += std::isinf(quota) ? "no cgroup quota" : concat("cgroup quota of ", quota, " CPUs");
  }
  s.threads.store(threads, std::memory_order_release);
}

// ---- Fork

// OpenMP's threads do not exist in a forked child, and its runtime would wait for them for ever.
std::atomic<bool> forked_child{false};
[[maybe_unused]] const int atfork_registered =
    pthread_atfork(nullptr, nullptr, [] { forked_child.store(true, std::memory_order_relaxed); });

// ---- Running

thread_local bool inside_part = false;  // running a range of a parallel_for

// The threads of the process, shared by all models: started by the first job, asleep between jobs.
// One thread at a time leads; a second one that comes meanwhile works alone, which is what several
// threads that predict at once want.
class Pool {
 public:
  // The team, with `threads` - 1 helpers, if nobody else leads it: to be given back by leave().
  Team* try_lead(int threads) {
    if (!leading_.try_lock()) return nullptr;
    if (size_ != threads) resize(threads);
    return team_.get();
  }
  void leave() { leading_.unlock(); }

 private:
  void resize(int threads) {
    if (team_) team_->close();
    team_ = std::make_shared<Team>();
    size_ = threads;
    // OpenMP makes the threads, and honours its own settings for them (OMP_PROC_BIND, OMP_PLACES).
    // They stay in one region for good: a region per job would end in a barrier, and wait for
    // threads that the system is not running.
    std::thread([team = team_, helpers = threads - 1] {
#pragma omp parallel num_threads(helpers)
      team->help();
    }).detach();
  }

  std::mutex leading_;
  std::shared_ptr<Team> team_;
  int size_ = 0;
};

Pool& pool() {
  static Pool* p = new Pool;  // never destroyed: its threads may outlive main
  return *p;
}

// A range of more than this many parts per thread gains nothing; fewer parts would leave threads
// waiting for the slowest one.
constexpr int64_t kPartsPerThread = 4;

struct Part {
  detail::RangeFn call;
  const void* body;
};

// Marks the thread as inside, so that a parallel_for in the body runs serially.
void run_part(const void* part, int64_t begin, int64_t end) {
  struct Scope {
    Scope() { inside_part = true; }
    ~Scope() { inside_part = false; }
  } scope;
  const Part* p = static_cast<const Part*>(part);
  p->call(p->body, begin, end);
}

}  // namespace

double cgroup_cpu_quota(const std::string& root) {
  const std::string base = root + "/sys/fs/cgroup";
  std::ifstream file(root + "/proc/self/cgroup");
  double quota = kUnlimited;
  for (std::string line;
       std::getline(file, line);) {  // "id:controllers:path"; version 2 is "0::path"
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      quota =
          std::min({quota, hierarchy_quota(base, path), hierarchy_quota(base + "/unified", path)});
    } else if (lists_cpu_controller(controllers)) {
      quota = std::min({quota, hierarchy_quota(base + "/cpu", path),
                        hierarchy_quota(base + "/" + controllers, path)});
    }
  }
  return quota;
}

int num_threads() {
  Setting& s = setting();
  if (const int threads = s.threads.load(std::memory_order_acquire)) return threads;
  choose_threads(s);
  return s.threads.load(std::memory_order_acquire);
}

ThreadInfo thread_info() {
  const int threads = num_threads();
  Setting& s = setting();
  std::lock_guard<std::mutex> lock(s.mutex);
  return {threads, s.reason};
}

void set_num_threads(int64_t threads) {
  if (threads < 1 || threads > kMaxThreads) {
    value_error("pynn.config.set_num_threads: expected a number from 1 to ", kMaxThreads,
                "; received ", threads);
  }
  Setting& s = setting();
  std::lock_guard<std::mutex> lock(s.mutex);
  s.reason = "set_num_threads";
  s.threads.store(static_cast<int>(threads), std::memory_order_release);
}

std::string openmp_runtime() {
#if defined(__clang__)
  const char* name = "LLVM libomp";
#else
  const char* name = "GNU libgomp";
#endif
  return concat(name, ", OpenMP ", _OPENMP);
}

bool in_parallel_region() { return inside_part; }

namespace detail {

void run_parallel(int64_t n, int64_t grain, RangeFn call, const void* body) {
  const int threads = num_threads();
  Team* team = nullptr;
  if (threads > 1 && !inside_part && !forked_child.load(std::memory_order_relaxed))
    team = pool().try_lead(threads);
  if (!team) {
    call(body, 0, n);
    return;
  }
  struct Leave {
    ~Leave() { pool().leave(); }
  } leave;
  const int64_t pieces = grain > 0 ? (n - 1) / grain + 1 : n;
  const int64_t chunk = (n - 1) / std::min(pieces, threads * kPartsPerThread) + 1;
  const Part part{call, body};
  team->run(n, chunk, &run_part, &part);
}

}  // namespace detail

}  // namespace pynn
