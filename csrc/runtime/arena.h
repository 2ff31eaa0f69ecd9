// Memory: 64-byte aligned blocks that are kept for reuse, and scratch space for the length of a
// scope.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace pynn {

inline constexpr size_t kAlignment = 64;  // a cache line, and the widest vector

// No memory: Python's MemoryError. The message says how much was asked for.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(size_t bytes) noexcept;
  const char* what() const noexcept override { return message_; }

 private:
  char message_[128];  // there is no memory for a string
};

// Contents undefined. bytes == 0 gives a valid pointer to nothing. OutOfMemory where the operating
// system has no more, and before asking it for more than the machine has.
void* allocate(size_t bytes);
// `bytes` as given to allocate; null is ignored.
void deallocate(void* block, size_t bytes) noexcept;

size_t allocated_bytes();  // in use: handed out and not yet returned
size_t cached_bytes();     // kept for reuse
void trim();               // gives what is kept back to the operating system

// Takes space from this thread's scratch stack; the destructor gives all of it back. Scopes nest as
// the calls do. The stack grows in the first calls and then stays, so the steady state allocates
// nothing.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // `count` uninitialised elements, 64-byte aligned.
  template <class T>
  T* get(int64_t count) {
    static_assert(std::is_trivially_destructible_v<T>, "scratch space runs no destructors");
    return static_cast<T*>(get_bytes(static_cast<size_t>(count) * sizeof(T)));
  }
  void* get_bytes(size_t bytes);

 private:
  size_t chunk_;  // position of the stack at construction
  size_t offset_;
};

}  // namespace pynn
