"""Layers: the parts that models are made of."""

from pynn.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from pynn.layers.activity_regularization import ActivityRegularization
from pynn.layers.batch_normalization import BatchNormalization
from pynn.layers.concatenate import Concatenate, concatenate
from pynn.layers.cropping import Cropping1D, Cropping2D, Cropping3D
from pynn.layers.dense import Dense
from pynn.layers.dot import Dot, dot
from pynn.layers.dropout import Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from pynn.layers.einsum_dense import EinsumDense
from pynn.layers.embedding import Embedding
from pynn.layers.identity import Identity
from pynn.layers.input_layer import Input, InputLayer
from pynn.layers.input_spec import InputSpec
from pynn.layers.lambda_layer import Lambda
from pynn.layers.layer import Layer
from pynn.layers.masking import Masking
from pynn.layers.merging import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from pynn.layers.noise import AlphaDropout, GaussianDropout, GaussianNoise
from pynn.layers.normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from pynn.layers.pooling import (
    GlobalAveragePooling1D,
    GlobalAvgPool1D,
    GlobalMaxPool1D,
    GlobalMaxPooling1D,
)
from pynn.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from pynn.layers.serialization import deserialize, serialize
from pynn.layers.spectral_normalization import SpectralNormalization
from pynn.layers.time_distributed import TimeDistributed
from pynn.layers.up_sampling import UpSampling1D, UpSampling2D, UpSampling3D
from pynn.layers.wrapper import Wrapper
from pynn.layers.zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D

__all__ = [
    "ELU", "Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average",
    "BatchNormalization", "Concatenate", "Cropping1D", "Cropping2D", "Cropping3D", "Dense",
    "Dot", "Dropout", "EinsumDense", "Embedding", "Flatten", "GaussianDropout",
    "GaussianNoise", "GlobalAveragePooling1D",
    "GlobalAvgPool1D", "GlobalMaxPool1D", "GlobalMaxPooling1D", "GroupNormalization",
    "Identity", "Input", "InputLayer", "InputSpec", "Lambda", "Layer", "LayerNormalization",
    "LeakyReLU", "Masking", "Maximum", "Minimum", "Multiply", "PReLU", "Permute",
    "RMSNormalization", "ReLU", "RepeatVector", "Reshape", "Softmax", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D", "SpectralNormalization", "Subtract",
    "TimeDistributed", "UnitNormalization",
    "UpSampling1D", "UpSampling2D", "UpSampling3D", "Wrapper", "ZeroPadding1D", "ZeroPadding2D",
    "ZeroPadding3D", "add", "average", "concatenate", "deserialize", "dot", "maximum",
    "minimum", "multiply", "serialize", "subtract",
]  # fmt: skip
