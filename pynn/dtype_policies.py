"""In which dtype a layer computes and in which it keeps its weights."""

from collections.abc import Mapping
from typing import Any

from pynn import backend
from pynn.lookup import unknown_name_error

_PLAIN = ("float32", "float64", "float16", "bfloat16")
_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
# Layers of integers or flags (hashing, lookup) may carry any dtype as their policy.
_KNOWN = (*_PLAIN, *_MIXED, "bool", "uint8", "uint16", "uint32", "uint64")
_KNOWN = (*_KNOWN, "int8", "int16", "int32", "int64")

_default_policy: "DTypePolicy | None" = None


class DTypePolicy:
    """A compute dtype and a variable dtype.

    Args:
        name: a dtype ("float32", "bfloat16", ...), for both, or "mixed_float16" or
            "mixed_bfloat16": weights in float32, computations in half precision. None: the
            default policy, `pynn.config.dtype_policy()`.

    Raises:
        ValueError: there is no such policy.

    >>> policy = DTypePolicy("mixed_bfloat16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('bfloat16', 'float32')
    """

    def __init__(self, name: str | None = None):
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise TypeError(f"pynn.DTypePolicy: expected a name; received {name!r}")
        if name not in _KNOWN:
            raise unknown_name_error("dtype policy", name, _KNOWN)
        self._name = name
        self._compute_dtype = _MIXED.get(name, name)
        self._variable_dtype = "float32" if name in _MIXED else name

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype that inputs are cast to and results have."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self._variable_dtype

    @property
    def quantization_mode(self) -> None:
        """Always None: no quantized policies."""
        return None

    def convert_input(self, x: Any, autocast: bool, dtype: str) -> Any:
        """Return an array, tensor or symbolic tensor as a tensor; floats are cast to `dtype`.

        Values that are neither are returned as they are; `autocast=False` keeps float dtypes.

        >>> DTypePolicy("float32").convert_input(np.ones(2), True, "float32").dtype
        'float32'
        """
        from pynn.layers.arguments import convert_leaf

        return convert_leaf(x, autocast, backend.standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "DTypePolicy":
        """Make a policy from `get_config()`."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


class FloatDTypePolicy(DTypePolicy):
    """Another name of `DTypePolicy`, which Keras keeps for policies that are not quantized."""


def dtype_policy() -> DTypePolicy:
    """Return the policy of layers that are given none: `floatx()` unless set.

    >>> dtype_policy().name
    'float32'
    """
    if _default_policy is not None:
        return _default_policy
    return DTypePolicy(backend.floatx())


def set_dtype_policy(policy: "str | DTypePolicy | None") -> None:
    """Set the policy of layers that are given none; None goes back to `floatx()`.

    >>> set_dtype_policy("mixed_bfloat16")
    >>> dtype_policy().name
    'mixed_bfloat16'
    >>> set_dtype_policy(None)
    """
    global _default_policy
    _default_policy = None if policy is None else get(policy)


def serialize(dtype_policy: DTypePolicy) -> Any:
    """Return the policy as a config dict."""
    from pynn.saving import serialize_keras_object

    return serialize_keras_object(dtype_policy)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> DTypePolicy:
    """Return the policy that `serialize` wrote.

    >>> deserialize(serialize(DTypePolicy("float64")))
    <DTypePolicy "float64">
    """
    return get(config)


def get(identifier: Any) -> DTypePolicy:
    """Return the policy for a name, a dtype, a config, a policy, or None (the default policy).

    Raises:
        ValueError: there is no such policy.

    >>> get("mixed_float16")
    <DTypePolicy "mixed_float16">
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, Mapping):
        return _from_serialized(identifier)
    if isinstance(identifier, str) and identifier in _MIXED:
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(backend.standardize_dtype(identifier))
    except ValueError:
        raise unknown_name_error("dtype policy", identifier, _KNOWN) from None


def _from_serialized(config: Mapping[str, Any]) -> DTypePolicy:
    name = config.get("config", config).get("name")
    if config.get("class_name", "DTypePolicy") not in ("DTypePolicy", "FloatDTypePolicy"):
        raise unknown_name_error("dtype policy", config["class_name"], ("DTypePolicy",))
    return DTypePolicy(name)
