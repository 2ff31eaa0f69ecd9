// Batches of rows, gathered straight into the executable: an epoch over arrays without Python.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>

#include "graph/workspace.h"
#include "runtime/cpu.h"
#include "runtime/fpenv.h"
#include "runtime/parallel.h"

namespace pynn {

namespace {

// Bytes that are worth a second thread.
constexpr int64_t kBytesPerPart = 65536;

// One input of the executable, fed from rows of an array.
class RowFeed {
 public:
  RowFeed(const View& array, const Spec& input, const BatchRun& run, const std::string* nan_name,
          int64_t batch)
      : array_(array), input_(input), run_(run), nan_name_(nan_name), batch_(batch) {
    row_elements_ = 1;
    for (int i = 1; i < input.shape.size(); ++i) row_elements_ *= input.shape[i];
    array_row_bytes_ =
        array.strides.empty() ? 0 : array.strides[0] * int64_t(item_size(array.dtype));
    Dims row_shape(array.shape.begin() + 1, array.shape.end()),
        row_strides(array.strides.begin() + 1, array.strides.end());
    plain_rows_ = is_contiguous(row_shape, row_strides);
    in_place_ = !run.order && array.contiguous() && array.dtype == input.dtype;
    if (!in_place_)
      bytes_ = size_t(batch_ * row_elements_) * item_size(input.dtype),
      buffer_ = static_cast<char*>(allocate(bytes_));
  }
  ~RowFeed() { deallocate(buffer_, bytes_); }
  RowFeed(const RowFeed&) = delete;
  RowFeed& operator=(const RowFeed&) = delete;

  // The batch whose first position in the order is `first`.
  char* load(int64_t first) {
    char* const data =
        in_place_ ? static_cast<char*>(array_.data) + first * array_row_bytes_ : buffer_;
    if (in_place_ && !nan_name_) return data;
    const int64_t row_bytes = row_elements_ * int64_t(item_size(input_.dtype));
    std::atomic<bool> found_nan{false};
    parallel_for(batch_, std::max<int64_t>(1, kBytesPerPart / std::max<int64_t>(row_bytes, 1)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     if (!in_place_) copy_row(row_number(first + i), buffer_ + i * row_bytes);
                     if (nan_name_ && has_nan(data + i * row_bytes))
                       found_nan.store(true, std::memory_order_relaxed);
                   }
                 });
    if (found_nan) refuse(data, first);
    return data;
  }

 private:
  int64_t row_number(int64_t position) const {
    return run_.order ? run_.order[position] : position;
  }

  void copy_row(int64_t row, char* to) {
    const char* from = static_cast<const char*>(array_.data) + row * array_row_bytes_;
    if (plain_rows_ && array_.dtype == input_.dtype) {
      std::memcpy(to, from, size_t(row_elements_) * item_size(input_.dtype));
    } else if (plain_rows_) {
      kernel_table().cast[int(array_.dtype)][int(input_.dtype)](from, to, row_elements_);
    } else {
      View source = array_, target;
      source.shape.erase(0);
      source.strides.erase(0);
      source.data = const_cast<char*>(from);
      target.dtype = input_.dtype;
      target.shape = source.shape;
      target.strides = contiguous_strides(target.shape);
      target.data = to;
      copy_view(source, target);
    }
  }

  // A sum of squares is NaN where an element is, and only there.
  bool has_nan(const char* row) const {
    const auto sum_squares = kernel_table().sum_squares[int(input_.dtype)];
    return sum_squares && row_elements_ > 0 && std::isnan(sum_squares(row, row_elements_));
  }

  [[noreturn]] void refuse(const char* data, int64_t first) const {
    const int64_t row_bytes = row_elements_ * int64_t(item_size(input_.dtype));
    int64_t i = 0;
    while (i + 1 < batch_ && !has_nan(data + i * row_bytes)) ++i;
    value_error("pynn.fit: expected ", *nan_name_, " without NaN; received NaN in row ",
                row_number(first + i));
  }

