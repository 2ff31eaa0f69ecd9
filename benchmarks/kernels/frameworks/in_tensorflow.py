"""The jobs in TensorFlow: eager calls; optimizers as the raw kernels under its optimizers."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import tensorflow as tf

DTYPES = {"float32", "float64", "bfloat16", "int32"}
LEARNING_RATE = 0.1
LAYER_EPSILON = 1e-5


def start(threads: int) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def version() -> str:
    return f"TensorFlow {tf.__version__}"


def tensor(values: np.ndarray, dtype: str) -> Any:
    return tf.cast(tf.constant(values), dtype)


def array(result: Any) -> np.ndarray:
    value = result.value() if isinstance(result, tf.Variable) else result
    return (tf.cast(value, tf.float32) if value.dtype == tf.bfloat16 else value).numpy()


raw = tf.raw_ops


def _layer_norm(x: Any, scale: Any, offset: Any) -> Any:
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, LAYER_EPSILON)


OPS: dict[str, Callable[..., Any]] = {
    "matmul_nn": tf.matmul,
    "matmul_nt": lambda a, b: tf.matmul(a, b, transpose_b=True),
    "matmul_tn": lambda a, b: tf.matmul(a, b, transpose_a=True),
    "dense_relu": lambda x, kernel, bias: tf.nn.relu(tf.nn.bias_add(tf.matmul(x, kernel), bias)),
    "add": tf.add,
    "multiply": tf.multiply,
    "exp": tf.exp,
    "log": tf.math.log,
    "sqrt": tf.sqrt,
    "erf": tf.math.erf,
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "gelu": tf.nn.gelu,
    "relu_grad": lambda y, dy: raw.ReluGrad(gradients=dy, features=y),
    "tanh_grad": lambda y, dy: raw.TanhGrad(y=y, dy=dy),
    "sigmoid_grad": lambda y, dy: raw.SigmoidGrad(y=y, dy=dy),
    "softmax": tf.nn.softmax,
    "cross_entropy": lambda x, labels: tf.nn.sparse_softmax_cross_entropy_with_logits(
        logits=x, labels=labels
    ),
    "layer_norm": _layer_norm,
    "sum": tf.reduce_sum,
    "max": tf.reduce_max,
    "column_sum": lambda x: tf.reduce_sum(x, 0),
    "dropout": lambda x, rate: tf.nn.dropout(x, rate),
}


def _sgd(w: Any, g: Any) -> Callable[[], Any]:
    weight, rate = tf.Variable(w), tf.constant(LEARNING_RATE)

    def step() -> Any:
        raw.ResourceApplyGradientDescent(var=weight.handle, alpha=rate, delta=g)
        return weight

    return step


def _momentum(w: Any, g: Any, nesterov: bool = False) -> Callable[[], Any]:
    weight, m = tf.Variable(w), tf.Variable(tf.zeros_like(w))
    rate, momentum = tf.constant(LEARNING_RATE), tf.constant(0.9)

    def step() -> Any:
        raw.ResourceApplyKerasMomentum(
            var=weight.handle,
            accum=m.handle,
            lr=rate,
            grad=g,
            momentum=momentum,
            use_nesterov=nesterov,
        )
        return weight

    return step


def _rmsprop(w: Any, g: Any) -> Callable[[], Any]:
    weight, v, m = tf.Variable(w), tf.Variable(tf.zeros_like(w)), tf.Variable(tf.zeros_like(w))
    settings = {
        "lr": tf.constant(LEARNING_RATE),
        "rho": tf.constant(0.9),
        "momentum": tf.constant(0.0),
        "epsilon": tf.constant(1e-7),
    }

    def step() -> Any:
        raw.ResourceApplyRMSProp(var=weight.handle, ms=v.handle, mom=m.handle, grad=g, **settings)
        return weight

    return step


def _adagrad(w: Any, g: Any) -> Callable[[], Any]:
    weight, a = tf.Variable(w), tf.Variable(tf.fill(w.shape, 0.1))
    rate, epsilon = tf.constant(LEARNING_RATE), tf.constant(1e-7)

    def step() -> Any:
        raw.ResourceApplyAdagradV2(
            var=weight.handle, accum=a.handle, lr=rate, epsilon=epsilon, grad=g
        )
        return weight

    return step


def _adam(w: Any, g: Any) -> Callable[[], Any]:
    weight, m, v = tf.Variable(w), tf.Variable(tf.zeros_like(w)), tf.Variable(tf.zeros_like(w))
    settings = {
        "lr": tf.constant(LEARNING_RATE),
        "beta1": tf.constant(0.9),
        "beta2": tf.constant(0.999),
        "epsilon": tf.constant(1e-7),
    }
    power_1, power_2 = 1.0, 1.0

    def step() -> Any:
        nonlocal power_1, power_2
        power_1, power_2 = power_1 * 0.9, power_2 * 0.999
        raw.ResourceApplyAdam(
            var=weight.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=power_1,
            beta2_power=power_2,
            grad=g,
            **settings,
        )
        return weight

    return step


STEPS: dict[str, Callable[..., Callable[[], Any]]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": functools.partial(_momentum, nesterov=True),
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adam": _adam,
}
