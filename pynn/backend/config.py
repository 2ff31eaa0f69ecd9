"""Numeric defaults of the whole library: float type, fuzz factor, image layout."""

from pynn import _core

_FLOATX_CHOICES = ("bfloat16", "float16", "float32", "float64")
_IMAGE_DATA_FORMATS = ("channels_first", "channels_last")

_floatx = "float32"
_epsilon = 1e-7
_image_data_format = "channels_last"


def floatx() -> str:
    """Return the default float type: "bfloat16", "float16", "float32" or "float64".

    >>> pynn.backend.floatx()
    'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float type.

    Raises:
        ValueError: `value` is not "bfloat16", "float16", "float32" or "float64".

    >>> pynn.backend.set_floatx("float64")
    >>> pynn.backend.floatx()
    'float64'
    >>> pynn.backend.set_floatx("float32")
    """
    global _floatx
    if value not in _FLOATX_CHOICES:
        raise ValueError(f"pynn.set_floatx: expected one of {_FLOATX_CHOICES}; received {value!r}")
    _core.set_default_float(value)  # what Python floats become
    _floatx = value


def epsilon() -> float:
    """Return the fuzz factor that keeps logarithms and quotients finite.

    >>> pynn.backend.epsilon()
    1e-07
    """
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the fuzz factor returned by `epsilon()`.

    >>> pynn.backend.set_epsilon(1e-5)
    >>> pynn.backend.epsilon()
    1e-05
    >>> pynn.backend.set_epsilon(1e-7)
    """
    global _epsilon
    _epsilon = value


def image_data_format() -> str:
    """Return the default image layout, "channels_last" or "channels_first".

    >>> pynn.backend.image_data_format()
    'channels_last'
    """
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the default image layout.

    Raises:
        ValueError: `data_format` is not "channels_last" or "channels_first".

    >>> pynn.backend.set_image_data_format("channels_first")
    >>> pynn.backend.image_data_format()
    'channels_first'
    >>> pynn.backend.set_image_data_format("channels_last")
    """
    global _image_data_format
    _image_data_format = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """Return a checked, lower-case image layout; None means the default.

    Raises:
        ValueError: `data_format` is not "channels_last" or "channels_first".

    >>> from pynn.backend.config import standardize_data_format
    >>> standardize_data_format(None)
    'channels_last'
    """
    if data_format is None:
        return _image_data_format
    name = str(data_format).lower()
    if name not in _IMAGE_DATA_FORMATS:
        raise ValueError(
            f"pynn.data_format: expected one of {_IMAGE_DATA_FORMATS}; received {data_format!r}"
        )
    return name


def backend() -> str:
    """Return the name of the engine: always "pynn".

    >>> pynn.backend.backend()
    'pynn'
    """
    return "pynn"
