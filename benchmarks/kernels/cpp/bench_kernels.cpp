// Times single kernels of pynn without Python: the functions of kernel_table() on arrays that are
// used again and again, and gemm(). Prints one JSON object a line: first the rates of the machine,
// then a line per case.
//
//   bench_kernels [--threads N] [--clock wall|cpu] [--turn-seconds S] [CASE...]
//   bench_kernels --serve ...     reads a case a line, answers each with one line
//
// Cases:  gemm:<dtype>:<nn|nt|tn|tt>:<M>x<N>x<K>[:relu]    unary:<op>:<N>    binary:<op>:<N>
//         softmax:<classes>:<N>    cross_entropy:<classes>:<N>    reduce:<sum|max>:<N>
//         reduce_columns:<columns>:<N>    dropout::<N>    <sgd|momentum|adam|...>::<N>
// N counts elements; all but gemm are float32.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <iterator>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/error.h"
#include "ops/gemm.h"
#include "ops/op.h"
#include "runtime/arena.h"
#include "runtime/cpu.h"
#include "runtime/fpenv.h"
#include "runtime/parallel.h"
#include "runtime/probe.h"

namespace {

using namespace pynn;
using kernels::Traffic;

// ---- Cases

// What can be timed, and how much it does in one call.
struct Job {
  std::function<void()> run;
  double flops = 0, bytes = 0;
};

[[noreturn]] void reject(const std::string& text) {
  throw std::invalid_argument(
      "bench_kernels: expected a case such as gemm:float32:nn:256x256x256 "
      "or unary:exp:1000; received " +
      text);
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == by) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

int64_t number(const std::string& text) {
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end || value < 0 || value > (int64_t{1} << 32)) reject(text);
  return value;
}

// Aligned memory of `count` elements, all 0.75: harmless to every kernel, and exact in every dtype.
class Array {
 public:
  explicit Array(int64_t count, DType dtype = DType::float32)
      : bytes_(size_t(count) * item_size(dtype)), data_(allocate(bytes_)) {
    const std::vector<float> values(size_t(std::min<int64_t>(count, 4096)), 0.75f);
    const auto cast = kernel_table().cast[int(DType::float32)][int(dtype)];
    for (int64_t i = 0; i < count; i += 4096) {
      void* to = static_cast<char*>(data_) + size_t(i) * item_size(dtype);
      cast(values.data(), to, std::min<int64_t>(count - i, 4096));
    }
  }
  ~Array() { deallocate(data_, bytes_); }
  Array(const Array&) = delete;

  float* at(int64_t i) const { return static_cast<float*>(data_) + i; }
  void* data() const { return data_; }

 private:
  size_t bytes_;
  void* data_;
};
using Shared = std::shared_ptr<Array>;

Shared array(int64_t count, DType dtype = DType::float32) {
  return std::make_shared<Array>(count, dtype);
}

// `body(begin, end)` on parts of [0, n) that threads may share, as the launches of ops cut them.
template <class F>
void in_parts(int64_t n, int64_t unit, const F& body) {
  const int64_t grain = std::max<int64_t>(1, 16384 / unit);
  parallel_for((n + unit - 1) / unit, grain,
               [&](int64_t begin, int64_t end) { body(begin * unit, std::min(end * unit, n)); });
}

int kernel_row(const std::string& op, OpDef::Launch launch) {
  for (int i = 0; i < kNumOps; ++i) {
    const OpDef& def = op_def(OpId(i));
    if (op == def.name && def.launch == launch) return def.kernel;
  }
  reject(op);
}

constexpr int kFloat = int(DType::float32);

