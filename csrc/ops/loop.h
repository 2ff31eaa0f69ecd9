// Walks strided, broadcast operands as contiguous segments, so that kernels see plain arrays. The
// one place that knows about strides in elementwise ops.
#pragma once

#include <algorithm>
#include <new>

#include "ops/op.h"
#include "runtime/arena.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

inline constexpr int kMaxOperands = 4;
// Elements converted or gathered at a time: operands and result of a chunk stay in L1.
inline constexpr int64_t kChunk = 1024;

// Operands over one index space, with axes merged where all strides allow. The last operand is the
// output.
struct LoopNest {
  LoopNest(const View* in, int num_in, const View& out);

  int64_t size() const { return size_; }
  // Calls body(pointers, steps, n) for consecutive runs of the innermost axis that cover [begin,
  // end).
  template <class F>
  void run(int64_t begin, int64_t end, const F& body) const;

  Dims shape;
  Dims strides[kMaxOperands];  // in bytes
  char* data[kMaxOperands];
  int operands;

 private:
  void merge_axes();
  int64_t size_;
};

template <class F>
void LoopNest::run(int64_t begin, int64_t end, const F& body) const {
  if (begin >= end) return;
  const int rank = shape.size();
  const int64_t inner = shape[rank - 1];
  int64_t index[kMaxRank];
  int64_t rest = begin;
  for (int i = rank - 1; i >= 0; --i) {
    index[i] = rest % shape[i];
    rest /= shape[i];
  }
  char* at[kMaxOperands];
  for (int64_t position = begin; position < end;) {
    for (int k = 0; k < operands; ++k) {
      at[k] = data[k];
      for (int i = 0; i < rank; ++i) at[k] += index[i] * strides[k][i];
    }
    const int64_t n = std::min(inner - index[rank - 1], end - position);
    body(at, n);
    position += n;
    index[rank - 1] += n;
    for (int i = rank - 1; i > 0 && index[i] == shape[i]; --i) {
      index[i] = 0;
      ++index[i - 1];
    }
  }
}

// dtype in which kernels compute: half types in float32.
inline DType kernel_dtype(DType d) {
  return d == DType::float16 || d == DType::bfloat16 ? DType::float32 : d;
}

// Kernels that only move elements are found by this.
inline int log2_size(DType d) { return __builtin_ctz(unsigned(item_size(d))); }

// A contiguous (or scalar) run of an operand in its kernel dtype: the operand's own memory where
// that is what it is, else a gathered and converted chunk.
class OperandRun {
 public:
  OperandRun(DType dtype, int64_t byte_stride, Scratch& scratch);
  bool is_direct() const { return direct_; }
  bool is_scalar() const { return scalar_; }
  const void* load(const char* data, int64_t n);

 private:
  DType dtype_;
  int64_t stride_;  // in elements
  bool scalar_, direct_;
  void* gathered_ = nullptr;
  void* converted_ = nullptr;
};

// Whether an op writes past the caches. A store into memory that is in no cache reads its line
// first, a quarter to a third of what a simple op moves, and that for nothing where the output is
// too large to be found in the last cache later. In place, the lines have been read anyway.
bool bypasses_caches(const View* in, int num_in, const View& out);

// Elements up to the next line of 64 bytes.
inline int64_t elements_to_line(const void* p, int64_t size) {
  constexpr int64_t kLine = 64;
  return (kLine - int64_t(reinterpret_cast<uintptr_t>(p)) % kLine) % kLine / size;
}

// Whether kernels can run over the operands as they lie: all in their kernel dtype, and each either
// contiguous of the shape of the output or a single element. The usual case; a LoopNest would find
// the same, at the cost of a small op.
bool is_flat(const View* in, int num_in, const View& out);

// out[i] = f(in...[i]) for all elements of flat operands, stored through the caches.
template <class F>
void map_flat(const View* in, int num_in, const View& out, int64_t grain, const F& call) {
  const int64_t size = out.size(), out_size = int64_t(item_size(out.dtype));
  int64_t steps[kMaxOperands];
  bool scalar[kMaxOperands];
  for (int k = 0; k < num_in; ++k) {
    scalar[k] = in[k].size() == 1;
    steps[k] = scalar[k] ? 0 : int64_t(item_size(in[k].dtype));
  }
  parallel_for((size + 63) / 64, std::max<int64_t>(grain / 64, 1), [&](int64_t first, int64_t end) {
    const int64_t begin = first * 64, n = std::min(end * 64, size) - begin;
    const void* pointers[kMaxOperands];
    for (int k = 0; k < num_in; ++k)
      pointers[k] = static_cast<const char*>(in[k].data) + begin * steps[k];
    call(pointers, scalar, {static_cast<char*>(out.data) + begin * out_size, false}, n);
  });
}

// out[i] = f(in...[i]) for all elements: the loop of every elementwise op. `call` is
// void(const void* const* in, const bool* scalar, kernels::Output out, int64_t n). `cost` is the
// work per element in about ns, for the decision to use threads.
template <class F>
void map_elements(const View* in, int num_in, const View& out, double cost, const F& call) {
  const int64_t grain = std::max<int64_t>(kChunk, int64_t(20000 / cost));
  const bool bypass = bypasses_caches(in, num_in, out);
  if (!bypass && is_flat(in, num_in, out)) return map_flat(in, num_in, out, grain, call);
  const LoopNest nest(in, num_in, out);
  if (nest.size() == 0) return;
  const DType out_dtype = kernel_dtype(out.dtype);
  const bool convert_out = out_dtype != out.dtype;
  const int last = nest.shape.size() - 1;
  const int64_t size = int64_t(item_size(out.dtype));
  const bool streaming = bypass && nest.shape[last] >= kChunk;
  parallel_for(
      (nest.size() + 63) / 64, std::max<int64_t>(grain / 64, 1), [&](int64_t first, int64_t end64) {
        Scratch scratch;
        alignas(OperandRun) unsigned char space[sizeof(OperandRun) * kMaxOperands];
        auto* operand = reinterpret_cast<OperandRun*>(space);
        bool scalar[kMaxOperands];
        bool direct = !convert_out;
        for (int k = 0; k < num_in; ++k) {
          new (&operand[k]) OperandRun(in[k].dtype, nest.strides[k][last], scratch);
          scalar[k] = operand[k].is_scalar();
          direct = direct && operand[k].is_direct();
        }
        const bool stream = streaming && direct;
        void* wide_out = convert_out ? scratch.get_bytes(kChunk * item_size(out_dtype)) : nullptr;
        const auto narrow = kernel_table().cast[int(out_dtype)][int(out.dtype)];
        nest.run(first * 64, std::min(end64 * 64, nest.size()), [&](char* const* at, int64_t n) {
          const void* pointers[kMaxOperands];
          for (int64_t done = 0; done < n;) {
            int64_t m = direct ? n - done : std::min(kChunk, n - done);
            char* target = at[num_in] + done * nest.strides[num_in][last];
            const int64_t head = stream ? elements_to_line(target, size) : 0;
            if (head > 0) m = std::min(m, head);
            for (int k = 0; k < num_in; ++k)
              pointers[k] = operand[k].load(at[k] + done * nest.strides[k][last], m);
            call(pointers, scalar, {convert_out ? wide_out : target, stream && head == 0}, m);
            if (convert_out) narrow(wide_out, target, m);
            done += m;
          }
        });
        if (stream) kernel_table().stream_end();
      });
}

}  // namespace pynn
