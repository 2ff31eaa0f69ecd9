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

bool any_traced(const TensorRefs& inputs) {
  for (int i = 0; i < inputs.size(); ++i)
    if (inputs[i]->is_traced()) return true;
  return false;
}

bool view_now(const OpDef& op, const Attrs& attrs, const Tensor& input, const Spec& spec,
              Tensor& output) {
  View view;
  view.dtype = spec.dtype;
  view.shape = spec.shape;
  if (!make_view(op.id, attrs, input->view, view)) return false;
  output = make_tensor(view, input->storage);
  return true;
}

void run_now(const OpDef& op, const Attrs& attrs, const TensorRefs& inputs, const Spec* specs,
             Tensor* outputs, int count) {
  if ((op.flags & kView) && view_now(op, attrs, inputs[0], specs[0], outputs[0])) return;
  ShortArray<View, kFewInputs> in(inputs.size());
  ShortArray<View, kFewOutputs> out(count);
  for (int i = 0; i < inputs.size(); ++i) in[i] = inputs[i]->view;
  for (int i = 0; i < count; ++i) {
    outputs[i] = empty(specs[i]);
    out[i] = outputs[i]->view;
  }
  FlushDenormals flush;
  op.launch(op, attrs, in.data(), inputs.size(), out.data());
}

// The one way to compute. `outputs` has room for all `count`.
void apply_to(Tensor* outputs, int count, const OpDef& op, const TensorRefs& inputs,
              const Attrs& attrs) {
  ShortArray<Spec, kFewInputs> in(inputs.size());
  ShortArray<Spec, kFewOutputs> specs(count);
  for (int i = 0; i < inputs.size(); ++i) in[i] = inputs[i]->spec();
  op.infer(op, attrs, in.data(), inputs.size(), specs.data());
  for (int i = 0; i < count; ++i) num_elements(op.name, specs[i].shape);  // not too many
  if (any_traced(inputs)) {
    if (!tracer)
      throw TraceError(concat("pynn.", op.name, ": a tensor of a finished trace was used"));
    tracer->append(op, attrs, inputs, specs.data(), outputs);
  } else {
    run_now(op, attrs, inputs, specs.data(), outputs, count);
  }
  if (recorder && op.differentiable)
    recorder->record(op, attrs, inputs, TensorRefs(outputs, count));
}

}  // namespace

Tracer* current_tracer() { return tracer; }
Tracer* set_tracer(Tracer* t) { return std::exchange(tracer, t); }
Recorder* current_recorder() { return recorder; }
Recorder* set_recorder(Recorder* r) { return std::exchange(recorder, r); }

Tensors TensorRefs::copy() const {
  Tensors list;
  list.reserve(size_t(size_));
  for (int i = 0; i < size_; ++i) list.push_back((*this)[i]);
  return list;
}

Tensors apply(OpId id, const TensorRefs& inputs, const Attrs& attrs) {
  const OpDef& op = op_def(id);
  Tensors outputs(size_t(num_outputs(op, attrs, inputs.size())));
  apply_to(outputs.data(), int(outputs.size()), op, inputs, attrs);
  return outputs;
}

Tensor apply1(OpId id, const TensorRefs& inputs, const Attrs& attrs) {
  Tensor output;
  apply_to(&output, 1, op_def(id), inputs, attrs);
  return output;
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
