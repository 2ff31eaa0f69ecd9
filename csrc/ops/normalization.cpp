// Normalization of rows and columns. Sums over rows are cut into blocks by the shape alone, so that
// their bits do not depend on the number of threads.
#include <cmath>
#include <cstring>

#include "ops/contiguous_input.h"
#include "ops/launch.h"
#include "ops/reduce.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

constexpr int64_t kGrain = 16384;  // elements worth a thread

// x as `rows` rows of n elements: all axes but the last are rows.
struct Rows {
  explicit Rows(const View& x)
      : n(x.shape.back()),
        count(n == 0 ? 0 : num_elements(x.shape) / n),
        size(int64_t(item_size(x.dtype))),
        per_block(std::max<int64_t>(8, std::min<int64_t>(64, 65536 / std::max<int64_t>(n, 1)))),
        blocks((count + per_block - 1) / per_block) {}

  int64_t bytes_before(int64_t row) const { return row * n * size; }
  int64_t in_block(int64_t block) const { return std::min(per_block, count - block * per_block); }
  // body(block) for all blocks.
  template <class F>
  void for_blocks(const F& body) const {
    parallel_for(blocks, std::max<int64_t>(1, kGrain / (per_block * n)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t block = begin; block < end; ++block) body(block);
                 });
  }

  int64_t n, count, size;  // size: bytes of an element
  int64_t per_block, blocks;
};

// An input, or null where it is left out.
const char* optional_input(const View* in, int i, int num_in, Scratch& scratch) {
  return i < num_in ? static_cast<const char*>(contiguous_input(in[i], scratch)) : nullptr;
}

// Two sums over rows, such as those of the gradients of scale and offset: one row of partial sums
// per block, added up at the end.
class PairOfSums {
 public:
  PairOfSums(const Rows& rows, DType dtype, Scratch& scratch)
      : rows_(rows),
        dtype_(dtype),
        partial_(
            static_cast<char*>(scratch.get_bytes(size_t(2 * rows.blocks * rows.n * rows.size)))) {}

  // Zeros for the sums of a block.
  char* start(int which, int64_t block) {
    char* at = partial_ + rows_.bytes_before(which * rows_.blocks + block);
    std::memset(at, 0, size_t(rows_.n * rows_.size));
    return at;
  }
  void finish(int which, void* sum) const {
    sum_columns(partial_ + rows_.bytes_before(which * rows_.blocks), sum, rows_.blocks, rows_.n,
                dtype_);
  }

 private:
  const Rows& rows_;
  DType dtype_;
  char* partial_;
};

void fill_zero(View& out) { std::memset(out.data, 0, out.bytes()); }

void launch_norm(const Attrs& attrs, const View* in, int num_in, View* out, bool centred) {
  const Rows rows(in[0]);
  Scratch scratch;
  const char* x = optional_input(in, 0, num_in, scratch);
  const char* gamma = optional_input(in, 1, num_in, scratch);
  const char* beta = optional_input(in, 2, num_in, scratch);
  const auto kernel = kernel_table().norm_rows[int(in[0].dtype)];
  const auto at = [&](const View& v, int64_t row, int64_t width) {
    return static_cast<char*>(v.data) + row * width * rows.size;
  };
  rows.for_blocks([&](int64_t block) {
    const int64_t i = block * rows.per_block;
    kernel({x + rows.bytes_before(i), gamma, beta, at(out[0], i, rows.n), at(out[1], i, 1),
            at(out[2], i, 1), rows.in_block(block), rows.n, centred, attrs.params[0]});
  });
}

void launch_norm_grad(const View* in, int num_in, View* out, bool centred) {
  const Rows rows(in[0]);
  const bool scaled = num_in == 5;
  if (rows.count == 0 || !scaled) {
    fill_zero(out[1]);
    fill_zero(out[2]);
  }
  if (rows.count == 0) return;
  Scratch scratch;
  const char* x = optional_input(in, 0, num_in, scratch);
  const char* mean = optional_input(in, 1, num_in, scratch);
  const char* rstd = optional_input(in, 2, num_in, scratch);
  const char* dy = optional_input(in, 3, num_in, scratch);
  const char* gamma = optional_input(in, 4, num_in, scratch);
  PairOfSums sums(rows, in[0].dtype, scratch);
  const auto kernel = kernel_table().norm_rows_grad[int(in[0].dtype)];
  rows.for_blocks([&](int64_t block) {
    const int64_t i = block * rows.per_block, skip = rows.bytes_before(i);
    kernel({x + skip, gamma, mean + i * rows.size, rstd + i * rows.size, dy + skip,
            static_cast<char*>(out[0].data) + skip, scaled ? sums.start(0, block) : nullptr,
            scaled ? sums.start(1, block) : nullptr, rows.in_block(block), rows.n, centred});
  });
  for (int which = 0; scaled && which < 2; ++which) sums.finish(which, out[1 + which].data);
}

// The moments of blocks of rows, merged two by two (Chan, Golub and LeVeque 1979), in double: the
// difference of two means of a large number is small.
class MergedMoments {
 public:
  MergedMoments(const Rows& rows, Scratch& scratch)
      : rows_(rows),
        mean_(scratch.get<double>(rows.blocks * rows.n)),
        squares_(scratch.get<double>(rows.blocks * rows.n)) {}

