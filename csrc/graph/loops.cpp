// Loops as ops: while and scan, and their gradients.
#include <algorithm>

#include "graph/bodies.h"

namespace pynn {

namespace {

// ---- while; inputs: carries, then what condition and body take from outside

// Condition and body, on the same inputs.
struct WhileParts {
  ProgramPtr condition, body;
  int carries() const { return body->num_outputs(); }
  bool holds(char* const* inputs) const {
    bool flag = false;
    char* output = reinterpret_cast<char*>(&flag);
    condition->run(inputs, &output);
    return flag;
  }
};

class WhileGradientBody : public OpBody {
 public:
  // Inputs: those of the loop, then the gradients so far. The gradient has the same inputs, and new
  // gradients as outputs.
  WhileGradientBody(WhileParts forward, ProgramPtr gradient)
      : forward_(std::move(forward)), gradient_(std::move(gradient)) {}

  int num_outputs(int) const override { return gradient_->num_outputs(); }
  void infer(const Spec*, int, Spec* out) const override {
    for (int k = 0; k < gradient_->num_outputs(); ++k) out[k] = gradient_->output_spec(k);
  }
  void launch(const View* in, int num_in, View* out) const override;
  bool may_fail() const override { return true; }
  void gradient(const GradContext&) const override {
    value_error(
        "pynn.while_loop: expected a gradient of first order, since the number of iterations is "
        "not "
        "known; received one of second order. Use fori_loop or scan with a known length");
  }
  void print(std::ostream& out, const std::string& indent) const override {
    print_program(out, indent, "condition", *forward_.condition);
    print_program(out, indent, "body", *forward_.body);
    print_program(out, indent, "gradient", *gradient_);
  }

 private:
  // The carries after each iteration.
  class History {
   public:
    explicit History(const Program& body) {
      for (int j = 0; j < body.num_outputs(); ++j) {
        offsets_.push_back(bytes_);
        const Spec spec = body.output_spec(j);
        const size_t bytes = size_t(num_elements(spec.shape)) * item_size(spec.dtype);
        bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
      }
    }
    ~History() {
      for (char* block : blocks_) deallocate(block, bytes_);
    }
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    void add() {
      blocks_.push_back(nullptr);  // its own memory first: nothing leaks where there is no more
      blocks_.back() = static_cast<char*>(allocate(bytes_));
    }
    int64_t size() const { return int64_t(blocks_.size()); }
    char* at(int64_t iteration, int j) const { return blocks_[iteration] + offsets_[j]; }

   private:
    std::vector<char*> blocks_;
    std::vector<size_t> offsets_;
    size_t bytes_ = 0;
  };

  WhileParts forward_;
  ProgramPtr gradient_;
};

void WhileGradientBody::launch(const View* in, int num_in, View* out) const {
  Scratch scratch;
  const int carries = forward_.carries(), own = forward_.body->num_inputs(), count = num_in - own;
  Addresses inputs(num_in), first(carries), outputs(std::max(carries, count));
  fill_addresses(in, num_in, scratch, inputs);
  for (int j = 0; j < carries; ++j) first[j] = inputs[j];
  History history(*forward_.body);
  while (forward_.holds(inputs.data())) {
    history.add();
    for (int j = 0; j < carries; ++j) outputs[j] = history.at(history.size() - 1, j);
    forward_.body->run(inputs.data(), outputs.data());
    for (int j = 0; j < carries; ++j) inputs[j] = outputs[j];
  }
  Carried gradients(inputs.data() + own, out, count, scratch);
  for (int64_t k = history.size() - 1; k >= 0; --k) {
    for (int j = 0; j < carries; ++j) inputs[j] = k == 0 ? first[j] : history.at(k - 1, j);
    for (int j = 0; j < count; ++j) {
      inputs[own + j] = gradients.now(j);
      outputs[j] = gradients.next(j);
    }
    gradient_->run(inputs.data(), outputs.data());
    gradients.advance();
  }
  gradients.finish();
}

class WhileBody : public OpBody {
 public:
  explicit WhileBody(WhileParts parts) : parts_(std::move(parts)) {}

