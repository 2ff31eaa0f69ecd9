#include "ops/fused.h"

#include <algorithm>
#include <cstring>
#include <ostream>

#include "ops/contiguous_input.h"
#include "ops/launch.h"
#include "ops/loop.h"

namespace pynn {

namespace {

enum class Family { none, unary, binary, where, cast };

Family family_of(const OpDef& op) {
  if (op.launch == launch_unary) return Family::unary;
  if (op.launch == launch_binary) return Family::binary;
  if (op.launch == launch_where) return Family::where;
  if (op.launch == launch_cast) return Family::cast;
  return Family::none;
}

bool has_kernel(const OpDef& op, DType in) {
  const int dtype = int(kernel_dtype(in));
  switch (family_of(op)) {
    case Family::unary:
      return kernel_table().unary[op.kernel][dtype];
    case Family::binary:
      return kernel_table().binary[op.kernel][dtype];
    case Family::where:
    case Family::cast:
      return true;
    default:
      return false;
  }
}

// Elements of `shape` behind the axis from which on `part` has ones; 0 if it is not of that form.
int64_t column_inner(const Dims& part, const Dims& shape) {
  if (part.size() != shape.size()) return 0;
  int axis = shape.size();
  int64_t inner = 1;
  while (axis > 0 && part[axis - 1] == 1) inner *= shape[--axis];
  return std::equal(part.begin(), part.begin() + axis, shape.begin()) ? inner : 0;
}

bool is_row(const Dims& part, const Dims& shape) {
  int ones = 0;
  while (ones < part.size() && part[ones] == 1) ++ones;
  const int rank = part.size() - ones;
  return rank <= shape.size() && std::equal(part.begin() + ones, part.end(), shape.end() - rank);
}

bool is_part(const Dims& part, const Dims& shape) {
  return part == shape || num_elements(part) == 1 || is_row(part, shape) ||
         column_inner(part, shape) > 0;
}

// About what the kernels cost, in ns per element.
double cost_of(Family family) {
  return family == Family::unary ? 1.0 : family == Family::cast ? 0.25 : 0.5;
}

}  // namespace

bool is_fusable(const OpDef& op, const Spec* in, int num_in, const Spec& out) {
  if (!has_kernel(op, in[0].dtype)) return false;
  return std::all_of(in, in + num_in,
                     [&](const Spec& spec) { return is_part(spec.shape, out.shape); });
}

FusedBody::FusedBody(const Dims& shape, std::vector<Spec> inputs, std::vector<Call> calls,
                     std::vector<int> results, std::vector<bool> in_place)
    : shape_(shape),
      size_(num_elements(shape)),
      calls_(std::move(calls)),
      results_(std::move(results)),
      in_place_(std::move(in_place)) {
  make_inputs(std::move(inputs));
  make_steps();
}

void FusedBody::make_inputs(std::vector<Spec> specs) {
  for (Spec& spec : specs) {
    Input input{spec, Kind::whole, 0};
    if (spec.shape == shape_) {
      input.kind = Kind::whole;
    } else if (num_elements(spec.shape) == 1) {
      input.kind = Kind::scalar;
    } else if (is_row(spec.shape, shape_)) {
      input.kind = Kind::row;
      input.inner = num_elements(spec.shape);
    } else {
      input.kind = Kind::column;
      input.inner = column_inner(spec.shape, shape_);
    }
    inputs_.push_back(input);
  }
}

void FusedBody::make_steps() {
  const int num_inputs = int(inputs_.size());
  std::vector<DType> dtypes;
  for (const Input& input : inputs_) dtypes.push_back(input.spec.dtype);
  for (const Call& call : calls_) dtypes.push_back(call.out_dtype);
  std::vector<int> last_use(dtypes.size(), -1), buffer_of(dtypes.size(), -1), free;
  for (int s = 0; s < int(calls_.size()); ++s)
    for (int r : calls_[s].in) last_use[r] = s;
  for (int s = 0; s < int(calls_.size()); ++s) {
    const Call& call = calls_[s];
    const OpDef& op = op_def(call.op);
    Step step{};
    step.num_in = int(call.in.size());
    std::copy(call.in.begin(), call.in.end(), step.in);
    step.out = num_inputs + s;
    step.op = &op;
    step.params = call.params;
    step.in_dtype = dtypes[call.in[0]];
    step.out_dtype = call.out_dtype;
    const auto result = std::find(results_.begin(), results_.end(), step.out);
    step.result = result == results_.end() ? -1 : int(result - results_.begin());
    step.last = last_use[step.out] < 0;
    step.buffer = -1;
    if (step.result < 0 || kernel_dtype(call.out_dtype) != call.out_dtype) {
      if (free.empty()) free.push_back(num_buffers_++);
      step.buffer = buffer_of[step.out] = free.back();
      free.pop_back();
    }
    for (int k = 0; k < step.num_in; ++k) {
      int& buffer = buffer_of[step.in[k]];
      if (last_use[step.in[k]] != s || buffer < 0) continue;
      free.push_back(buffer);
      buffer = -1;
    }
    cost_ += cost_of(family_of(op));
    steps_.push_back(step);
  }
}

int FusedBody::num_outputs(int) const { return int(results_.size()); }

void FusedBody::infer(const Spec*, int, Spec* out) const {
  for (size_t i = 0; i < results_.size(); ++i)
    out[i] = {calls_[size_t(results_[i]) - inputs_.size()].out_dtype, shape_};
}

void FusedBody::print(std::ostream& s, const std::string& indent) const {
  const auto name = [&](int r) {
    return r < int(inputs_.size()) ? concat("in", r) : concat("t", r - int(inputs_.size()));
  };
  for (const Step& step : steps_) {
    s << indent << name(step.out) << " = " << step.op->name << "(";
    for (int k = 0; k < step.num_in; ++k) s << (k ? ", " : "") << name(step.in[k]);
    s << ")\n";
  }
  s << indent << "return";
  for (int r : results_) s << " " << name(r);
  s << "\n";
}

// The registers of one thread, a block at a time.
class FusedBlock {
 public:
  // streaming: per output, whether it is stored past the caches.
  FusedBlock(const FusedBody& body, const View* in, View* out, const bool* streaming,
             Scratch& scratch)
      : body_(body), in_(in), out_(out), streaming_(streaming) {
    const size_t registers = body.inputs_.size() + body.steps_.size();
    registers_ = scratch.get<const void*>(int64_t(registers));
    scalar_ = scratch.get<bool>(int64_t(registers));
    std::fill(scalar_, scalar_ + registers, false);
    loads_ = scratch.get<Load>(int64_t(body.inputs_.size()));
    for (size_t i = 0; i < body.inputs_.size(); ++i) prepare(i, scratch);
    buffers_ = scratch.get<char*>(body.num_buffers_);
    for (int i = 0; i < body.num_buffers_; ++i)
      buffers_[i] = static_cast<char*>(scratch.get_bytes(kChunk * sizeof(double)));
    narrow_ = scratch.get<uint16_t>(kChunk);
  }

