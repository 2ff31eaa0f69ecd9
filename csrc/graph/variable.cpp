#include "graph/variable.h"

#include <mutex>

#include "autograd/tape.h"
#include "graph/trace.h"
#include "ops/functional.h"

namespace pynn {

namespace {

thread_local int host_calls = 0;
WaitHooks hooks{[]() -> void* { return nullptr; }, [](void*) {}};

// Memory of its own, in C order: an executable may update it in place once nobody else holds it.
Tensor owned(const Tensor& value, DType dtype) { return contiguous(ops::cast(value, dtype)); }

}  // namespace

HostCall::HostCall() { ++host_calls; }
HostCall::~HostCall() { --host_calls; }

void set_wait_hooks(const WaitHooks& given) { hooks = given; }

void Variable::lock(Access access) {
  if (access == kWrite ? mutex_.try_lock() : mutex_.try_lock_shared()) return;
  if (host_calls)
    value_error(
        "pynn.ops.py_function: expected a function that leaves variables of the running step "
        "alone; "
        "it uses '",
        name_, "'. Give it the value as an input");
  void* state = hooks.before();
  access == kWrite ? mutex_.lock() : mutex_.lock_shared();
  hooks.after(state);
}

Variable::Variable(const Tensor& value, bool trainable, std::string name)
    : spec_(value->spec()), trainable_(trainable), name_(std::move(name)) {
  if (value->is_traced())
    throw TraceError(concat("pynn.Variable: the initial value of '", name_,
                            "' is a traced tensor; create variables before the step is traced"));
  current_ = owned(value, spec_.dtype);
  if (Trace* trace = Trace::current()) trace->note_created(this);
}

Tensor Variable::value() {
  Tensor t;
  if (Trace* trace = Trace::current()) {
    t = trace->read(*this);
  } else {
    lock(kRead);
    std::shared_lock held(mutex_, std::adopt_lock);
    t = current_;
  }
  if (trainable_) watch_on_tapes(t, this);
  return t;
}

void Variable::assign(const Tensor& value) {
  if (value->shape() != spec_.shape)
    value_error("pynn.Variable.assign: expected a value of shape=", spec_.shape, " for variable '",
                name_, "'; received shape=", value->shape());
  if (Trace* trace = Trace::current()) {
    trace->assign(*this, ops::cast(value, spec_.dtype));
    return;
  }
  if (value->is_traced())
    throw TraceError(concat("pynn.Variable.assign: a traced tensor was assigned to '", name_,
                            "' outside of its trace"));
  Tensor next = owned(value, spec_.dtype);
  lock(kWrite);
  std::unique_lock held(mutex_, std::adopt_lock);
  packed_.clear();
  std::swap(current_, next);
}

}  // namespace pynn
