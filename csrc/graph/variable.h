// A variable: a named cell that holds a tensor. Tensors taken from it never change afterwards (copy
// on write).
#pragma once

#include <memory>
#include <shared_mutex>
#include <string>

#include "core/tensor.h"
#include "ops/packed_cache.h"

namespace pynn {

// While it lives, this thread runs a host function inside of a run of an executable.
class HostCall {
 public:
  HostCall();
  ~HostCall();
  HostCall(const HostCall&) = delete;
  HostCall& operator=(const HostCall&) = delete;
};

// What to do around a wait for a run of another thread. That run may itself wait for what this
// thread holds: Python, for a host function.
struct WaitHooks {
  void* (*before)();
  void (*after)(void* state);
};
void set_wait_hooks(const WaitHooks& hooks);

class Variable : public std::enable_shared_from_this<Variable> {
 public:
  Variable(const Tensor& value, bool trainable, std::string name);

  // Inside a trace: the traced value. Otherwise what it holds now. Recording tapes watch it when it
  // is trainable.
  Tensor value();
  // The shape must match; the dtype is cast. Inside a trace the assignment is recorded.
  void assign(const Tensor& value);

  const Spec& spec() const { return spec_; }
  bool trainable() const { return trainable_; }
  void set_trainable(bool trainable) { trainable_ = trainable; }
  const std::string& name() const { return name_; }

 private:
  friend class VariableLocks;
  // A host function cannot wait for the run that waits for it: an error then.
  enum Access { kRead, kWrite };
  void lock(Access access);

  Spec spec_;
  bool trainable_;
  std::string name_;
  // An executable that writes holds it alone; readers share it.
  std::shared_mutex mutex_;
  Tensor current_;
  PackedCache packed_;  // of current_
};

}  // namespace pynn
