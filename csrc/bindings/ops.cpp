// The functions of ops/functional.h, with Python objects as operands.
#include <pybind11/stl.h>

#include <array>

#include "bindings/convert.h"
#include "bindings/fast_function.h"
#include "bindings/modules.h"
#include "ops/functional.h"

namespace pynn {

namespace {

Tensor optional_tensor(py::handle object) {
  return !object || object.is_none() ? nullptr : to_tensor(object);
}

// One operand: the tensor that the object holds, or one made of it.
class Operand {
 public:
  explicit Operand(py::handle object)
      : made_(is_tensor(object) ? nullptr : to_tensor(object)),
        tensor_(made_ ? made_ : tensor_of(object)) {}
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;

  operator const Tensor&() const { return tensor_; }
  const TensorImpl* operator->() const { return tensor_.get(); }

 private:
  Tensor made_;
  const Tensor& tensor_;
};

// f(x, y) of two operands, each weak beside the other where it is a Python number.
template <class F>
Tensor with_operands(py::handle a, py::handle b, const F& f) {
  const auto call = [&](const Tensor& x, const Tensor& y) {
    return run(size_of(x) + size_of(y), [&] { return f(x, y); });
  };
  if (is_tensor(a) && is_tensor(b)) return call(tensor_of(a), tensor_of(b));
  const auto [x, y] = to_tensors(a, b);
  return call(x, y);
}

// f(x) of one operand.
template <class F>
auto with_operand(py::handle object, const F& f) {
  const Operand x(object);
  return run(size_of(x), [&] { return f(static_cast<const Tensor&>(x)); });
}

// The arguments of a fast function, in the order of its parameters.
using Args = PyObject* const*;

template <OpId op>
void def_unary(py::module_& m) {
  def_fast(m, op_def(op).name, "(x: object) -> pynn._core.Tensor", [](Args args) {
    return with_operand(args[0], [](const Tensor& x) { return ops::unary(op, x); });
  });
}

template <OpId op>
void def_binary(py::module_& m, const char* signature) {
  def_fast(m, op_def(op).name, signature, [](Args args) {
    return with_operands(args[0], args[1],
                         [](const Tensor& x, const Tensor& y) { return ops::binary(op, x, y); });
  });
}

// The gradient of an op with one parameter.
template <OpId op>
void def_binary_with(py::module_& m, const char* signature) {
  def_fast(m, op_def(op).name, signature, [](Args args) {
    return ops::binary(op, Operand(args[0]), Operand(args[1]), to_double(args[2]));
  });
}

// f(x, axes, keepdims) as name(x, axis, keepdims). None: all axes. An empty list: none, as in
// NumPy.
template <class F>
void def_reduction(py::module_& m, const char* name, F f) {
  def_fast(m, name, "(x: object, axis: object = None, keepdims: bool = False) -> pynn._core.Tensor",
           [f](Args args) {
             const Operand x(args[0]);
             const bool all = !args[1] || args[1] == Py_None;
             const Dims axes = all ? Dims{} : to_axes(args[1]);
             const bool keepdims = to_bool(args[2], false);
             if (!all && axes.empty()) return static_cast<const Tensor&>(x);
             return run(size_of(x), [&] { return f(x, axes, keepdims); });
           });
}

template <OpId op>
void def_reduce(py::module_& m) {
  def_reduction(m, op_def(op).name, [](const Tensor& x, const Dims& axes, bool keepdims) {
    return ops::reduce(op, x, axes, keepdims);
  });
}

using ReduceFn = Tensor (*)(const Tensor&, const Dims&, bool);

template <ReduceFn f>
void def_composed(py::module_& m, const char* name) {
  def_reduction(m, name, [](const Tensor& x, const Dims& axes, bool keepdims) {
    return f(x, axes, keepdims);
  });
}

template <OpId op>
void def_arg_reduction(py::module_& m) {
  def_fast(m, op_def(op).name,
           "(x: object, axis: int | None = None, keepdims: bool = False) -> pynn._core.Tensor",
           [](Args args) {
             std::optional<int64_t> axis;
             if (args[1] && args[1] != Py_None) axis = to_int(args[1], 0);
             const bool keepdims = to_bool(args[2], false);
             return with_operand(
                 args[0], [&](const Tensor& x) { return ops::arg_reduce(op, x, axis, keepdims); });
           });
}

void def_reductions(py::module_& m) {
  def_reduce<OpId::sum>(m);
  def_reduce<OpId::prod>(m);
  def_reduce<OpId::max>(m);
  def_reduce<OpId::min>(m);
  def_composed<&ops::mean>(m, "mean");
  def_composed<&ops::variance>(m, "variance");
  def_composed<&ops::logsumexp>(m, "logsumexp");
  def_composed<&ops::any>(m, "any");
  def_composed<&ops::all>(m, "all");
  def_arg_reduction<OpId::argmax>(m);
  def_arg_reduction<OpId::argmin>(m);
}

template <OpId... op>
void def_unaries(py::module_& m) {
  (def_unary<op>(m), ...);
}

template <OpId... op>
void def_binaries(py::module_& m, const char* signature) {
  (def_binary<op>(m, signature), ...);
}

void def_elementwise(py::module_& m) {
  def_unaries<OpId::negative, OpId::abs, OpId::sign, OpId::exp, OpId::expm1, OpId::log, OpId::log1p,
              OpId::sqrt, OpId::rsqrt, OpId::square, OpId::reciprocal, OpId::sin, OpId::cos,
              OpId::tanh, OpId::erf, OpId::floor, OpId::ceil, OpId::round, OpId::isnan, OpId::isinf,
              OpId::isfinite, OpId::logical_not, OpId::relu, OpId::sigmoid, OpId::silu,
              OpId::softplus, OpId::stop_gradient, OpId::copy>(m);
  def_binaries<OpId::add, OpId::subtract, OpId::multiply, OpId::divide, OpId::floor_divide,
               OpId::mod, OpId::power, OpId::maximum, OpId::minimum, OpId::equal, OpId::not_equal,
               OpId::less, OpId::less_equal, OpId::greater, OpId::greater_equal, OpId::logical_and,
               OpId::logical_or, OpId::logical_xor>(
      m, "(x1: object, x2: object) -> pynn._core.Tensor");
  def_binaries<OpId::relu_grad, OpId::sigmoid_grad, OpId::tanh_grad, OpId::gelu_grad,
               OpId::gelu_tanh_grad, OpId::silu_grad, OpId::softplus_grad,
               OpId::sigmoid_cross_entropy>(m, "(x: object, y: object) -> pynn._core.Tensor");
  def_fast(m, "leaky_relu", "(x: object, negative_slope: float) -> pynn._core.Tensor",
           [](Args args) { return ops::leaky_relu(Operand(args[0]), to_double(args[1])); });
  def_fast(m, "elu", "(x: object, alpha: float) -> pynn._core.Tensor",
           [](Args args) { return ops::elu(Operand(args[0]), to_double(args[1])); });
  def_binary_with<OpId::leaky_relu_grad>(
      m, "(x: object, dy: object, negative_slope: float) -> pynn._core.Tensor");
  def_binary_with<OpId::elu_grad>(m, "(x: object, dy: object, alpha: float) -> pynn._core.Tensor");
  def_fast(m, "gelu", "(x: object, approximate: bool) -> pynn._core.Tensor", [](Args args) {
    const bool approximate = to_bool(args[1], true);
    return with_operand(args[0], [&](const Tensor& x) { return ops::gelu(x, approximate); });
  });
  def_fast(m, "clip", "(x: object, low: float, high: float) -> pynn._core.Tensor", [](Args args) {
    return ops::clip(Operand(args[0]), to_double(args[1]), to_double(args[2]));
  });
  def_fast(m, "cast", "(x: object, dtype: object) -> pynn._core.Tensor",
           [](Args args) { return to_tensor(args[0], std::optional<DType>(to_dtype(args[1]))); });
  def_fast(m, "where", "(condition: object, x1: object, x2: object) -> pynn._core.Tensor",
           [](Args args) {
             const auto [x, y] = to_tensors(args[1], args[2]);
             return ops::where(Operand(args[0]), x, y);
           });
}

std::string to_text(PyObject* object, const char* otherwise) {
  if (!object) return otherwise;
  return py::cast<std::string>(py::handle(object));
}

void def_products(py::module_& m) {
  def_fast(m, "matmul",
           "(x1: object, x2: object, transpose_x: bool = False, transpose_y: bool = False) -> "
           "pynn._core.Tensor",
           [](Args args) {
             const bool transpose_x = to_bool(args[2], false),
                        transpose_y = to_bool(args[3], false);
             return with_operands(args[0], args[1], [&](const Tensor& x, const Tensor& y) {
               return ops::matmul(x, y, transpose_x, transpose_y);
             });
           });
  def_fast(m, "dense",
           "(x: object, kernel: object, bias: object = None, activation: str = 'linear') -> "
           "pynn._core.Tensor",
           [](Args args) {
             const Operand x(args[0]), kernel(args[1]);
             const Tensor bias = optional_tensor(args[2]);
             const std::string activation = to_text(args[3], "linear");
             return run(size_of(x) + size_of(kernel),
                        [&] { return ops::dense(x, kernel, bias, activation); });
           });
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
  def_fast(m, "reshape", "(x: object, shape: object) -> pynn._core.Tensor",
           [](Args args) { return ops::reshape(Operand(args[0]), to_dims(args[1])); });
  def_fast(m, "transpose", "(x: object, axes: object = None) -> pynn._core.Tensor", [](Args args) {
    const Operand x(args[0]);
    if (args[1] && args[1] != Py_None) return ops::transpose(x, to_dims(args[1]));
    Dims reversed;
    for (int i = x->rank() - 1; i >= 0; --i) reversed.push_back(i);
    return ops::transpose(x, reversed);
  });
  def_fast(m, "broadcast_to", "(x: object, shape: object) -> pynn._core.Tensor",
           [](Args args) { return ops::broadcast_to(Operand(args[0]), to_dims(args[1])); });
  def_fast(m, "expand_dims", "(x: object, axes: object) -> pynn._core.Tensor",
           [](Args args) { return ops::expand_dims(Operand(args[0]), to_dims(args[1])); });
  def_fast(m, "squeeze", "(x: object, axes: object = None) -> pynn._core.Tensor", [](Args args) {
    const bool all = !args[1] || args[1] == Py_None;
    return ops::squeeze(Operand(args[0]), all ? Dims{} : to_dims(args[1]));
  });
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

template <OpId op>
void def_softmax(py::module_& m) {
  def_fast(m, op_def(op).name, "(x: object, axis: int = -1) -> pynn._core.Tensor", [](Args args) {
    const int64_t axis = to_int(args[1], -1);
    return with_operand(args[0], [&](const Tensor& x) { return ops::softmax(op, x, axis); });
  });
}

// Ops without steps before or after.
template <OpId op>
void def_two(py::module_& m, const char* signature) {
  def_fast(m, op_def(op).name, signature, [](Args args) {
    const Operand x(args[0]), y(args[1]);
    return run(size_of(x), [&] { return apply1(op, {x, y}); });
  });
}

template <OpId op>
void def_loss_grad(py::module_& m) {
  def_fast(m, op_def(op).name,
           "(logits: object, targets: object, dloss: object) -> pynn._core.Tensor", [](Args args) {
             const Operand logits(args[0]), targets(args[1]), dloss(args[2]);
             return run(size_of(logits), [&] { return apply1(op, {logits, targets, dloss}); });
           });
}

void def_losses(py::module_& m) {
  def_softmax<OpId::softmax>(m);
  def_softmax<OpId::log_softmax>(m);
  def_two<OpId::softmax_grad>(m, "(y: object, dy: object) -> pynn._core.Tensor");
  def_two<OpId::log_softmax_grad>(m, "(y: object, dy: object) -> pynn._core.Tensor");
  def_fast(m, "sparse_softmax_cross_entropy",
           "(logits: object, labels: object) -> pynn._core.Tensor", [](Args args) {
             const Operand x(args[0]), y(args[1]);
             return run(size_of(x), [&] { return ops::sparse_softmax_cross_entropy(x, y); });
           });
  def_fast(m, "softmax_cross_entropy", "(logits: object, targets: object) -> pynn._core.Tensor",
           [](Args args) {
             const Operand x(args[0]), y(args[1]);
             return run(size_of(x), [&] { return ops::softmax_cross_entropy(x, y); });
           });
  def_loss_grad<OpId::sparse_softmax_cross_entropy_grad>(m);
  def_loss_grad<OpId::softmax_cross_entropy_grad>(m);
}

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
