"""Layers: the parts that models are made of."""

from pynn.layers.activation import Activation, LeakyReLU, ReLU, Softmax
from pynn.layers.dense import Dense
from pynn.layers.dropout import Dropout
from pynn.layers.identity import Identity
from pynn.layers.input_layer import Input, InputLayer
from pynn.layers.input_spec import InputSpec
from pynn.layers.layer import Layer
from pynn.layers.merging import Add, Concatenate, add, concatenate
from pynn.layers.reshaping import Flatten, Reshape
from pynn.layers.serialization import deserialize, serialize

__all__ = [
    "Activation",
    "Add",
    "Concatenate",
    "Dense",
    "Dropout",
    "Flatten",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "LeakyReLU",
    "ReLU",
    "Reshape",
    "Softmax",
    "add",
    "concatenate",
    "deserialize",
    "serialize",
]
