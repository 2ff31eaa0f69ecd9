// Reverse-mode differentiation. A tape records op calls, eager or traced, and walks them backwards;
// gradient rules are written with ops, so they run eagerly, are traced into a graph, or are
// recorded by an outer tape.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ops/op.h"

namespace pynn {

// What a gradient rule sees of one recorded call.
struct GradContext {
  const Attrs& attrs;
  const Tensors& in;
  const Tensors& out;
  const Tensors& grads;           // one per output; null where nothing flows back
  const std::vector<bool>& need;  // per input: whether its gradient is asked for
  Tensors& result;                // per input; stays null where there is none
  // For ops with a body: what each input has from later calls (null: nothing), and whether the
  // result includes it. Loops add to it in the order in which single calls would.
  const Tensors& so_far;
  std::vector<bool>& includes;

  const Tensor& x() const { return in[0]; }
  const Tensor& y() const { return out[0]; }
  const Tensor& dy() const { return grads[0]; }
};

class Tape {
 public:
  // key: what the tensor stands for (a variable), or null.
  void watch(const Tensor& t, const void* key = nullptr);
  // The tensors that stand for `key`.
  Tensors watched(const void* key) const;

  bool tracks(const TensorRefs& inputs) const;
  void record(const OpDef& op, const Attrs& attrs, const TensorRefs& inputs,
              const TensorRefs& outputs);

  // d target / d source for each source; null where the target does not depend on it. `seed`:
  // gradient of the target, null for ones.
  Tensors gradient(const Tensor& target, const Tensors& sources, const Tensor& seed) const;
  // The same of several targets, each with its seed (null: nothing flows into it). `begun`: what
  // the sources have already, or null; no entries: nothing.
  Tensors gradients(const Tensors& targets, const Tensors& seeds, const Tensors& sources,
                    const Tensors& begun) const;

  void start();  // becomes the innermost tape of this thread
  void stop();
  // Whether trainable variables are watched as they are read.
  void set_watch_variables(bool watch) { watch_variables_ = watch; }
  bool watches_variables() const { return watch_variables_; }
  void pause() { ++paused_; }
  void resume() { --paused_; }
  bool recording() const { return paused_ == 0; }
  // Forgets what was recorded.
  void reset();

 private:
  struct Entry {
    OpId op;
    Attrs attrs;
    Tensors in, out;
  };
  std::vector<Entry> entries_;
  std::unordered_set<const TensorImpl*> leading_from(const Tensors& sources) const;

  std::unordered_set<const TensorImpl*> tracked_;
  std::vector<std::pair<const void*, Tensor>> watched_;
  int paused_ = 0;
  bool watch_variables_ = true;
};

// While it lives, the tapes of this thread that were started before do not listen.
class TapeBarrier {
 public:
  TapeBarrier();
  ~TapeBarrier();
  TapeBarrier(const TapeBarrier&) = delete;
  TapeBarrier& operator=(const TapeBarrier&) = delete;
};

// Tells every recording tape of this thread that `t` stands for the trainable variable `key`.
void watch_on_tapes(const Tensor& t, const void* key);

// Whether a tape of this thread listens.
bool any_tape_records();

// Rules, in autograd/rules.cpp.
using GradRule = void (*)(const GradContext&);
GradRule grad_rule(OpId op);  // null: not differentiable

}  // namespace pynn