  int num_outputs(int) const override { return parts_.carries(); }
  void infer(const Spec* in, int, Spec* out) const override {
    std::copy(in, in + parts_.carries(), out);
  }
  void launch(const View* in, int num_in, View* out) const override {
    Scratch scratch;
    const int carries = parts_.carries();
    Addresses inputs(num_in), outputs(carries);
    fill_addresses(in, num_in, scratch, inputs);
    Carried carried(inputs.data(), out, carries, scratch);
    while (parts_.holds(inputs.data())) {
      for (int j = 0; j < carries; ++j) outputs[j] = carried.next(j);
      parts_.body->run(inputs.data(), outputs.data());
      carried.advance();
      for (int j = 0; j < carries; ++j) inputs[j] = carried.now(j);
    }
    carried.finish();
  }
  bool has_effects() const override {
    return parts_.condition->has_effects() || parts_.body->has_effects();
  }
  bool may_fail() const override { return true; }
  void gradient(const GradContext& c) const override {
    std::vector<bool> given;
    for (const Tensor& g : c.grads) given.push_back(bool(g));
    LoopGradient loop =
        make_loop_gradient(parts_.body->graph(), parts_.carries(), parts_.carries(), c.need, given);
    Tensors in = c.in;
    for (int j : loop.carries) in.push_back(c.grads[j] ? c.grads[j] : zeros(c.in[j]->spec()));
    for (int i : loop.inputs)
      in.push_back(c.so_far[i] ? c.so_far[i] : zeros(c.in[i]->spec(), -0.0));
    const Tensors out = apply_body(
        OpId::while_loop_gradient, in,
        std::make_shared<WhileGradientBody>(parts_, make_program(std::move(loop.graph))));
    for (size_t k = 0; k < loop.carries.size(); ++k)
      if (c.need[loop.carries[k]]) c.result[loop.carries[k]] = out[k];
    for (size_t k = 0; k < loop.inputs.size(); ++k) {
      c.result[loop.inputs[k]] = out[loop.carries.size() + k];
      c.includes[loop.inputs[k]] = true;
    }
  }
  void print(std::ostream& out, const std::string& indent) const override {
    print_program(out, indent, "condition", *parts_.condition);
    print_program(out, indent, "body", *parts_.body);
  }

 private:
  WhileParts parts_;
};

// ---- scan; inputs: carries, arrays that are taken slice by slice, what the body takes from
// outside; outputs: carries, stacked slices, and for the gradient the carries before each
// iteration, stacked

class ScanBody : public OpBody {
 public:
  ScanBody(ProgramPtr body, int carries, int arrays, int64_t length, bool reverse, bool history)
      : body_(std::move(body)),
        carries_(carries),
        arrays_(arrays),
        length_(length),
        reverse_(reverse),
        history_(history) {}

  int num_outputs(int) const override { return body_->num_outputs() + (history_ ? carries_ : 0); }
  void infer(const Spec* in, int, Spec* out) const override {
    for (int k = 0; k < body_->num_outputs(); ++k) {
      out[k] = body_->output_spec(k);
      if (k >= carries_) out[k].shape.insert(0, length_);
    }
    for (int j = 0; history_ && j < carries_; ++j) {
      Spec& spec = out[body_->num_outputs() + j];
      spec = in[j];
      spec.shape.insert(0, length_);
    }
  }
  void launch(const View* in, int num_in, View* out) const override;
  bool has_effects() const override { return body_->has_effects(); }
  bool may_fail() const override { return true; }
  void gradient(const GradContext& c) const override;
  void print(std::ostream& out, const std::string& indent) const override {
    out << indent << length_ << (reverse_ ? " times, backwards\n" : " times\n");
    print_program(out, indent, "body", *body_);
  }
  int num_kept() const { return body_->num_outputs(); }
  std::shared_ptr<const OpBody> without_history() const {
    return std::make_shared<ScanBody>(body_, carries_, arrays_, length_, reverse_, false);
  }

