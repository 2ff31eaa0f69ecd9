#include "graph/executable.h"

#include <algorithm>
#include <shared_mutex>

#include "graph/passes/passes.h"
#include "graph/workspace.h"
#include "ops/functional.h"
#include "runtime/fpenv.h"

namespace pynn {

Executable::Workspace::Workspace(const Plan& plan)
    : caches(size_t(plan.num_variables), nullptr), casts(find_kept_casts(plan)) {
  for (const PlannedStep& step : plan.steps) {
    Call call{step.op, &step.attrs, int(views.size()), int(step.in.size()), 0, false};
    for (const Place& p : step.in) {
      const int variable = p.root - plan.variable_root(0);
      if (variable >= 0 && variable < plan.num_variables && !plan.written[variable])
        constants.push_back({int(views.size()), variable});
      add(p);
    }
    call.first_out = int(views.size());
    for (const Place& p : step.out) add(p);
    calls.push_back(call);
  }
}

void Executable::Workspace::add(const Place& place) {
  views.push_back(place.view);
  roots.push_back(place.root);
  offsets.push_back(place.offset);
}

void Executable::Workspace::bind(char* const* bases) {
  for (size_t i = 0; i < views.size(); ++i) views[i].data = bases[roots[i]] + offsets[i];
  for (const Constant& c : constants) views[c.view].packed = caches[c.variable];
  bind_kept_casts();
}

void Executable::Workspace::bind_kept_casts() {
  for (const KeptCast& cast : casts) {
    Call& call = calls[cast.step];
    PackedCache* cache = caches[cast.variable];
    const char* kept = cache ? kept_cast(*cache, *call.op, *call.attrs, views[cast.input],
                                         views[cast.output], cast.bytes)
                             : nullptr;
    call.is_done = kept;
    for (const KeptCast::Reader& reader : cast.readers) {
      if (kept) views[reader.view].data = const_cast<char*>(kept) + reader.offset;
      views[reader.view].packed = kept ? cache : nullptr;
    }
  }
}

Executable::WorkspaceLoan::WorkspaceLoan(Executable& owner) : owner_(owner) {
  {
    std::lock_guard lock(owner.mutex_);
    if (!owner.idle_.empty()) {
      workspace_ = std::move(owner.idle_.back());
      owner.idle_.pop_back();
    }
  }
  if (!workspace_) workspace_ = std::make_unique<Workspace>(owner.plan_);
  arena_ = static_cast<char*>(allocate(owner.plan_.arena_bytes));
}

Executable::WorkspaceLoan::~WorkspaceLoan() {
  deallocate(arena_, owner_.plan_.arena_bytes);
  std::lock_guard lock(owner_.mutex_);
  owner_.idle_.push_back(std::move(workspace_));
}

VariableLocks::VariableLocks(Executable& exe, char** roots, PackedCache** caches) : exe_(exe) {
  const Graph& graph = exe.graph_;
  try {
    for (int i : exe.lock_order_) {
      graph.variables[i]->lock(exe.plan_.written[i] ? Variable::kWrite : Variable::kRead);
      ++locked_;
    }
    for (int i : exe.lock_order_) {
      Variable& v = *graph.variables[i];
      // Somebody holds the value: leave it to them and write to a copy.
      const bool shared = v.current_.use_count() > 1 || v.current_->storage.use_count() > 1;
      if (exe.plan_.written[i] && shared) v.current_ = apply1(OpId::copy, {v.current_});
      roots[exe.plan_.variable_root(i)] = static_cast<char*>(v.current_->view.data);
      if (exe.plan_.written[i])
        v.packed_.clear();
      else
        caches[i] = v.packed_.note_run() ? &v.packed_ : nullptr;
    }
  } catch (...) {
    unlock();
    throw;
  }
}

VariableLocks::~VariableLocks() { unlock(); }

void VariableLocks::unlock() {
  for (int k = 0; k < locked_; ++k) {
    const int i = exe_.lock_order_[k];
    Variable& v = *exe_.graph_.variables[i];
    if (exe_.plan_.written[i])
      v.mutex_.unlock();
    else
      v.mutex_.unlock_shared();
  }
}

namespace {

Graph after_passes(Graph graph) {
  for (const GraphPass& pass : graph_passes()) pass.run(graph);
  return graph;
}

}  // namespace

Executable::Executable(Graph traced)
    : traced_(std::move(traced)), graph_(after_passes(traced_)), plan_(make_plan(graph_)) {
  for (size_t i = 0; i < graph_.variables.size(); ++i) lock_order_.push_back(int(i));
  std::sort(lock_order_.begin(), lock_order_.end(),
            [this](int a, int b) { return graph_.variables[a].get() < graph_.variables[b].get(); });
}

Executable::~Executable() = default;

std::vector<std::pair<std::string, std::string>> Executable::dump_passes() const {
  std::vector<std::pair<std::string, std::string>> stages{{"trace", traced_.dump()}};
  Graph graph = traced_;
  for (const GraphPass& pass : graph_passes()) {
    pass.run(graph);
    std::string dump = graph.dump();
    if (dump != stages.back().second) stages.emplace_back(pass.name, std::move(dump));
  }
  return stages;
}

void Executable::execute(Workspace& w, char** roots) {
  VariableLocks locks(*this, roots, w.caches.data());
  w.bind(roots);
  for (const Workspace::Call& call : w.calls)
    if (!call.is_done)
      call.op->launch(*call.op, *call.attrs, &w.views[call.first_in], call.num_in,
                      &w.views[call.first_out]);
}

Tensors Executable::run(const Tensors& inputs) {
  if (int(inputs.size()) != plan_.num_inputs)
    value_error("pynn.Executable.run: expected ", plan_.num_inputs, " inputs; received ",
                inputs.size());
  FlushDenormals flush;
  WorkspaceLoan loan(*this);
  std::vector<char*>& roots = loan.roots();
  Tensors ready;
  for (int i = 0; i < plan_.num_inputs; ++i) {
    const Spec spec = input_spec(i);
    if (inputs[i]->shape() != spec.shape)
      value_error("pynn.Executable.run: expected input ", i, " of shape=", spec.shape,
                  "; received shape=", inputs[i]->shape());
    ready.push_back(contiguous(ops::cast(inputs[i], spec.dtype)));
    roots[plan_.input_root(i)] = static_cast<char*>(ready.back()->view.data);
  }
  Tensors outputs;
  for (int i = 0; i < plan_.num_outputs; ++i) {
    outputs.push_back(empty(output_spec(i)));
    roots[plan_.output_root(i)] = static_cast<char*>(outputs.back()->view.data);
  }
  execute(loan.workspace(), roots.data());
  return outputs;
}

void Executable::run_on(char* const* inputs, char* const* outputs) {
  WorkspaceLoan loan(*this);
  std::vector<char*>& roots = loan.roots();
  std::copy(inputs, inputs + plan_.num_inputs, roots.begin() + plan_.input_root(0));
  std::copy(outputs, outputs + plan_.num_outputs, roots.begin() + plan_.output_root(0));
  execute(loan.workspace(), roots.data());
}

}  // namespace pynn
