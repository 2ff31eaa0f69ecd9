#include "ops/loop.h"

namespace pynn {

LoopNest::LoopNest(const View* in, int num_in, const View& out)
    : shape(out.shape), operands(num_in + 1) {
  for (int k = 0; k <= num_in; ++k) {
    const View& v = k < num_in ? in[k] : out;
    data[k] = static_cast<char*>(v.data);
    strides[k] = k < num_in ? broadcast_strides(v.shape, v.strides, out.shape) : v.strides;
    for (int64_t& s : strides[k]) s *= int64_t(item_size(v.dtype));
  }
  size_ = num_elements(shape);
  merge_axes();
}

void LoopNest::merge_axes() {
  // From the innermost axis outwards: axis i joins the one inside it if stepping over the inner
  // axis once is one step of the outer one, in every operand.
  Dims merged_shape, merged[kMaxOperands];
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 1) continue;
    bool joins = !merged_shape.empty();
    for (int k = 0; k < operands && joins; ++k)
      joins = strides[k][i] == merged[k].back() * merged_shape.back();
    if (joins) {
      merged_shape.back() *= shape[i];
      continue;
    }
    merged_shape.push_back(shape[i]);
    for (int k = 0; k < operands; ++k) merged[k].push_back(strides[k][i]);
  }
  if (merged_shape.empty()) {
    merged_shape.push_back(1);
    for (int k = 0; k < operands; ++k) merged[k].push_back(0);
  }
  std::reverse(merged_shape.begin(), merged_shape.end());
  shape = merged_shape;
  for (int k = 0; k < operands; ++k) {
    std::reverse(merged[k].begin(), merged[k].end());
    strides[k] = merged[k];
  }
}

bool bypasses_caches(const View* in, int num_in, const View& out) {
  if (!kernel_table().stream_end) return false;
  const CacheSizes& cache = cache_sizes();
  const size_t last = cache.l3 ? cache.l3 : cache.l2;
  if (last == 0 || out.bytes() <= last / 2) return false;
  return std::none_of(in, in + num_in, [&](const View& v) { return v.data == out.data; });
}

bool is_flat(const View* in, int num_in, const View& out) {
  if (kernel_dtype(out.dtype) != out.dtype) return false;
  for (int k = 0; k < num_in; ++k) {
    if (kernel_dtype(in[k].dtype) != in[k].dtype) return false;
    const bool whole = in[k].shape == out.shape && in[k].contiguous();
    if (!whole && in[k].size() != 1) return false;
  }
  return true;
}

OperandRun::OperandRun(DType dtype, int64_t byte_stride, Scratch& scratch)
    : dtype_(dtype), stride_(byte_stride / int64_t(item_size(dtype))) {
  const bool convert = kernel_dtype(dtype) != dtype;
  scalar_ = stride_ == 0;
  direct_ = !convert && (stride_ == 0 || stride_ == 1);
  if (stride_ != 0 && stride_ != 1) gathered_ = scratch.get_bytes(kChunk * item_size(dtype));
  if (convert) converted_ = scratch.get_bytes(kChunk * item_size(kernel_dtype(dtype)));
}

const void* OperandRun::load(const char* data, int64_t n) {
  const kernels::KernelTable& table = kernel_table();
  const void* run = data;
  if (gathered_) {
    table.copy[log2_size(dtype_)](data, stride_, gathered_, 1, n);
    run = gathered_;
  }
  if (converted_) {
    table.cast[int(dtype_)][int(kernel_dtype(dtype_))](run, converted_, scalar_ ? 1 : n);
    run = converted_;
  }
  return run;
}

void copy_view(const View& from, const View& to) {
  const LoopNest nest(&from, 1, to);
  if (nest.size() == 0) return;
  const int last = nest.shape.size() - 1;
  const int64_t size_in = int64_t(item_size(from.dtype)), size_out = int64_t(item_size(to.dtype));
  const int64_t in_stride = nest.strides[0][last] / size_in,
                out_stride = nest.strides[1][last] / size_out;
  const kernels::KernelTable& table = kernel_table();
  const auto convert =
      from.dtype == to.dtype ? nullptr : table.cast[int(from.dtype)][int(to.dtype)];
  const auto copy_in = table.copy[log2_size(from.dtype)],
             copy_out = table.copy[log2_size(to.dtype)];
  parallel_for(nest.size(), 32 * kChunk, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    void* gathered =
        convert && in_stride != 1 ? scratch.get_bytes(size_t(kChunk * size_in)) : nullptr;
    void* converted =
        convert && out_stride != 1 ? scratch.get_bytes(size_t(kChunk * size_out)) : nullptr;
    nest.run(begin, end, [&](char* const* at, int64_t n) {
      if (!convert) {
        copy_in(at[0], in_stride, at[1], out_stride, n);
        return;
      }
      for (int64_t done = 0; done < n; done += kChunk) {
        const int64_t m = std::min(kChunk, n - done);
        const char* source = at[0] + done * in_stride * size_in;
        char* target = at[1] + done * out_stride * size_out;
        if (gathered) copy_in(source, in_stride, gathered, 1, m);
        convert(gathered ? gathered : source, converted ? converted : target, m);
        if (converted) copy_out(converted, 1, target, out_stride, m);
      }
    });
  });
}

}  // namespace pynn
