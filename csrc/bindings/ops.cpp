// The functions of ops/functional.h, with Python objects as operands.
#include <pybind11/stl.h>

#include <array>

#include "bindings/convert.h"
#include "bindings/modules.h"
#include "ops/functional.h"

namespace pynn {

namespace {

// Work on this many elements is worth letting other Python threads run meanwhile.
constexpr int64_t kReleaseElements = 1 << 16;

template <class F>
auto run(int64_t elements, const F& f) {
  if (elements < kReleaseElements) return f();
  py::gil_scoped_release release;
  return f();
}

int64_t size_of(const Tensor& t) { return num_elements(t->shape()); }

void def_unary(py::module_& m, OpId op) {
  m.def(
      op_def(op).name,
      [op](py::handle object) {
        const Tensor x = to_tensor(object);
        return run(size_of(x), [&] { return ops::unary(op, x); });
      },
      py::arg("x"));
}

void def_binary(py::module_& m, OpId op) {
  m.def(
      op_def(op).name,
      [op](py::handle a, py::handle b) {
        const auto [x, y] = to_tensors(a, b);
        return run(size_of(x) + size_of(y), [&, x = x, y = y] { return ops::binary(op, x, y); });
      },
      py::arg("x"), py::arg("y"));
}

using ReduceFn = Tensor (*)(const Tensor&, const Dims&, bool);

// None: all axes. An empty list: none, as in NumPy.
template <class F>
Tensor reduce_over(const Tensor& x, py::handle axes, const F& f) {
  const Dims given = axes.is_none() ? Dims{} : to_dims(axes);
  if (!axes.is_none() && given.empty()) return x;
  return run(size_of(x), [&] { return f(given); });
}

void def_reductions(py::module_& m) {
  for (OpId op : {OpId::sum, OpId::prod, OpId::max, OpId::min})
    m.def(
        op_def(op).name,
        [op](py::handle object, py::handle axes, bool keepdims) {
          const Tensor x = to_tensor(object);
          return reduce_over(x, axes,
                             [&](const Dims& d) { return ops::reduce(op, x, d, keepdims); });
        },
        py::arg("x"), py::arg("axes") = py::none(), py::arg("keepdims") = false);
  const std::pair<const char*, ReduceFn> composed[] = {{"mean", &ops::mean},
                                                       {"variance", &ops::variance},
                                                       {"logsumexp", &ops::logsumexp},
                                                       {"any", &ops::any},
                                                       {"all", &ops::all}};
  for (const auto& [name, f] : composed)
    m.def(
        name,
        [f = f](py::handle object, py::handle axes, bool keepdims) {
          const Tensor x = to_tensor(object);
          return reduce_over(x, axes, [&](const Dims& d) { return f(x, d, keepdims); });
        },
        py::arg("x"), py::arg("axes") = py::none(), py::arg("keepdims") = false);
  for (OpId op : {OpId::argmax, OpId::argmin})
    m.def(
        op_def(op).name,
        [op](py::handle object, std::optional<int64_t> axis, bool keepdims) {
          const Tensor x = to_tensor(object);
          return run(size_of(x), [&] { return ops::arg_reduce(op, x, axis, keepdims); });
        },
        py::arg("x"), py::arg("axis") = py::none(), py::arg("keepdims") = false);
}

void def_elementwise(py::module_& m) {
  for (OpId op : {OpId::negative,   OpId::abs,           OpId::sign,  OpId::exp,     OpId::expm1,
                  OpId::log,        OpId::log1p,         OpId::sqrt,  OpId::rsqrt,   OpId::square,
                  OpId::reciprocal, OpId::sin,           OpId::cos,   OpId::tanh,    OpId::erf,
                  OpId::floor,      OpId::ceil,          OpId::round, OpId::isnan,   OpId::isinf,
                  OpId::isfinite,   OpId::logical_not,   OpId::relu,  OpId::sigmoid, OpId::silu,
                  OpId::softplus,   OpId::stop_gradient, OpId::copy})
    def_unary(m, op);
  for (OpId op : {OpId::add,
                  OpId::subtract,
                  OpId::multiply,
                  OpId::divide,
                  OpId::floor_divide,
                  OpId::mod,
                  OpId::power,
                  OpId::maximum,
                  OpId::minimum,
                  OpId::equal,
                  OpId::not_equal,
                  OpId::less,
                  OpId::less_equal,
                  OpId::greater,
                  OpId::greater_equal,
                  OpId::logical_and,
                  OpId::logical_or,
                  OpId::logical_xor,
                  OpId::relu_grad,
                  OpId::sigmoid_grad,
                  OpId::tanh_grad,
                  OpId::gelu_grad,
                  OpId::gelu_tanh_grad,
                  OpId::silu_grad,
                  OpId::softplus_grad,
                  OpId::sigmoid_cross_entropy})
    def_binary(m, op);
  m.def(
      "leaky_relu", [](py::handle x, double slope) { return ops::leaky_relu(to_tensor(x), slope); },
      py::arg("x"), py::arg("negative_slope"));
  m.def(
      "elu", [](py::handle x, double alpha) { return ops::elu(to_tensor(x), alpha); }, py::arg("x"),
      py::arg("alpha"));
  m.def(
      "leaky_relu_grad",
      [](py::handle x, py::handle dy, double slope) {
        return ops::binary(OpId::leaky_relu_grad, to_tensor(x), to_tensor(dy), slope);
      },
      py::arg("x"), py::arg("dy"), py::arg("negative_slope"));
  m.def(
      "elu_grad",
      [](py::handle x, py::handle dy, double alpha) {
        return ops::binary(OpId::elu_grad, to_tensor(x), to_tensor(dy), alpha);
      },
      py::arg("x"), py::arg("dy"), py::arg("alpha"));
  m.def(
      "gelu", [](py::handle x, bool approximate) { return ops::gelu(to_tensor(x), approximate); },
      py::arg("x"), py::arg("approximate"));
  m.def(
      "clip",
      [](py::handle x, double low, double high) { return ops::clip(to_tensor(x), low, high); },
      py::arg("x"), py::arg("low"), py::arg("high"));
  m.def(
      "cast",
      [](py::handle x, py::handle dtype) {
        return to_tensor(x, std::optional<DType>(to_dtype(dtype)));
      },
      py::arg("x"), py::arg("dtype"));
  m.def(
      "where",
      [](py::handle condition, py::handle a, py::handle b) {
        const auto [x, y] = to_tensors(a, b);
        return ops::where(to_tensor(condition), x, y);
      },
      py::arg("condition"), py::arg("x"), py::arg("y"));
}

void def_products(py::module_& m) {
  m.def(
      "matmul",
      [](py::handle a, py::handle b, bool transpose_x, bool transpose_y) {
        const auto [x, y] = to_tensors(a, b);
        return run(size_of(x) + size_of(y),
                   [&, x = x, y = y] { return ops::matmul(x, y, transpose_x, transpose_y); });
      },
      py::arg("x"), py::arg("y"), py::arg("transpose_x") = false, py::arg("transpose_y") = false);
  m.def(
      "dense",
      [](py::handle x, py::handle kernel, py::handle bias, const std::string& activation) {
        const Tensor a = to_tensor(x), k = to_tensor(kernel),
                     b = bias.is_none() ? nullptr : to_tensor(bias);
        return run(size_of(a) + size_of(k), [&] { return ops::dense(a, k, b, activation); });
      },
      py::arg("x"), py::arg("kernel"), py::arg("bias") = py::none(),
      py::arg("activation") = "linear");
  m.def(
      "activation_grad_sum",
      [](py::handle dy, py::handle y, const std::string& activation) {
        const Tensor g = to_tensor(dy), saved = to_tensor(y);
        return run(size_of(g), [&] { return ops::activation_grad_sum(g, saved, activation); });
      },
      py::arg("dy"), py::arg("y"), py::arg("activation"));
}

Tensors to_tensor_list(py::handle objects) {
  Tensors xs;
  for (py::handle object : py::iter(objects)) xs.push_back(to_tensor(object));
  return xs;
}

void def_layout(py::module_& m) {
  m.def(
      "reshape",
      [](py::handle x, py::handle shape) { return ops::reshape(to_tensor(x), to_dims(shape)); },
      py::arg("x"), py::arg("shape"));
  m.def(
      "transpose",
      [](py::handle object, py::handle axes) {
        const Tensor x = to_tensor(object);
        if (!axes.is_none()) return ops::transpose(x, to_dims(axes));
        Dims reversed;
        for (int i = x->rank() - 1; i >= 0; --i) reversed.push_back(i);
        return ops::transpose(x, reversed);
      },
      py::arg("x"), py::arg("axes") = py::none());
  m.def(
      "broadcast_to",
      [](py::handle x, py::handle shape) {
        return ops::broadcast_to(to_tensor(x), to_dims(shape));
      },
      py::arg("x"), py::arg("shape"));
  m.def(
      "expand_dims",
      [](py::handle x, py::handle axes) { return ops::expand_dims(to_tensor(x), to_dims(axes)); },
      py::arg("x"), py::arg("axes"));
  m.def(
      "squeeze",
      [](py::handle x, py::handle axes) {
        return ops::squeeze(to_tensor(x), axes.is_none() ? Dims{} : to_dims(axes));
      },
      py::arg("x"), py::arg("axes") = py::none());
  m.def(
      "slice",
      [](py::handle x, py::handle starts, py::handle stops, py::handle steps) {
        return ops::slice(to_tensor(x), to_dims(starts), to_dims(stops), to_dims(steps));
      },
      py::arg("x"), py::arg("starts"), py::arg("stops"), py::arg("steps"));
  m.def(
      "slice_update",
      [](py::handle x, py::handle update, py::handle starts, py::handle steps) {
        return ops::slice_update(to_tensor(x), to_tensor(update), to_dims(starts), to_dims(steps));
      },
      py::arg("x"), py::arg("update"), py::arg("starts"), py::arg("steps"));
  m.def(
      "concatenate",
      [](py::handle xs, int64_t axis) { return ops::concatenate(to_tensor_list(xs), axis); },
      py::arg("xs"), py::arg("axis") = 0);
  m.def(
      "stack", [](py::handle xs, int64_t axis) { return ops::stack(to_tensor_list(xs), axis); },
      py::arg("xs"), py::arg("axis") = 0);
  m.def(
      "pad",
      [](py::handle x, py::handle low, py::handle high, double value) {
        return ops::pad(to_tensor(x), to_dims(low), to_dims(high), value);
      },
      py::arg("x"), py::arg("low"), py::arg("high"), py::arg("value") = 0.0);
  m.def(
      "tile",
      [](py::handle x, py::handle repeats) { return ops::tile(to_tensor(x), to_dims(repeats)); },
      py::arg("x"), py::arg("repeats"));
}

void def_indexing(py::module_& m) {
  m.def(
      "take",
      [](py::handle x, py::handle indices, int64_t axis) {
        return ops::take(to_tensor(x), to_tensor(indices), axis);
      },
      py::arg("x"), py::arg("indices"), py::arg("axis") = 0);
  m.def(
      "scatter_add",
      [](py::handle x, py::handle indices, py::handle updates, int64_t axis) {
        return ops::scatter_add(to_tensor(x), to_tensor(indices), to_tensor(updates), axis);
      },
      py::arg("x"), py::arg("indices"), py::arg("updates"), py::arg("axis") = 0);
  m.def(
      "one_hot",
      [](py::handle indices, int64_t num_classes, py::handle dtype, bool checked) {
        return ops::one_hot(to_tensor(indices), num_classes, to_dtype(dtype), checked);
      },
      py::arg("indices"), py::arg("num_classes"), py::arg("dtype") = "float32",
      py::arg("checked") = false);
}

void def_losses(py::module_& m) {
  for (OpId op : {OpId::softmax, OpId::log_softmax})
    m.def(
        op_def(op).name,
        [op](py::handle x, int64_t axis) { return ops::softmax(op, to_tensor(x), axis); },
        py::arg("x"), py::arg("axis") = -1);
  m.def(
      "softmax_grad",
      [](py::handle y, py::handle dy) {
        return apply1(OpId::softmax_grad, {to_tensor(y), to_tensor(dy)});
      },
      py::arg("y"), py::arg("dy"));
  m.def(
      "log_softmax_grad",
      [](py::handle y, py::handle dy) {
        return apply1(OpId::log_softmax_grad, {to_tensor(y), to_tensor(dy)});
      },
      py::arg("y"), py::arg("dy"));
  m.def(
      "sparse_softmax_cross_entropy",
      [](py::handle logits, py::handle labels) {
        return ops::sparse_softmax_cross_entropy(to_tensor(logits), to_tensor(labels));
      },
      py::arg("logits"), py::arg("labels"));
  m.def(
      "softmax_cross_entropy",
      [](py::handle logits, py::handle targets) {
        return ops::softmax_cross_entropy(to_tensor(logits), to_tensor(targets));
      },
      py::arg("logits"), py::arg("targets"));
  for (OpId op : {OpId::sparse_softmax_cross_entropy_grad, OpId::softmax_cross_entropy_grad})
    m.def(
        op_def(op).name,
        [op](py::handle logits, py::handle targets, py::handle dloss) {
          return apply1(op, {to_tensor(logits), to_tensor(targets), to_tensor(dloss)});
        },
        py::arg("logits"), py::arg("targets"), py::arg("dloss"));
}

Tensor optional_tensor(py::handle object) { return object.is_none() ? nullptr : to_tensor(object); }

void def_normalization(py::module_& m) {
  m.def(
      "layer_norm",
      [](py::handle object, py::handle gamma, py::handle beta, double epsilon) {
        const Tensor x = to_tensor(object), g = optional_tensor(gamma), b = optional_tensor(beta);
        return run(size_of(x), [&] { return ops::row_norm(OpId::layer_norm, x, g, b, epsilon); });
      },
      py::arg("x"), py::arg("gamma"), py::arg("beta"), py::arg("epsilon"));
  m.def(
      "rms_norm",
      [](py::handle object, py::handle gamma, double epsilon) {
        const Tensor x = to_tensor(object), g = optional_tensor(gamma);
        return run(size_of(x),
                   [&] { return ops::row_norm(OpId::rms_norm, x, g, nullptr, epsilon); });
      },
      py::arg("x"), py::arg("gamma"), py::arg("epsilon"));
  for (OpId op : {OpId::layer_norm_grad, OpId::rms_norm_grad})
    m.def(
        op_def(op).name,
        [op](py::handle x, py::handle mean, py::handle rstd, py::handle dy, py::handle gamma,
             double epsilon) {
          Tensors in = {to_tensor(x), to_tensor(mean), to_tensor(rstd), to_tensor(dy)};
          if (const Tensor g = optional_tensor(gamma)) in.push_back(g);
          Attrs attrs;
          attrs.params[0] = epsilon;
          return py::tuple(py::cast(apply(op, in, attrs)));
        },
        py::arg("x"), py::arg("mean"), py::arg("rstd"), py::arg("dy"), py::arg("gamma"),
        py::arg("epsilon"));
  m.def(
      "moments",
      [](py::handle object, py::handle axes, bool keepdims) {
        const Tensor x = to_tensor(object);
        const Dims given = axes.is_none() ? Dims{} : to_dims(axes);
        if (!axes.is_none() && given.empty()) return std::pair(x, ops::zeros_like(x));
        return run(size_of(x), [&] { return ops::moments(x, given, keepdims); });
      },
      py::arg("x"), py::arg("axes") = py::none(), py::arg("keepdims") = false);
  m.def(
      "batch_norm",
      [](py::handle object, py::handle mean, py::handle scale, py::handle offset) {
        const Tensor x = to_tensor(object), centre = to_tensor(mean), s = to_tensor(scale),
                     o = to_tensor(offset);
        return run(size_of(x), [&] { return ops::batch_norm(x, centre, s, o); });
      },
      py::arg("x"), py::arg("mean"), py::arg("scale"), py::arg("offset"));
  m.def(
      "batch_norm_grad",
      [](py::handle x, py::handle mean, py::handle scale, py::handle dy) {
        return py::tuple(py::cast(apply(OpId::batch_norm_grad, {to_tensor(x), to_tensor(mean),
                                                                to_tensor(scale), to_tensor(dy)})));
      },
      py::arg("x"), py::arg("mean"), py::arg("scale"), py::arg("dy"));
}

// settings: of the rule, then (clip value, weight decay, EMA momentum, EMA overwrite frequency).
void def_updates(py::module_& m) {
  for (int id = int(OpId::sgd_update); id <= int(OpId::adafactor_matrix_update); ++id)
    m.def(
        op_def(OpId(id)).name,
        [op = OpId(id)](py::sequence arrays, py::handle gradient, py::sequence scalars,
                        std::vector<double> settings, std::array<double, 4> around) {
          const Tensors w = to_tensor_list(arrays), s = to_tensor_list(scalars);
          const Tensor g = to_tensor(gradient);
          return py::tuple(py::cast(run(size_of(g), [&] {
            return ops::update(op, w, g, s,
                               {std::move(settings), around[0], around[1], around[2], around[3]});
          })));
        },
        py::arg("arrays"), py::arg("gradient"), py::arg("scalars"), py::arg("settings"),
        py::arg("around"));
  m.def(
      "clip_scale",
      [](py::sequence gradients, double largest, double scale, bool nan_for_infinity) {
        const Tensors g = to_tensor_list(gradients);
        int64_t elements = 0;
        for (const Tensor& t : g) elements += size_of(t);
        return run(elements, [&] { return ops::clip_scale(g, largest, scale, nan_for_infinity); });
      },
      py::arg("gradients"), py::arg("largest"), py::arg("scale"), py::arg("nan_for_infinity"));
}

}  // namespace

void bind_ops(py::module_& m) {
  def_elementwise(m);
  def_reductions(m);
  def_products(m);
  def_layout(m);
  def_indexing(m);
  def_losses(m);
  def_normalization(m);
  def_updates(m);
  m.def(
      "op_names",
      [] {
        std::vector<std::pair<std::string, bool>> names;
        for (int i = 0; i < kNumOps; ++i) {
          const OpDef& op = op_def(OpId(i));
          if (op.outputs != kFromBody) names.emplace_back(op.name, op.differentiable);
        }
        return names;
      },
      "Name and differentiability of every op but those that run a program of their own.");
}

}  // namespace pynn
