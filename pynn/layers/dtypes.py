"""The dtypes of a layer: what it computes in and what its weights are kept in."""

from __future__ import annotations

from typing import Any

from pynn import dtype_policies
from pynn.operation import Operation


class LayerDTypes(Operation):
    """Base of `Layer`: the dtype policy and what follows from it."""

    _dtype_policy: dtype_policies.DTypePolicy
    _mixed_dtype: str | None  # the dtype to read weights in during a call; None: their own

    def _set_dtype_policy(self, identifier: Any) -> None:
        policy = dtype_policies.get(identifier)
        self._dtype_policy = policy
        mixed = policy.compute_dtype != policy.variable_dtype
        self._mixed_dtype = policy.compute_dtype if mixed else None

    @property
    def dtype_policy(self) -> dtype_policies.DTypePolicy:
        """The dtypes of computations and of weights."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._set_dtype_policy(value)

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return self._dtype_policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self._dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computations; float inputs are cast to it."""
        return self._dtype_policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to."""
        return self.compute_dtype

    @property
    def quantization_mode(self) -> None:
        """Always None: layers are not quantized."""
        return None
