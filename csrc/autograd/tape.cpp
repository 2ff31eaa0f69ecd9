#include "autograd/tape.h"

#include <algorithm>

#include "ops/functional.h"

namespace pynn {

namespace {

// The tapes of a thread, and their common ear at apply().
class TapeStack : public Recorder {
 public:
  void record(const OpDef& op, const Attrs& attrs, const TensorRefs& inputs,
              const TensorRefs& outputs) override {
    for (Tape* tape : tapes_)
      if (tape->recording() && tape->tracks(inputs)) tape->record(op, attrs, inputs, outputs);
  }
  void push(Tape* tape) {
    tapes_.push_back(tape);
    set_recorder(this);
  }
  void remove(Tape* tape) {
    erase(tapes_, tape);
    for (std::vector<Tape*>& tapes : hidden_) erase(tapes, tape);
    if (tapes_.empty()) set_recorder(nullptr);
  }
  void hide() {
    hidden_.push_back(std::move(tapes_));
    tapes_.clear();
    set_recorder(nullptr);
  }
  void show() {
    tapes_ = std::move(hidden_.back());
    hidden_.pop_back();
    set_recorder(tapes_.empty() ? nullptr : this);
  }
  const std::vector<Tape*>& tapes() const { return tapes_; }

 private:
  static void erase(std::vector<Tape*>& tapes, Tape* tape) {
    tapes.erase(std::remove(tapes.begin(), tapes.end(), tape), tapes.end());
  }

  std::vector<Tape*> tapes_;
  std::vector<std::vector<Tape*>> hidden_;  // by barriers, the innermost last
};

thread_local TapeStack stack;

class PauseScope {
 public:
  explicit PauseScope(Tape* tape) : tape_(tape) { tape_->pause(); }
  ~PauseScope() { tape_->resume(); }

 private:
  Tape* tape_;
};

using GradientMap = std::unordered_map<const TensorImpl*, Tensor>;

void accumulate(GradientMap& grads, const Tensor& t, const Tensor& grad) {
  Tensor& slot = grads[t.get()];
  slot = slot ? ops::add(slot, grad) : grad;
}

}  // namespace

TapeBarrier::TapeBarrier() { stack.hide(); }
TapeBarrier::~TapeBarrier() { stack.show(); }

bool any_tape_records() {
  return std::any_of(stack.tapes().begin(), stack.tapes().end(),
                     [](const Tape* tape) { return tape->recording(); });
}

void watch_on_tapes(const Tensor& t, const void* key) {
  for (Tape* tape : stack.tapes())
    if (tape->recording() && tape->watches_variables()) tape->watch(t, key);
}

void Tape::watch(const Tensor& t, const void* key) {
  if (!is_float(t->dtype())) {
    if (key) return;  // an integer variable has no gradient
    type_error("pynn.GradientTape.watch: expected a float tensor; received dtype ",
               dtype_name(t->dtype()));
  }
  const bool known = !tracked_.insert(t.get()).second;
  if (known && !key) return;
  for (const auto& [k, w] : watched_)
    if (k == key && w == t) return;
  watched_.emplace_back(key, t);  // also keeps the tensor, hence its address, alive
}

Tensors Tape::watched(const void* key) const {
  Tensors found;
  for (const auto& [k, t] : watched_)
    if (k == key) found.push_back(t);
  return found;
}

bool Tape::tracks(const TensorRefs& inputs) const {
  for (int i = 0; i < inputs.size(); ++i)
    if (tracked_.count(inputs[i].get())) return true;
  return false;
}

void Tape::record(const OpDef& op, const Attrs& attrs, const TensorRefs& inputs,
                  const TensorRefs& outputs) {
  entries_.push_back({op.id, attrs, inputs.copy(), outputs.copy()});
  for (const Tensor& t : entries_.back().out)
    if (is_float(t->dtype())) tracked_.insert(t.get());
}

void Tape::start() { stack.push(this); }
void Tape::stop() { stack.remove(this); }

void Tape::reset() {
  entries_.clear();
  tracked_.clear();
  watched_.clear();
}

Tensors Tape::gradient(const Tensor& target, const Tensors& sources, const Tensor& seed) const {
  // The walk itself is not for this tape (outer tapes do record it).
  PauseScope pause(const_cast<Tape*>(this));
  if (!is_float(target->dtype()))
    type_error("pynn.GradientTape.gradient: expected a float target; received dtype ",
               dtype_name(target->dtype()));
  if (seed && seed->shape() != target->shape())
    value_error("pynn.GradientTape.gradient: expected output_gradients of shape=", target->shape(),
                "; received shape=", seed->shape());
  return gradients({target},
                   {seed ? ops::cast(seed, target->dtype())
                         : ops::broadcast_to(full({}, 1, target->dtype()), target->shape())},
                   sources, {});
}

// The tensors that lead from the sources to anything: only those need gradients.
std::unordered_set<const TensorImpl*> Tape::leading_from(const Tensors& sources) const {
  std::unordered_set<const TensorImpl*> found;
  for (const Tensor& s : sources) found.insert(s.get());
  for (const Entry& e : entries_)
    if (std::any_of(e.in.begin(), e.in.end(),
                    [&](const Tensor& t) { return found.count(t.get()); }))
      for (const Tensor& t : e.out) found.insert(t.get());
  return found;
}

Tensors Tape::gradients(const Tensors& targets, const Tensors& seeds, const Tensors& sources,
                        const Tensors& begun) const {
  PauseScope pause(const_cast<Tape*>(this));
  GradientMap grads;
  for (size_t i = 0; i < begun.size(); ++i)
    if (begun[i]) grads[sources[i].get()] = begun[i];
  for (size_t k = targets.size(); k-- > 0;)
    if (seeds[k]) accumulate(grads, targets[k], seeds[k]);
  const auto wanted = leading_from(sources);
  auto found_for = [&](const Tensor& t) -> Tensor {
    const auto found = grads.find(t.get());
    return found == grads.end() ? nullptr : found->second;
  };
  for (auto e = entries_.rbegin(); e != entries_.rend(); ++e) {
    Tensors out_grads;
    bool any = false;
    for (const Tensor& t : e->out) {
      out_grads.push_back(wanted.count(t.get()) ? found_for(t) : nullptr);
      any = any || out_grads.back();
    }
    if (!any) continue;
    std::vector<bool> need;
    for (const Tensor& t : e->in) need.push_back(is_float(t->dtype()) && wanted.count(t.get()));
    if (std::find(need.begin(), need.end(), true) == need.end()) continue;
    Tensors result(e->in.size()), so_far;
    std::vector<bool> includes;
    if (e->attrs.body) {
      for (const Tensor& t : e->in) so_far.push_back(found_for(t));
      includes.assign(e->in.size(), false);
    }
    grad_rule(e->op)({e->attrs, e->in, e->out, out_grads, need, result, so_far, includes});
    for (size_t i = 0; i < includes.size(); ++i)
      if (includes[i]) grads[e->in[i].get()] = result[i];
    const bool broadcast = op_def(e->op).flags & kBroadcast;
    for (size_t i = 0; i < result.size(); ++i) {
      if (!need[i] || !result[i] || (!includes.empty() && includes[i])) continue;
      Tensor grad = broadcast ? ops::sum_to(result[i], e->in[i]->shape()) : result[i];
      accumulate(grads, e->in[i], ops::cast(grad, e->in[i]->dtype()));
    }
  }
  Tensors out;
  for (const Tensor& s : sources) out.push_back(found_for(s));
  return out;
}

}  // namespace pynn