  template <class T>
  void set(int64_t block, const T* mean, const T* lost, const T* squares) {
    for (int64_t j = 0, at = block * rows_.n; j < rows_.n; ++j, ++at) {
      mean_[at] = double(mean[j]) + double(lost[j]);
      squares_[at] = double(squares[j]);
    }
  }
  template <class T>
  void merge(T* mean, T* variance) {
    for (int64_t step = 1; step < rows_.blocks; step *= 2)
      for (int64_t i = 0; i + step < rows_.blocks; i += 2 * step) merge_two(i, i + step, step);
    for (int64_t j = 0; j < rows_.n; ++j) {
      mean[j] = T(mean_[j]);
      variance[j] = T(squares_[j] / double(rows_.count));
    }
  }

 private:
  // Rows in the blocks [block, block + step).
  double count(int64_t block, int64_t step) const {
    return double(std::min(step * rows_.per_block, rows_.count - block * rows_.per_block));
  }
  void merge_two(int64_t a, int64_t b, int64_t step) {
    const double count_a = count(a, step), count_b = count(b, step);
    const double share = count_b / (count_a + count_b), weight = share * count_a;
    double *mean_a = mean_ + a * rows_.n, *squares_a = squares_ + a * rows_.n;
    const double *mean_b = mean_ + b * rows_.n, *squares_b = squares_ + b * rows_.n;
    for (int64_t j = 0; j < rows_.n; ++j) {
      const double apart = mean_b[j] - mean_a[j];
      mean_a[j] += apart * share;
      squares_a[j] += squares_b[j] + apart * apart * weight;
    }
  }

  const Rows& rows_;
  double *mean_, *squares_;
};

template <class T>
void column_moments(const View* in, View* out) {
  const Rows rows(in[0]);
  T *mean = static_cast<T*>(out[0].data), *variance = static_cast<T*>(out[1].data);
  if (rows.count == 0) {
    for (int64_t j = 0; j < rows.n; ++j) mean[j] = variance[j] = T(NAN);
    return;
  }
  Scratch scratch;
  const auto* x = static_cast<const char*>(contiguous_input(in[0], scratch));
  MergedMoments moments(rows, scratch);
  const auto kernel = kernel_table().column_moments[int(in[0].dtype)];
  rows.for_blocks([&](int64_t block) {
    Scratch local;
    T* parts = local.get<T>(3 * rows.n);
    kernel(x + rows.bytes_before(block * rows.per_block), rows.in_block(block), rows.n, parts,
           parts + rows.n, parts + 2 * rows.n);
    moments.set(block, parts, parts + rows.n, parts + 2 * rows.n);
  });
  moments.merge(mean, variance);
}

}  // namespace

void launch_layer_norm(const OpDef&, const Attrs& attrs, const View* in, int num_in, View* out) {
  launch_norm(attrs, in, num_in, out, true);
}
void launch_rms_norm(const OpDef&, const Attrs& attrs, const View* in, int num_in, View* out) {
  launch_norm(attrs, in, num_in, out, false);
}
void launch_layer_norm_grad(const OpDef&, const Attrs&, const View* in, int num_in, View* out) {
  launch_norm_grad(in, num_in, out, true);
}
void launch_rms_norm_grad(const OpDef&, const Attrs&, const View* in, int num_in, View* out) {
  launch_norm_grad(in, num_in, out, false);
}

void launch_moments(const OpDef&, const Attrs&, const View* in, int, View* out) {
  if (in[0].dtype == DType::float64)
    column_moments<double>(in, out);
  else
    column_moments<float>(in, out);
}

void launch_batch_norm(const OpDef&, const Attrs&, const View* in, int num_in, View* out) {
  const Rows rows(in[0]);
  Scratch scratch;
  const char* x = optional_input(in, 0, num_in, scratch);
  const char* mean = optional_input(in, 1, num_in, scratch);
  const char* scale = optional_input(in, 2, num_in, scratch);
  const char* offset = optional_input(in, 3, num_in, scratch);
  const auto kernel = kernel_table().scale_columns[int(in[0].dtype)];
  rows.for_blocks([&](int64_t block) {
    const int64_t skip = rows.bytes_before(block * rows.per_block);
    kernel({x + skip, mean, scale, offset, static_cast<char*>(out[0].data) + skip,
            rows.in_block(block), rows.n});
  });
}

void launch_batch_norm_grad(const OpDef&, const Attrs&, const View* in, int num_in, View* out) {
  const Rows rows(in[0]);
  if (rows.count == 0) {
    fill_zero(out[1]);
    fill_zero(out[2]);
    return;
  }
  Scratch scratch;
  const char* x = optional_input(in, 0, num_in, scratch);
  const char* mean = optional_input(in, 1, num_in, scratch);
  const char* scale = optional_input(in, 2, num_in, scratch);
  const char* dy = optional_input(in, 3, num_in, scratch);
  PairOfSums sums(rows, in[0].dtype, scratch);
  const auto kernel = kernel_table().scale_columns_grad[int(in[0].dtype)];
  rows.for_blocks([&](int64_t block) {
    const int64_t skip = rows.bytes_before(block * rows.per_block);
    kernel({x + skip, mean, scale, dy + skip, static_cast<char*>(out[0].data) + skip,
            sums.start(0, block), sums.start(1, block), rows.in_block(block), rows.n});
  });
  for (int which = 0; which < 2; ++which) sums.finish(which, out[1 + which].data);
}

}  // namespace pynn
