// What one run of an executable needs for itself. Private to graph/.
#pragma once

#include "graph/executable.h"
#include "graph/kept_casts.h"
#include "runtime/arena.h"

namespace pynn {

// The steps with the views that their launches get; only the data pointers change from run to run.
struct Executable::Workspace {
  struct Call {
    const OpDef* op;
    const Attrs* attrs;
    int first_in, num_in, first_out;
    bool is_done;  // its result is kept from an earlier run
  };
  explicit Workspace(const Plan& plan);
  void add(const Place& place);
  // Sets the addresses, and the packed forms of variables.
  void bind(char* const* bases);
  void bind_kept_casts();

  std::vector<Call> calls;
  std::vector<View> views;
  std::vector<int> roots;
  std::vector<int64_t> offsets;
  // Operands of steps that are variables which the run does not write.
  struct Constant {
    int view, variable;
  };
  std::vector<Constant> constants;
  std::vector<PackedCache*> caches;  // per variable, or null
  std::vector<KeptCast> casts;
};

// A workspace and arena memory for the length of a run.
class Executable::WorkspaceLoan {
 public:
  explicit WorkspaceLoan(Executable& owner);
  ~WorkspaceLoan();
  WorkspaceLoan(const WorkspaceLoan&) = delete;
  WorkspaceLoan& operator=(const WorkspaceLoan&) = delete;

  Workspace& workspace() { return *workspace_; }
  // Base addresses with the arena filled in.
  std::vector<char*>& roots() {
    roots_.assign(owner_.plan_.num_roots(), nullptr);
    roots_[Plan::kArena] = arena_;
    return roots_;
  }

 private:
  Executable& owner_;
  std::unique_ptr<Workspace> workspace_;
  char* arena_;
  std::vector<char*> roots_;
};

// Holds the variables of an executable while a step runs: alone where it writes, shared where it
// reads. Fills in their addresses, and the packed forms of those that have not changed since an
// earlier run; a variable whose value somebody else holds gets new memory first.
class VariableLocks {
 public:
  VariableLocks(Executable& exe, char** roots, PackedCache** caches);
  ~VariableLocks();
  VariableLocks(const VariableLocks&) = delete;
  VariableLocks& operator=(const VariableLocks&) = delete;

 private:
  void unlock();
  Executable& exe_;
  int locked_ = 0;
};

}  // namespace pynn