 private:
  ProgramPtr body_;
  int carries_, arrays_;
  int64_t length_;
  bool reverse_, history_;
};

void ScanBody::launch(const View* in, int num_in, View* out) const {
  Scratch scratch;
  const int shared = carries_ + arrays_, results = body_->num_outputs();
  Addresses given(num_in), inputs(num_in), outputs(results);
  fill_addresses(in, num_in, scratch, given);
  for (int i = 0; i < num_in; ++i) inputs[i] = given[i];
  Carried carried(given.data(), out, carries_, scratch);
  auto bytes = [this](const View& stacked) { return int64_t(stacked.bytes()) / length_; };
  for (int64_t step = 0; step < length_; ++step) {
    const int64_t at = reverse_ ? length_ - 1 - step : step;
    for (int i = carries_; i < shared; ++i) inputs[i] = given[i] + at * bytes(in[i]);
    for (int k = carries_; k < results; ++k)
      outputs[k] = static_cast<char*>(out[k].data) + at * bytes(out[k]);
    for (int j = 0; j < carries_; ++j) {
      inputs[j] = carried.now(j);
      outputs[j] = carried.next(j);
    }
    for (int j = 0; history_ && j < carries_; ++j) {
      const View& stack = out[results + j];
      if (bytes(stack) > 0)
        std::copy(inputs[j], inputs[j] + bytes(stack),
                  static_cast<char*>(stack.data) + at * bytes(stack));
    }
    body_->run(inputs.data(), outputs.data());
    carried.advance();
  }
  carried.finish();
}

// A scan the other way round: its carries are the gradients of the carries and of what all
// iterations share; it goes through the arrays, the carries before each iteration, and the
// gradients of slices.
void ScanBody::gradient(const GradContext& c) const {
  const int inputs = int(c.in.size()), shared = carries_ + arrays_, results = body_->num_outputs();
  Graph forward = body_->graph();  // the carries before an iteration are outputs like others
  for (int j = 0; j < carries_; ++j) forward.outputs.push_back(forward.inputs[j]);
  std::vector<bool> given;
  for (const Tensor& g : c.grads) given.push_back(bool(g));
  LoopGradient loop = make_loop_gradient(forward, carries_, shared, c.need, given);
  if (loop.carries.empty() && loop.inputs.empty()) return;

  Tensors in, slices(c.in.begin() + carries_, c.in.begin() + shared);
  std::vector<int> array_inputs, shared_inputs;
  for (int i : loop.inputs) (i < shared ? array_inputs : shared_inputs).push_back(i);
  for (int j : loop.carries) in.push_back(c.grads[j] ? c.grads[j] : zeros(c.in[j]->spec()));
  for (int i : shared_inputs)
    in.push_back(c.so_far[i] ? c.so_far[i] : zeros(c.in[i]->spec(), -0.0));
  slices.insert(slices.end(), c.out.begin() + results, c.out.end());
  for (int k = carries_; k < int(c.grads.size()); ++k)
    if (c.grads[k]) slices.push_back(c.grads[k]);
  const int num_carries = int(in.size()), num_arrays = int(slices.size());
  in.insert(in.end(), slices.begin(), slices.end());
  in.insert(in.end(), c.in.begin() + shared, c.in.end());

  // From the order of LoopGradient to that of a scan.
  std::vector<int> slots;
  const int first_slice = num_carries, first_shared = num_carries + num_arrays;
  for (int j = 0; j < carries_; ++j) slots.push_back(first_slice + arrays_ + j);
  for (int i = 0; i < arrays_; ++i) slots.push_back(first_slice + i);
  for (int i = shared; i < inputs; ++i) slots.push_back(first_shared + i - shared);
  for (int j = 0; j < int(loop.carries.size()); ++j) slots.push_back(j);
  for (int k = arrays_ + carries_; k < num_arrays; ++k) slots.push_back(first_slice + k);
  for (int i = int(loop.carries.size()); i < num_carries; ++i) slots.push_back(i);
  std::vector<Spec> specs;
  for (int i = 0; i < int(in.size()); ++i) {
    specs.push_back(in[i]->spec());
    if (i >= first_slice && i < first_shared) specs.back().shape.erase(0);
  }
  arrange_inputs(loop.graph, slots, specs);
  std::vector<int> order = counted(int(loop.carries.size()));
  const int carry_outputs = int(loop.carries.size());
  for (int i = 0; i < int(loop.inputs.size()); ++i)
    if (loop.inputs[i] >= shared) order.push_back(carry_outputs + i);
  for (int i = 0; i < int(loop.inputs.size()); ++i)
    if (loop.inputs[i] < shared) order.push_back(carry_outputs + i);
  select_outputs(loop.graph, order);

  const Tensors out =
      apply_body(OpId::scan, in,
                 std::make_shared<ScanBody>(make_program(std::move(loop.graph)), num_carries,
                                            num_arrays, length_, !reverse_, true));
  for (int k = 0; k < carry_outputs; ++k)
    if (c.need[loop.carries[k]]) c.result[loop.carries[k]] = out[k];
  for (int k = 0; k < int(shared_inputs.size()); ++k) {
    c.result[shared_inputs[k]] = out[carry_outputs + k];
    c.includes[shared_inputs[k]] = true;
  }
  for (int k = 0; k < int(array_inputs.size()); ++k)
    c.result[array_inputs[k]] = out[num_carries + k];
}

}  // namespace

std::pair<std::shared_ptr<const OpBody>, int> scan_without_history(const OpBody& scan) {
  const auto& body = static_cast<const ScanBody&>(scan);
  return {body.without_history(), body.num_kept()};
}

Tensors while_loop(SubGraph condition, SubGraph body, const Tensors& init) {
  if (!condition.assigned.empty())
    value_error(
        "pynn.while_loop: expected cond to be a function that assigns no variable; it assigns '",
        condition.assigned[0]->name(), "'");
  const Variables assigned = body.assigned;
  order_assigned(body, assigned);
  Tensors carries = init;
  for (const auto& variable : assigned) carries.push_back(variable->value());
  OpInputs inputs(carries);
  const int own = int(init.size());
  const std::vector<int> of_condition = inputs.slots_of(condition, counted(own), assigned, own);
  const std::vector<int> of_body = inputs.slots_of(body, counted(own), assigned, own);
  arrange_inputs(condition.graph, of_condition, inputs.specs());
  arrange_inputs(body.graph, of_body, inputs.specs());
  WhileParts parts{make_program(std::move(condition.graph)), make_program(std::move(body.graph))};
  return assign_rest(
      apply_body(OpId::while_loop, inputs.tensors(), std::make_shared<WhileBody>(std::move(parts))),
      own, assigned);
}

Tensors scan(SubGraph body, const Tensors& init, const Tensors& xs, int64_t length, bool reverse) {
  const Variables assigned = body.assigned;
  order_assigned(body, assigned);
  const int own = int(init.size()), arrays = int(xs.size());
  const int carries = own + int(assigned.size()), results = body.num_outputs;
  Tensors first = init;
  for (const auto& variable : assigned) first.push_back(variable->value());
  first.insert(first.end(), xs.begin(), xs.end());
  OpInputs inputs(first);
  std::vector<int> slots = counted(own);
  for (int i = 0; i < arrays; ++i) slots.push_back(carries + i);
  slots = inputs.slots_of(body, std::move(slots), assigned, own);
  std::vector<Spec> specs = inputs.specs();
  for (int i = carries; i < carries + arrays; ++i) specs[i].shape.erase(0);
  arrange_inputs(body.graph, slots, specs);
  // Outputs: carries, variables, slices.
  std::vector<int> order = counted(own);
  for (int v = 0; v < int(assigned.size()); ++v) order.push_back(results + v);
  for (int k = own; k < results; ++k) order.push_back(k);
  select_outputs(body.graph, order);
  const Tensors out =
      apply_body(OpId::scan, inputs.tensors(),
                 std::make_shared<ScanBody>(make_program(std::move(body.graph)), carries, arrays,
                                            length, reverse, true));
  Tensors returned(out.begin(), out.begin() + own);
  for (int v = 0; v < int(assigned.size()); ++v) assigned[v]->assign(out[own + v]);
  returned.insert(returned.end(), out.begin() + carries, out.begin() + carries + (results - own));
  return returned;
}

}  // namespace pynn
