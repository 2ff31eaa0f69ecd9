#include "runtime/arena.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>
#include <vector>

namespace pynn {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kLargestClass = size_t{64} << 20;
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kMaxCached = 0;  // the sanitizer has to see every free
#else
constexpr size_t kMaxCached = size_t{256} << 20;
#endif

constexpr size_t round_up(size_t n, size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// ---- The operating system

// Where memory is overcommitted without limit, a request for more than there is would succeed, and
// using it would end the process.
size_t physical_memory() {
  static const size_t bytes = [] {
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? size_t(pages) * size_t(page)
                                 : std::numeric_limits<size_t>::max();
  }();
  return bytes;
}

// Blocks of 2 MiB and more are mapped at a huge-page boundary: a third of the TLB misses and page
// faults of a large matrix product go away, and unmapping really returns the memory. Null: none.
void* map_block(size_t bytes) {
  if (bytes > physical_memory()) return nullptr;
  const size_t mapped = bytes + kHugePage;
  void* base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return nullptr;
  char* const start = static_cast<char*>(base);
  char* const block =
      start + (kHugePage - reinterpret_cast<uintptr_t>(start) % kHugePage) % kHugePage;
  if (block > start) munmap(start, static_cast<size_t>(block - start));
  const size_t tail = static_cast<size_t>(start + mapped - (block + bytes));
  if (tail) munmap(block + bytes, tail);
#if defined(MADV_HUGEPAGE)
  madvise(block, bytes, MADV_HUGEPAGE);
#endif
  return block;
}

void* system_allocate(size_t bytes) {
  return bytes >= kHugePage ? map_block(bytes) : std::aligned_alloc(kAlignment, bytes);
}

void system_free(void* block, size_t bytes) noexcept {
  if (bytes >= kHugePage) {
    munmap(block, bytes);
  } else {
    std::free(block);
  }
}

// ---- Size classes: four per power of two from 64 bytes, so that at most a fifth of a block is
// unused

struct SizeClass {
  int index;
  size_t bytes;
};

SizeClass size_class(size_t bytes) {
  if (bytes <= 4 * kAlignment) {
    const size_t lines = bytes <= kAlignment ? 1 : (bytes - 1) / kAlignment + 1;
    return {static_cast<int>(lines) - 1, lines * kAlignment};
  }
  const int log2 = 63 - __builtin_clzll(bytes - 1);  // bytes in (2^log2, 2^(log2 + 1)]
  const size_t step = size_t{1} << (log2 - 2);
  const size_t quarter = (bytes - 1 - (size_t{1} << log2)) / step;  // 0 to 3
  return {4 + (log2 - 8) * 4 + static_cast<int>(quarter),
          (size_t{1} << log2) + (quarter + 1) * step};
}

constexpr int kClasses = 4 + (26 - 8) * 4;  // up to 2^26 bytes

// Bytes that a request really takes. Requests above the largest class are not cached.
size_t block_bytes(size_t bytes) {
  if (bytes <= kLargestClass) return size_class(bytes).bytes;
  if (bytes > std::numeric_limits<size_t>::max() / 4) throw OutOfMemory(bytes);
  return round_up(bytes, kHugePage);
}

// ---- The cache

struct FreeBlock {
  FreeBlock* next;
};

class BlockCache {
 public:
  void* take(const SizeClass& c) noexcept {
    std::lock_guard<std::mutex> lock(mutex_);
    FreeBlock* block = free_[c.index];
    if (!block) return nullptr;
    free_[c.index] = block->next;
    set_held(held() - c.bytes);
    return block;
  }

  void put(void* memory, const SizeClass& c) noexcept {
    std::lock_guard<std::mutex> lock(mutex_);
    // Full: what is kept is mostly stale sizes. Dropping all costs one unmapping per kMaxCached
    // freed bytes.
    if (held() + c.bytes > kMaxCached) drop_all();
    if (c.bytes > kMaxCached) {
      system_free(memory, c.bytes);
      return;
    }
    FreeBlock* block = ::new (memory) FreeBlock{free_[c.index]};
    free_[c.index] = block;
    bytes_[c.index] = c.bytes;
    set_held(held() + c.bytes);
  }

  void trim() noexcept {
    std::lock_guard<std::mutex> lock(mutex_);
    drop_all();
  }

  size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  void set_held(size_t bytes) noexcept {  // under the lock, which only readers do without
    held_.store(bytes, std::memory_order_relaxed);
  }

  void drop_all() noexcept {
    for (int i = 0; i < kClasses; ++i) {
      while (FreeBlock* block = free_[i]) {
        free_[i] = block->next;
        system_free(block, bytes_[i]);
      }
    }
    set_held(0);
  }

  std::mutex mutex_;
  std::array<FreeBlock*, kClasses> free_{};
  std::array<size_t, kClasses> bytes_{};
  std::atomic<size_t> held_{0};
};

// Never destroyed: tensors may be freed after this file's statics would be gone.
BlockCache& cache() {
  static BlockCache* c = [] {
    BlockCache* made = new BlockCache;
    // A child must not inherit a mutex that another thread of the parent held.
    pthread_atfork([] { cache().lock(); }, [] { cache().unlock(); }, [] { cache().unlock(); });
    return made;
  }();
  return *c;
}

std::atomic<size_t> in_use{0};

void* acquire(size_t bytes) {
  const bool cached = bytes <= kLargestClass;
  void* block = cached ? cache().take(size_class(bytes)) : nullptr;
  if (block) return block;
  const size_t taken = block_bytes(bytes);
  block = system_allocate(taken);
  if (!block) {
    trim();
    block = system_allocate(taken);
  }
  if (!block) throw OutOfMemory(bytes);
  return block;
}

void release(void* block, size_t bytes) noexcept {
  if (bytes > kLargestClass) {
    system_free(block, block_bytes(bytes));
  } else {
    cache().put(block, size_class(bytes));
  }
}

// ---- Scratch

constexpr size_t kFirstChunk = size_t{256} << 10;
constexpr size_t kKeptScratch = kLargestClass;  // per idle thread

// A stack of chunks; `chunk` and `offset` are its top. Chunks above the top are free.
struct ScratchStack {
  struct Chunk {
    char* data;
    size_t bytes;
  };
  std::vector<Chunk> chunks;
  size_t chunk = 0;
  size_t offset = 0;

  ~ScratchStack() { drop_from(0); }

  void drop_from(size_t first) noexcept {
    while (chunks.size() > first) {
      release(chunks.back().data, chunks.back().bytes);
      chunks.pop_back();
    }
  }

  void push_chunk(size_t bytes) {
    chunks.reserve(chunks.size() + 1);  // so that push_back cannot throw and lose the block
    char* data = static_cast<char*>(acquire(bytes));
    chunks.push_back({data, bytes});
  }

  char* take(size_t bytes) {
    if (chunk < chunks.size() && chunks[chunk].bytes - offset < bytes) {
      ++chunk;
      offset = 0;
    }
    if (chunk < chunks.size() && chunks[chunk].bytes < bytes) drop_from(chunk);
    if (chunk == chunks.size()) push_chunk(bytes > kFirstChunk ? bytes : kFirstChunk);
    char* data = chunks[chunk].data + offset;
    offset += bytes;
    return data;
  }

  // Nothing is in use: several chunks become one, so that the next round fits without a new one.
  void settle() noexcept {
    size_t total = 0;
    for (const Chunk& c : chunks) total += c.bytes;
    if (chunks.size() < 2 && total <= kKeptScratch) return;
    drop_from(0);
    if (total > kKeptScratch) return;
    try {
      push_chunk(total);
    } catch (const std::bad_alloc&) {  // the next take asks again, where it can be reported
    }
  }
};

ScratchStack& scratch_stack() {
  static thread_local ScratchStack stack;
  return stack;
}

}  // namespace

OutOfMemory::OutOfMemory(size_t bytes) noexcept {
  std::snprintf(message_, sizeof message_,
                "pynn: expected %zu bytes (%.2f GiB) of free memory; received none", bytes,
                double(bytes) * 0x1p-30);
}

void* allocate(size_t bytes) {
  void* block = acquire(bytes);
  in_use.fetch_add(block_bytes(bytes), std::memory_order_relaxed);
  return block;
}

void deallocate(void* block, size_t bytes) noexcept {
  if (!block) return;
  release(block, bytes);
  in_use.fetch_sub(block_bytes(bytes), std::memory_order_relaxed);
}

size_t allocated_bytes() { return in_use.load(std::memory_order_relaxed); }
size_t cached_bytes() { return cache().held(); }
void trim() { cache().trim(); }

Scratch::Scratch() : chunk_(scratch_stack().chunk), offset_(scratch_stack().offset) {}

Scratch::~Scratch() {
  ScratchStack& stack = scratch_stack();
  stack.chunk = chunk_;
  stack.offset = offset_;
  if (chunk_ == 0 && offset_ == 0) stack.settle();
}

void* Scratch::get_bytes(size_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() / 4) throw OutOfMemory(bytes);
  return scratch_stack().take(round_up(bytes, kAlignment));
}

}  // namespace pynn
