"""Numeric defaults, dtype rules and tensor conversion: the ground every other module stands on."""

import importlib
import sys
from typing import Any

from pynn.backend.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    standardize_data_format,
)
from pynn.backend.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from pynn.backend.tensors import cast, convert_to_numpy, convert_to_tensor, is_tensor

__all__ = [
    "backend",
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_data_format",
    "standardize_dtype",
]


def __getattr__(name: str) -> Any:
    """Keras exposes a few names here whose modules sit above this one; they load on first use."""
    if name in ("clear_session", "get_uid"):
        from pynn import naming

        return getattr(naming, name)
    if name == "is_keras_tensor":
        from pynn.keras_tensor import is_keras_tensor

        return is_keras_tensor
    if not name.startswith("_") and "pynn.ops" in sys.modules:  # not while pynn itself loads
        found = importlib.import_module("pynn.backend.classic").find(name)
        if found is not None:
            return found
    raise AttributeError(f"module 'pynn.backend' has no attribute {name!r}")
