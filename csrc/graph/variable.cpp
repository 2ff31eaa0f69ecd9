#include "graph/variable.h"

#include <mutex>

#include "autograd/tape.h"
#include "graph/trace.h"
#include "ops/functional.h"

namespace pynn {

namespace {

// Memory of its own, in C order: an executable may update it in place once nobody else holds it.
Tensor owned(const Tensor& value, DType dtype) { return contiguous(ops::cast(value, dtype)); }

}  // namespace

Variable::Variable(const Tensor& value, bool trainable, std::string name)
    : spec_(value->spec()), trainable_(trainable), name_(std::move(name)) {
  if (value->is_traced())
    throw TraceError(concat("pynn.Variable: the initial value of '", name_,
                            "' is a traced tensor; create variables before the step is traced"));
  current_ = owned(value, spec_.dtype);
}

Tensor Variable::value() {
  Tensor t;
  if (Trace* trace = Trace::current()) {
    t = trace->read(*this);
  } else {
    std::shared_lock lock(mutex_);
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
  std::unique_lock lock(mutex_);
  packed_.clear();
  std::swap(current_, next);
}

}  // namespace pynn
