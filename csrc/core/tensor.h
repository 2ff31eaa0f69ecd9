// Tensor: an immutable n-d array, or a traced (symbolic) one with shape and dtype but no data.
#pragma once

#include <memory>

#include "core/dtype.h"
#include "core/shape.h"

namespace pynn {

// A block of memory with the means to give it back.
class Storage {
 public:
  using Release = void (*)(void* data, size_t bytes, void* context);
  Storage(void* data, size_t bytes, Release release, void* context)
      : data_(data), bytes_(bytes), release_(release), context_(context) {}
  ~Storage() { release_(data_, bytes_, context_); }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void* data_;
  size_t bytes_;
  Release release_;
  void* context_;
};

// What is known of a tensor without its data.
struct Spec {
  DType dtype;
  Dims shape;
  bool operator==(const Spec& o) const { return dtype == o.dtype && shape == o.shape; }
  bool operator!=(const Spec& o) const { return !(*this == o); }
};

class PackedCache;

// Memory seen as an array; strides in elements. What op launches work on.
struct View {
  void* data = nullptr;
  DType dtype = DType::float32;
  Dims shape;
  Dims strides;
  PackedCache* packed =
      nullptr;  // of an array that stays as it is for a while (ops/packed_cache.h)

  bool contiguous() const { return is_contiguous(shape, strides); }
  int64_t size() const { return num_elements(shape); }
  size_t bytes() const { return size_t(size()) * item_size(dtype); }
};

struct TensorImpl {
  TensorImpl() = default;
  TensorImpl(const View& v, std::shared_ptr<Storage> s) : view(v), storage(std::move(s)) {}

  View view;                         // data is null for a traced tensor
  std::shared_ptr<Storage> storage;  // null for a traced tensor
  uint64_t trace = 0;                // id of the trace it belongs to; 0: eager
  int value = -1;                    // its number in that trace
  void* object = nullptr;            // bindings: the Python object that stands for it now

  bool is_traced() const { return trace != 0; }
  DType dtype() const { return view.dtype; }
  const Dims& shape() const { return view.shape; }
  int rank() const { return view.shape.size(); }
  Spec spec() const { return {view.dtype, view.shape}; }
};

using Tensor = std::shared_ptr<TensorImpl>;

inline Tensor make_tensor(const View& view, std::shared_ptr<Storage> storage) {
  return std::make_shared<TensorImpl>(view, std::move(storage));
}

inline Tensor make_traced(const Spec& spec, uint64_t trace, int value) {
  auto t = std::make_shared<TensorImpl>();
  t->view.dtype = spec.dtype;
  t->view.shape = spec.shape;
  t->trace = trace;
  t->value = value;
  return t;
}

}  // namespace pynn