  // Elements [first, first + n), n at most kChunk.
  void run(int64_t first, int64_t n) const {
    for (size_t i = 0; i < body_.inputs_.size(); ++i)
      if (body_.inputs_[i].kind != FusedBody::Kind::scalar) load(i, first, n);
    for (const FusedBody::Step& step : body_.steps_) run_step(step, first, n);
  }

 private:
  // Space for what cannot be read in place: rows and columns spread, 16-bit floats widened.
  struct Load {
    char* spread;
    void* wide;
  };

  void prepare(size_t i, Scratch& scratch) const {
    const FusedBody::Input& input = body_.inputs_[i];
    const DType dtype = input.spec.dtype;
    const bool widen = kernel_dtype(dtype) != dtype;
    loads_[i] = {nullptr, nullptr};
    if (widen) loads_[i].wide = scratch.get<float>(kChunk);
    if (input.kind == FusedBody::Kind::row || input.kind == FusedBody::Kind::column)
      loads_[i].spread = static_cast<char*>(scratch.get_bytes(kChunk * item_size(dtype)));
    if (input.kind != FusedBody::Kind::scalar) return;
    scalar_[i] = true;
    registers_[i] = in_[i].data;
    if (widen) registers_[i] = cast(in_[i].data, dtype, loads_[i].wide, 1);
  }

  static const void* cast(const void* from, DType dtype, void* to, int64_t n) {
    kernel_table().cast[int(dtype)][int(kernel_dtype(dtype))](from, to, n);
    return to;
  }

  void load(size_t i, int64_t first, int64_t n) const {
    const FusedBody::Input& input = body_.inputs_[i];
    const int64_t item = int64_t(item_size(input.spec.dtype));
    const char* data = static_cast<const char*>(in_[i].data);
    const void* at = data + first * item;
    if (input.kind == FusedBody::Kind::row) at = spread_row(data, item, input.inner, first, n, i);
    if (input.kind == FusedBody::Kind::column)
      at = spread_column(data, item, input.inner, first, n, i);
    registers_[i] = loads_[i].wide ? cast(at, input.spec.dtype, loads_[i].wide, n) : at;
  }