Job gemm_case(const std::vector<std::string>& parts) {
  if (parts.size() < 4 || parts[2].size() != 2) reject("gemm");
  const std::vector<std::string> sizes = split(parts[3], 'x');
  if (sizes.size() != 3) reject(parts[3]);
  GemmArgs args{};
  const DType dtypes[] = {DType::float32, DType::float64, DType::bfloat16, DType::float16};
  const auto* dtype = std::find_if(std::begin(dtypes), std::end(dtypes),
                                   [&](DType d) { return parts[1] == dtype_name(d); });
  if (dtype == std::end(dtypes)) reject(parts[1]);
  args.dtype = *dtype;
  args.m = number(sizes[0]), args.n = number(sizes[1]), args.k = number(sizes[2]);
  const bool transpose_a = parts[2][0] == 't', transpose_b = parts[2][1] == 't';
  args.a_rs = transpose_a ? 1 : args.k, args.a_cs = transpose_a ? args.m : 1;
  args.b_rs = transpose_b ? 1 : args.n, args.b_cs = transpose_b ? args.k : 1;
  args.ldc = args.n;
  const Shared a = array(args.m * args.k, args.dtype), b = array(args.k * args.n, args.dtype);
  const Shared c = array(args.m * args.n, args.dtype), bias = array(args.n, args.dtype);
  args.a = a->data(), args.b = b->data(), args.c = c->data();
  if (parts.size() > 4) {
    args.activation = kernels::Unary::relu;
    args.bias = bias->data();
  }
  const double elements = double(args.m) * double(args.k) + double(args.k) * double(args.n) +
                          double(args.m) * double(args.n);
  return {[args, a, b, c, bias] { gemm(args); },
          2.0 * double(args.m) * double(args.n) * double(args.k),
          elements * double(item_size(args.dtype))};
}

OpDef::Launch launch_of(OpId id) { return op_def(id).launch; }

Job unary_case(const std::string& op, int64_t n) {
  const auto f = kernel_table().unary[kernel_row(op, launch_of(OpId::exp))][kFloat];
  const Shared x = array(n), y = array(n);
  const auto run = [=] {
    const double params[4] = {0, 1, 0, 0};
    in_parts(n, 64,
             [&](int64_t i, int64_t end) { f(x->at(i), {y->at(i), false}, end - i, params); });
  };
  return {run, 0, 8.0 * double(n)};
}

Job binary_case(const std::string& op, int64_t n) {
  const auto f = kernel_table().binary[kernel_row(op, launch_of(OpId::add))][kFloat];
  const Shared a = array(n), b = array(n), y = array(n);
  const auto run = [=] {
    const double params[4] = {0, 0, 0, 0};
    in_parts(n, 64, [&](int64_t i, int64_t end) {
      f(a->at(i), false, b->at(i), false, {y->at(i), false}, end - i, params);
    });
  };
  return {run, 0, 12.0 * double(n)};
}

Job softmax_case(int64_t classes, int64_t n) {
  const auto f = kernel_table().softmax[kFloat];
  const Shared x = array(n), y = array(n);
  const auto run = [=] {
    in_parts(n / classes * classes, classes,
             [&](int64_t i, int64_t end) { f(x->at(i), y->at(i), (end - i) / classes, classes); });
  };
  return {run, 0, 8.0 * double(n)};
}

Job cross_entropy_case(int64_t classes, int64_t n) {
  const auto f = kernel_table().sparse_xent[kFloat];
  const Shared x = array(n), loss = array(n / classes + 1);
  const auto labels = std::make_shared<std::vector<int64_t>>(size_t(n / classes + 1));
  for (size_t i = 0; i < labels->size(); ++i) (*labels)[i] = int64_t(i) % classes;
  const auto run = [=] {
    in_parts(n / classes * classes, classes, [&](int64_t i, int64_t end) {
      const int64_t row = i / classes;
      f(x->at(i), (end - i) / classes, classes, labels->data() + row, loss->at(row));
    });
  };
  return {run, 0, 4.0 * double(n)};
}

Job reduce_case(const std::string& op, int64_t n) {
  const auto row = op == "sum" ? kernels::Reduce::sum : kernels::Reduce::max;
  if (op != "sum" && op != "max") reject(op);
  const auto f = kernel_table().reduce_row[int(row)][kFloat];
  constexpr int64_t kBlock = 16384;
  const Shared x = array(n), partial = array(n / kBlock + 1);
  const auto run = [=] {
    in_parts(n, kBlock, [&](int64_t i, int64_t end) {
      for (; i < end; i += kBlock) {
        f(x->at(i), std::min(kBlock, end - i), partial->at(i / kBlock));
      }
    });
  };
  return {run, 0, 4.0 * double(n)};
}

