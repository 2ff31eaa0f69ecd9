// The operators of tensors, as slots of their type.
#include "bindings/call.h"
#include "bindings/convert.h"
#include "ops/functional.h"

namespace pynn {

namespace {

PyObject* not_implemented() { Py_RETURN_NOTIMPLEMENTED; }

Tensor compute(OpId op, const Tensor& x, const Tensor& y) {
  return run(size_of(x) + size_of(y),
             [&] { return op == OpId::matmul ? ops::matmul(x, y) : ops::binary(op, x, y); });
}

// a op b, either of which may be the tensor; NotImplemented where the other is nothing that a
// tensor can meet.
PyObject* operate(OpId op, PyObject* a, PyObject* b) {
  try {
    if (is_tensor(a) && is_tensor(b)) return wrap(compute(op, tensor_of(a), tensor_of(b)));
    std::pair<Tensor, Tensor> pair;
    try {
      pair = to_tensors(a, b);
    } catch (const TypeError&) {
      return not_implemented();
    }
    return wrap(compute(op, pair.first, pair.second));
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

PyObject* operate(OpId op, PyObject* self) {
  try {
    const Tensor& x = tensor_of(self);
    return wrap(run(size_of(x), [&] { return ops::unary(op, x); }));
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

template <OpId op>
PyObject* binary(PyObject* a, PyObject* b) {
  return operate(op, a, b);
}

template <OpId op>
PyObject* unary(PyObject* self) {
  return operate(op, self);
}

PyObject* power(PyObject* a, PyObject* b, PyObject* modulus) {
  return modulus == Py_None ? operate(OpId::power, a, b) : not_implemented();
}

PyObject* positive(PyObject* self) {
  Py_INCREF(self);
  return self;
}

PyObject* compare(PyObject* a, PyObject* b, int comparison) {
  static_assert(Py_LT == 0 && Py_LE == 1 && Py_EQ == 2 && Py_NE == 3 && Py_GT == 4 && Py_GE == 5);
  constexpr OpId ops[] = {OpId::less,      OpId::less_equal, OpId::equal,
                          OpId::not_equal, OpId::greater,    OpId::greater_equal};
  return operate(ops[comparison], a, b);
}

template <class F>
PyType_Slot slot(int id, F* f) {
  return {id, reinterpret_cast<void*>(f)};
}

}  // namespace

PyType_Slot tensor_operators[] = {
    slot(Py_nb_add, binary<OpId::add>),
    slot(Py_nb_subtract, binary<OpId::subtract>),
    slot(Py_nb_multiply, binary<OpId::multiply>),
    slot(Py_nb_true_divide, binary<OpId::divide>),
    slot(Py_nb_floor_divide, binary<OpId::floor_divide>),
    slot(Py_nb_remainder, binary<OpId::mod>),
    slot(Py_nb_power, power),
    slot(Py_nb_matrix_multiply, binary<OpId::matmul>),
    slot(Py_nb_and, binary<OpId::logical_and>),
    slot(Py_nb_or, binary<OpId::logical_or>),
    slot(Py_nb_xor, binary<OpId::logical_xor>),
    slot(Py_tp_richcompare, compare),
    slot(Py_nb_negative, unary<OpId::negative>),
    slot(Py_nb_positive, positive),
    slot(Py_nb_absolute, unary<OpId::abs>),
    slot(Py_nb_invert, unary<OpId::logical_not>),
    {0, nullptr},
};

}  // namespace pynn
