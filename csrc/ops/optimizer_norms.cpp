// Updates whose step depends on sums over the whole parameter, and the norm for clipping. Sums are
// cut into blocks by size alone and added up in double, in order.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/contiguous_input.h"
#include "ops/launch.h"
#include "ops/optimizer.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

using kernels::Update;

constexpr int64_t kSumBlock = 16384;  // elements that one task sums

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

double sum_squares(const View& x) {
  const int64_t n = num_elements(x.shape), blocks = ceil_div(n, kSumBlock);
  Scratch scratch;
  const char* data = static_cast<const char*>(contiguous_input(x, scratch));
  const int64_t size = int64_t(item_size(x.dtype));
  double* partial = scratch.get<double>(blocks);
  const auto kernel = kernel_table().sum_squares[int(x.dtype)];
  parallel_for(blocks, 2, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      partial[i] = kernel(data + i * kSumBlock * size, std::min(kSumBlock, n - i * kSumBlock));
  });
  double sum = 0;
  for (int64_t i = 0; i < blocks; ++i) sum += partial[i];
  return sum;
}

}  // namespace

void launch_clip_scale(const OpDef&, const Attrs& attrs, const View* in, int num_in, View* out) {
  const double largest = attrs.params[0], scale = attrs.params[1];
  const bool nan_for_infinity = attrs.params[2] != 0;
  double sum = 0;
  for (int i = 0; i < num_in; ++i) sum += sum_squares(in[i]);
  const double norm = std::sqrt(sum) * std::fabs(scale);
  double factor = norm > largest ? largest / norm : 1;
  if (std::isnan(norm) || (nan_for_infinity && std::isinf(norm)))
    factor = std::numeric_limits<double>::quiet_NaN();
  *static_cast<double*>(out[0].data) = scale * factor;
}

// You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", 2020.
void launch_lamb(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out) {
  UpdateCall call(op, attrs, in, num_in, out, 1, 2);
  if (call.size() == 0) return;
  const double beta1 = call.params[0], beta2 = call.params[1];
  const double root = std::sqrt(1 - call.power(beta2, call.t));
  const double factor = root / (1 - call.power(beta1, call.t)), eps = call.params[2] * root;
  const double first[] = {factor, eps, beta1, beta2};
  double sums[2];
  call.sum(kernel_table().lamb_sums[int(in[0].dtype)], first, sums);
  const double step = std::sqrt(sums[0]), weight = std::sqrt(sums[1]);
  const double ratio = weight > 0 && step > 0 ? weight / step : 1;
  const double second[] = {ratio * call.rate, factor, eps};
  call.run(Update::lamb, second);
}

// ---- Adafactor: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory
// cost", 2018

namespace {

constexpr int64_t kRowBlock = 64;  // rows whose column sums one task adds up

struct AdafactorStep {
  double beta2, eps1, eps2, threshold, rate;

  explicit AdafactorStep(const UpdateCall& call)
      : beta2(1 - std::pow(call.t, call.params[0])),
        eps1(call.params[1]),
        eps2(call.params[2]),
        threshold(call.params[3]),
        rate(std::min(call.rate, 1 / std::sqrt(call.t))) {}

  // From the sums of the squares of u = g / sqrt(v) and of w. NaN stays NaN.
  double step_size(double u_squares, double w_squares, int64_t n) const {
    const double w_rms = std::sqrt(w_squares / double(n));
    const double excess = std::sqrt(u_squares / double(n)) / threshold;
    return rate * (w_rms <= eps2 ? eps2 : w_rms) / (excess <= 1 ? 1 : excess);
  }
};

// A stack of matrices (batch, rows, cols), cut into blocks of rows.
template <class T>
class MatrixPass {
 public:
  MatrixPass(const UpdateCall& call, const Dims& shape, double eps)
      : call_(call),
        eps_(eps),
        rows_(shape[shape.size() - 2]),
        cols_(shape.back()),
        batch_(call.size() / (rows_ * cols_)),
        row_blocks_(ceil_div(rows_, kRowBlock)) {}

  // First pass: the row and column means of g^2 + eps1 go into r and c. Returns the sum of w^2.
  double means(double beta2, const T* r, const T* c, T* r_out, T* c_out) {
    T* row_sums = scratch_.get<T>(batch_ * rows_);
    T* col_sums = scratch_.get<T>(tasks() * cols_);
    double* weights = scratch_.get<double>(tasks());
    const auto kernel = kernel_table().adafactor_row_sums[int(kType)];
    for_blocks([&](int64_t task, int64_t first, const kernels::AdafactorRows& block) {
      std::fill_n(col_sums + task * cols_, cols_, T(0));
      kernel(block, row_sums + first, col_sums + task * cols_, weights + task);
    });
    average(beta2, r, row_sums, batch_ * rows_, double(cols_), r_out);
    for (int64_t b = 0; b < batch_; ++b) {
      T* total = col_sums + b * row_blocks_ * cols_;
      const auto add = kernel_table().reduce_col[int(kernels::Reduce::sum)][int(kType)];
      add(total, total + cols_, row_blocks_ - 1, cols_, cols_);
      average(beta2, c + b * cols_, total, cols_, double(rows_), c_out + b * cols_);
    }
    double sum = 0;
    for (int64_t i = 0; i < tasks(); ++i) sum += weights[i];
    return sum;
  }

