"""Layers: the parts that models are made of."""

from pynn.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from pynn.layers.activity_regularization import ActivityRegularization
from pynn.layers.batch_normalization import BatchNormalization
from pynn.layers.dense import Dense
from pynn.layers.dropout import Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from pynn.layers.identity import Identity
from pynn.layers.input_layer import Input, InputLayer
from pynn.layers.input_spec import InputSpec
from pynn.layers.layer import Layer
from pynn.layers.merging import Add, Concatenate, add, concatenate
from pynn.layers.noise import AlphaDropout, GaussianDropout, GaussianNoise
from pynn.layers.normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from pynn.layers.reshaping import Flatten, Reshape
from pynn.layers.serialization import deserialize, serialize

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "PReLU",
    "RMSNormalization",
    "ReLU",
    "Reshape",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "UnitNormalization",
    "add",
    "concatenate",
    "deserialize",
    "serialize",
]
