"""Data type names and promotion.

The promotion rules are those of Keras, which are those of JAX
(https://docs.jax.dev/en/latest/type_promotion.html), with one difference: 64-bit types stay 64-bit.
"""

import functools
from typing import Any

import numpy as np

from pynn.backend import config

FLOAT_DTYPES = ("bfloat16", "float16", "float32", "float64")
INT_DTYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
# Largest finite values.
LARGEST_FLOAT = {
    "float16": 65504.0,
    "bfloat16": float.fromhex("0x1.fep127"),
    "float32": float.fromhex("0x1.fffffep127"),
    "float64": float.fromhex("0x1.fffffffffffffp1023"),
}
ALLOWED_DTYPES = ("bool", *INT_DTYPES, *FLOAT_DTYPES, "string")

_PYTHON_DTYPES = {bool: "bool", int: "int32", float: "float32", str: "string"}
_WEAK_DTYPES = ("int", "float")


def standardize_dtype(dtype: Any) -> str:
    """Return the name of a dtype given as a name, Python type, NumPy or framework dtype.

    None means `floatx()`.

    Raises:
        ValueError: there is no such dtype.

    >>> pynn.backend.standardize_dtype(np.dtype("int64"))
    'int64'
    >>> pynn.backend.standardize_dtype(None)
    'float32'
    """
    if type(dtype) is str and dtype in ALLOWED_DTYPES:
        return dtype
    if dtype is None:
        return config.floatx()
    name = _PYTHON_DTYPES.get(dtype) if isinstance(dtype, type) else None
    if name is None:
        name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    if name.startswith("torch."):
        name = name[len("torch.") :]
    if name == "int":
        name = "int32"
    elif name == "float":
        name = "float32"
    elif name == "bool_":
        name = "bool"
    if name not in ALLOWED_DTYPES:
        raise ValueError(f"pynn.dtype: expected one of {ALLOWED_DTYPES}; received {dtype!r}")
    return name


def is_float_dtype(dtype: Any) -> bool:
    """Return whether a dtype is a floating-point type.

    >>> pynn.backend.is_float_dtype("bfloat16")
    True
    """
    return standardize_dtype(dtype) in FLOAT_DTYPES


def is_int_dtype(dtype: Any) -> bool:
    """Return whether a dtype is an integer type (bool is not).

    >>> pynn.backend.is_int_dtype("uint8")
    True
    """
    return standardize_dtype(dtype) in INT_DTYPES


def result_type(*dtypes: Any) -> str:
    """Return the dtype that values of the given dtypes promote to.

    The Python types `int` and `float` are weak: they follow the other operands, and stand for
    an integer or float of `floatx()`'s width when alone. None means `floatx()`.

    Raises:
        ValueError: a dtype is unknown.

    >>> pynn.backend.result_type("bfloat16", int)
    'bfloat16'
    >>> pynn.backend.result_type("int32", "float32")
    'float32'
    """
    if not dtypes:
        return config.floatx()
    name = functools.reduce(_promote, (_weak_or_standard(d) for d in dtypes))
    if name in _WEAK_DTYPES:
        if name == "float" and config.floatx() == "bfloat16":
            return "bfloat16"
        return name + config.floatx()[-2:]
    return name


def widened_for_sum(dtype: str) -> str:
    """Return the dtype in which sums and products of `dtype` are taken.

    Integers narrower than 32 bits, and bool, widen to 32 bits.

    >>> from pynn.backend.dtypes import widened_for_sum
    >>> widened_for_sum("bool"), widened_for_sum("uint8"), widened_for_sum("float16")
    ('int32', 'uint32', 'float16')
    """
    return _SUM_DTYPES.get(dtype, dtype)


_SUM_DTYPES = {
    "bool": "int32",
    "int8": "int32",
    "int16": "int32",
    "uint8": "uint32",
    "uint16": "uint32",
}


def float_result(dtype: str) -> str:
    """Return the dtype of a real-valued function of `dtype`: itself, or `floatx()` for ints.

    >>> from pynn.backend.dtypes import float_result
    >>> float_result("int32"), float_result("float16")
    ('float32', 'float16')
    """
    return dtype if dtype in FLOAT_DTYPES else config.floatx()


def numpy_dtype(dtype: str) -> np.dtype:
    """Return the NumPy dtype of a dtype name; bfloat16 comes from ml_dtypes.

    >>> from pynn.backend.dtypes import numpy_dtype
    >>> numpy_dtype("float32")
    dtype('float32')
    """
    if dtype == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(dtype)


def _weak_or_standard(dtype: Any) -> str:
    # Names only: NumPy's float64 says that it equals "float".
    if dtype is int or (isinstance(dtype, str) and dtype == "int"):
        return "int"
    if dtype is float or (isinstance(dtype, str) and dtype == "float"):
        return "float"
    return standardize_dtype(dtype)


@functools.cache
def _promote(a: str, b: str) -> str:
    """Least upper bound of two dtypes, of which "int" and "float" are weak."""
    if a == b:
        return a
    if "string" in (a, b):
        raise ValueError(f"pynn.result_type: expected dtypes that mix; received {a!r} and {b!r}")
    rank_a, rank_b = _rank(a), _rank(b)
    if rank_a > rank_b:
        a, b, rank_a, rank_b = b, a, rank_b, rank_a
    if rank_a != rank_b:  # bool < weak int < int < weak float < float: the higher kind decides
        return b
    if rank_a == 4:
        # Neither half format contains the other.
        return "float32" if {a, b} == {"bfloat16", "float16"} else max(a, b, key=_width)
    return _promote_ints(a, b)


def _rank(dtype: str) -> int:
    if dtype == "bool":
        return 0
    if dtype in _WEAK_DTYPES:
        return 1 if dtype == "int" else 3
    return 2 if dtype in INT_DTYPES else 4


def _width(dtype: str) -> int:
    return int("".join(c for c in dtype if c.isdigit()))


def _promote_ints(a: str, b: str) -> str:
    if a.startswith("u") == b.startswith("u"):
        return max(a, b, key=_width)
    unsigned, signed = (a, b) if a.startswith("u") else (b, a)
    if _width(signed) > _width(unsigned):
        return signed
    if unsigned == "uint64":  # no integer holds both ranges
        return "float"
    return f"int{2 * _width(unsigned)}"
