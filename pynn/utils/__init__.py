"""Helpers around models and data, as in `keras.utils`."""

from pynn.backend import standardize_dtype
from pynn.backend.console import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
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
from pynn.training.data import pack_x_y_sample_weight, unpack_x_y_sample_weight
from pynn.utils.config import Config
from pynn.utils.numerical import normalize, to_categorical
from pynn.utils.progbar import Progbar
from pynn.utils.seeding import set_random_seed
from pynn.utils.sequences import pad_sequences
from pynn.utils.source_inputs import get_source_inputs

__all__ = [
    "Config",
    "CustomObjectScope",
    "Progbar",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