  View array_;
  Spec input_;
  const BatchRun& run_;
  const std::string* nan_name_;
  int64_t batch_, row_elements_, array_row_bytes_;
  bool plain_rows_, in_place_;
  char* buffer_ = nullptr;
  size_t bytes_ = 0;
};

void check_array(const View& array, const Spec& input, int index) {
  Dims expected = input.shape, received = array.shape;
  if (!received.empty()) received[0] = expected.empty() ? 0 : expected[0];
  if (received != expected)
    value_error("pynn.Executable.run_batches: expected array ", index,
                " with rows of shape=", Dims(expected.begin() + 1, expected.end()),
                "; received shape=", array.shape);
}

bool is_finite(Variable& scalar) {
  const Tensor value = scalar.value();
  const View& view = value->view;
  return view.dtype == DType::float64 ? std::isfinite(*static_cast<const double*>(view.data))
                                      : std::isfinite(*static_cast<const float*>(view.data));
}

void check_finite(const Variable& scalar) {
  const Spec& spec = scalar.spec();
  if (spec.shape.size() || (spec.dtype != DType::float32 && spec.dtype != DType::float64))
    value_error("pynn.Executable.run_batches: expected a float32 or float64 scalar to look at; ",
                "received '", scalar.name(), "' of dtype ", dtype_name(spec.dtype),
                " and shape=", spec.shape);
}

void check_rows(const BatchRun& run, const std::vector<View>& arrays) {
  const int64_t last = run.begin_row + run.num_batches * run.batch_size;
  for (const View& array : arrays) {
    const int64_t rows = array.shape[0], available = run.order ? run.order_size : rows;
    if (run.begin_row < 0 || last > available)
      value_error("pynn.Executable.run_batches: expected rows up to ", last, "; received ",
                  available);
    if (!run.order) continue;
    for (int64_t i = run.begin_row; i < last; ++i)
      if (run.order[i] < 0 || run.order[i] >= rows)
        value_error("pynn.Executable.run_batches: expected row numbers in [0, ", rows,
                    "); received ", run.order[i]);
  }
}

}  // namespace

BatchResult Executable::run_batches(const BatchRun& run) {
  if (int(run.arrays.size()) != plan_.num_inputs)
    value_error("pynn.Executable.run_batches: expected ", plan_.num_inputs, " arrays; received ",
                run.arrays.size());
  for (int i = 0; i < plan_.num_inputs; ++i) check_array(run.arrays[i], input_spec(i), i);
  check_rows(run, run.arrays);
  if (run.finite) check_finite(*run.finite);
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  FlushDenormals flush;
  WorkspaceLoan loan(*this);
  std::vector<char*>& roots = loan.roots();
  std::vector<std::unique_ptr<RowFeed>> feeds;
  for (int i = 0; i < plan_.num_inputs; ++i)
    feeds.push_back(std::make_unique<RowFeed>(run.arrays[i], input_spec(i), run,
                                              run.check_nan.empty() ? nullptr : &run.check_nan[i],
                                              run.batch_size));
  BatchResult result;
  for (int i = 0; i < plan_.num_outputs && run.collect.empty(); ++i) {
    result.outputs.push_back(empty(output_spec(i)));
    roots[plan_.output_root(i)] = static_cast<char*>(result.outputs.back()->view.data);
  }
  while (result.batches_done < run.num_batches) {
    const int64_t first = run.begin_row + result.batches_done * run.batch_size;
    for (int i = 0; i < plan_.num_inputs; ++i) roots[plan_.input_root(i)] = feeds[i]->load(first);
    for (size_t i = 0; i < run.collect.size(); ++i) {
      const View& all = run.collect[i];
      roots[plan_.output_root(int(i))] =
          static_cast<char*>(all.data) + first * all.strides[0] * int64_t(item_size(all.dtype));
    }
    execute(loan.workspace(), roots.data());
    ++result.batches_done;
    if (run.finite && !is_finite(*run.finite)) break;
    if (run.seconds > 0 &&
        std::chrono::duration<double>(Clock::now() - start).count() >= run.seconds)
      break;
  }
  return result;
}

}  // namespace pynn