Job reduce_columns_case(int64_t columns, int64_t n) {
  const auto f = kernel_table().reduce_col[int(kernels::Reduce::sum)][kFloat];
  const Shared x = array(n), sums = array(columns);
  const auto run = [=] { f(sums->at(0), x->at(0), n / columns, columns, columns); };
  return {run, 0, 4.0 * double(n)};
}

Job dropout_case(int64_t n) {
  const auto f = kernel_table().dropout[kFloat];
  const Shared x = array(n), y = array(n);
  const auto run = [=] {
    const double params[2] = {0.5, 2.0};
    in_parts(n, 64, [&](int64_t i, int64_t end) {
      f({{1, 2}}, uint64_t(i), x->at(i), y->at(i), end - i, params);
    });
  };
  return {run, 0, 8.0 * double(n)};
}

// The rules of the update kernels. The learning rate is so small that the weights stay what they
// are, however often a case runs.
struct Rule {
  const char* name;
  kernels::Update update;
  int states;
  double scalars[5];
  double decay = 0;  // of the weights, before the step
};
using kernels::Update;
const Rule kRules[] = {
    {"sgd", Update::sgd, 0, {1e-30}},
    {"momentum", Update::momentum, 1, {1e-30, 0.9}},
    {"nesterov", Update::nesterov, 1, {1e-30, 0.9}},
    {"rmsprop", Update::rmsprop, 1, {1e-30, 0.9, 0, 1e-7}},
    {"adagrad", Update::adagrad, 1, {1e-30, 1e-7}},
    {"adadelta", Update::adadelta, 2, {1e-30, 0.95, 1e-7}},
    {"adam", Update::adam, 2, {1e-30, 0.9, 0.999, 1e-7}},
    {"adamw", Update::adam, 2, {1e-30, 0.9, 0.999, 1e-7}, 1e-30},
    {"adamax", Update::adamax, 2, {1e-30, 0.9, 0.999, 1e-7}},
    {"nadam", Update::nadam, 2, {1e-30, 1e-30, 0.9, 0.999, 1e-7}},
    {"lion", Update::lion, 1, {1e-30, 0.9, 0.99}},
};

Job optimizer_case(const std::string& op, int64_t n) {
  const auto* rule = std::find_if(std::begin(kRules), std::end(kRules),
                                  [&](const Rule& r) { return op == r.name; });
  if (rule == std::end(kRules)) reject(op);
  const auto& table = rule->decay != 0 ? kernel_table().update : kernel_table().plain_update;
  const auto f = table[int(rule->update)][kFloat];
  std::vector<Shared> arrays;  // weight, states, gradient
  for (int i = 0; i < rule->states + 2; ++i) arrays.push_back(array(n));
  const auto run = [=] {
    in_parts(n, 64, [&](int64_t i, int64_t end) {
      void* at[1 + kernels::kMaxUpdateStates];
      for (int k = 0; k <= rule->states; ++k) at[k] = arrays[size_t(k)]->at(i);
      kernels::UpdateArgs args{};
      args.in = at, args.out = at, args.g = arrays.back()->at(i), args.n = end - i;
      args.scalars = rule->scalars;
      args.before = {1, std::numeric_limits<double>::infinity(), rule->decay};
      f(args);
    });
  };
  return {run, 0, 4.0 * (2 * rule->states + 3) * double(n)};
}

Job make_job(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts[0] == "gemm") return gemm_case(parts);
  if (parts.size() != 3) reject(text);
  const int64_t n = number(parts[2]);
  if (parts[0] == "unary") return unary_case(parts[1], n);
  if (parts[0] == "binary") return binary_case(parts[1], n);
  if (parts[0] == "softmax") return softmax_case(number(parts[1]), n);
  if (parts[0] == "cross_entropy") return cross_entropy_case(number(parts[1]), n);
  if (parts[0] == "reduce") return reduce_case(parts[1], n);
  if (parts[0] == "reduce_columns") return reduce_columns_case(number(parts[1]), n);
  if (parts[0] == "dropout") return dropout_case(n);
  return optimizer_case(parts[0], n);
}

// ---- Time

struct Options {
  int64_t threads = 1;
  double turn_seconds = 0.05;
  bool cpu_clock = false;
  bool serve = false;
  std::vector<std::string> cases;
};

