"""From what a user passed to `compile` to loss and metric objects."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from pynn import losses, metrics
from pynn.naming import to_snake_case


def _is_binary_or_sparse(y_true: Any, y_pred: Any) -> tuple[bool, bool]:
    """What "accuracy" and "crossentropy" mean depends on the shapes alone, as in Keras."""
    outputs = y_pred.shape[-1]
    is_sparse = len(y_true.shape) < len(y_pred.shape) or (y_true.shape[-1] == 1 and outputs > 1)
    return outputs == 1, is_sparse


def resolve_loss(identifier: Any, y_true: Any, y_pred: Any) -> losses.Loss:
    """Returns the loss object for a name, function, class or object.

    Raises:
        ValueError: for an unknown name.
    """
    if str(identifier).lower() in ("crossentropy", "ce"):
        is_binary, is_sparse = _is_binary_or_sparse(y_true, y_pred)
        if is_binary:
            loss: Any = losses.binary_crossentropy
        elif is_sparse:
            loss = losses.sparse_categorical_crossentropy
        else:
            loss = losses.categorical_crossentropy
    else:
        loss = losses.get(identifier)
    if isinstance(loss, losses.Loss):
        return loss
    name = identifier if isinstance(identifier, str) else object_name(loss)
    return losses.LossFunctionWrapper(loss, name=name)


def loss_for_model(loss: losses.Loss, model: Any) -> losses.Loss:
    """Returns a loss whose function has an argument `model` with that filled in; others as is."""
    if type(loss) is not losses.LossFunctionWrapper or not _takes_model(loss.fn):
        return loss
    return losses.LossFunctionWrapper(
        functools.partial(loss.fn, model=model), loss.reduction, loss.name, loss.dtype
    )


def _takes_model(function: Callable[..., Any]) -> bool:
    return "model" in inspect.signature(function).parameters


def resolve_metric(identifier: Any, y_true: Any, y_pred: Any) -> metrics.Metric:
    """Returns the metric object for a name, function, class or object.

    Raises:
        ValueError: for an unknown name.
    """
    if str(identifier).lower() in ("accuracy", "acc"):
        is_binary, is_sparse = _is_binary_or_sparse(y_true, y_pred)
        if is_binary:
            metric: Any = metrics.BinaryAccuracy()
        elif is_sparse:
            metric = metrics.SparseCategoricalAccuracy()
        else:
            metric = metrics.CategoricalAccuracy()
    else:
        metric = metrics.get(identifier)
    name = identifier if isinstance(identifier, str) else object_name(metric)
    if not isinstance(metric, metrics.Metric):
        metric = metrics.MeanMetricWrapper(metric)
    metric.name = name
    return metric


def object_name(obj: Any) -> str:
    """Returns the name of an object: its own, its function's, or that of its class."""
    own = getattr(obj, "name", None) or getattr(obj, "__name__", None)
    return own or to_snake_case(type(obj).__name__)
