#include <cstring>
#include <utility>

#include "core/short_array.h"
#include "ops/op.h"
#include "runtime/arena.h"
#include "runtime/cpu.h"
#include "runtime/fpenv.h"

namespace pynn {

namespace {

constexpr int kFewInputs = 5;

thread_local Tracer* tracer = nullptr;
thread_local Recorder* recorder = nullptr;

void release_to_arena(void* data, size_t bytes, void*) { deallocate(data, bytes); }

bool any_traced(const Tensors& inputs) {
  for (const Tensor& t : inputs)
    if (t->is_traced()) return true;
  return false;
}

Tensors run_now(const OpDef& op, const Attrs& attrs, const Tensors& inputs, const Spec* specs) {
  Tensors outputs;
  const int count = num_outputs(op, attrs, int(inputs.size()));
  outputs.reserve(size_t(count));
  if (op.flags & kView) {
    View view;
    view.dtype = specs[0].dtype;
    view.shape = specs[0].shape;
    if (make_view(op.id, attrs, inputs[0]->view, view)) {
      outputs.push_back(make_tensor(view, inputs[0]->storage));
      return outputs;
    }
  }
  std::vector<View> in;
  in.reserve(inputs.size());
  for (const Tensor& t : inputs) in.push_back(t->view);
  ShortArray<View, kFewOutputs> out(count);
  for (int i = 0; i < count; ++i) {
    outputs.push_back(empty(specs[i]));
    out[i] = outputs.back()->view;
  }
  FlushDenormals flush;
  op.launch(op, attrs, in.data(), int(in.size()), out.data());
  return outputs;
}

}  // namespace

Tracer* current_tracer() { return tracer; }
Tracer* set_tracer(Tracer* t) { return std::exchange(tracer, t); }
Recorder* current_recorder() { return recorder; }
Recorder* set_recorder(Recorder* r) { return std::exchange(recorder, r); }

Tensors apply(OpId id, const Tensors& inputs, const Attrs& attrs) {
  const OpDef& op = op_def(id);
  const int num_in = int(inputs.size()), count = num_outputs(op, attrs, num_in);
  ShortArray<Spec, kFewInputs> in(num_in);
  ShortArray<Spec, kFewOutputs> specs(count);
  for (int i = 0; i < num_in; ++i) in[i] = inputs[size_t(i)]->spec();
  op.infer(op, attrs, in.data(), num_in, specs.data());
  for (int i = 0; i < count; ++i) num_elements(op.name, specs[i].shape);  // not too many
  Tensors outputs;
  if (any_traced(inputs)) {
    if (!tracer)
      throw TraceError(concat("pynn.", op.name, ": a tensor of a finished trace was used"));
    outputs = tracer->append(op, attrs, inputs, specs.data());
  } else {
    outputs = run_now(op, attrs, inputs, specs.data());
  }
  if (recorder && op.differentiable) recorder->record(op, attrs, inputs, outputs);
  return outputs;
}

Tensor empty(const Spec& spec) {
  View view;
  view.dtype = spec.dtype;
  view.shape = spec.shape;
  view.strides = contiguous_strides(spec.shape);
  const size_t bytes = view.bytes();
  view.data = allocate(bytes);
  return make_tensor(view, std::make_shared<Storage>(view.data, bytes, release_to_arena, nullptr));
}

Tensor full(const Dims& shape, double value, DType dtype) {
  Tensor t = empty({dtype, shape});
  if (t->view.size() == 0) return t;
  if (dtype == DType::float64)
    std::memcpy(t->view.data, &value, sizeof(value));
  else
    kernel_table().cast[int(DType::float64)][int(dtype)](&value, t->view.data, 1);
  if (t->view.size() > 1) {
    View first = t->view;
    first.strides = Dims::filled(shape.size(), 0);
    copy_view(first, t->view);
  }
  return t;
}

Tensor contiguous(const Tensor& x) {
  if (!x->is_traced() && x->view.contiguous()) return x;
  return apply1(OpId::copy, {x});
}

}  // namespace pynn
