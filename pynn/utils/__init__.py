"""Helpers around models and data, as in `keras.utils`."""

from pynn.backend import standardize_dtype
from pynn.keras_tensor import is_keras_tensor
from pynn.naming import clear_session
from pynn.saving import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from pynn.utils.numerical import normalize, to_categorical
from pynn.utils.seeding import set_random_seed

__all__ = [
    "CustomObjectScope",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "is_keras_tensor",
    "normalize",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
]