double now(bool cpu_clock) {
  timespec t;
  clock_gettime(cpu_clock ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

// Median seconds of a call, over batches that are long against reading the clock.
double median_seconds(const Job& job, const Options& options) {
  const double batch_seconds = options.cpu_clock ? 5e-4 : 1e-4;
  const auto batch = [&](int64_t calls) {
    const double start = now(options.cpu_clock);
    for (int64_t i = 0; i < calls; ++i) job.run();
    return now(options.cpu_clock) - start;
  };
  int64_t calls = 1;
  for (double s = batch(1); s < batch_seconds; s = batch(calls)) calls *= 2;
  std::vector<double> samples;
  const double end = now(false) + options.turn_seconds;
  do {
    samples.push_back(batch(calls) / double(calls));
  } while (now(false) < end);
  std::nth_element(samples.begin(), samples.begin() + samples.size() / 2, samples.end());
  return samples[samples.size() / 2];
}

// ---- Output

void print_rates(const Options& options) {
  for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16}) {
    std::printf(
        "{\"rate\": \"flops %s\", \"isa\": \"%s\", \"threads\": %d, \"per_second\": %.4g}\n",
        dtype_name(dtype), kernel_table().isa, int(options.threads), measure_flops(dtype));
  }
  const char* names[] = {"read", "copy", "add", "update"};
  for (const int64_t bytes : {24 << 10, 512 << 10, 8 << 20, 256 << 20}) {
    for (int i = 0; i < int(Traffic::count); ++i) {
      std::printf(
          "{\"rate\": \"%s in %lld KiB\", \"isa\": \"%s\", \"threads\": %d, "
          "\"per_second\": %.4g}\n",
          names[i], static_cast<long long>(bytes >> 10), kernel_table().isa, int(options.threads),
          measure_bandwidth(Traffic(i), bytes));
    }
  }
}

void print_case(const std::string& text, const Options& options) {
  const Job job = make_job(text);
  const double seconds = median_seconds(job, options);
  std::printf(
      "{\"case\": \"%s\", \"isa\": \"%s\", \"threads\": %d, \"seconds\": %.4g, "
      "\"flops_per_second\": %.4g, \"bytes_per_second\": %.4g}\n",
      text.c_str(), kernel_table().isa, int(options.threads), seconds, job.flops / seconds,
      job.bytes / seconds);
}

const char* const kDefaultCases[] = {
    "gemm:float32:nn:256x256x256",
    "gemm:float32:nn:1024x1024x1024",
    "gemm:float32:nn:32x128x784:relu",
    "gemm:float32:nt:32x784x128",
    "gemm:float32:tn:784x128x32",
    "gemm:float64:nn:512x512x512",
    "gemm:bfloat16:nn:512x512x512",
    "unary:exp:100000",
    "unary:tanh:100000",
    "unary:sigmoid:100000",
    "unary:gelu:100000",
    "unary:relu:100000",
    "binary:add:100000",
    "binary:tanh_grad:100000",
    "softmax:10:100000",
    "softmax:1000:100000",
    "cross_entropy:10:100000",
    "reduce:sum:100000",
    "reduce_columns:100:100000",
    "dropout::100000",
    "sgd::100000",
    "adam::100000",
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&]() -> std::string {
      if (++i == argc) throw std::invalid_argument("bench_kernels: expected a value after " + word);
      return argv[i];
    };
    if (word == "--serve") {
      options.serve = true;
    } else if (word == "--threads") {
      options.threads = number(value());
    } else if (word == "--turn-seconds") {
      options.turn_seconds = std::atof(value().c_str());
    } else if (word == "--clock") {
      options.cpu_clock = value() == "cpu";
    } else {
      options.cases.push_back(word);
    }
  }
  return options;
}

// A case a line, until the end of the input.
void serve(const Options& options) {
  for (std::string line; std::getline(std::cin, line); std::fflush(stdout)) {
    try {
      print_case(line, options);
    } catch (const std::exception& error) {
      std::printf("{\"error\": \"%s\"}\n", error.what());
    }
  }
}

void run(const Options& options) {
  set_num_threads(options.threads);
  const FlushDenormals mode;
  if (options.serve) return serve(options);
  print_rates(options);
  if (!options.cases.empty()) {
    for (const std::string& text : options.cases) print_case(text, options);
  } else {
    for (const char* text : kDefaultCases) print_case(text, options);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