  const void* spread_row(const char* data, int64_t item, int64_t period, int64_t first, int64_t n,
                         size_t i) const {
    const int64_t phase = first % period;
    if (phase + n <= period) return data + phase * item;
    char* out = loads_[i].spread;
    // One period, turned to begin at the phase; then twice as much with each copy.
    int64_t done = std::min(n, period - phase);
    std::memcpy(out, data + phase * item, size_t(done * item));
    if (done < n) {
      const int64_t rest = std::min(n - done, phase);
      std::memcpy(out + done * item, data, size_t(rest * item));
      done += rest;
    }
    while (done < n) {
      const int64_t more = std::min(done, n - done);
      std::memcpy(out + done * item, out, size_t(more * item));
      done += more;
    }
    return out;
  }

  const void* spread_column(const char* data, int64_t item, int64_t inner, int64_t first, int64_t n,
                            size_t i) const {
    const kernels::CopyFn copy = kernel_table().copy[log2_size(body_.inputs_[i].spec.dtype)];
    char* out = loads_[i].spread;
    for (int64_t done = 0; done < n;) {
      const int64_t row = (first + done) / inner;
      const int64_t count = std::min(n - done, (row + 1) * inner - first - done);
      copy(data + row * item, 0, out + done * item, 1, count);
      done += count;
    }
    return out;
  }

  void run_step(const FusedBody::Step& step, int64_t first, int64_t n) const {
    char* result = nullptr;
    if (step.result >= 0) {
      const View& out = out_[step.result];
      result = static_cast<char*>(out.data) + first * int64_t(item_size(out.dtype));
    }
    const DType wide = kernel_dtype(step.out_dtype);
    if (wide == step.out_dtype) {
      void* to = result ? result : buffers_[step.buffer];
      compute(step, wide, {to, result && step.last && streaming_[step.result]}, n);
      registers_[step.out] = to;
      return;
    }
    // A 16-bit float is rounded now, as it is where it is stored.
    void* rounded = result ? static_cast<void*>(result) : narrow_;
    char* buffer = buffers_[step.buffer];
    if (family_of(*step.op) == Family::cast) {
      compute(step, step.out_dtype, {rounded, false}, n);
    } else {
      compute(step, wide, {buffer, false}, n);
      kernel_table().cast[int(wide)][int(step.out_dtype)](buffer, rounded, n);
    }
    registers_[step.out] = cast(rounded, step.out_dtype, buffer, n);
  }

  void compute(const FusedBody::Step& step, DType out, kernels::Output to, int64_t n) const {
    const kernels::KernelTable& table = kernel_table();
    const void* x[3] = {};
    bool scalar[3] = {};
    for (int k = 0; k < step.num_in; ++k) {
      x[k] = registers_[step.in[k]];
      scalar[k] = scalar_[step.in[k]];
    }
    const int in = int(kernel_dtype(step.in_dtype));
    switch (family_of(*step.op)) {
      case Family::unary:
        table.unary[step.op->kernel][in](x[0], to, n, step.params);
        break;
      case Family::binary:
        table.binary[step.op->kernel][in](x[0], scalar[0], x[1], scalar[1], to, n, step.params);
        break;
      case Family::where:
        table.where[log2_size(kernel_dtype(out))](static_cast<const uint8_t*>(x[0]), scalar[0],
                                                  x[1], scalar[1], x[2], scalar[2], to.data, n);
        break;
      default:
        table.cast[in][int(out)](x[0], to.data, n);
    }
  }

  const FusedBody& body_;
  const View* in_;
  View* out_;
  const bool* streaming_;
  const void** registers_;
  bool* scalar_;
  Load* loads_;
  char** buffers_;
  uint16_t* narrow_;
};

void FusedBody::launch(const View* in, int num_in, View* out) const {
  Scratch copies;
  View* ready = copies.get<View>(num_in);
  for (int i = 0; i < num_in; ++i) {
    ready[i] = in[i];
    ready[i].data = const_cast<void*>(contiguous_input(in[i], copies));
  }
  const int64_t num_out = int64_t(results_.size());
  bool* streaming = copies.get<bool>(num_out);
  for (int64_t i = 0; i < num_out; ++i)
    streaming[i] = elements_to_line(out[i].data, 1) == 0 && bypasses_caches(in, num_in, out[i]);
  const bool any = std::any_of(streaming, streaming + num_out, [](bool s) { return s; });
  const int64_t grain = std::max<int64_t>(kChunk, int64_t(20000 / cost_));
  parallel_for((size_ + 63) / 64, std::max<int64_t>(grain / 64, 1),
               [&](int64_t begin, int64_t end) {
                 Scratch scratch;
                 const FusedBlock block(*this, ready, out, streaming, scratch);
                 const int64_t last = std::min(end * 64, size_);
                 for (int64_t first = begin * 64; first < last; first += kChunk)
                   block.run(first, std::min(kChunk, last - first));
                 if (any) kernel_table().stream_end();
               });
}

}  // namespace pynn
