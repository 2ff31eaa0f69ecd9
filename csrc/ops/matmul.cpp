// Matrix products: one call of gemm per matrix, operands in whatever order they lie.
#include "ops/contiguous_input.h"
#include "ops/gemm.h"
#include "ops/launch.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

// Below this many multiplications one product is one task, and the batch is what runs in parallel.
constexpr int64_t kSmallProduct = 1 << 18;

char* matrix_at(const View& v, int64_t index) {
  int64_t offset = 0;
  for (int i = v.shape.size() - 3; i >= 0; --i) {
    offset += index % v.shape[i] * v.strides[i];
    index /= v.shape[i];
  }
  return static_cast<char*>(v.data) + offset * int64_t(item_size(v.dtype));
}

}  // namespace

void launch_matmul(const OpDef&, const Attrs& attrs, const View* in, int, View* out) {
  const View &x = in[0], &y = in[1], &c = out[0];
  const int rank = c.shape.size();
  GemmArgs args{};
  args.dtype = c.dtype;
  args.m = c.shape[rank - 2];
  args.n = c.shape[rank - 1];
  args.k = x.shape[rank - (attrs.transpose_x ? 2 : 1)];
  args.a_rs = x.strides[rank - (attrs.transpose_x ? 1 : 2)];
  args.a_cs = x.strides[rank - (attrs.transpose_x ? 2 : 1)];
  args.b_rs = y.strides[rank - (attrs.transpose_y ? 1 : 2)];
  args.b_cs = y.strides[rank - (attrs.transpose_y ? 2 : 1)];
  args.ldc = args.n;
  int64_t batch = 1;
  for (int i = 0; i + 2 < rank; ++i) batch *= c.shape[i];
  if (batch == 1) args.b_cache = y.packed;
  auto run = [&](int64_t begin, int64_t end) {
    GemmArgs one = args;
    for (int64_t i = begin; i < end; ++i) {
      one.a = matrix_at(x, i);
      one.b = matrix_at(y, i);
      one.c = matrix_at(c, i);
      gemm(one);
    }
  };
  const int64_t work = args.m * args.n * std::max<int64_t>(args.k, 1);
  if (batch > 1 && work < kSmallProduct)
    parallel_for(batch, std::max<int64_t>(1, kSmallProduct / std::max<int64_t>(work, 1)), run);
  else
    run(0, batch);
}

void launch_dense(const OpDef&, const Attrs& attrs, const View* in, int num_in, View* out) {
  const View& kernel = in[1];
  Scratch scratch;
  GemmArgs args{};
  args.dtype = out[0].dtype;
  args.k = kernel.shape[0];
  args.n = kernel.shape[1];
  args.m = 1;
  for (int i = 0; i + 1 < in[0].shape.size(); ++i) args.m *= in[0].shape[i];
  if (in[0].shape.size() == 2) {
    args.a = in[0].data;
    args.a_rs = in[0].strides[0];
    args.a_cs = in[0].strides[1];
  } else {
    args.a = contiguous_input(in[0], scratch);
    args.a_rs = args.k;
    args.a_cs = 1;
  }
  args.b = kernel.data;
  args.b_cache = kernel.packed;
  args.b_rs = kernel.strides[0];
  args.b_cs = kernel.strides[1];
  args.c = out[0].data;
  args.ldc = args.n;
  if (num_in == 3) args.bias = contiguous_input(in[2], scratch);
  args.activation = attrs.activation;
  gemm(args);
}

}  // namespace pynn
