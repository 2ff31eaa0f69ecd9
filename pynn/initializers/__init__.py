"""Initializers: where weights start. Names, arguments and configs as in `keras.initializers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pynn import _core
from pynn.backend import floatx, standardize_dtype
from pynn.initializers.constant import Constant, Identity, Ones, Zeros
from pynn.initializers.initializer import Initializer
from pynn.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from pynn.lookup import get_from_registry, name_table
from pynn.saving import serialize_keras_object

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = IdentityInitializer = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

_TABLE = name_table(
    [
        Constant,
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        Identity,
        LecunNormal,
        LecunUniform,
        Ones,
        Orthogonal,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        VarianceScaling,
        Zeros,
    ],
    IdentityInitializer=Identity,
    OrthogonalInitializer=Orthogonal,
    normal=RandomNormal,
    one=Ones,
    uniform=RandomUniform,
    zero=Zeros,
)


def get(identifier: Any) -> Any:
    """Turn a name, config, class, callable or array into an initializer.

    An array or tensor becomes an initializer that returns it, for exactly its own shape.

    Raises:
        ValueError: an unknown name, with the nearest known one.

    >>> get("glorot_uniform").get_config()
    {'seed': None, 'input_axes': None, 'output_axes': None}
    >>> get({"class_name": "Ones", "config": {}})((1,)).numpy()
    array([1.], dtype=float32)
    """
    if isinstance(identifier, (_core.Tensor, np.ndarray, np.generic)):
        return _FromArray(identifier)
    return get_from_registry("initializer", identifier, _TABLE)


def serialize(initializer: Any) -> Any:
    """The config of an initializer.

    >>> serialize(Zeros())["class_name"]
    'Zeros'
    """
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Rebuild an initializer from its config, or from its name.

    >>> type(deserialize(serialize(Zeros()))).__name__
    'Zeros'
    """
    return get_from_registry("initializer", config, _TABLE, custom_objects=custom_objects)


class _FromArray:
    """Hands out one given array."""

    def __init__(self, value: Any):
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        if tuple(shape) != tuple(self.value.shape):
            raise ValueError(
                f"pynn.initializers.get: expected shape {tuple(self.value.shape)}, that of the "
                f"given array; received shape {tuple(shape)}"
            )
        return _core.tensor(self.value, standardize_dtype(dtype or floatx()))


__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