  // Second pass: v = r / mean(r) * c. Returns the sum of g^2 / v.
  double velocity(const T* r, const T* c, T* v) {
    T* factors = scratch_.get<T>(batch_ * rows_);
    for (int64_t b = 0; b < batch_; ++b) {
      double sum = 0;
      for (int64_t i = 0; i < rows_; ++i) sum += double(r[b * rows_ + i]);
      const double mean = sum / double(rows_);
      for (int64_t i = b * rows_; i < (b + 1) * rows_; ++i) factors[i] = T(double(r[i]) / mean);
    }
    double* sums = scratch_.get<double>(tasks());
    const auto kernel = kernel_table().adafactor_velocity[int(kType)];
    for_blocks([&](int64_t task, int64_t first, const kernels::AdafactorRows& block) {
      kernel(block, factors + first, c + task / row_blocks_ * cols_, v + first * cols_,
             sums + task);
    });
    double sum = 0;
    for (int64_t i = 0; i < tasks(); ++i) sum += sums[i];
    return sum;
  }

 private:
  static constexpr DType kType = sizeof(T) == 4 ? DType::float32 : DType::float64;

  int64_t tasks() const { return batch_ * row_blocks_; }

  // call(task, number of its first row, the block)
  template <class F>
  void for_blocks(const F& call) const {
    const int64_t grain = std::max<int64_t>(1, kSumBlock / (std::min(rows_, kRowBlock) * cols_));
    parallel_for(tasks(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t in_matrix = task % row_blocks_ * kRowBlock;
        const int64_t first = task / row_blocks_ * rows_ + in_matrix;
        call(task, first,
             kernels::AdafactorRows{static_cast<const T*>(call_.gradient()) + first * cols_,
                                    static_cast<const T*>(call_.weight()) + first * cols_,
                                    std::min(kRowBlock, rows_ - in_matrix), cols_, eps_,
                                    call_.before()});
      }
    });
  }

  static void average(double beta2, const T* old, const T* sums, int64_t n, double terms, T* out) {
    const T keep = T(beta2), gain = T((1 - beta2) / terms);
    for (int64_t i = 0; i < n; ++i) out[i] = keep * old[i] + gain * sums[i];
  }

  const UpdateCall& call_;
  double eps_;
  int64_t rows_, cols_, batch_, row_blocks_;
  Scratch scratch_;
};

template <class T>
void adafactor_matrix(UpdateCall& call, const View* in, View* out) {
  Scratch scratch;
  const AdafactorStep step(call);
  T *r = static_cast<T*>(out[1].data), *c = static_cast<T*>(out[2].data);
  MatrixPass<T> pass(call, in[0].shape, step.eps1);
  const double weights =
      pass.means(step.beta2, static_cast<const T*>(contiguous_input(in[1], scratch)),
                 static_cast<const T*>(contiguous_input(in[2], scratch)), r, c);
  const double updates = pass.velocity(r, c, static_cast<T*>(out[3].data));
  call.read_new_states();
  const double rate = step.step_size(updates, weights, call.size());
  call.run(Update::adafactor, &rate);
}

}  // namespace

void launch_adafactor(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out) {
  UpdateCall call(op, attrs, in, num_in, out, 1, 1);
  if (call.size() == 0) return;
  const AdafactorStep step(call);
  const double first[] = {step.beta2, step.eps1};
  double sums[2];
  call.sum(kernel_table().adafactor_sums[int(in[0].dtype)], first, sums);
  const double rate = step.step_size(sums[0], sums[1], call.size());
  call.run(Update::adafactor, &rate);
}

void launch_adafactor_matrix(const OpDef& op, const Attrs& attrs, const View* in, int num_in,
                             View* out) {
  UpdateCall call(op, attrs, in, num_in, out, 3, 1);
  if (call.size() == 0) {
    copy_view(in[1], out[1]);
    copy_view(in[2], out[2]);
  } else if (in[0].dtype == DType::float64) {
    adafactor_matrix<double>(call, in, out);
  } else {
    adafactor_matrix<float>(call, in, out);
  }
}

}  // namespace pynn
