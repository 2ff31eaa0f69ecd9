"""Layers: the parts that models are made of."""

from pynn.layers.activation import Activation, LeakyReLU, ReLU, Softmax
from pynn.layers.batch_normalization import BatchNormalization
from pynn.layers.dense import Dense
from pynn.layers.dropout import Dropout
from pynn.layers.identity import Identity
from pynn.layers.input_layer import Input, InputLayer
from pynn.layers.input_spec import InputSpec
from pynn.layers.layer import Layer
from pynn.layers.merging import Add, Concatenate, add, concatenate
from pynn.layers.normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from pynn.layers.reshaping import Flatten, Reshape
from pynn.layers.serialization import deserialize, serialize

__all__ = [
    "Activation",
    "Add",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dropout",
    "Flatten",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "RMSNormalization",
    "ReLU",
    "Reshape",
    "Softmax",
    "UnitNormalization",
    "add",
    "concatenate",
    "deserialize",
    "serialize",
]
