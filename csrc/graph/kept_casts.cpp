#include "graph/kept_casts.h"

namespace pynn {

namespace {

int64_t bytes_of(const View& view) { return view.size() * int64_t(item_size(view.dtype)); }

// The bytes of the arena that a result occupies, as long as nothing else is written there.
class Result {
 public:
  Result(const Place& place) : begin_(place.offset), end_(place.offset + bytes_of(place.view)) {}

  bool holds(const Place& place) const {
    return place.root == Plan::kArena && place.offset >= begin_ && place.offset < end_;
  }
  bool is_overwritten_by(const Place& place) const {
    return place.root == Plan::kArena && place.offset < end_ &&
           place.offset + bytes_of(place.view) > begin_;
  }
  int64_t begin() const { return begin_; }

 private:
  int64_t begin_, end_;
};

int read_variable(const Plan& plan, const PlannedStep& step) {
  const bool is_cast = step.op->id == OpId::cast && step.in.size() == 1 && step.out.size() == 1;
  if (!is_cast || step.out[0].root != Plan::kArena) return -1;
  const Place& in = step.in[0];
  const int variable = in.root - plan.variable_root(0);
  const bool is_whole = in.offset == 0 && in.view.contiguous();
  if (variable < 0 || variable >= plan.num_variables || plan.written[variable] || !is_whole)
    return -1;
  return variable;
}

// Those of the steps after `first` that read what it left; `view` is the number of the first of
// their operands.
std::vector<KeptCast::Reader> readers_after(const Plan& plan, int first, int view) {
  const Result result(plan.steps[first].out[0]);
  std::vector<KeptCast::Reader> readers;
  for (size_t s = first + 1; s < plan.steps.size(); ++s) {
    for (const Place& in : plan.steps[s].in) {
      if (result.holds(in)) readers.push_back({view, in.offset - result.begin()});
      ++view;
    }
    for (const Place& out : plan.steps[s].out)
      if (result.is_overwritten_by(out)) return readers;
    view += int(plan.steps[s].out.size());
  }
  return readers;
}

}  // namespace

std::vector<KeptCast> find_kept_casts(const Plan& plan) {
  std::vector<KeptCast> found;
  int view = 0;
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const PlannedStep& step = plan.steps[s];
    const int next = view + int(step.in.size() + step.out.size());
    const int variable = read_variable(plan, step);
    if (variable >= 0)
      found.push_back({int(s), variable, view, view + 1, bytes_of(step.out[0].view),
                       readers_after(plan, int(s), next)});
    view = next;
  }
  return found;
}

const char* kept_cast(PackedCache& cache, const OpDef& op, const Attrs& attrs, const View& in,
                      const View& out, int64_t bytes) {
  const PackedKey key{&op, in.data, 1, 0, in.size(), 1, out.dtype, 1.0f};
  return cache.get(key, size_t(bytes), [&](char* data) {
    View target = out;
    target.data = data;
    op.launch(op, attrs, &in, 1, &target);
  });
}

}  // namespace pynn
